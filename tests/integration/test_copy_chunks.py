"""The chunks a copy moves rows in, each with a commit of its own."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

from sterna.dataplane import chunks, copy_worker
from sterna.dataplane.chunks import RowMover
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.copy_ranges import is_unchanged
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import Report, TableReport
from sterna.mysql.connection import Server, Session, execute, open_session, query
from tests.fixtures.running import RunningServer, wipe


@pytest.fixture
def big(mysql57: RunningServer) -> Server:
    """A server with the empty table `big.t`."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        execute(session, "CREATE DATABASE big")
        execute(session, "CREATE TABLE big.t (id INT, v VARCHAR(20))")
    return mysql57.server


def fill(server: Server, *, rows: int) -> None:
    """Rows 1, 2, … of the table."""
    with open_session(server) as session:
        execute(session, "INSERT INTO big.t VALUES (1, REPEAT('x', 10))")
        count = 1
        while count < rows:
            more = min(count, rows - count)
            execute(session, f"INSERT INTO big.t SELECT id + {count}, v FROM big.t LIMIT {more}")
            count += more


def copy(origin: Server, destination: Server, reports: list[Report]) -> None:
    """Copy all."""
    stop = threading.Event()
    copy_tables(origin, destination, pace=Pace(2), report=reports.append, stop=stop)


def test_several_chunks_make_one_table(
    big: Server, destination: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of more than two chunks arrives whole, each chunk with a commit of its own; nothing
    of it waits for a collector of garbage."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100_000)
    fill(big, rows=250_000)
    reports: list[Report] = []
    gc.collect()
    gc.disable()
    try:
        copy(big, destination, reports)
        assert not any(isinstance(each, RowMover) for each in gc.get_objects())
    finally:
        gc.enable()
    seen = [r.rows_copied for r in reports if isinstance(r, TableReport) and not r.copied]
    assert {100_000, 200_000, 250_000} <= set(seen) and seen == sorted(seen)
    with open_session(destination) as session:
        assert query(session, "SELECT COUNT(*), SUM(id) FROM big.t") == [(250_000, 31250125000)]


def test_more_warnings_than_a_server_tells(
    big: Server, destination: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row with number 0 of an ENUM is one; the rows are compared instead, and all are there.
    A chunk ends in the middle of them, by its bytes."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 800_000)
    monkeypatch.setattr(chunks, "RECEIVE_BYTES", 65_536)
    compared: list[bool] = []

    def noted(*sides: Session, **rows: Any) -> bool:
        compared.append(is_unchanged(*sides, **rows))
        return compared[-1]

    monkeypatch.setattr(copy_worker, "is_unchanged", noted)
    fill(big, rows=100_000)
    with open_session(big) as session:
        execute(session, "ALTER TABLE big.t MODIFY v ENUM('a','') NOT NULL")
    copy(big, destination, [])
    assert compared == [True]
    with open_session(destination) as session:
        sums = "SELECT COUNT(*), SUM(id), SUM(v + 0) FROM big.t"
        assert query(session, sums) == [(100_000, 5000050000, 0)]
