"""Text columns hold text: bytes that their character set allows."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import Column, Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

ROWS_SAMPLED = 1000
ROW_BYTES_MAX = 16_384  # on average; rows of documents would cost more than they tell
_FREE = frozenset({"", "binary", "latin1"})  # every byte is a character there


class InvalidBytes(Check):
    """Looks at the first thousand rows of each table for bytes that are no characters.

    What lies behind them is carried byte by byte all the same, and verified.
    """

    name = "invalid_bytes"
    title = "Bytes that are no characters"
    category = "other"
    why = "Such a value is carried as it is, but a function or an ALTER TABLE on the target fails."

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning per column; a note on what could not be looked at."""
        for table in context.tables:
            columns = context.columns[table.database].get(table.name, [])
            texts = [c for c in columns if c.charset not in _FREE and not c.generated]
            if not texts or table.data_bytes > ROW_BYTES_MAX * max(table.rows_estimated, 1):
                continue
            yield from self._sample(context, table, texts)
        yield from self.unseen(context)

    def _sample(self, context: Context, table: Table, texts: list[Column]) -> Iterator[Finding]:
        name = quote(table.database, table.name)
        # As bytes: a server's own temporary table would cut such values short.
        names = ", ".join(f"CAST({quote(c.name)} AS BINARY) AS {quote(c.name)}" for c in texts)
        rows = context.sample(
            f"{table.database}.{table.name}",
            f"{', '.join(map(_wrong, texts))}"
            f" FROM (SELECT {names} FROM {name} LIMIT {ROWS_SAMPLED}) AS sample",
        )
        for column, count in zip(texts, rows[0] if rows else (), strict=bool(rows)):
            if count:
                column_name = quote(column.name)
                yield self.warning(
                    f"{table.database}.{table.name}.{column.name}",
                    message=f"{count} of the first {ROWS_SAMPLED} values are no {column.charset}.",
                    remedy=f"UPDATE {name} SET {column_name} ="
                    f" CONVERT(CAST({column_name} AS BINARY) USING {column.charset})"
                    f" WHERE {_differs(column)};\n"
                    "-- That puts ? for what cannot be read, or NULL. Or find out what was meant.",
                )


def _differs(column: Column) -> str:
    """Whether a value, read as characters, is not what it was."""
    name = quote(column.name)
    converted = f"CONVERT(CAST({name} AS BINARY) USING {column.charset})"
    return f"{name} IS NOT NULL AND NOT HEX({name}) <=> HEX({converted})"


def _wrong(column: Column) -> str:
    return f"SUM({_differs(column)})"
