"""Partitioned tables can be partitioned on the target as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_METHODS = frozenset(
    {"RANGE", "LIST", "HASH", "KEY", "LINEAR HASH", "LINEAR KEY", "RANGE COLUMNS", "LIST COLUMNS"}
)


class Partitions(Check):
    """Finds partitions of other engines, and ways to partition that only MariaDB has."""

    name = "partitions"
    title = "Partitions"
    category = "other"
    why = "MySQL partitions InnoDB alone, and only by RANGE, LIST, HASH and KEY."

    def run(self, context: Context) -> Iterator[Finding]:
        """A note per table whose partitions are converted, an error where it cannot be."""
        if not context.to_mysql:
            return
        engines = {(table.database, table.name): table.engine for table in context.tables}
        for database in context.databases:
            rows = query(
                context.source,
                "SELECT TABLE_NAME, MIN(PARTITION_METHOD), COUNT(*)"
                " FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s"
                " AND PARTITION_NAME IS NOT NULL GROUP BY TABLE_NAME ORDER BY TABLE_NAME",
                [database],
            )
            for table, method, count in rows:
                about = f"{database}.{table}"
                if str(method) not in _METHODS or _has_default(context, database, str(table)):
                    how = f"{method} … DEFAULT" if str(method) in _METHODS else method
                    yield self.error(
                        about,
                        message=f"It is partitioned by {how}, which MySQL cannot do.",
                        remedy=f"ALTER TABLE {quote(database, table)} REMOVE PARTITIONING;",
                    )
                elif engines.get((database, str(table))) not in ("InnoDB", None):
                    message = f"{count} partitions of another engine will be InnoDB's."
                    yield self.note(about, message=message)


def _has_default(context: Context, database: str, table: str) -> bool:
    """Whether what fits nowhere has a partition; MariaDB only shows it in the definition."""
    if not context.crosses:
        return False
    definition = str(query(context.source, f"SHOW CREATE TABLE {quote(database, table)}")[0][1])
    return re.search(r"\bPARTITION `(?:[^`]|``)*` DEFAULT\b", definition) is not None
