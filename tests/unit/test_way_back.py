"""When the source cannot follow the cluster any more, that is a stored fact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.dataplane.reports import StoppedReport
from sterna.migration.policy import Snapshot, decide
from sterna.migration.status import Action, Status
from sterna.store.repository import open_store
from sterna.store.tasks import Tasks
from sterna.workflow.bookkeeping import Bookkeeper

REFUSED = StoppedReport("Unrepresentable", "MySQL 5.7.29 cannot be given x.", "By hand.", False)


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Tasks]:
    """A store with one task, dts-1."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    tasks = Tasks(database)
    tasks.add("dts-1", "shop")
    yield tasks
    database.close()


def test_the_end_of_the_way_back_is_kept(tasks: Tasks) -> None:
    """On the way back it is a fact of the migration; forward it is an ordinary stop."""
    Bookkeeper(tasks).record("dts-1", REFUSED)
    assert tasks.task("dts-1").rollback_impossible_because == ""
    tasks.want("dts-1", running=True, direction="Reverse")
    Bookkeeper(tasks).record("dts-1", REFUSED)
    assert tasks.task("dts-1").rollback_impossible_because == REFUSED.message
    assert any("no longer possible" in sentence for _, _, sentence in tasks.logs("dts-1"))
    tasks.want("dts-1", running=True, direction="Forward")
    assert tasks.task("dts-1").rollback_impossible_because == ""


def test_other_stops_leave_the_way_back(tasks: Tasks) -> None:
    """A lost connection or a fenced worker says nothing about it."""
    tasks.want("dts-1", running=True, direction="Reverse")
    for code in ("Fenced", "ApplyFailed", "TimeZone"):
        Bookkeeper(tasks).record("dts-1", StoppedReport(code, "It stopped.", "", False))
    assert tasks.task("dts-1").rollback_impossible_because == ""


def test_a_rollback_is_refused_with_the_reason() -> None:
    """First of all reasons, in the words of the stop; completing stays possible."""
    snapshot = Snapshot(
        cluster_id="pc-1",
        status=Status.REVERSED,
        operation="",
        lag_seconds=None,
        stalled_because="it stopped",
        task_status="Failed",
        verified_clean=None,
        rollback_impossible_because=REFUSED.message,
    )
    first = decide(Action.ROLL_BACK, snapshot)[0]
    assert first.code == "RollbackImpossible" and REFUSED.message in first.message
    assert decide(Action.COMPLETE, snapshot) == ()
