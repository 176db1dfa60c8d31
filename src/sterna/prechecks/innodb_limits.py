"""Tables of other engines, and of larger pages, fit into InnoDB's pages of 16 KiB."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import Column, Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

COLUMNS_MAX = 1017
FIXED_BYTES_MAX = 8126  # half a page; TEXT, BLOB and long VARCHAR lie outside of it
PAGE_BYTES = 16_384
SHORT_BYTES = 8  # not worth a length of their own
_WIDE = frozenset({"utf8mb4", "utf8mb3", "utf8", "utf16", "utf16le", "utf32", "gb18030"})


class InnodbLimits(Check):
    """Finds tables with too many or too long columns, and servers with larger pages."""

    name = "innodb_limits"
    title = "Limits of InnoDB"
    category = "other"
    why = "The target keeps every table in InnoDB with pages of 16 KiB, and refuses larger rows."

    def run(self, context: Context) -> Iterator[Finding]:
        """An error per table that does not fit; one that may be ignored for the page size."""
        page_bytes = int(context.variable("innodb_page_size") or PAGE_BYTES)
        if page_bytes > PAGE_BYTES:
            yield self.error(
                "innodb_page_size",
                message=f"The source's pages have {page_bytes} bytes, which long rows may need.",
                remedy="Accept it if no row is longer than 8 KiB without its TEXT and BLOB.",
                ignorable=True,
            )
        for table in context.tables:
            columns = context.columns[table.database].get(table.name, [])
            if table.engine != "InnoDB" and (problem := _problem(columns)):
                yield self.error(
                    f"{table.database}.{table.name}",
                    message=f"{problem}, more than InnoDB takes.",
                    remedy=_remedy(table, columns),
                )


def _remedy(table: Table, columns: list[Column]) -> str:
    if len(columns) > COLUMNS_MAX:
        return "Split the table: move some of its columns to a table of their own."
    changed = (
        f"MODIFY {quote(c.name)} VAR{c.column_type.upper()}{_rest(c)}"
        for c in columns
        if _fixed_bytes(c) > SHORT_BYTES
    )
    return (
        f"ALTER TABLE {quote(table.database, table.name)} {', '.join(changed)};\n"
        "-- Write defaults and comments behind each, if it has any. Spaces at the ends stay away."
    )


def _rest(column: Column) -> str:
    charset = f" CHARACTER SET {column.charset} COLLATE {column.collation}"
    return (charset if column.charset else "") + ("" if column.nullable else " NOT NULL")


def _problem(columns: list[Column]) -> str:
    if len(columns) > COLUMNS_MAX:
        return f"It has {len(columns)} columns"
    fixed_bytes = sum(map(_fixed_bytes, columns))
    return f"Its rows have at least {fixed_bytes} bytes" if fixed_bytes > FIXED_BYTES_MAX else ""


def _fixed_bytes(column: Column) -> int:
    """What a value takes inside the page at least; characters of several bytes may lie outside."""
    if column.data_type not in ("char", "binary") or column.charset in _WIDE:
        return 0
    return int(column.column_type.partition("(")[2].partition(")")[0] or 1)
