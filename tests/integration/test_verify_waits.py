"""A verification whose servers are away or behind: it waits, and hurts nobody by that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.dataplane import verify_chunks, verify_repair, verify_task
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import LogReport, Report, VerifyDoneReport
from sterna.dataplane.verify import Sides, verify_tables
from sterna.dataplane.verify_order import VerifyOrder, new_pass_id
from sterna.dataplane.verify_progress import Progress
from sterna.dataplane.verify_repair import Repairer
from sterna.dataplane.verify_task import VerifyTask
from sterna.mysql.connection import Server, execute, open_session, query
from sterna.mysql.position import Position
from tests.fixtures import link as links
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.task import RunningTask, read_only, task_spec


@pytest.fixture
def sides(mysql57: RunningServer, mysql97: RunningServer) -> Iterator[tuple[Server, Server]]:
    """The same small table on both, everything applied."""
    for server in (mysql57.server, mysql97.server):
        wipe(server)
        with open_session(server) as session:
            execute(session, "SET SESSION sql_log_bin = 0")
            execute(session, "CREATE DATABASE shop")
            execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)")
            values = ", ".join(f"({number}, 0)" for number in range(200))
            execute(session, f"INSERT INTO shop.t VALUES {values}")
    links.begin(mysql57.server, mysql97.server)
    yield mysql57.server, mysql97.server
    wipe(mysql97.server)


def test_a_server_that_is_away_is_waited_for(
    sides: tuple[Server, Server],
    mysql97: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pass goes on when a server that went away in its middle has come back."""
    monkeypatch.setattr(verify_chunks, "CHUNK_ROWS", 20)
    reports: list[Report] = []
    stop = threading.Event()
    spec = task_spec(*sides, tmp_path)
    pace = Pace(1, Rate(rows_per_second=100))
    task = VerifyTask(spec, pace=pace, report=reports.append, stop=stop)
    thread = threading.Thread(target=task.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: pace.rows > 0)
        mysql97.stop()
        time.sleep(1.5)
        mysql97.start()
        done = eventually(
            lambda: [each for each in reports if isinstance(each, VerifyDoneReport)],
            within_seconds=30,
        )
    finally:
        stop.set()
        thread.join(30)
    assert (done[0].rows_verified, done[0].differences, done[0].problem) == (200, 0, "")


class Behind:
    """A destination that says, from some question on and for some time, that it has applied
    nothing more."""

    def __init__(self, destination: Server, *, from_question: int, seconds: float) -> None:
        self._position = links.applied(destination)
        self._questions_before, self._seconds = from_question, seconds
        self._until = 0.0

    def applied(self) -> Position:
        """Where it says it is."""
        self._questions_before -= 1
        if self._questions_before == 0:
            self._until = time.monotonic() + self._seconds
        is_behind = time.monotonic() < self._until
        return self._position if is_behind else self._position.in_same_file(1 << 40)


def test_waiting_for_the_destination_asks_the_origin_seldom(sides: tuple[Server, Server]) -> None:
    """However long the destination takes to catch up, rows that differ are read some times."""
    origin, destination = sides
    with open_session(origin) as session:
        execute(session, "UPDATE shop.t SET v = 1 WHERE id < 100")
    before = selects(origin)
    third_round = 5  # tables, layouts, and two readings come before
    behind = Behind(destination, from_question=third_round, seconds=6.0)
    looked = verify_tables(
        Sides(origin, destination, behind.applied), report=lambda r: None, stop=threading.Event()
    )
    assert looked.differences == 100
    assert selects(origin) - before < 150


def selects(server: Server) -> int:
    """SELECTs the server was ever asked."""
    with open_session(server) as session:
        return int(query(session, "SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1])


def test_repair_locks_nothing_while_the_destination_is_behind(
    sides: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that differ are written on the origin without waiting, and it is said that they were
    not repaired."""
    origin, destination = sides
    monkeypatch.setattr(verify_repair, "LOCK_SECONDS_MAX", 2.0)
    monkeypatch.setattr(verify_repair, "ATTEMPTS", 1)
    with open_session(destination) as session:
        execute(session, "DELETE FROM shop.t WHERE id >= 150")
    with open_session(origin) as session:
        execute(session, "UPDATE shop.t SET v = 1 WHERE id = 1")
    reports: list[Report] = []
    stop = threading.Event()
    near = Behind(destination, from_question=0, seconds=0.0)
    far = Behind(destination, from_question=1, seconds=60.0)
    repairer = Repairer(
        Sides(origin, destination, far.applied),
        checkpoint=links.TASK,
        epoch=1,
        report=reports.append,
        stop=stop,
    )
    waited: list[float] = []
    ended = threading.Event()

    def write() -> None:
        with open_session(origin) as session:
            while not ended.is_set():
                began = time.monotonic()
                execute(session, "UPDATE shop.t SET v = v + 1 WHERE id = 160")
                execute(session, "INSERT INTO shop.t VALUES (1000, 0)")
                execute(session, "DELETE FROM shop.t WHERE id = 1000")
                waited.append(time.monotonic() - began)
                time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        result = verify_tables(
            Sides(origin, destination, near.applied),
            report=reports.append,
            stop=stop,
            progress=Progress(VerifyOrder(new_pass_id(), repair=True)),
            repairer=repairer,
        )
    finally:
        ended.set()
        writer.join()
    assert result.differences >= 50
    said = " ".join(report.sentence for report in reports if isinstance(report, LogReport))
    assert "had not applied" in said
    assert max(waited) < 1.0, max(waited)


def test_what_nobody_foresaw_ends_the_pass_and_not_the_stream(
    mysql57: RunningServer,
    mysql97: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Changes are still carried, and the pass says what it met."""

    def meet(*_given: object, **_named: object) -> None:
        raise ValueError("a strange row")

    monkeypatch.setattr(verify_task, "verify_tables", meet)
    for running in (mysql57, mysql97):
        wipe(running.server)
    with open_session(mysql57.server) as session:
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    spec = task_spec(mysql57.server, mysql97.server, tmp_path)
    with read_only(mysql97.server), RunningTask(spec) as task:
        done = eventually(lambda: [r for r in task.reports if isinstance(r, VerifyDoneReport)])
        with open_session(mysql57.server) as session:
            execute(session, "INSERT INTO shop.t VALUES (1)")
        task.caught_up()
    assert "ValueError: a strange row" in done[0].problem
    assert len(done) == 1
