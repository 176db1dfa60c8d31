"""The limits Sterna holds itself to, and the decision whether an action is allowed now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sterna.errors import Refused
from sterna.migration.status import REMEDIES, TITLES, TRANSITIONS, Action, Status

LAG_SECONDS_MAX = 60.0
MIGRATION_LIFETIME = timedelta(days=30)
WARNING_DAYS = (7, 3, 1)
EVALUATION_LIFETIME = timedelta(days=7)
SWITCH_BUDGET_SECONDS = 30.0
TRANSACTION_SECONDS_MAX = 10.0


@dataclass(frozen=True)
class Snapshot:
    """What is known of a migration at the moment of a decision."""

    cluster_id: str
    status: Status
    operation: str  # the operation under way, empty when none
    lag_seconds: float | None
    stalled_because: str
    task_status: str
    verified_clean: bool | None  # None: no pass has ended yet
    rogue: str = ""  # who else wrote to the side that follows, since the last clean pass
    rollback_impossible_because: str = ""
    throttled_because: str = ""  # what slows the synchronization down


def decide(action: Action, snapshot: Snapshot) -> tuple[Refused, ...]:
    """Why `action` must not be done now; all reasons at once, none when it may."""
    state = _state_refusals(action, snapshot)
    if state:
        return state
    if action in (Action.SWITCH_OVER, Action.ROLL_BACK):
        return (
            *_way_back_refusals(action, snapshot),
            *_lag_refusals(snapshot),
            *_rogue_refusals(snapshot),
            *_verify_refusals(action, snapshot),
        )
    return ()


def rollback_readiness(snapshot: Snapshot) -> tuple[bool | None, str]:
    """Whether a rollback could begin now, and why not; None where there is nothing to roll back.

    What only the servers themselves know is looked at when it is asked for.
    """
    if snapshot.status is not Status.REVERSED:
        return None, ""
    refusals = decide(Action.ROLL_BACK, snapshot)
    return not refusals, " ".join(refusal.message for refusal in refusals)


def expiry_warning(now: datetime, expires_at: datetime) -> int | None:
    """Which of the warnings is due: the smallest of `WARNING_DAYS` not yet passed, or None."""
    left = expires_at - now
    due = [days for days in WARNING_DAYS if left <= timedelta(days=days)]
    return min(due) if due and left > timedelta(0) else None


def _state_refusals(action: Action, snapshot: Snapshot) -> tuple[Refused, ...]:
    if snapshot.operation:
        return (
            Refused(
                f"{snapshot.cluster_id} is busy: {snapshot.operation} is under way.",
                code="OperationUnderWay",
                remedy=f"Wait until it has ended: sterna migration watch {snapshot.cluster_id}.",
            ),
        )
    if snapshot.status in TRANSITIONS[action]:
        return ()
    return (
        Refused(
            f"{action.value.replace('_', ' ')} is not possible: the migration of "
            f"{snapshot.cluster_id} is in status {snapshot.status} ({TITLES[snapshot.status]}).",
            code="StatusNotSupported",
            remedy=REMEDIES[snapshot.status].replace("CLUSTER", snapshot.cluster_id),
        ),
    )


def _way_back_refusals(action: Action, snapshot: Snapshot) -> tuple[Refused, ...]:
    if action is not Action.ROLL_BACK or not snapshot.rollback_impossible_because:
        return ()
    return (
        Refused(
            f"Rollback is no longer possible. {snapshot.rollback_impossible_because}",
            code="RollbackImpossible",
            remedy=f"Complete the migration: sterna complete {snapshot.cluster_id}. Or see what"
            f" can be done by hand: sterna migration show {snapshot.cluster_id}.",
        ),
    )


def _lag_refusals(snapshot: Snapshot) -> tuple[Refused, ...]:
    watch = f"sterna migration watch {snapshot.cluster_id}"
    if snapshot.task_status == "Failed" or snapshot.stalled_because:
        cause = snapshot.stalled_because or "the sync task has stopped"
        return (
            Refused(
                f"The synchronization stands still: {cause}.",
                code="SyncStalled",
                remedy=f"Remove the cause and wait until it runs again: {watch}.",
            ),
        )
    if snapshot.lag_seconds is None:
        return (
            Refused(
                "The replication latency is not known yet.",
                code="LagUnknown",
                remedy=f"Wait until it is shown: {watch}.",
            ),
        )
    if snapshot.lag_seconds >= LAG_SECONDS_MAX:
        cause = snapshot.throttled_because
        return (
            Refused(
                f"The replication latency is {snapshot.lag_seconds:.1f} s; it must be below "
                f"{LAG_SECONDS_MAX:.0f} s." + (f" It is slowed down: {cause}." if cause else ""),
                code="LagTooHigh",
                remedy=f"Wait until it has fallen: {watch}.",
            ),
        )
    return ()


def _rogue_refusals(snapshot: Snapshot) -> tuple[Refused, ...]:
    if not snapshot.rogue:
        return ()
    return (
        Refused(
            f"The side that follows is no longer what it was copied from: {snapshot.rogue}.",
            code="RogueWrites",
            remedy="Stop that writer, make the rows alike, and verify: "
            f"sterna verify {snapshot.cluster_id}; a clean pass lifts this.",
        ),
    )


def _verify_refusals(action: Action, snapshot: Snapshot) -> tuple[Refused, ...]:
    if action is not Action.SWITCH_OVER or snapshot.verified_clean:
        return ()
    if snapshot.verified_clean is None:
        return (
            Refused(
                "The copied data has not been verified completely yet.",
                code="NotVerified",
                remedy=f"Wait for the pass to end: sterna migration watch {snapshot.cluster_id}.",
            ),
        )
    return (
        Refused(
            "The last verification found differences between source and cluster.",
            code="DifferencesFound",
            remedy=f"See them with: sterna migration show {snapshot.cluster_id}; "
            f"verify again with: sterna verify {snapshot.cluster_id}.",
        ),
    )
