"""The limits of a sync task, and the history of what it did."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sterna.dataplane.reports import SampleReport
from sterna.dataplane.spec import TaskSpec, from_line, rate_from_line, rate_to_line, to_line
from sterna.errors import Refused
from sterna.migration.rate import LIMIT_MAX, TaskRate
from sterna.mysql.connection import Server
from sterna.store.repository import open_store
from sterna.store.tasks import Tasks
from sterna.workflow import metrics
from sterna.workflow.metrics import COARSE_SAMPLES, FINE_SAMPLES, Metrics

SERVER = Server("127.0.0.1", 3306, "admin", "secret")
REPORT = SampleReport(100.0, 1000.0, 0.0, 5.0, 20.0, 2000.0, 1.0, 0, 1.0, "")
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_is_not_named_stays() -> None:
    """None leaves a limit as it is, 0 lifts it."""
    rate = TaskRate(full_rows_per_second=5, incremental_rows_per_second=7)
    changed = rate.changed({"full_rows_per_second": 0, "incremental_rows_per_second": None})
    assert changed == TaskRate(incremental_rows_per_second=7)
    assert str(changed) == "incremental rows/s 7"
    assert str(TaskRate(back_off=False)) == "no back-off"


@pytest.mark.parametrize("value", [-1, LIMIT_MAX + 1])
def test_impossible_limits_are_refused(value: int) -> None:
    """With the range there is."""
    with pytest.raises(Refused) as refused:
        TaskRate().changed({"full_bytes_per_second": value})
    assert refused.value.code == "RateOutOfRange"
    with pytest.raises(Refused) as refused:
        TaskRate().changed({"full_bytes_per_second": None})
    assert refused.value.code == "NothingToChange"


def test_limits_travel_to_the_process() -> None:
    """In the spec it starts with, and in the command it is told while it runs."""
    rate = TaskRate(full_rows_per_second=5, back_off=False)
    spec = TaskSpec("dts1", "forward", 1, SERVER, SERVER, Path("/spool"), 7, rate=rate)
    assert from_line(to_line(spec)) == spec
    assert rate_from_line(rate_to_line(rate)) == rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """A clock of one element, to be set by the test."""
    times = [THEN]
    monkeypatch.setattr(metrics, "now", lambda: times[0])
    return times


def test_a_history_is_bounded(clock: list[datetime]) -> None:
    """Seconds for ten minutes, half minutes for a day; each moment is there once, in order."""
    history = Metrics()
    for second in range(60_000):
        clock[0] = THEN + timedelta(seconds=second)
        history.add("dts1", replace(REPORT, rows_per_second=float(second)))
    every = history.samples("dts1", THEN - timedelta(days=1))
    assert FINE_SAMPLES < len(every) <= FINE_SAMPLES + COARSE_SAMPLES
    assert [sample.at for sample in every] == sorted({sample.at for sample in every})
    assert every[-1].rows_per_second == 59_999
    assert every[0].rows_per_second == pytest.approx(15)
    assert len(history.samples("dts1", clock[0] - timedelta(seconds=10))) == 10


def test_a_mean_keeps_what_was_worst(clock: list[datetime]) -> None:
    """The largest latency of the half minute, and the last reason there was."""
    history = Metrics()
    for second in range(metrics.COARSE_SECONDS + FINE_SAMPLES + 5):
        clock[0] = THEN + timedelta(seconds=second)
        history.note_lag("dts1", 9.0 if second == 3 else 0.1, "")
        history.add("dts1", replace(REPORT, throttled_because="limited" if second == 5 else ""))
    oldest = history.samples("dts1", THEN - timedelta(days=1))[0]
    assert (oldest.lag_seconds, oldest.throttled_because) == (9.0, "limited")


def test_a_reason_is_new_once(clock: list[datetime]) -> None:
    """The store is told when it changes; a silent task does nothing just now."""
    history = Metrics()
    limited = replace(REPORT, throttled_because="limited")
    assert [history.add("dts1", report) for report in (REPORT, REPORT, limited, limited)] == [
        *(True, False),
        *(True, False),
    ]
    newest = history.newest("dts1")
    assert newest is not None and newest.throttled_because == "limited"
    clock[0] += timedelta(seconds=4)
    assert history.newest("dts1") is None
    history.note_end("dts1")
    assert history.add("dts1", REPORT)


def test_limits_are_in_the_database(tmp_path: Path) -> None:
    """A server that starts anew finds them; a task that has ended is not slowed down any more."""
    for start in ("first", "second"):
        database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
        tasks = Tasks(database)
        if start == "first":
            tasks.add("dts1", "bank")
            tasks.want("dts1", running=True)
            assert tasks.task("dts1").rate == TaskRate()
            tasks.change("dts1", rate=asdict(TaskRate(full_rows_per_second=5)))
            tasks.progress("dts1", throttled_because="it is limited")
        assert tasks.task("dts1").rate == TaskRate(full_rows_per_second=5)
        assert tasks.task("dts1").throttled_because == "it is limited"
        tasks.want("dts1", running=start == "first")
        database.close()
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    assert Tasks(database).task("dts1").throttled_because == ""
    database.close()
