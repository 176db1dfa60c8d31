"""Large tables in ranges of their key: copied by all workers at once, finished range by range.

Where the key begins with a number (or a binary string, which begins with eight bytes of one), the
ranges are found beforehand: an interval is halved until its rows, by the origin's own estimate,
are few enough. Else, and where single values hold too many rows, a range stays open at its end
until a worker takes it, who looks up the key so many rows ahead and leaves the rest to the others.

Where rows of the binary log can be told apart by range (`range_starts`), a range remembers the
position it was read at and is never looked at again. Else all ranges have the position of one
snapshot: after a crash a finished range is kept if its rows are the same under the new one (number
and sum of hashes on both servers); what was changed meanwhile, or half loaded, is deleted and
loaded anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from sterna.dataplane.copy_keys import INTEGERS, Boundary, RangeKey, at_ordinal, ordinal
from sterna.dataplane.verify_expressions import TOO_LONG, key_text, row_sum
from sterna.mysql.catalog import Column, Table, TableName
from sterna.mysql.connection import ServerError, Session, execute, query, query_dicts
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

RANGE_ROWS = 400_000
RANGE_BYTES = 128 << 20
_MANY_TIMES = 2  # a single value with so many times the rows of a range is cut further
_CAPPED_SHARE = 0.45
_INVALID_STRING = 1300

CREATE_RANGES = """CREATE TABLE IF NOT EXISTS sterna.ranges (
    database_name VARCHAR(64) NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    number INT NOT NULL,
    low TEXT CHARACTER SET ascii NULL,
    high TEXT CHARACTER SET ascii NULL,
    is_done BOOL NOT NULL,
    rows_copied BIGINT UNSIGNED NOT NULL,
    bytes_copied BIGINT UNSIGNED NOT NULL,
    rows_estimated BIGINT UNSIGNED NOT NULL,
    start_position VARCHAR(255) NULL,
    PRIMARY KEY (database_name, table_name, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"""


@dataclass(frozen=True)
class KeyRange:
    """Rows above `low` and not above `high` in the order of a `RangeKey`; None: no end there.

    Boundaries are tuples of texts, one for each column of the key: strings (binary or not) as
    hexadecimal of their bytes, numbers and times as the server prints them. `rows_copied` and
    `bytes_copied` count what was loaded when it was done; `rows_estimated` is what the origin
    thought when it was cut. `start` is set where it was read at a position of its own.
    """

    number: int = 0
    low: Boundary | None = None
    high: Boundary | None = None
    is_done: bool = False
    rows_copied: int = 0
    bytes_copied: int = 0
    rows_estimated: int = 0
    start: Position | None = None

    @property
    def width(self) -> int:
        """How many columns its boundaries have; 0 where it has none."""
        return len(self.low or self.high or ())


WHOLE = (KeyRange(),)


def is_large(table: Table, *, rows_max: float = math.inf) -> bool:
    """Whether it is worth cutting; with more than `rows_max` rows it is in any case."""
    is_innodb = table.engine.upper() == "INNODB"
    return is_innodb and table.rows_estimated > min(_rows_max(table), rows_max)


def row_bytes(table: Table) -> int:
    """How long the origin thinks a row is."""
    return max(table.data_bytes // max(table.rows_estimated, 1), 1)


def _rows_max(table: Table) -> int:
    return min(RANGE_ROWS, max(RANGE_BYTES // row_bytes(table), 1))


# Cutting


def cut_table(
    origin: Session, table: Table, key: RangeKey
) -> tuple[RangeKey, tuple[KeyRange, ...]]:
    """Ranges that hold every row, now and later, in the order of the key; and the columns of the
    key that they are cut along. The last one has no end, nor has the only one of a table that is
    cut while it is copied."""
    whole = (KeyRange(rows_estimated=table.rows_estimated),)
    if not key.ordinals:
        return key, whole
    cuts = _Bisection(origin, table, key.leading(1))
    found = cuts.ranges()
    if cuts.has_heavy_value or not found:
        return key, whole
    return key.leading(1), found


class _Bisection:
    """Halves intervals of a key's first column, by the origin's estimates of their rows."""

    def __init__(self, origin: Session, table: Table, key: RangeKey) -> None:
        self._origin, self._table, self._key = origin, table, key
        self._column = key.columns[0]
        self._rows_max = _rows_max(table)
        self.has_heavy_value = False

    def ranges(self) -> tuple[KeyRange, ...]:
        """All ranges; none where the table is empty."""
        name, column = quote(self._table.database, self._table.name), quote(self._column.name)
        texts = [
            query(self._origin, f"SELECT {key_text(self._column)} FROM {name} ORDER BY {order}")
            for order in (f"{column} LIMIT 1", f"{column} DESC LIMIT 1")
        ]
        if not texts[0]:
            return ()
        low, high = (ordinal(self._column, str(rows[0][0])) for rows in texts)
        cuts = list(self._cuts(low - 1, high))
        ends = [at_ordinal(self._column, end) for end, _ in cuts[:-1]]
        share = self._table.rows_estimated / max(sum(rows for _, rows in cuts), 1)
        return tuple(
            KeyRange(number, low, high, rows_estimated=round(rows * share))
            for number, (low, high, (_, rows)) in enumerate(
                zip([None, *ends], [*ends, None], cuts, strict=True)
            )
        )

    def _cuts(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Upper ends and rows: an interval is halved until it has few enough."""
        rows = self._estimated_rows(low, high)
        if high - low <= 1 or rows <= self._rows_max:
            self.has_heavy_value |= rows > _MANY_TIMES * self._rows_max
            yield high, rows
            return
        middle = (low + high) // 2
        yield from self._cuts(low, middle)
        yield from self._cuts(middle, high)

    def _estimated_rows(self, low: int, high: int) -> int:
        part = KeyRange(low=self._boundary(low), high=self._boundary(high))
        return estimated_rows(self._origin, self._table, self._key, part)

    def _boundary(self, number: int) -> Boundary | None:
        """None below everything: no binary string has a number less than zero."""
        there_is_one = self._column.data_type in INTEGERS or number >= 0
        return at_ordinal(self._column, number) if there_is_one else None


def estimated_rows(origin: Session, table: Table, key: RangeKey, part: KeyRange) -> int:
    """What the origin's optimizer thinks a range has; twice the truth is usual on 5.7."""
    rows = query_dicts(
        origin, f"EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM {select_from(table, key, part)}"
    )
    return int(rows[0]["rows"] or 0)


def select_from(table: Table, key: RangeKey | None, part: KeyRange) -> str:
    """What stands behind FROM to read a range along its index; for the origin."""
    name = quote(table.database, table.name)
    condition = key.condition(part.low, part.high) if key else ""
    return (
        f"{name} FORCE INDEX ({quote(key.index)}) WHERE {condition}" if key and condition else name
    )


def key_ahead(
    origin: Session, table: Table, key: RangeKey, *, where: str, rows: int
) -> Boundary | None:
    """The key of the row that comes behind so many others; None where there is none, or it cannot
    be written as a boundary."""
    columns = ", ".join(quote(column.name) for column in key.columns)
    name = f"{quote(table.database, table.name)} FORCE INDEX ({quote(key.index)})"
    found = query(
        origin,
        f"SELECT {', '.join(map(key_text, key.columns))} FROM {name} WHERE {where or 'TRUE'}"
        f" ORDER BY {columns} LIMIT {rows}, 1",
    )
    if not found:
        return None
    end = tuple(each.decode() if isinstance(each, bytes) else str(each) for each in found[0])
    return end if _is_writable(origin, key, end) else None


def split_open(
    origin: Session, table: Table, key: RangeKey, part: KeyRange, *, number: int
) -> tuple[KeyRange, KeyRange] | None:
    """A range without an end as one of the right size and the rest, which gets the number; None if
    it has no more rows.

    The rest holds every row above, also those that are not there yet.
    """
    rows_max = _rows_max(table)
    end = key_ahead(origin, table, key, where=key.condition(part.low, None), rows=rows_max)
    if end is None:
        return None
    first = replace(part, high=end, rows_estimated=rows_max)
    rest = KeyRange(number, low=end)
    left = _rows_left(origin, table, key, first=first, rest=rest)
    left = max(part.rows_estimated - rows_max, 0) if left is None else left
    return first, replace(rest, rows_estimated=left)


def _rows_left(
    origin: Session, table: Table, key: RangeKey, *, first: KeyRange, rest: KeyRange
) -> int | None:
    """Rows of the rest, as what is known of the first is to its estimate; None where the origin
    does not tell: it puts everything that is long at half of the table."""
    one, other = (estimated_rows(origin, table, key, each) for each in (first, rest))
    if other > table.rows_estimated * _CAPPED_SHARE:
        return None
    return first.rows_estimated * other // max(one, 1)


def _is_writable(origin: Session, key: RangeKey, boundary: Boundary) -> bool:
    """False for a string that was stored although its character set does not have it."""
    try:
        query(origin, f"SELECT {', '.join(key.literals(boundary))}")
    except ServerError as error:
        if error.number == _INVALID_STRING:
            return False
        raise
    return True


# Going on


def is_unchanged(
    origin: Session, destination: Session, *, selects: tuple[str, str], columns: list[Column]
) -> bool:
    """Whether both servers hold the same rows; `selects` are what stands behind FROM on each."""
    ask = f"SELECT COUNT(*), COALESCE({row_sum(columns)}, 0) FROM "
    sides = zip((origin, destination), selects, strict=True)
    one, other = ([int(n) for n in query(side, ask + select)[0]] for side, select in sides)
    return one == other and one[1] < TOO_LONG


def read_ranges(destination: Session) -> dict[TableName, tuple[KeyRange, ...]]:
    """The ranges of every table that was cut, in their order."""
    rows = query(
        destination,
        "SELECT database_name, table_name, number, low, high, is_done, rows_copied, bytes_copied,"
        " rows_estimated, start_position FROM sterna.ranges ORDER BY 1, 2, 3",
    )
    found: dict[TableName, tuple[KeyRange, ...]] = {}
    for database, table, number, low, high, is_done, *moved, start in rows:
        name, ends = (str(database), str(table)), (_boundary(low), _boundary(high))
        position = None if start is None else Position.parse(str(start))
        part = KeyRange(number, *ends, bool(is_done), *moved)
        part = replace(part, start=position)
        found[name] = (*found.get(name, ()), part)
    return found


def _boundary(text: str | None) -> Boundary | None:
    return None if text is None else tuple(text.split(","))


def write_ranges(destination: Session, name: TableName, ranges: Iterable[KeyRange]) -> None:
    """Store ranges at once, whether they were known or not."""
    rows = [(*name, *_stored(each)) for each in ranges]
    values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    execute(destination, f"REPLACE INTO sterna.ranges VALUES {values}", chain(*rows))


def _stored(part: KeyRange) -> tuple[int | str | None, ...]:
    ends = (None if each is None else ",".join(each) for each in (part.low, part.high))
    counts = part.rows_copied, part.bytes_copied, part.rows_estimated
    start = None if part.start is None else str(part.start)
    return (part.number, *ends, part.is_done, *counts, start)


def forget_ranges(destination: Session, name: TableName) -> None:
    """Forget the ranges of a table."""
    execute(
        destination,
        "DELETE FROM sterna.ranges WHERE database_name = %s AND table_name = %s",
        name,
    )
