"""Years have four digits."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding


class TwoDigitYears(Check):
    """Finds columns of the type YEAR(2)."""

    name = "two_digit_years"
    title = "Years of two digits"
    category = "other"
    why = "MySQL has not had the type since 5.7 and refuses such a table."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per column. The remedy rebuilds the table; the years stay the same."""
        for table, column in context.table_columns:
            if column.column_type.lower().startswith("year(2)"):
                null = "NULL" if column.nullable else "NOT NULL"
                yield self.error(
                    f"{table.database}.{table.name}.{column.name}",
                    message="The column shows two digits of each year.",
                    remedy=f"ALTER TABLE {quote(table.database, table.name)}"
                    f" MODIFY {quote(column.name)} YEAR {null};\n"
                    "-- Write its default and comment behind it, if it has any.",
                )
