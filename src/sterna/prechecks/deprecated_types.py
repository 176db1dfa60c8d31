"""Types that still work and that newer servers warn about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, counted, shorten

_KINDS = {
    "ZEROFILL": re.compile(r"zerofill"),
    "FLOAT(M,D) or DOUBLE(M,D)": re.compile(r"(?:float|double)\(\d+,\d+\)"),
    "FLOAT, DOUBLE or DECIMAL UNSIGNED": re.compile(r"(?:float|double|decimal)\b.*unsigned"),
}


class DeprecatedTypes(Check):
    """Says which columns have ZEROFILL, digits for a FLOAT, or a FLOAT without a sign."""

    name = "deprecated_types"
    title = "Deprecated types"
    category = "other"
    why = "They are carried as they are. A later version may drop them."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per kind."""
        columns = [
            (f"{table.database}.{table.name}.{column.name}", column.column_type.lower())
            for table, column in context.table_columns
        ]
        for kind, pattern in _KINDS.items():
            names = [name for name, column_type in columns if pattern.search(column_type)]
            if names:
                yield self.note(kind, message=f"{counted(len(names), 'column')}: {shorten(names)}.")
