"""Start positions of tables, and of ranges of a table's key that were copied at several moments.

An event counts only behind the start position of what it changes. For a table copied range by
range that is asked for every row: the row before counts behind the start of the range its key
lies in, the row after likewise. What a range holds is then exactly its history from its start on,
so the whole is exact behind the largest start. Two things reach across ranges and tables, and
forbid different starts:

- another unique key: a value may move from one range to another between their starts, and would
  be there twice or collide (`key_column` says None then);
- foreign keys: a server that cascades by itself (all but MySQL 9.7 leave its rows out of their
  log) deletes or changes children that are newer than the event, and where the parent is newer
  than its children nobody deletes them. Without any cascade a check meets a row that is not there
  yet. So tables tied by foreign keys, over however many others, share ONE start position, and
  none of them has ranges with starts of their own: `groups_of` names those that belong together,
  and following refuses (`TiedTablesApart`) where they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sterna.errors import Stopped
from sterna.mysql.catalog import Column, ForeignKey, Key, TableName
from sterna.mysql.connection import Session, query
from sterna.mysql.position import Position

Bound = int | bytes | None


class KeyKind(IntEnum):
    """How the values of a key column are ordered."""

    SIGNED = 0
    UNSIGNED = 1
    VARBINARY = 2
    BINARY = 3  # zeros at the end do not count: some servers log them, some do not


@dataclass(frozen=True)
class KeyColumn:
    """The first column of a primary key: its number from 0 among `count` columns, its order."""

    number: int
    count: int
    kind: KeyKind


@dataclass(frozen=True)
class RangeStart:
    """Rows with `low` < key <= `high` are in the copy as of `start`; None where it has no end.

    Bounds are integers or bytes, as the key is.
    """

    low: Bound
    high: Bound
    start: Position


@dataclass(frozen=True)
class TableStarts:
    """A table in ranges that follow each other and hold every key there can be."""

    key: KeyColumn
    ranges: tuple[RangeStart, ...]

    def __post_init__(self) -> None:
        ends = [self.ranges[0].low, self.ranges[-1].high] if self.ranges else [0]
        if ends != [None, None] or not all(map(_follow, self.ranges, self.ranges[1:])):
            raise ValueError("ranges that do not hold every key once")

    @property
    def largest(self) -> Position:
        """Behind it every event counts."""
        return max(each.start for each in self.ranges)

    @property
    def smallest(self) -> Position:
        """Up to it no event counts."""
        return min(each.start for each in self.ranges)


Start = Position | TableStarts  # of a table as a whole, or of its ranges
Starts = Mapping[TableName, Start]


def _follow(one: RangeStart, other: RangeStart) -> bool:
    return one.high is not None and one.high == other.low


def table_start(key: KeyColumn | None, ranges: Iterable[RangeStart]) -> Start:
    """Ranges in their order as one start: a Position where all have the same, neighbours with
    the same start as one range else. ValueError where they do not hold every key once, or have
    several starts and no key."""
    joined: list[RangeStart] = []
    for each in ranges:
        if joined and joined[-1].start == each.start and _follow(joined[-1], each):
            joined[-1] = RangeStart(joined[-1].low, each.high, each.start)
        else:
            joined.append(each)
    if len(joined) == 1 and (joined[0].low, joined[0].high) == (None, None):
        return joined[0].start
    if key is None:
        raise ValueError("ranges of a table without a key to tell them apart")
    return TableStarts(key, tuple(joined))


def largest_start(start: Start) -> Position:
    """Behind it every event of the table counts."""
    return start.largest if isinstance(start, TableStarts) else start


def smallest_start(start: Start) -> Position:
    """Up to it no event of the table counts."""
    return start.smallest if isinstance(start, TableStarts) else start


# Which tables may be cut

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_BINARIES = {"binary": KeyKind.BINARY, "varbinary": KeyKind.VARBINARY}


def key_column(columns: Sequence[Column], keys: Iterable[Key]) -> KeyColumn | None:
    """What the ranges of a table are told apart by; None where all must have one start.

    `columns` are all of the table's, in their order. Tables tied by foreign keys must have one
    start as well (`groups_of`).
    """
    listed = list(keys)
    primary = next((key for key in listed if key.is_primary), None)
    if primary is None or any(key.unique and not key.is_primary for key in listed):
        return None
    first = primary.parts[0]
    names = [column.name for column in columns]
    if first.prefix_characters is not None or first.column not in names:
        return None
    number = names.index(first.column)
    kind = _kind(columns[number])
    return None if kind is None else KeyColumn(number, len(columns), kind)


def _kind(column: Column) -> KeyKind | None:
    if column.generated:
        return None
    if column.data_type in _INTEGERS:
        is_unsigned = "unsigned" in column.column_type.lower()
        return KeyKind.UNSIGNED if is_unsigned else KeyKind.SIGNED
    return _BINARIES.get(column.data_type)


# Tables that belong together

Tie = tuple[TableName, TableName]  # child, parent

_TIES = (
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME"
    " FROM information_schema.REFERENTIAL_CONSTRAINTS"
)


def read_ties(session: Session) -> list[Tie]:
    """Child and parent of every foreign key of a server."""
    found = [[_text(value) for value in row] for row in query(session, _TIES)]
    return [((a, b), (c, d)) for a, b, c, d in found]


def ties_of(database: str, foreign_keys: Iterable[ForeignKey]) -> list[Tie]:
    """Child and parent of foreign keys of one database's tables."""
    return [
        ((database, key.table), (key.referenced_database, key.referenced_table))
        for key in foreign_keys
    ]


def groups_of(ties: Iterable[Tie]) -> dict[TableName, frozenset[TableName]]:
    """For each table tied by foreign keys all those that must have the same start position.

    A table that only refers to itself is a group of its own: it has one start, without ranges.
    """
    groups: dict[TableName, frozenset[TableName]] = {}
    for child, parent in ties:
        joined = groups.get(child, frozenset({child})) | groups.get(parent, frozenset({parent}))
        groups |= dict.fromkeys(joined, joined)
    return groups


def require_groups_together(starts: Starts, ties: Iterable[Tie], applied: Position) -> None:
    """Stopped (TiedTablesApart) where tables tied by foreign keys have several starts of which
    not all lie in what is applied."""
    for group in groups_of(ties).values():
        found = {starts[name] for name in group if name in starts}
        is_over = all(largest_start(start) <= applied for start in found)
        if not is_over and len(thresholds_of(found)) > 1:
            raise _apart(group, starts)


def _apart(group: frozenset[TableName], starts: Starts) -> Stopped:
    names = ", ".join(
        f"{'.'.join(name)} ({smallest_start(starts[name])} to {largest_start(starts[name])})"
        for name in sorted(group)
        if name in starts
    )
    return Stopped(
        f"Tables tied by foreign keys were copied at different moments: {names}. A cascade between"
        " them would be lost or done twice.",
        code="TiedTablesApart",
        remedy="Start the sync task again from a new copy, which gives such tables one moment.",
    )


def thresholds_of(starts: Iterable[Start]) -> list[Position]:
    """Every different start, in order."""
    found: set[Position] = set()
    for start in starts:
        ranges = start.ranges if isinstance(start, TableStarts) else None
        found |= {each.start for each in ranges} if ranges else {smallest_start(start)}
    return sorted(found)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
