"""Nobody keeps tables of his own in the database `mysql`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("system_tables.toml")


class SystemTables(Check):
    """Finds tables in `mysql` that no server version has put there."""

    name = "system_tables"
    title = "Own tables in the database mysql"
    category = "other"
    why = "The system's databases are not copied: the target has its own."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per table."""
        known = set(tomllib.loads(_DATA.read_text(encoding="utf-8"))["names"])
        rows = query(
            context.source,
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql'"
            " AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME",
        )
        for name in (str(row[0]) for row in rows if str(row[0]).lower() not in known):
            yield self.warning(
                f"mysql.{name}",
                message="The table is not the server's own, and will not be copied.",
                remedy="-- If it is needed, move it to a database of yours, e.g.:\n"
                "CREATE DATABASE IF NOT EXISTS `own_tables`;\n"
                f"RENAME TABLE {quote('mysql', name)} TO {quote('own_tables', name)};",
            )
