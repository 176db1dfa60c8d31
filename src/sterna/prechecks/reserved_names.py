"""Names that become words of the language: applications must quote them from then on.

Which words each version has reserved is data: `reserved_words.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("reserved_words.toml")


class ReservedNames(Check):
    """Finds tables, columns and routines named like a word the target reserves."""

    name = "reserved_names"
    title = "Names the target reserves"
    category = "other"
    why = (
        "Sterna quotes every name, so the data is safe; a statement of an application that does"
        " not quote it fails after the switch."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per name."""
        words = newly_reserved(context.version, context.target)
        for database in context.databases if words else ():
            columns = context.columns[database]
            used = {(table, f"the table {database}.{table}") for table in columns}
            for table, listed in columns.items():
                used |= {(c.name, f"the column {database}.{table}.{c.name}") for c in listed}
            for routine in context.routines[database]:
                used.add((routine.name, f"the routine {database}.{routine.name}"))
            for name, what in sorted(used):
                if name.upper() in words:
                    yield self.warning(
                        what.rpartition(" ")[2],
                        message=f"{name.upper()} is reserved there, and is the name of {what}.",
                        remedy=f"Let the applications write `{name}` in backticks.",
                    )


def newly_reserved(source: Version, target: Version) -> frozenset[str]:
    """The words, upper case, that MySQL `target` reserves and `source` does not."""
    if target.is_mariadb:
        return frozenset()
    return _reserved(target) - (frozenset() if source.is_mariadb else _reserved(source))


def _reserved(version: Version) -> frozenset[str]:
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    return _since(data["mysql"], version) - _since(data["mysql_free_again"], version)


def _since(words: Mapping[str, list[str]], version: Version) -> frozenset[str]:
    reached = (since for since in words if version.at_least(*map(int, since.split("."))))
    return frozenset(word for since in reached for word in words[since])
