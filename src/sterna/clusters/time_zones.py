"""The time zones a server knows by name: tables in the database `mysql`, empty on a new server.

Without them an event in `Europe/Berlin` cannot be created, and CONVERT_TZ() gives NULL, in views,
routines and generated columns too. So a cluster gets the source's, before anything is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sterna.mysql.connection import Session, execute, query, scalar

# The names come last: where they are, everything is.
_TABLES = {
    "time_zone": ("Time_zone_id", "Use_leap_seconds"),
    "time_zone_leap_second": ("Transition_time", "Correction"),
    "time_zone_transition": ("Time_zone_id", "Transition_time", "Transition_type_id"),
    "time_zone_transition_type": (
        "Time_zone_id",
        "Transition_type_id",
        "`Offset`",
        "Is_DST",
        "Abbreviation",
    ),
    "time_zone_name": ("Name", "Time_zone_id"),
}
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
        for table, columns in _TABLES.items():
            execute(target, f"DELETE FROM mysql.{table}")
            rows = query(source, f"SELECT {', '.join(columns)} FROM mysql.{table}")
            _insert(target, table, columns, rows)
    return count_time_zones(target)


def _insert(
    target: Session, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    row = f"({', '.join(['%s'] * len(columns))})"
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        execute(
            target,
            f"INSERT INTO mysql.{table} ({', '.join(columns)})"
            f" VALUES {', '.join([row] * len(part))}",
            [value for each in part for value in each],
        )
