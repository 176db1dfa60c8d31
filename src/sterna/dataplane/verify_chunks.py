"""Cuts a table into ranges of its key, to be compared one after the other.

Looking for the row that ends a range means to read all rows before it, a fifth of the time a
comparison takes. Where the key is a whole number the end is reckoned instead: as far ahead as the
ranges before promise, which is read from how many rows they had. Whatever the keys are like, a
range has not many times the rows of a chunk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from sterna.dataplane.verify_scope import (
    Identity,
    Layout,
    Range,
    boundary_sql,
    ends_sql,
    estimate_sql,
)
from sterna.mysql.connection import Session, query, query_dicts

CHUNK_ROWS = 50_000
GROWTH_MAX = 8  # how much wider the next range may be: keys lie denser elsewhere
DENSER_MAX = 4  # times the rows of a chunk are not too many; 5.7 thinks there are twice the truth


class Chunks:
    """The ranges of a table above `low`, which may be taken before those given earlier are read.
    Say `found` after each of them. Iterate once.

    The last range has no end, so that every row of both sides is in one range.
    """

    def __init__(self, session: Session, layout: Layout, low: Identity | None = None) -> None:
        self._session = session
        self._layout = layout
        self._low = low
        self._width = CHUNK_ROWS
        self._given: deque[int] = deque()  # how wide the ranges were that are not found yet

    def __iter__(self) -> Iterator[Range]:
        while (high := self._next_end()) is not None:
            low, self._low = self._low, high
            self._given.append(self._width)
            yield Range(low, high)
        self._given.append(self._width)
        yield Range(self._low)

    def found(self, rows: int) -> None:
        """How many rows the first range had of which this was not said yet."""
        growth = min(CHUNK_ROWS / max(rows, 1), GROWTH_MAX)
        self._width = max(int(self._given.popleft() * growth), 1)

    def _next_end(self) -> Identity | None:
        if not self._layout.walk:
            return None
        return self._reckoned_end() if self._layout.is_numbered else self._counted_end()

    def _counted_end(self) -> Identity | None:
        return end_of(self._session, self._layout, Range(self._low))

    def _reckoned_end(self) -> Identity | None:
        """Never far more rows than a chunk has: where keys may lie denser than before, the origin
        is asked what it thinks, and where they seem to, the rows are counted."""
        smallest, largest = query(self._session, ends_sql(self._layout, self._low))[0]
        if smallest is None:
            return None
        last = int(smallest) + self._width - 1
        high = (str(last),) if last < int(largest) else None
        if min(last, int(largest)) - int(smallest) >= DENSER_MAX * CHUNK_ROWS:
            scope = Range(self._low, high)
            rows = query_dicts(self._session, estimate_sql(self._layout, scope))[0]["rows"]
            if int(rows or 0) > DENSER_MAX * CHUNK_ROWS:
                return self._counted_end()
        return high


def split(session: Session, layout: Layout, scope: Range) -> Iterator[Range]:
    """Parts of a range that have not more rows than a chunk, on this side."""
    low = scope.low
    while (end := end_of(session, layout, Range(low, scope.high))) is not None:
        yield Range(low, end)
        low = end
    yield Range(low, scope.high)


def end_of(session: Session, layout: Layout, scope: Range) -> Identity | None:
    """Where the first chunk of a range ends; None where it has not more rows."""
    found = query(session, boundary_sql(layout, scope, CHUNK_ROWS))
    return tuple(map(_text, found[0])) if found else None


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
