"""A sync task goes as fast as it may: limits set while it runs, and an origin that is spared."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from statistics import fmean
from typing import Any

import pytest

from demo.connection import Login, connect, rows
from tests.acceptance.stage import Stage, ask, open_stage
from tests.fixtures.running import ServerFarm, eventually
from tests.fixtures.suffering import burning

TARGET = "9.7"
SCALE = 0.2
ROWS_PER_SECOND = 4_000
SECONDS_MEASURED = 3


@pytest.fixture(scope="module")
def copying(farm: ServerFarm) -> Generator[Stage]:
    """A cluster that is being filled, slowly."""
    with open_stage(farm, "5.7", scale=SCALE) as stage:
        stage.supply_passwords()
        stage.begin_upgrade(TARGET)
        set_rate(stage, "--full-rows-per-second", str(ROWS_PER_SECOND))
        eventually(lambda: samples(stage)[-1]["rows_per_second"] > 0, within_seconds=60)
        yield stage


def set_rate(stage: Stage, *options: str) -> dict[str, Any]:
    """Set limits as an operator does; the task afterwards."""
    task: dict[str, Any] = stage.product.ask("task", "rate", stage.cluster_id, *options)
    return task


def samples(stage: Stage) -> list[dict[str, Any]]:
    """What the task did lately, second by second; an empty one first."""
    seen: list[dict[str, Any]] = stage.product.see(f"/tasks/{stage.task_id}/metrics?seconds=60")
    return [{"rows_per_second": 0, "throttled_because": "", "share": 1.0}, *seen]


def speed(stage: Stage, what: str = "rows_per_second") -> float:
    """The mean of the next seconds in which the task is at work."""
    known = {sample.get("at") for sample in samples(stage)}

    def enough() -> list[float]:
        fresh = [s[what] for s in samples(stage) if s.get("at") not in known and s[what]]
        return fresh[1 : SECONDS_MEASURED + 1] if len(fresh) > SECONDS_MEASURED else []

    return fmean(eventually(enough, within_seconds=30, every_seconds=0.2))


def kill(stage: Stage, victim: str) -> None:
    """Kill -9; who is killed comes back by itself, the server by its administrator."""
    if victim == "server":
        stage.product.kill9()
        stage.product.start()
    if victim == "task":
        pid = stage.product.task_pid(stage.task_id)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


def test_a_copy_keeps_its_rate(copying: Stage) -> None:
    """Within 15 %, after its process and the server were killed; and it says why it is slow."""
    for victim in ("task", "server"):
        kill(copying, victim)
    assert speed(copying) == pytest.approx(ROWS_PER_SECOND, rel=0.15)
    because = copying.migration["task"]["throttled_because"]
    assert because == f"the full copy is limited to {ROWS_PER_SECOND:,} rows/s"


def test_a_source_that_suffers_is_spared(copying: Stage) -> None:
    """Forty sessions that burn its processors slow the copy, with the reason; it comes back."""
    with burning(copying.source.server, sessions=40):
        task = eventually(lambda: slowed(copying), within_seconds=20)
        assert "the origin suffers: " in task["throttled_because"]
        assert "statements run at once" in task["throttled_because"]
        eventually(
            lambda: samples(copying)[-1]["rows_per_second"] < ROWS_PER_SECOND / 4, within_seconds=20
        )
    eventually(lambda: samples(copying)[-1]["share"] == 1.0, within_seconds=30)
    assert speed(copying) == pytest.approx(ROWS_PER_SECOND, rel=0.15)


def slowed(stage: Stage) -> dict[str, Any] | None:
    """The task while the origin is spared."""
    task: dict[str, Any] = stage.migration["task"]
    return task if "suffers" in task["throttled_because"] else None


def test_a_limited_stream_says_why_it_falls_behind(copying: Stage) -> None:
    """Its latency grows, with the reason; lifted, it catches up."""
    set_rate(copying, "--full-rows-per-second", "0", "--incremental-rows-per-second", "20")
    copying.wait_until_idle()
    with copying.open_hours():
        eventually(lambda: (copying.migration["lag_seconds"] or 0) > 3, within_seconds=60)
        assert speed(copying, "row_events_per_second") == pytest.approx(20, rel=0.3)
        because = copying.migration["task"]["throttled_because"]
        assert because == "the incremental synchronization is limited to 20 rows/s"
        set_rate(copying, "--incremental-rows-per-second", "0")
        copying.wait_until_in_step()
    copying.wait_until_verified()


def test_no_limit_holds_a_switch_up(copying: Stage) -> None:
    """Behind by more than the applications may wait, it catches up at full speed in the switch."""
    set_rate(copying, "--incremental-rows-per-second", "5")
    with connect(root(copying)) as session:
        rows(session, "CREATE TABLE bank.backlog (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
        for number in range(400):
            rows(session, "INSERT INTO bank.backlog (n) VALUES (%s)", number)
    eventually(lambda: (copying.migration["lag_seconds"] or 0) > 2, within_seconds=30)
    copying.do("switch-over", "--with-endpoints", "--yes")
    assert copying.migration["status"] == "POLARDB2RDS_SYNCING"
    assert ask(copying.cluster, "SELECT COUNT(*), SUM(n) FROM bank.backlog") == ((400, 79800),)
    rate = copying.migration["task"]["rate"]
    assert rate["incremental_rows_per_second"] == 5
    copying.assert_sides_equal()


def root(stage: Stage) -> Login:
    """The source, for its administrator."""
    server = stage.source.server
    return Login(server.host, server.port, server.user, server.password)
