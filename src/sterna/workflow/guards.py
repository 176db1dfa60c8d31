"""What must be true before the writes may move; looked up now, reported all at once."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sterna.errors import Refused
from sterna.migration.policy import Snapshot, decide
from sterna.migration.status import Action, Status
from sterna.store.records import Migration, SyncTask
from sterna.workflow.live_guards import live_refusals
from sterna.workflow.tools import Tools

BUSY_OF = {Action.SWITCH_OVER: Status.SYNCING, Action.ROLL_BACK: Status.REVERSED}
LAG_WAIT_SECONDS = 3.0
LAG_POLL_SECONDS = 0.1
# Nothing else is looked up where the state alone forbids it.
STATE_CODES = ("StatusNotSupported", "OperationUnderWay")


def snapshot_of(tools: Tools, cluster_id: str) -> Snapshot:
    """What the store knows of a migration now."""
    migration = tools.journal.migration(cluster_id)
    return snapshot_from(migration, tools.tasks.task(migration.task_id))


def snapshot_from(migration: Migration, task: SyncTask) -> Snapshot:
    """What these rows say, as the decisions want it."""
    clean = None if task.verified_at is None else task.differences == 0
    return Snapshot(
        cluster_id=migration.cluster_id,
        status=Status(migration.status),
        operation=migration.operation,
        lag_seconds=task.lag_seconds,
        stalled_because=task.stalled_because,
        task_status=task.status,
        verified_clean=clean,
        rogue=task.rogue,
        rollback_impossible_because=task.rollback_impossible_because,
        throttled_because=task.throttled_because,
    )


def current_refusals(
    tools: Tools,
    cluster_id: str,
    operation: str,
    *,
    under_way: bool = False,
    waived: Collection[str] = (),
) -> tuple[Refused, ...]:
    """Every reason why the operation must not be done now.

    With `under_way` the operation has begun and its own status does not count. `waived` are the
    codes of reasons that the operation will deal with by itself.
    """
    action = Action(operation)
    refusals = _stored_refusals(tools, cluster_id, action, under_way)
    if action not in BUSY_OF or any(r.code in STATE_CODES for r in refusals):
        return refusals
    source, cluster = tools.source(cluster_id), tools.cluster(cluster_id)
    to_cluster = action is Action.SWITCH_OVER
    leaving, arriving = (source, cluster) if to_cluster else (cluster, source)
    live = live_refusals(tools, cluster_id, leaving, arriving)
    return (*refusals, *(refusal for refusal in live if refusal.code not in waived))


def waived_by(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes of the reasons that an operation asked for with these arguments deals with itself."""
    asked = arguments.get("wait_for_transactions_seconds") or arguments.get("end_transactions")
    return ("LongTransaction",) if asked else ()


def joined(refusals: Iterable[Refused]) -> Refused | None:
    """All reasons as one, in one sentence after the other; None when there are none."""
    found = tuple(refusals)
    if len(found) <= 1:
        return found[0] if found else None
    return Refused(
        " ".join(refusal.message for refusal in found),
        code=found[0].code,
        remedy=" ".join(refusal.remedy for refusal in found),
    )


def _stored_refusals(
    tools: Tools, cluster_id: str, action: Action, under_way: bool
) -> tuple[Refused, ...]:
    """What the store has against it. A latency that is only just not known is waited for."""
    deadline = time.monotonic() + LAG_WAIT_SECONDS
    while True:
        snapshot = snapshot_of(tools, cluster_id)
        if under_way:
            snapshot = replace(snapshot, operation="", status=BUSY_OF[action])
        refusals = decide(action, snapshot)
        if [refusal.code for refusal in refusals] != ["LagUnknown"] or time.monotonic() > deadline:
            return refusals
        time.sleep(LAG_POLL_SECONDS)
