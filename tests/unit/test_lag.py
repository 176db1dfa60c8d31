"""What is said of the latency before it is known, and when it is not known any more."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sterna.dataplane.follow import Follower, FollowTask
from sterna.dataplane.lag import LagMeter, Sample
from sterna.dataplane.reports import LagReport, Report
from sterna.dataplane.spool import Spool
from sterna.mysql.connection import Server
from sterna.mysql.position import Position
from sterna.mysql.replication import SILENCE_SECONDS_MAX

NOWHERE = Server("127.0.0.1", 1, "nobody", "")
LONG_AGO = SILENCE_SECONDS_MAX + 1


@pytest.mark.parametrize(("seconds", "words"), [(0, ""), (LONG_AGO, "does not say where")])
def test_before_the_first_window(tmp_path: Path, seconds: float, words: str) -> None:
    """An origin that answers is not said to be silent while nothing of its log is applied yet."""
    meter = LagMeter()
    meter.applied(Position.parse("log.000001:4"), 0)
    meter.add(Sample(time.monotonic() - seconds, Position.parse("log.000001:400")))
    reports: list[Report] = []
    ended = threading.Event()

    def take(report: Report) -> None:
        reports.append(report)
        ended.set()

    task = FollowTask(NOWHERE, NOWHERE, "dts/forward", 1, 1)
    spool = Spool(tmp_path / "spool")
    Follower(task, spool, meter=meter, report=take, stop=ended).report_lag(ended)
    (report,) = reports
    assert isinstance(report, LagReport)
    assert report.lag_seconds is None
    assert words in report.stalled_because
    assert bool(words) == bool(report.stalled_because)
