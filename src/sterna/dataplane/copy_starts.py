"""The start positions of copied tables, as following needs them."""

from __future__ import annotations

from collections.abc import Sequence

from sterna.dataplane.copy_keys import RangeKey, bound
from sterna.dataplane.copy_ranges import KeyRange, read_ranges
from sterna.dataplane.copy_state import read_states
from sterna.dataplane.range_starts import RangeStart, Start, Starts, key_column, table_start
from sterna.errors import Stopped
from sterna.mysql.catalog import TableName, read_columns, read_keys
from sterna.mysql.connection import Session
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position


def read_begun(destination: Session) -> dict[TableName, Position]:
    """The smallest position that any row of a table was read at, of every table known."""
    ranges = read_ranges(destination)
    return {
        name: min([state.start_position, *_own_starts(ranges.get(name, ()))])
        for name, state in read_states(destination).items()
    }


def read_starts(destination: Session, *, is_passed: bool = False) -> Starts:
    """The start positions of all tables, range by range where they have several.

    `is_passed`: everything up to the largest was applied, so ranges need not be told apart.
    """
    ranges = read_ranges(destination)
    starts: dict[TableName, Start] = {}
    for name, state in read_states(destination).items():
        own = _own_starts(ranges.get(name, ()))
        is_mixed = len(set(own)) > 1 or len(own) not in (0, len(ranges.get(name, ())))
        if is_mixed and not is_passed:
            starts[name] = _start_by_range(destination, name, ranges[name])
        else:
            starts[name] = max(own, default=state.start_position)
    return starts


def _own_starts(ranges: Sequence[KeyRange]) -> list[Position]:
    return [part.start for part in ranges if part.start is not None]


def _start_by_range(destination: Session, name: TableName, ranges: Sequence[KeyRange]) -> Start:
    database, table = name
    columns = read_columns(destination, database)[table]
    key = key_column(columns, read_keys(destination, database).get(table, []))
    if key is None or len(_own_starts(ranges)) < len(ranges):
        raise Stopped(
            f"Ranges of {quote(*name)} were copied at several moments and cannot be told apart.",
            code="TableChanged",
            remedy="Start the sync task again from a new copy.",
        )
    range_key = RangeKey("PRIMARY", (columns[key.number],))
    ordered = sorted(ranges, key=lambda part: (part.low is not None, bound(range_key, part.low)))
    return table_start(
        key,
        [
            RangeStart(bound(range_key, part.low), bound(range_key, part.high), part.start)
            for part in ordered
            if part.start is not None
        ],
    )
