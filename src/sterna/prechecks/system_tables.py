"""Nobody keeps tables of his own in the database `mysql`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding, counted, shorten

_DATA = Path(__file__).with_name("system_tables.toml")

_KINDS = (
    ("routine", "ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
    ("view", "VIEWS", "TABLE_SCHEMA", "TABLE_NAME"),
    ("event", "EVENTS", "EVENT_SCHEMA", "EVENT_NAME"),
)
_OTHERS = {
    kind: f"SELECT {database}, {name} FROM information_schema.{table}"
    f" WHERE {database} IN ('mysql', 'sys')"
    " AND DEFINER NOT IN ('mysql.sys@localhost', 'mariadb.sys@localhost') ORDER BY 1, 2"
    for kind, table, database, name in _KINDS
}


class SystemTables(Check):
    """Finds tables in `mysql` that no server version has put there, and views, routines and events
    in `mysql` and `sys` that are not the server's."""

    name = "system_tables"
    title = "Own objects in the server's databases"
    category = "other"
    why = "The system's databases are not copied: the target has its own."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per table, one per kind and database of the others."""
        known = set(tomllib.loads(_DATA.read_text(encoding="utf-8"))["names"])
        rows = query(
            context.source,
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA IN ('mysql', 'sys') AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1, 2",
        )
        for database, name in rows:
            if name.lower() in known:
                continue
            yield self.warning(
                f"{database}.{name}",
                message="The table is not the server's own, and will not be copied.",
                remedy="-- If it is needed, move it to a database of yours, e.g.:\n"
                "CREATE DATABASE IF NOT EXISTS `own_tables`;\n"
                f"RENAME TABLE {quote(database, name)} TO {quote('own_tables', name)};",
            )
        yield from self._others(context)

    def _others(self, context: Context) -> Iterator[Finding]:
        for kind, sql in _OTHERS.items():
            found = [f"{database}.{name}" for database, name in query(context.source, sql)]
            if found:
                yield self.warning(
                    f"{kind}s",
                    message=f"{counted(len(found), kind)} will not be copied: {shorten(found)}.",
                    remedy="Create them in a database of yours, and drop them there, or create them"
                    " by hand on the cluster after the upgrade.",
                )
