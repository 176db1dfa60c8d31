"""Rogue writers on a real destination."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.dataplane.apply import Applier
from sterna.dataplane.reports import Report, RogueReport
from sterna.dataplane.rogue import RogueWatch
from sterna.mysql.connection import Server, execute, open_session
from sterna.mysql.position import Position
from tests.fixtures.running import RunningServer, eventually, wipe


@contextmanager
def watching(server: Server, folder: Path) -> Iterator[tuple[RogueWatch, list[Report]]]:
    """A watch, and what it reports meanwhile."""
    reports: list[Report] = []
    stop = threading.Event()
    watch = RogueWatch(server, folder / "watched", server_id=4711)
    thread = threading.Thread(target=watch.run, args=(reports.append, stop))
    thread.start()
    yield watch, reports
    stop.set()
    thread.join()


def prepare(server: Server) -> None:
    """A table, and our checkpoint."""
    wipe(server)
    with open_session(server) as session:
        checkpoint.create(session)
        checkpoint.write_start(session, "t/forward", 1, Position.parse("x.000001:4"))
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")


@pytest.fixture(params=["mysql56", "mysql57", "mysql97", "mariadb1011"])
def destination(request: pytest.FixtureRequest) -> RunningServer:
    """Every kind of destination."""
    running: RunningServer = request.getfixturevalue(request.param)
    prepare(running.server)
    return running


def insert(server: Server, row: int, *, with_checkpoint: bool) -> None:
    """A transaction of ours, or of somebody else."""
    with open_session(server, autocommit=False) as session:
        execute(session, "INSERT INTO shop.t VALUES (%s)", [row])
        if with_checkpoint:
            position = Position.parse(f"x.000001:{row + 100}")
            execute(session, checkpoint.move_sql("t/forward", 1, position).decode())
        execute(session, "COMMIT")


def named(reports: Sequence[Report]) -> set[str]:
    """All tables and databases that were reported."""
    return {table for each in reports if isinstance(each, RogueReport) for table in each.tables}


def test_a_rogue_application_does_not_flood_the_task(
    mysql57: RunningServer, tmp_path: Path
) -> None:
    """Hundreds of transactions of somebody else are told in a few reports, and no table is left
    out."""
    prepare(mysql57.server)
    with open_session(mysql57.server) as session:
        execute(session, "CREATE TABLE shop.last (id INT PRIMARY KEY)")
        with watching(mysql57.server, tmp_path) as (_, reports):
            for row in range(300):
                execute(session, "INSERT INTO shop.t VALUES (%s)", [row])
            execute(session, "INSERT INTO shop.last VALUES (1)")
            eventually(lambda: "shop.last" in named(reports), within_seconds=3)
    assert named(reports) == {"shop.t", "shop.last"} and len(reports) < 100


def test_only_foreign_transactions_are_reported(destination: RunningServer, tmp_path: Path) -> None:
    """A transaction that does not move our checkpoint is named within two seconds; ours never."""
    with watching(destination.server, tmp_path) as (watch, reports):
        insert(destination.server, 1, with_checkpoint=True)
        insert(destination.server, 2, with_checkpoint=False)
        eventually(lambda: reports, within_seconds=2)
        insert(destination.server, 3, with_checkpoint=True)
        with open_session(destination.server) as session:
            execute(session, "FLUSH LOGS")
        insert(destination.server, 4, with_checkpoint=False)
        eventually(lambda: len(reports) == 2, within_seconds=3)
        assert not watch.altered.is_set()  # rows alone alter no table
    assert all(isinstance(report, RogueReport) for report in reports)
    assert [report.tables for report in reports if isinstance(report, RogueReport)] == [
        ["shop.t"],
        ["shop.t"],
    ]


def test_what_happened_while_nobody_watched_is_found(
    mysql57: RunningServer, tmp_path: Path
) -> None:
    """A watch that starts again reads on where the last one ended."""
    prepare(mysql57.server)
    with watching(mysql57.server, tmp_path):
        pass
    insert(mysql57.server, 1, with_checkpoint=False)
    with watching(mysql57.server, tmp_path) as (_watch, reports):
        eventually(lambda: reports, within_seconds=3)


def test_rows_written_while_a_statement_of_ours_runs_are_reported(
    mysql57: RunningServer, tmp_path: Path
) -> None:
    """It may run for hours; the rows are not taken for it, nor it for a rogue's."""
    prepare(mysql57.server)
    start = Position.parse("x.000001:10")
    with watching(mysql57.server, tmp_path) as (watch, reports):
        applier = Applier(mysql57.server, "t/forward", 1, is_careful=False)
        applier.commit(start, pending=start.in_same_file(11))
        insert(mysql57.server, 1, with_checkpoint=False)
        eventually(lambda: reports, within_seconds=5)
        with open_session(mysql57.server) as session:
            execute(session, "CREATE DATABASE ours")
            applier.commit(start.in_same_file(11))
            applier.close()
            execute(session, "INSERT INTO shop.t VALUES (2)")
        eventually(lambda: len(reports) == 2, within_seconds=5)
    assert named(reports) == {"shop.t"} and not watch.altered.is_set()


def test_ddl_that_was_not_announced_is_reported(destination: RunningServer, tmp_path: Path) -> None:
    """A table that somebody empties or alters is named; what the stream brings is not, and an
    announcement is good for one statement."""
    server = destination.server
    with watching(server, tmp_path) as (watch, reports), open_session(server) as session:
        applier = Applier(server, "t/forward", 1, is_careful=False)
        for number, sql in enumerate(
            ("ALTER TABLE shop.t ADD v INT", "CREATE DATABASE ours", "DROP TABLE shop.t")
        ):
            start = Position.parse(f"x.000001:{number + 10}")
            applier.commit(start, pending=start.in_same_file(number + 11))
            execute(session, sql)
            applier.commit(start.in_same_file(number + 11))
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
        execute(session, "CREATE VIEW shop.v AS SELECT 1")
        insert(server, 3, with_checkpoint=True)
        execute(session, "TRUNCATE shop.t")
        execute(session, "DROP DATABASE ours")
        eventually(lambda: "ours" in named(reports), within_seconds=3)
        applier.close()
    assert named(reports) == {"shop.t", "ours"}
    assert watch.altered.is_set()
