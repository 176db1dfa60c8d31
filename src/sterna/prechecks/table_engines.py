"""Every table can become an InnoDB table."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding, counted, shorten

_NATIVE = frozenset({"InnoDB"})
_CONVERTED = frozenset({"MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV"})
_KINDS = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})  # sequences have a check of their own


class TableEngines(Check):
    """Says which tables are converted, and finds those that have no rows of their own."""

    name = "table_engines"
    title = "Source Instance Table Engine Verification"
    category = "dependencies"
    why = "The target keeps everything in InnoDB, so that a crash loses nothing."

    def run(self, context: Context) -> Iterator[Finding]:
        """A note per engine that is converted, an error per table that is not."""
        others = [t for t in context.tables if t.engine not in _NATIVE and t.kind in _KINDS]
        for engine in sorted({table.engine for table in others} & _CONVERTED):
            names = [f"{t.database}.{t.name}" for t in others if t.engine == engine]
            message = (
                f"{counted(len(names), 'table')} will be InnoDB on the target: {shorten(names)}."
            )
            yield self.note(engine, message=message)
        for table in others:
            if table.engine not in _CONVERTED:
                yield self._unsupported(table)

    def _unsupported(self, table: Table) -> Finding:
        engine = table.engine or "an engine that is not loaded"
        return self.error(
            f"{table.database}.{table.name}",
            message=f"The table belongs to {engine}, which keeps its rows elsewhere or nowhere.",
            remedy=f"ALTER TABLE {quote(table.database, table.name)} ENGINE = InnoDB;\n"
            "-- It then has the rows it shows now. DROP it instead if it is not needed.",
        )
