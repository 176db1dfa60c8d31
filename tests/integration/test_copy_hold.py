"""No limit makes a copy hold a table on the origin for long: real servers, real DDL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sterna.dataplane.copy import CopyTask, copy_all
from sterna.dataplane.copy_ranges import read_ranges
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import LogReport, Report
from sterna.errors import SternaError
from sterna.mysql.connection import Server, execute, open_session, query, scalar
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe

ROWS = 150_000
WAIT_SECONDS_MAX = 9.0  # a SELECT is held for five; the rest is for a busy machine


@pytest.fixture(params=["mysql57", "mariadb1011"])
def origin(request: pytest.FixtureRequest) -> Server:
    """One table, of rows that do not fit into the buffers between two servers."""
    running: RunningServer = request.getfixturevalue(request.param)
    wipe(running.server)
    with open_session(running.server) as session:
        for sql in (
            "SET sql_log_bin = 0",
            "CREATE DATABASE held",
            "CREATE TABLE held.t (a INT, id INT, v CHAR(255) NOT NULL, PRIMARY KEY (a, id))",
            "INSERT INTO held.t VALUES (0, 0, REPEAT('v', 200))",
        ):
            execute(session, sql)
        count = 1
        while count < ROWS:
            more = min(count, ROWS - count)
            execute(
                session,
                f"INSERT INTO held.t SELECT (id + {count}) DIV 9, id + {count}, v FROM held.t"
                f" LIMIT {more}",
            )
            count += more
        query(session, "ANALYZE TABLE held.t")
    return running.server


class Copying:
    """A copy in a thread, and what it says."""

    def __init__(self, origin: Server, destination: Server, rate: Rate) -> None:
        self.pace, self.failure = Pace(2, rate), list[SternaError]()
        self.snapshots, self.stop = list[str](), threading.Event()
        self._task = CopyTask(
            origin, destination, self.pace, self._note, self.stop, epoch_seconds=2.0
        )
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Copying:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            copy_all(self._task)
        except SternaError as error:
            self.failure.append(error)

    def _note(self, report: Report) -> None:
        if isinstance(report, LogReport) and report.sentence.startswith("Snapshot at"):
            self.snapshots.append(report.sentence)

    def moved(self, rows: int) -> None:
        """Wait until so many more rows were moved."""
        wanted = self.pace.rows + rows
        eventually(lambda: self.failure or self.pace.rows >= wanted, within_seconds=60)
        assert not self.failure

    def ended(self) -> None:
        """Wait for the end, at full speed."""
        self.pace.change(Rate())
        self._thread.join(60)
        assert not self._thread.is_alive() and not self.failure


@pytest.fixture
def destination(mysql97: RunningServer) -> Iterator[Server]:
    """The server that people go to, empty."""
    wipe(mysql97.server)
    yield mysql97.server


def alter(server: Server, column: str) -> float:
    """Seconds that DDL on the table waits and takes."""
    with open_session(server) as session:
        began = time.monotonic()
        execute(session, f"ALTER TABLE held.t ALTER COLUMN v SET DEFAULT '{column}'")
        return time.monotonic() - began


def longest_statement(server: Server) -> int:
    """Seconds since any statement of a copy has begun."""
    with open_session(server) as session:
        sql = "SELECT MAX(TIME) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT `a`%'"
        return int(scalar(session, sql) or 0)


def test_no_table_is_held_for_long_whatever_the_limit(origin: Server, destination: Server) -> None:
    """A copy that is slowed down in the middle of a SELECT, to 20 rows a second in the end, lets
    go of the table, holds it for moments only from then on, and ends when the limit is lifted."""
    with Copying(origin, destination, Rate()) as copy:
        copy.moved(1000)
        copy.pace.change(Rate(rows_per_second=500))
        assert alter(origin, "one") < WAIT_SECONDS_MAX
        copy.pace.change(Rate(rows_per_second=20))
        copy.moved(20)
        assert longest_statement(origin) < WAIT_SECONDS_MAX
        assert alter(origin, "two") < WAIT_SECONDS_MAX
        copy.ended()
    assert_equal(origin, destination, ["held"])


@pytest.mark.parametrize("origin", ["mysql57"], indirect=True)
def test_a_table_without_a_key_makes_way(origin: Server, destination: Server) -> None:
    """It can only be read in one go; DDL that waits for it ends the copy of it, which begins anew
    behind the DDL."""
    with open_session(origin) as session:
        execute(session, "ALTER TABLE held.t DROP PRIMARY KEY")
    with Copying(origin, destination, Rate(rows_per_second=500)) as copy:
        copy.moved(1000)
        assert alter(origin, "one") < WAIT_SECONDS_MAX
        copy.ended()
    assert len(copy.snapshots) > 1
    assert_equal(origin, destination, ["held"])


@pytest.mark.parametrize("origin", ["mysql57"], indirect=True)
def test_a_slow_copy_leaves_its_snapshot_behind(origin: Server, destination: Server) -> None:
    """A table that would fit into one range is read under several snapshots when it takes long."""
    with Copying(origin, destination, Rate(rows_per_second=3000)) as copy:
        copy.moved(16_000)
        copy.ended()
    with open_session(destination) as session:
        parts = read_ranges(session)["held", "t"]
    assert len(parts) > 2 and all(part.start for part in parts)
    assert len(copy.snapshots) > 2
    assert_equal(origin, destination, ["held"])
