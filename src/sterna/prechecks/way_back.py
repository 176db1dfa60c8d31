"""The source can take changes back without losing its place."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_NOT_TRANSACTIONAL = frozenset({"MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV"})


class WayBack(Check):
    """Finds tables of the source that do not take part in transactions."""

    name = "way_back"
    title = "Way back"
    category = "dependencies"
    why = (
        "After the switch the source gets the cluster's changes together with the position they"
        " reach to. A crash of the source half-way leaves such tables with rows that the position"
        " does not know, and the way back stops there."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per table."""
        for table in context.tables:
            if table.engine in _NOT_TRANSACTIONAL and table.kind == "BASE TABLE":
                name = quote(table.database, table.name)
                yield self.warning(
                    f"{table.database}.{table.name}",
                    message=f"On the source it is a table of {table.engine}, which has no"
                    " transactions.",
                    remedy=f"ALTER TABLE {name} ENGINE = InnoDB;",
                )
