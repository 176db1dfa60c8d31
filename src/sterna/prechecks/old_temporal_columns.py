"""No column keeps times in the format of 5.5 (or MariaDB 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import read_columns
from sterna.mysql.connection import execute
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_TEMPORAL = frozenset({"time", "datetime", "timestamp"})


class OldTemporalColumns(Check):
    """Finds tables with such columns."""

    name = "old_temporal_columns"
    title = "Old temporal columns"
    category = "other"
    why = "Rows of the old format do not fit the target's columns, and 8.0 refuses such tables."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per table. Needs a session variable where MySQL hides the format."""
        if context.version.is_mariadb:
            first = "SET GLOBAL mysql56_temporal_format = ON;\n"
        elif context.variable("show_old_temporals"):
            execute(context.source, "SET SESSION show_old_temporals = ON")
            first = ""
        else:
            return
        for database in context.databases:
            for table, columns in read_columns(context.source, database).items():
                old = [
                    c.name for c in columns if c.data_type in _TEMPORAL and "/*" in c.column_type
                ]
                if old:
                    yield self.error(
                        f"{database}.{table}",
                        message=f"Columns in the old format: {', '.join(old)}.",
                        remedy=f"{first}ALTER TABLE {quote(database, table)} FORCE;",
                    )
