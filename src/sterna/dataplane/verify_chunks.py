"""Cuts a table into ranges of its key, to be compared one after the other.

Looking for the row that ends a range means to read all rows before it, a fifth of the time a
comparison takes. Where the key is a whole number the end is reckoned instead: as far ahead as the
range before promises, which is read from how many rows it had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sterna.dataplane.verify_scope import Identity, Layout, Range, boundary_sql, ends_sql
from sterna.mysql.connection import Session, query

CHUNK_ROWS = 50_000
GROWTH_MAX = 8  # how much wider the next range may be: keys lie denser elsewhere


class Chunks:
    """The ranges of a table above `low`. Say `found` after each one. Iterate once.

    The last range has no end, so that every row of both sides is in one range.
    """

    def __init__(self, session: Session, layout: Layout, low: Identity | None = None) -> None:
        self._session = session
        self._layout = layout
        self._low = low
        self._rows = CHUNK_ROWS
        self._width = CHUNK_ROWS

    def __iter__(self) -> Iterator[Range]:
        while (high := self._next_end()) is not None:
            low, self._low = self._low, high
            yield Range(low, high)
        yield Range(self._low)

    def found(self, rows: int) -> None:
        """How many rows the range given last had."""
        self._rows = rows

    def _next_end(self) -> Identity | None:
        if not self._layout.walk:
            return None
        if self._layout.is_numbered:
            return self._reckoned_end()
        found = query(self._session, boundary_sql(self._layout, self._low, CHUNK_ROWS))
        return tuple(map(_text, found[0])) if found else None

    def _reckoned_end(self) -> Identity | None:
        growth = min(CHUNK_ROWS / max(self._rows, 1), GROWTH_MAX)
        self._width = max(int(self._width * growth), 1)
        smallest, largest = query(self._session, ends_sql(self._layout, self._low))[0]
        if smallest is None or int(smallest) + self._width > int(largest):
            return None
        return (str(int(smallest) + self._width - 1),)


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
