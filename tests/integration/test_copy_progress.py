"""What a copy says of itself while it runs."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from sterna.dataplane import copy_eta, copy_ranges
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import ProgressReport, Report, TableReport
from sterna.mysql.connection import execute, open_session, query
from tests.fixtures.running import RunningServer, wipe

ROWS = 150_000
ROWS_PER_SECOND = 12_000  # far below what any machine can do: how busy it is matters little


@pytest.fixture
def long_table(mysql57: RunningServer) -> RunningServer:
    """An origin with one long table, whose rows are of different lengths."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        for sql in (
            "SET sql_log_bin = 0",
            "CREATE DATABASE told",
            "USE told",
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(200))",
            "INSERT INTO t (n, v) VALUES (1, 'x')",
        ):
            execute(session, sql)
        count = 1
        while count < ROWS:
            more = min(count, ROWS - count)
            execute(
                session,
                "INSERT INTO t (n, v) SELECT RAND() * 1e6, REPEAT('y', RAND() * 120) FROM t"
                f" LIMIT {more}",
            )
            count += more
        query(session, "ANALYZE TABLE t")
    return mysql57


def test_the_time_left_is_right_after_the_first_tenth(
    long_table: RunningServer, mysql97: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, bytes and the time left are told of the whole and of the table while it is copied;
    from the first tenth on the time left is right within a fifth."""
    wipe(mysql97.server)
    monkeypatch.setattr(copy_eta, "TELL_SECONDS", 0.1)
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", 10_000)
    told: list[tuple[float, ProgressReport]] = []
    tables: list[TableReport] = []

    def listen(report: Report) -> None:
        if isinstance(report, ProgressReport):
            told.append((time.monotonic(), report))
        if isinstance(report, TableReport):
            tables.append(report)

    began = time.monotonic()
    pace = Pace(2, Rate(rows_per_second=ROWS_PER_SECOND))
    copy_tables(long_table.server, mysql97.server, pace=pace, report=listen, stop=threading.Event())
    ended = time.monotonic()
    first = next(when for when, report in told if report.rows_copied > ROWS / 10)
    errors = [
        abs(report.eta_seconds - (ended - when)) / (ended - when)
        for when, report in told
        if report.eta_seconds is not None and first < when < ended - 0.1 * (ended - began)
    ]
    assert statistics.quantiles(errors, n=10)[-1] < 0.2, errors
    halfway = [report for when, report in told if when > began + (ended - began) / 2]
    assert halfway[0].rows_estimated == pytest.approx(ROWS, rel=0.2)
    assert [report.rows_copied for report in tables if report.copied] == [ROWS]
    assert all(report.eta_seconds is not None for report in tables)
