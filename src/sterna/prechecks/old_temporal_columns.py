"""No column keeps times in the format of 5.5 (or MariaDB 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sterna.mysql.connection import execute, query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_OLD = (
    "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
    " AND DATA_TYPE IN ('time', 'datetime', 'timestamp') AND COLUMN_TYPE LIKE '%%/*%%'"
    " ORDER BY TABLE_NAME, ORDINAL_POSITION"
)


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
            found = query(context.source, _OLD, [database])
            for table, rows in groupby(found, key=lambda row: str(row[0])):
                old = [str(name) for _, name in rows]
                yield self.error(
                    f"{database}.{table}",
                    message=f"Columns in the old format: {', '.join(old)}.",
                    remedy=f"{first}ALTER TABLE {quote(database, table)} FORCE;",
                )
