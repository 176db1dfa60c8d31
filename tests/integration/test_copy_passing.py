"""Tables that come and go while others are copied: an ETL job beside a whole sync task."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sterna.dataplane import copy
from sterna.mysql.connection import Server, Session, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.task import RunningTask, task_spec

TABLES = 6
JOBS = {
    "always": ["DROP TABLE IF EXISTS etl.t%n", "CREATE TABLE etl.t%n (id INT PRIMARY KEY, v INT)"],
    "new names": ["CREATE TABLE etl.t%s_%n (id INT, v INT)", "DROP TABLE etl.t%s_%n"],
}


pytestmark = pytest.mark.usefixtures("never_slower")


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is unsettled every time is found out soon."""
    monkeypatch.setattr(copy, "ROUNDS_MAX", 8)


@pytest.fixture(params=["mysql57", "mariadb1011"])
def origin(request: pytest.FixtureRequest) -> Server:
    """Some tables that stand still."""
    running: RunningServer = request.getfixturevalue(request.param)
    wipe(running.server)
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE still")
        execute(session, "CREATE DATABASE etl")
        for number in range(TABLES):
            execute(session, f"CREATE TABLE still.t{number} (id INT PRIMARY KEY, v CHAR(99))")
            values = ", ".join(f"({row}, 'x')" for row in range(800))
            execute(session, f"INSERT INTO still.t{number} VALUES {values}")
    return running.server


@contextmanager
def job(server: Server, statements: list[str]) -> Iterator[list[int]]:
    """Make, fill and drop tables until the block ends, as fast as it goes."""
    stop, turns = threading.Event(), [0]

    def work() -> None:
        with open_session(server) as session:
            while not stop.is_set():
                turns[0] += 1
                turn(session)

    def turn(session: Session) -> None:
        for number in range(2):
            made = [sql.replace("%n", str(number)) for sql in statements]
            first, second = (sql.replace("%s", str(turns[0])) for sql in made)
            name = f"etl.t{turns[0]}_{number}" if "%s" in statements[0] else f"etl.t{number}"
            insert = f"INSERT INTO {name} VALUES (1, {turns[0]}), (2, 7)"
            query(session, first)
            order = [insert, second] if first.startswith("CREATE") else [second, insert]
            for sql in order:
                query(session, sql)
            stop.wait(0.15)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield turns
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("kind", JOBS)
def test_tables_that_come_and_go_unsettle_nobody(
    origin: Server, destination: Server, tmp_path: Path, kind: str
) -> None:
    """A job makes and drops tables all the time, with the same names or new ones: the copy ends,
    each table that stands still is copied once, and what the job leaves arrives by following."""
    spec = task_spec(origin, destination, tmp_path, rows_per_second=3000)
    with RunningTask(spec, epoch_seconds=0.5) as task:
        with job(origin, JOBS[kind]) as turns:
            eventually(lambda: task.failure or task.is_following, within_seconds=60)
            assert task.failure is None, "\n".join(task.sentences)
            seen = turns[0]
            eventually(lambda: turns[0] > seen + 3, within_seconds=30)
        task.caught_up()
    assert_equal(origin, destination, ["still", "etl"])
    for number in range(TABLES):
        assert task.copied.count(f"still.t{number}") == 1
