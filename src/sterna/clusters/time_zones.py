"""The time zones a server knows by name: tables in the database `mysql`, empty on a new server.

Without them an event in `Europe/Berlin` cannot be created, and CONVERT_TZ() gives NULL, in views,
routines and generated columns too. So a cluster gets the source's, before anything is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sterna.mysql.connection import Session, execute, query, scalar

# Their columns are the same in all versions. The names come last: where they are, everything is.
_TABLES = (
    "time_zone",
    "time_zone_leap_second",
    "time_zone_transition",
    "time_zone_transition_type",
    "time_zone_name",
)
_ROWS_PER_STATEMENT = 2000


def count_time_zones(session: Session) -> int:
    """How many zones the server knows by name."""
    return int(scalar(session, "SELECT COUNT(*) FROM mysql.time_zone_name"))


def carry_time_zones(source: Session, target: Session) -> int:
    """Give the target the source's zones, unless it knows zones already. It is in the target's
    binary log on purpose: read-only nodes need them too.

    Returns:
        How many zones the target then knows by name.
    """
    if not count_time_zones(target):
        for table in _TABLES:
            execute(target, f"DELETE FROM mysql.{table}")
            _insert(target, table, query(source, f"SELECT * FROM mysql.{table}"))
    return count_time_zones(target)


def _insert(target: Session, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        marks = f"({', '.join(['%s'] * len(part[0]))})"
        execute(
            target,
            f"INSERT INTO mysql.{table} VALUES {', '.join([marks] * len(part))}",
            [value for row in part for value in row],
        )
