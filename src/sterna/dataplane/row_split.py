"""Which part of a rows event counts, where the ranges of its table have different starts.

Between the smallest and the largest start of a table every row is looked at. What does not count
is left out of the event; an update of which only the row before counts becomes a delete (its key
moved into a range whose copy has it already), one of which only the row after counts a write.
The order of the rows stays. The new events have the header, columns and flags of the old one.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from enum import IntEnum

from sterna.dataplane._native.split_rows import KeyFilter, RowSplitter
from sterna.dataplane.range_starts import (
    KeyColumn,
    KeyKind,
    Start,
    Starts,
    TableStarts,
    thresholds_of,
)
from sterna.errors import Stopped
from sterna.mysql.binlog.columns import MappedColumns, mapped_columns
from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import STATEMENT_END, Format
from sterna.mysql.binlog.parse import HEADER_BYTES
from sterna.mysql.binlog.reader import Reader
from sterna.mysql.binlog.rewrite import body_of, seal
from sterna.mysql.binlog.types import ROWS_V1, ROWS_V2
from sterna.mysql.catalog import TableName
from sterna.mysql.position import Position

_WRITE, _UPDATE, _DELETE = range(3)
_MAP_BODY_AT = HEADER_BYTES + 8
_FLAGS_AT = HEADER_BYTES + 6
_EXTRA_AT = HEADER_BYTES + 8
_NO_EXTRA_DATA = b"\x02\x00"  # a length that counts itself
_INTEGERS = frozenset({1, 2, 3, 8, 9})
_TYPES = {
    KeyKind.SIGNED: _INTEGERS,
    KeyKind.UNSIGNED: _INTEGERS,
    KeyKind.VARBINARY: frozenset({15}),
    KeyKind.BINARY: frozenset({254}),
}


class Behind(IntEnum):
    """How much of a change lies behind the start positions of its table."""

    NONE = 0
    SOME = 1
    ALL = 2


class StartLookup:
    """The start positions of all tables, as far as events may still lie before one.

    Up to `complete_at` events of other tables are for nobody: they are not there any more.
    """

    def __init__(self, starts: Starts, complete_at: Position | None = None) -> None:
        self.starts = dict(starts)
        self.complete_at = complete_at
        self._tables = {name: CopiedTable(name, start) for name, start in starts.items()}

    def __bool__(self) -> bool:
        return bool(self._tables) or self.complete_at is not None

    def find(self, name: TableName) -> CopiedTable | None:
        """None for a table of which every event counts."""
        return self._tables.get(name)

    def behind(self, name: TableName, position: Position) -> Behind:
        """How much of a change of this table that commits at `position` counts."""
        table = self._tables.get(name)
        if table is not None:
            return table.behind(position)
        return Behind.NONE if self.is_complete_at(position) else Behind.ALL

    def is_complete_at(self, position: Position) -> bool:
        """Whether all definitions have what was done to them up to `position`."""
        return self.complete_at is not None and position <= self.complete_at

    def next_after(self, position: Position) -> Position | None:
        """The next start behind `position`: up to it nothing changes about what counts."""
        nexts = [table.next_after(position) for table in self._tables.values()]
        if self.is_complete_at(position.in_same_file(position.offset_bytes + 1)):
            nexts.append(self.complete_at)
        return min((each for each in nexts if each is not None), default=None)

    def forget(self, applied: Position) -> None:
        """Drop what no later event can lie before."""
        if self.complete_at is not None and applied < self.complete_at:
            return  # a table that is not listed is one that is gone
        self.complete_at = None
        for name in [n for n, table in self._tables.items() if table.largest <= applied]:
            del self._tables[name], self.starts[name]


class CopiedTable:
    """A table with one start, or with ranges of several."""

    def __init__(self, name: TableName, start: Start) -> None:
        self.name = name
        self._start = start
        self._thresholds = thresholds_of([start])
        self._passed = -1
        self._keys: KeyFilter | None = None
        self._splitters: dict[bytes, RowSplitter] = {}
        if isinstance(start, TableStarts):
            highs = [each.high for each in start.ranges[:-1] if each.high is not None]
            self._keys = KeyFilter(start.key.kind, highs)

    @property
    def largest(self) -> Position:
        """Behind it every event counts."""
        return self._thresholds[-1]

    def behind(self, position: Position) -> Behind:
        """How much of a change at `position` counts; `splitter` works accordingly from now on."""
        passed = bisect_left(self._thresholds, position)
        if passed == len(self._thresholds):
            return Behind.ALL
        if passed == 0:
            return Behind.NONE
        if passed != self._passed and isinstance(self._start, TableStarts) and self._keys:
            admitted = bytes(each.start < position for each in self._start.ranges)
            self._keys.admit(admitted)
            self._passed = passed
        return Behind.SOME

    def next_after(self, position: Position) -> Position | None:
        """The table's next start behind `position`."""
        passed = bisect_right(self._thresholds, position)
        return self._thresholds[passed] if passed < len(self._thresholds) else None

    def ranges_of(self, columns: MappedColumns) -> KeyFilter | None:
        """Which rows count, for rows with these columns; None for a table without ranges or
        with another key than the one it was cut by."""
        start = self._start
        is_cut = isinstance(start, TableStarts) and _fits(start.key, columns)
        return self._keys if is_cut else None

    def splitter(self, map_event: bytes, log_format: Format) -> RowSplitter:
        """For the rows under this table map. Stopped where it is not the table that was cut."""
        body = body_of(map_event, log_format)[_MAP_BODY_AT:]
        found = self._splitters.get(body)
        if found is None:
            found = self._splitters[body] = self._make_splitter(body)
        return found

    def _make_splitter(self, map_body: bytes) -> RowSplitter:
        assert isinstance(self._start, TableStarts) and self._keys is not None
        key = self._start.key
        try:
            columns = mapped_columns(map_body)
        except BadEvent as error:
            raise _other_table(self.name) from error
        if not _fits(key, columns):
            raise _other_table(self.name)
        return RowSplitter(columns.layouts, key.number, self._keys)


def _fits(key: KeyColumn, columns: MappedColumns) -> bool:
    return len(columns.types) == key.count and columns.types[key.number] in _TYPES[key.kind]


def split_rows(raw: bytes, log_format: Format, splitter: RowSplitter) -> list[bytes]:
    """The events that stand for the rows of a full rows event that count; [] where none does.

    The last one ends the statement if the event did. Stopped where its images are not whole.
    """
    is_v1 = raw[4] in ROWS_V1
    first = (ROWS_V1 if is_v1 else ROWS_V2).start
    kind = raw[4] - first
    body = body_of(raw, log_format)
    try:
        columns_at, images_at = _measure(body, is_v1=is_v1, is_update=kind == _UPDATE)
        runs = splitter.split(raw, images_at, len(body), kind=kind)
    except (BadEvent, ValueError, IndexError, struct.error) as error:
        raise _damaged(raw, error) from error
    if len(runs) == 1 and len(runs[0][1]) == len(body) - images_at:
        return [raw]
    fronts = {kind: body[:images_at]}
    for made in {made for made, _ in runs} - {kind}:
        fronts[made] = _other_front(body[:images_at], columns_at, first + made, is_v1=is_v1)
    made_bodies = [bytearray(fronts[made] + images) for made, images in runs]
    for each in made_bodies[:-1]:
        each[_FLAGS_AT] &= ~STATEMENT_END & 0xFF
    return [seal(each, log_format) for each in made_bodies]


def _measure(body: bytes, *, is_v1: bool, is_update: bool) -> tuple[int, int]:
    """Where the number of columns and where the images begin."""
    reader = Reader(body, at=_EXTRA_AT)
    if not is_v1:
        reader.take(reader.number(2) - len(_NO_EXTRA_DATA))
    columns_at = reader.at
    bitmap_bytes = (reader.packed() + 7) // 8
    reader.take(bitmap_bytes * (2 if is_update else 1))
    return columns_at, reader.at


def _other_front(front: bytes, columns_at: int, event_type: int, *, is_v1: bool) -> bytes:
    """What stands before the images of an update, for a write or delete of rows like its own."""
    reader = Reader(front, at=columns_at)
    bitmap_bytes = (reader.packed() + 7) // 8
    columns = front[columns_at : reader.at + bitmap_bytes]
    extra = b"" if is_v1 else _NO_EXTRA_DATA
    return front[:4] + bytes([event_type]) + front[5:_EXTRA_AT] + extra + columns


def _other_table(name: TableName) -> Stopped:
    return Stopped(
        f"Table {name[0]}.{name[1]} is not in the log as it was when its key was cut in ranges.",
        code="RangesChanged",
        remedy="Start the sync task again from a new copy.",
    )


def _damaged(raw: bytes, error: Exception) -> Stopped:
    end_offset = int.from_bytes(raw[13:17], "little")
    return Stopped(
        f"The rows of the event that ends at offset {end_offset} cannot be told apart: {error}.",
        code="BadEvent",
        remedy="Start the sync task again from a new copy; report it if it comes back.",
    )
