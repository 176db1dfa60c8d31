"""Generated columns are computed by the target itself."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, shorten


class GeneratedColumns(Check):
    """Says which columns are generated."""

    name = "generated_columns"
    title = "Generated columns"
    category = "other"
    why = (
        "The target computes them anew from the rows it gets. The verification compares them too,"
        " so an expression that gives something else there is found before the switch."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One note."""
        names = [
            f"{table.database}.{table.name}.{column.name}"
            for table, column in context.table_columns
            if column.generated
        ]
        if names:
            yield self.note("columns", message=f"{len(names)} are computed anew: {shorten(names)}.")
