"""Killed in the middle of a table, a copy goes on from the ranges that are done."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess

import pytest

from sterna.dataplane import copy_ranges
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import Report
from sterna.dataplane.schema import open_destination_session
from sterna.errors import SternaError
from sterna.mysql.connection import Server, ServerError, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.servers import SourceFactory

ROWS = 40_000
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def sides(source_factory: SourceFactory) -> tuple[RunningServer, RunningServer]:
    """An origin and a destination that may be killed."""
    return source_factory("mysql 5.7"), source_factory("mysql 9.7")


@pytest.fixture
def empty_sides(
    sides: tuple[RunningServer, RunningServer],
) -> tuple[RunningServer, RunningServer]:
    """The same, the origin with one long table and the destination empty."""
    origin, destination = sides
    wipe(origin.server)
    wipe(destination.server)
    with open_session(origin.server) as session:
        for sql in (
            "CREATE DATABASE cut",
            "CREATE TABLE cut.t (id INT AUTO_INCREMENT PRIMARY KEY, v CHAR(100), KEY (v))",
            "INSERT INTO cut.t (v) VALUES ('x')",
        ):
            execute(session, sql)
        count = 1
        while count < ROWS:
            more = min(count, ROWS - count)
            execute(session, f"INSERT INTO cut.t (v) SELECT RAND() FROM cut.t LIMIT {more}")
            count += more
        query(session, "ANALYZE TABLE cut.t")
    return origin, destination


def silent(_report: Report) -> None:
    """Nobody listens."""


def copy_slowly(origin: Server, destination: Server) -> None:
    """A copy that takes some seconds; the process it runs in may be killed."""
    copy_ranges.RANGE_ROWS = 2000
    pace = Pace(2, Rate(rows_per_second=ROWS // 4))
    with contextlib.suppress(SternaError):
        copy_tables(origin, destination, pace=pace, report=silent, stop=threading.Event())


def copy(origin: Server, destination: Server) -> None:
    copy_tables(origin, destination, pace=Pace(2), report=silent, stop=threading.Event())


def finished(destination: Server) -> list[int]:
    """The rows of each range that is done."""
    with open_destination_session(destination) as session:
        try:
            found = copy_ranges.read_ranges(session)
        except ServerError:  # not there yet
            return []
        ranges = found.get(("cut", "t"), ())
        return [each.rows_copied for each in ranges if each.is_done]


def kill_process(process: BaseProcess, _origin: RunningServer, _there: RunningServer) -> None:
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)


def kill_origin(_process: BaseProcess, origin: RunningServer, _there: RunningServer) -> None:
    origin.kill9()
    origin.start()


def kill_destination(_process: BaseProcess, _origin: RunningServer, there: RunningServer) -> None:
    there.kill9()
    there.start()


@pytest.mark.parametrize("kill", [kill_process, kill_origin, kill_destination])
def test_a_killed_copy_goes_on_from_the_finished_ranges(
    empty_sides: tuple[RunningServer, RunningServer],
    kill: Callable[[BaseProcess, RunningServer, RunningServer], None],
) -> None:
    """The process, the origin or the destination is killed: finished ranges are kept, none is
    doubled, and the table is equal."""
    origin, destination = empty_sides
    process = SPAWN.Process(target=copy_slowly, args=(origin.server, destination.server))
    process.start()
    eventually(lambda: len(finished(destination.server)) > 3, within_seconds=30)
    kill(process, origin, destination)
    process.join(30)
    kept = sum(finished(destination.server))
    assert kept > 1000
    before = inserted(destination)
    copy(origin.server, destination.server)
    assert inserted(destination) - before < ROWS - kept + 500  # and Sterna's own rows
    assert_equal(origin.server, destination.server, ["cut"])


def inserted(server: RunningServer) -> int:
    with open_session(server.server) as session:
        return int(query(session, "SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")[0][1])
