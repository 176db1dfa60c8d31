"""Defaults that a strict server refuses as soon as somebody alters the table."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_TYPES = frozenset({"date", "datetime", "timestamp"})


class ZeroDefaults(Check):
    """Finds dates with the default '0000-00-00', or with a zero month or day."""

    name = "zero_defaults"
    title = "Zero dates as defaults"
    category = "other"
    why = (
        "They are carried as they are, and the cluster keeps the source's sql_mode. With the one"
        " that new servers have by default, every ALTER TABLE of such a table fails."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per column."""
        for table, column in context.table_columns:
            default = (column.default or "").strip("'")
            if column.data_type in _TYPES and _has_zero(default):
                yield self.warning(
                    f"{table.database}.{table.name}.{column.name}",
                    message=f"Its default is '{default}'.",
                    remedy=f"ALTER TABLE {quote(table.database, table.name)}"
                    f" ALTER {quote(column.name)} SET DEFAULT '1970-01-02 00:00:00';\n"
                    "-- Or another date, once the applications know it instead of zeros.",
                )


def _has_zero(default: str) -> bool:
    return default[:4] == "0000" or (default[4:5] == "-" and "00" in default[5:10].split("-"))
