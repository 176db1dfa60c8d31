"""Large tables in ranges of their key: copied by all workers at once, finished range by range.

A table is cut along the first column of its primary key, where that is an integer, so that no
range holds many rows by the origin's own estimate. All ranges are read under the round's one
snapshot, so a table has one start position. After a crash a finished range is kept if its rows
are the same under the new snapshot (number and sum of hashes on both servers); what was changed
meanwhile, or half loaded, is deleted and loaded anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sterna.dataplane.verify_expressions import TOO_LONG, row_sum
from sterna.mysql.catalog import Column, Key, Table, TableName
from sterna.mysql.connection import Session, execute, query, query_dicts
from sterna.mysql.identifiers import quote

RANGE_ROWS = 400_000
RANGE_BYTES = 128 << 20
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})


CREATE_RANGES = """CREATE TABLE IF NOT EXISTS sterna.ranges (
    database_name VARCHAR(64) NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    number INT NOT NULL,
    low DECIMAL(20) NULL,
    high DECIMAL(20) NULL,
    is_done BOOL NOT NULL,
    rows_copied BIGINT UNSIGNED NOT NULL,
    bytes_copied BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (database_name, table_name, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"""


@dataclass(frozen=True)
class KeyRange:
    """Rows with `low` < key <= `high`; None on a side that has no end.

    `rows_copied` and `bytes_copied` count what was loaded when it was done.
    """

    number: int = 0
    low: int | None = None
    high: int | None = None
    is_done: bool = False
    rows_copied: int = 0
    bytes_copied: int = 0

    def condition(self, key: str) -> str:
        """The WHERE clause on a column, "" for all rows."""
        sides = [f"{quote(key)} > {self.low}"] if self.low is not None else []
        sides += [f"{quote(key)} <= {self.high}"] if self.high is not None else []
        return " AND ".join(sides)


WHOLE = (KeyRange(),)


def range_key(columns: Iterable[Column], keys: Iterable[Key]) -> str:
    """The column a table can be cut along, "" where there is none."""
    first = next((key.parts[0].column for key in keys if key.is_primary), "")
    found = next((column for column in columns if column.name == first), None)
    return first if found and found.data_type in _INTEGERS and not found.generated else ""


def is_large(table: Table) -> bool:
    """Whether it is worth cutting."""
    return table.engine.upper() == "INNODB" and table.rows_estimated > _rows_max(table)


def _rows_max(table: Table) -> int:
    row_bytes = max(table.data_bytes // max(table.rows_estimated, 1), 1)
    return min(RANGE_ROWS, max(RANGE_BYTES // row_bytes, 1))


def cut_table(origin: Session, table: Table, key: str) -> tuple[KeyRange, ...]:
    """Ranges that hold every row, now and later, in the order of the key."""
    name = quote(table.database, table.name)
    lowest, highest = query(origin, f"SELECT MIN({quote(key)}), MAX({quote(key)}) FROM {name}")[0]
    if lowest is None:
        return WHOLE
    cuts = list(_cuts(origin, table, key=key, low=int(lowest) - 1, high=int(highest)))
    lows, highs = [None, *cuts[:-1]], [*cuts[:-1], None]
    return tuple(KeyRange(*each) for each in zip(range(len(cuts)), lows, highs, strict=True))


def _cuts(origin: Session, table: Table, *, key: str, low: int, high: int) -> Iterator[int]:
    """Upper ends: an interval is halved until its rows, as estimated, are few enough."""
    condition = KeyRange(0, low, high).condition(key)
    if high - low <= 1 or _estimated_rows(origin, table, condition) <= _rows_max(table):
        yield high
        return
    middle = (low + high) // 2
    yield from _cuts(origin, table, key=key, low=low, high=middle)
    yield from _cuts(origin, table, key=key, low=middle, high=high)


def _estimated_rows(origin: Session, table: Table, condition: str) -> int:
    name = quote(table.database, table.name)
    rows = query_dicts(
        origin,
        f"EXPLAIN FORMAT=TRADITIONAL SELECT * FROM {name} FORCE INDEX (PRIMARY) WHERE {condition}",
    )
    return int(rows[0]["rows"] or 0)


def is_unchanged(
    origin: Session, destination: Session, *, select: str, columns: list[Column]
) -> bool:
    """Whether both servers hold the same rows; `select` is what stands behind FROM."""
    asked = f"SELECT COUNT(*), COALESCE({row_sum(columns)}, 0) FROM {select}"
    one, other = ([int(n) for n in query(side, asked)[0]] for side in (origin, destination))
    return one == other and one[1] < TOO_LONG


def read_ranges(destination: Session) -> dict[TableName, tuple[KeyRange, ...]]:
    """The ranges of every table that was cut, in their order."""
    rows = query(
        destination,
        "SELECT database_name, table_name, number, low, high, is_done, rows_copied, bytes_copied"
        " FROM sterna.ranges ORDER BY 1, 2, 3",
    )
    found: dict[TableName, tuple[KeyRange, ...]] = {}
    for database, table, number, low, high, is_done, *moved in rows:
        ends = (None if low is None else int(low), None if high is None else int(high))
        name = (str(database), str(table))
        found[name] = (*found.get(name, ()), KeyRange(number, *ends, bool(is_done), *moved))
    return found


def write_ranges(destination: Session, name: TableName, ranges: Iterable[KeyRange]) -> None:
    """Store ranges, whether they were known or not."""
    for each in ranges:
        ends = (each.number, each.low, each.high)
        execute(
            destination,
            "REPLACE INTO sterna.ranges VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [*name, *ends, each.is_done, each.rows_copied, each.bytes_copied],
        )


def forget_ranges(destination: Session, name: TableName) -> None:
    """Forget the ranges of a table."""
    execute(
        destination,
        "DELETE FROM sterna.ranges WHERE database_name = %s AND table_name = %s",
        name,
    )
