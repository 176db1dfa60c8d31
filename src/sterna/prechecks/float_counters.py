"""No AUTO_INCREMENT column is a FLOAT or a DOUBLE."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding


class FloatCounters(Check):
    """Finds AUTO_INCREMENT columns of type FLOAT or DOUBLE."""

    name = "float_counters"
    title = "Counters that are no integers"
    category = "other"
    why = "MySQL 8.4 and later refuse to create such a column."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per column."""
        if not context.to_mysql or not context.target.at_least(8, 4):
            return
        for table, column in context.table_columns:
            if column.auto_increment and column.data_type in ("float", "double"):
                yield self.error(
                    f"{table.database}.{table.name}.{column.name}",
                    message=f"It is a {column.data_type} with AUTO_INCREMENT.",
                    remedy=f"ALTER TABLE {quote(table.database, table.name)} MODIFY"
                    f" {quote(column.name)} BIGINT NOT NULL AUTO_INCREMENT;\n"
                    "-- Columns that refer to it need the same type. Fractions are rounded.",
                )
