"""Copy and verification under a budget, on real servers."""

from __future__ import annotations

import threading
import time

from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.verify import Sides, verify_tables
from sterna.mysql.connection import execute, open_session
from sterna.mysql.replication import read_current_position
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, wipe

TABLES = 8
ROWS = 2_000
WIDTH = 400


def fill(origin: RunningServer) -> None:
    """A few small tables."""
    wipe(origin.server)
    with open_session(origin.server) as session:
        execute(session, "CREATE DATABASE paced")
        for number in range(TABLES):
            execute(
                session, f"CREATE TABLE paced.t{number} (id INT PRIMARY KEY, v CHAR(255), w TEXT)"
            )
            rows = ", ".join(f"({row}, REPEAT('v', 200), REPEAT('w', 200))" for row in range(ROWS))
            execute(session, f"INSERT INTO paced.t{number} VALUES {rows}")


def copy_at(origin: RunningServer, destination: RunningServer, rate: Rate) -> tuple[Pace, float]:
    """The pace after the copy, and how many seconds it took."""
    wipe(destination.server)
    pace, began = Pace(2, rate), time.monotonic()
    servers = (origin.server, destination.server)
    copy_tables(*servers, pace=pace, report=lambda _: None, stop=threading.Event())
    assert_equal(*servers, ["paced"])
    return pace, time.monotonic() - began


def test_a_copy_keeps_each_of_its_limits(mysql57: RunningServer, mysql97: RunningServer) -> None:
    """Rows, bytes and queries a second, each within 15 % of what they allow."""
    fill(mysql57)
    pace, free_seconds = copy_at(mysql57, mysql97, Rate())
    assert pace.rows == TABLES * ROWS
    assert pace.bytes > pace.rows * WIDTH
    assert pace.queries >= TABLES
    for rate in (
        Rate(rows_per_second=pace.rows // 2),
        Rate(bytes_per_second=pace.bytes // 2),
        Rate(queries_per_second=max(pace.queries // 2, 1)),
    ):
        limited, seconds = copy_at(mysql57, mysql97, rate)
        allowed = rate.seconds(limited.rows, limited.bytes, limited.queries)
        assert 0.85 * allowed < seconds < 1.15 * allowed + free_seconds + 1.0, str(rate)


def test_a_verification_keeps_its_limit(mysql57: RunningServer, mysql97: RunningServer) -> None:
    """Chunks are paid for with their rows and their statements."""
    fill(mysql57)
    copy_at(mysql57, mysql97, Rate())
    with open_session(mysql57.server) as session:
        position = read_current_position(session)
    pace = Pace(1, Rate(queries_per_second=TABLES))
    sides = Sides(mysql57.server, mysql97.server, lambda: position, pace)
    began = time.monotonic()
    found = verify_tables(sides, report=lambda _: None, stop=threading.Event())
    assert (found.rows_verified, found.differences) == (TABLES * ROWS, 0)
    assert (pace.rows, pace.queries) == (TABLES * ROWS, 2 * TABLES)
    assert time.monotonic() - began > 1.5
