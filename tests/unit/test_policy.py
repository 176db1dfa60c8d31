"""What an operator may do in which state, and the sentence he gets when he may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sterna.migration.policy import Snapshot, decide, rollback_readiness
from sterna.migration.status import REMEDIES, TITLES, TRANSITIONS, Action, Status

READY = Snapshot(
    cluster_id="pc-1",
    status=Status.SYNCING,
    operation="",
    lag_seconds=0.2,
    stalled_because="",
    task_status="Synchronizing",
    verified_clean=True,
)


def codes(action: Action, snapshot: Snapshot) -> list[str]:
    """The codes of all refusals."""
    return [refusal.code for refusal in decide(action, snapshot)]


def test_switch_over_is_allowed_when_all_is_well() -> None:
    """A migration that is in sync, verified and idle may be switched over."""
    assert codes(Action.SWITCH_OVER, READY) == []


@pytest.mark.parametrize(
    ("lag_seconds", "refused"),
    [(59.999, []), (60.0, ["LagTooHigh"]), (3600.0, ["LagTooHigh"]), (None, ["LagUnknown"])],
)
def test_lag_must_be_below_sixty_seconds(lag_seconds: float | None, refused: list[str]) -> None:
    """Exactly 60 seconds are refused, and so is a lag nobody knows."""
    assert codes(Action.SWITCH_OVER, replace(READY, lag_seconds=lag_seconds)) == refused


def test_a_lag_of_our_own_making_is_named() -> None:
    """Who has limited the synchronization reads so in the refusal."""
    slow = replace(READY, lag_seconds=75.0, throttled_because="it is limited to 20 rows/s")
    (refusal,) = decide(Action.SWITCH_OVER, slow)
    assert "It is slowed down: it is limited to 20 rows/s." in refusal.message


def test_all_reasons_are_told_at_once() -> None:
    """Lag and verification are both named, so nobody runs into the second after the first."""
    late = replace(READY, lag_seconds=61.0, verified_clean=False)
    assert codes(Action.SWITCH_OVER, late) == ["LagTooHigh", "DifferencesFound"]


def test_stalled_stream_is_refused_with_its_cause() -> None:
    """A dead stream is not taken for a lag of zero."""
    dead = replace(READY, lag_seconds=None, stalled_because="the source is down")
    (refusal,) = decide(Action.SWITCH_OVER, dead)
    assert refusal.code == "SyncStalled"
    assert "the source is down" in refusal.message


def test_unverified_data_is_refused() -> None:
    """Nobody switches to data that were never compared."""
    assert codes(Action.SWITCH_OVER, replace(READY, verified_clean=None)) == ["NotVerified"]


def test_rollback_does_not_wait_for_a_verification() -> None:
    """The way back is open as soon as the stream is."""
    turned = replace(READY, status=Status.REVERSED, verified_clean=None)
    assert codes(Action.ROLL_BACK, turned) == []


@pytest.mark.parametrize(
    ("changes", "ready"),
    [
        ({}, (True, "")),
        (
            {"lag_seconds": 60.0},
            (False, "The replication latency is 60.0 s; it must be below 60 s."),
        ),
        ({"lag_seconds": None}, (False, "The replication latency is not known yet.")),
        (
            {"task_status": "Failed"},
            (False, "The synchronization stands still: the sync task has stopped."),
        ),
        ({"status": Status.SYNCING}, (None, "")),
    ],
)
def test_readiness_for_a_rollback_is_always_known(
    changes: dict[str, Any], ready: tuple[bool | None, str]
) -> None:
    """Yes, no with the reason, or nothing to roll back."""
    turned = replace(READY, status=Status.REVERSED)
    assert rollback_readiness(replace(turned, **changes)) == ready


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("status", list(Status))
def test_every_action_in_every_status(action: Action, status: Status) -> None:
    """An action outside its statuses is refused with a remedy that names the cluster's own id."""
    snapshot = replace(READY, status=status)
    if status in TRANSITIONS[action]:
        assert codes(action, snapshot) == []
        return
    (refusal,) = decide(action, snapshot)
    assert refusal.code == "StatusNotSupported"
    assert status in refusal.message
    assert refusal.remedy
    assert "CLUSTER" not in refusal.remedy


@pytest.mark.parametrize("action", list(Action))
def test_one_operation_at_a_time(action: Action) -> None:
    """While an operation is under way every other action waits."""
    busy = replace(READY, operation="switch_over")
    assert codes(action, busy) == ["OperationUnderWay"]


def test_every_status_is_described() -> None:
    """No status is shown without a title and advice."""
    assert set(TITLES) == set(REMEDIES) == set(Status)
