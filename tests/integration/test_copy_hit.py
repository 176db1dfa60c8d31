"""A table that DDL hits during the copy is free for more DDL at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sterna.dataplane.reports import Report, TableReport
from sterna.mysql.connection import Server, execute, open_session
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.task import RunningTask, task_spec

pytestmark = pytest.mark.usefixtures("never_slower")


@pytest.fixture
def origin(mysql57: RunningServer) -> Server:
    """A server that keeps a table from being altered while a transaction has read it."""
    wipe(mysql57.server)
    return mysql57.server


def test_a_table_that_was_hit_is_not_kept_locked(
    origin: Server, destination: Server, tmp_path: Path
) -> None:
    """While another table holds the snapshot for long, the one that cannot be read under it any
    more can be altered once more without waiting."""
    with open_session(origin) as session:
        execute(session, "CREATE DATABASE shop")
        for table, rows in (("slow", 6000), ("first", 500), ("hit", 500)):
            execute(session, f"CREATE TABLE shop.{table} (id INT, v CHAR(200))")
            values = ", ".join(f"({number}, REPEAT('x', 200))" for number in range(rows))
            execute(session, f"INSERT INTO shop.{table} VALUES {values}")
            execute(session, f"ANALYZE TABLE shop.{table}")
    waited: list[float] = []

    def at(report: Report) -> None:
        if isinstance(report, TableReport) and report.copied and report.table == "first":
            alter(origin, "shop.hit", "one")

    spec = task_spec(origin, destination, tmp_path, rows_per_second=900)
    task = RunningTask(spec, on_report=at)
    with task:
        eventually(
            lambda: task.failure or [said for said in task.sentences if "DDL hit" in said],
            within_seconds=30,
        )
        waited.append(alter(origin, "shop.hit", "two"))
        assert "shop.slow" not in task.copied
        task.caught_up()
    assert waited[0] < 2, waited
    assert_equal(origin, destination, ["shop"])


def alter(server: Server, table: str, column: str) -> float:
    """Seconds that a new column took."""
    with open_session(server) as session:
        began = time.monotonic()
        execute(session, f"ALTER TABLE {table} ADD COLUMN {column} INT")
        return time.monotonic() - began
