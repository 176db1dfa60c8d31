"""Killed in the middle of a table, a copy goes on from the ranges that are done."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from sterna.dataplane import backoff, copy_ranges
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import Report
from sterna.dataplane.runner import Task
from sterna.dataplane.schema import open_destination_session
from sterna.dataplane.spec import TaskSpec
from sterna.errors import SternaError
from sterna.mysql.connection import Server, ServerError, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.servers import SourceFactory
from tests.fixtures.task import RunningTask, read_only, task_spec

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


def sync(spec: TaskSpec) -> None:
    """A whole task that takes some seconds and many snapshots, until it is killed."""
    copy_ranges.RANGE_ROWS = 1000
    backoff.SHARE_MIN = 1.0  # however busy the machine is
    task = Task(spec, silent, threading.Event())
    task.epoch_seconds = 0.5
    with contextlib.suppress(SternaError):
        task.run()


TABLES = [f"t{number}" for number in range(6)]
CHANGES = """ALTER TABLE cut.t0 ADD COLUMN more INT DEFAULT 4
;; RENAME TABLE cut.t1 TO cut.t7, cut.t2 TO cut.t1
;; DROP TABLE cut.t3;; TRUNCATE cut.t4;; INSERT INTO cut.t4 VALUES (1, 'after')
;; CREATE TABLE cut.t8 LIKE cut.t5;; INSERT INTO cut.t8 SELECT * FROM cut.t5
;; UPDATE cut.t SET v = 'changed' WHERE id MOD 7 = 0
;; UPDATE cut.t SET id = id + 200000 WHERE id MOD 11 = 0
;; UPDATE cut.t1 SET v = 'was t2' WHERE id < 90;; DELETE FROM cut.t WHERE id MOD 13 = 0
;; CREATE VIEW cut.seen AS SELECT id, more FROM cut.t0"""


@pytest.mark.parametrize("kill", [kill_process, kill_origin, kill_destination])
def test_a_killed_task_goes_on_after_ddl(
    empty_sides: tuple[RunningServer, RunningServer],
    kill: Callable[[BaseProcess, RunningServer, RunningServer], None],
    tmp_path: Path,
) -> None:
    """Killed when tables and ranges were copied under several snapshots, with DDL on both sides of
    the kill: what is finished and not named keeps its start positions, and all is equal."""
    origin, destination = empty_sides
    make_tables(origin.server)
    spec = task_spec(origin.server, destination.server, tmp_path, rows_per_second=ROWS // 4)
    with read_only(destination.server):
        process = SPAWN.Process(target=sync, args=(spec,))
        process.start()
        eventually(lambda: moments_after_write(origin, destination) > 2, within_seconds=40)
        run_all(origin.server, CHANGES.split(";; ")[:2])
        kill(process, origin, destination)
        process.join(30)
        kept = moments(destination.server)
        run_all(origin.server, CHANGES.split(";; ")[2:])
        run_all(destination.server, ["SET GLOBAL read_only = ON"])
        again = task_spec(origin.server, destination.server, tmp_path, epoch=2)
        with RunningTask(again, epoch_seconds=1.0) as task:
            task.caught_up()
    assert kept & moments(destination.server)
    assert_equal(origin.server, destination.server, ["cut"])


def moments_after_write(origin: RunningServer, destination: RunningServer) -> int:
    run_all(origin.server, ["UPDATE cut.t SET v = RAND() WHERE id = 1"])
    return len(moments(destination.server))


def make_tables(origin: Server) -> None:
    with open_session(origin) as session:
        for table in TABLES:
            execute(session, f"CREATE TABLE cut.{table} (id INT PRIMARY KEY, v CHAR(100))")
            execute(session, f"INSERT INTO cut.{table} SELECT * FROM cut.t LIMIT 1500")


def run_all(server: Server, statements: list[str]) -> None:
    with open_session(server) as session:
        for sql in statements:
            query(session, sql)


def moments(destination: Server) -> set[str]:
    """The start positions of ranges and tables that are done."""
    with open_destination_session(destination) as session:
        try:
            rows = query(session, "SELECT start_position FROM sterna.ranges WHERE is_done UNION"
                                  " SELECT start_position FROM sterna.tables WHERE state = 'done'"
                        )  # fmt: skip
        except ServerError:  # not there yet
            return set()
    return {str(row[0]) for row in rows}


def inserted(server: RunningServer) -> int:
    with open_session(server.server) as session:
        return int(query(session, "SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")[0][1])
