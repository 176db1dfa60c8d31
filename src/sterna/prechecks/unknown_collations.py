"""Everything sorts and compares on the target as it does on the source.

Which collations MySQL knows is data: `mysql_collations.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from sterna.mysql.catalog import read_databases
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("mysql_collations.toml")


class UnknownCollations(Check):
    """Finds collations of MariaDB that MySQL has not got, or has under another name only."""

    name = "unknown_collations"
    title = "Collations the target does not have"
    category = "other"
    why = "The target refuses such a column; in another collation keys may collide."

    def run(self, context: Context) -> Iterator[Finding]:
        """An error per table or database that cannot be carried, a warning for another order."""
        if not context.crosses:
            return
        server = context.variable("collation_server")
        if not _is_known(server):
            instead = f"{server.partition('_')[0]}_unicode_520_ci"
            yield self.warning(
                "collation_server",
                message=f"MySQL has no collation like {server}; new databases get the cluster's.",
                remedy=f"SET GLOBAL collation_server = '{instead}';\n"
                "-- And in the source's configuration.",
            )
        for database in read_databases(context.source):
            yield from self._judge(
                database.name, f"DATABASE {quote(database.name)}", [database.collation]
            )
        for table in context.tables:
            columns = context.columns[table.database].get(table.name, ())
            used = {table.collation, *(c.collation for c in columns)} - {""}
            name = quote(table.database, table.name)
            yield from self._judge(f"{table.database}.{table.name}", f"TABLE {name}", sorted(used))

    def _judge(self, about: str, altered: str, used: Iterable[str]) -> Iterator[Finding]:
        for collation in used:
            instead = next((c for c in _candidates(collation) if _is_known(c)), "")
            charset = collation.partition("_")[0]
            convert = "CONVERT TO " if altered.startswith("TABLE") else ""
            fallback = f"ALTER {altered} {convert}CHARACTER SET {charset}"
            remedy = f"{fallback} COLLATE {instead or f'{charset}_general_ci'};"
            if not instead:
                message = f"MySQL has no collation like {collation}."
                yield self.error(about, message=message, remedy=remedy)
            elif not _is_known(collation):
                message = f"{collation} becomes {instead}, which orders rare characters otherwise."
                remedy = f"Test what sorts by it: ORDER BY and unique keys of {altered}."
                yield self.warning(about, message=message, remedy=remedy)


@cache
def known_collations() -> frozenset[str]:
    """The collations of MySQL 9.7."""
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    return frozenset(f"{charset}_{rest}" for charset, rests in data.items() for rest in rests)


def _is_known(collation: str) -> bool:
    charset, _, rest = collation.partition("_")
    return f"{'utf8mb3' if charset == 'utf8' else charset}_{rest}" in known_collations()


def _candidates(collation: str) -> Iterator[str]:
    """In the order in which the copy tries them."""
    yield collation
    charset, _, rest = collation.partition("_")
    if rest.startswith("uca1400_"):
        strength = rest.removeprefix("uca1400_").removeprefix("nopad_")
        yield f"{charset}_0900_{strength}"
        if strength == "ai_ci":
            yield f"{charset}_unicode_520_ci"
    if rest == "nopad_bin":
        yield f"{charset}_0900_bin"
