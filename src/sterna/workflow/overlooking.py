"""Everything at once: how much there is, what wants a person, and what may be done now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sterna.migration.policy import decide, expiry_warning
from sterna.migration.status import REMEDIES, TITLES, Action, Status
from sterna.store.database import now
from sterna.store.records import ActionInfo, Cluster, Migration, Reason, Schedule, SyncTask
from sterna.store.view_records import Alert, Overview
from sterna.workflow.engine import STORY
from sterna.workflow.guards import snapshot_from
from sterna.workflow.steps import owing, resolving
from sterna.workflow.tools import Tools

ASKED_FOR = tuple(action for action in Action if action is not Action.EXPIRE)


def actions_of(migration: Migration, task: SyncTask) -> tuple[ActionInfo, ...]:
    """Every operation, whether the store has anything against it, and what."""
    snapshot = snapshot_from(migration, task)
    infos = []
    for action in ASKED_FOR:
        refusals = decide(action, snapshot)
        reasons = tuple(Reason(r.code, r.message, r.remedy) for r in refusals)
        infos.append(ActionInfo(action, STORY[action].title, not reasons, reasons))
    return tuple(infos)


def overview(tools: Tools, migrations: Iterable[Migration]) -> Overview:
    """What the store knows of everything."""
    known = list(migrations)
    clusters = tools.inventory.clusters()
    is_open = [m for m in known if m.status != Status.CLOSED]
    alerts = [
        *(alert for m in is_open for alert in _of_migration(m)),
        *(alert for s in tools.standing.schedules(state="waiting") for alert in _of_schedule(s)),
        *(alert for cluster in clusters for alert in _of_cluster(cluster)),
        *_of_debts(tools, known),
    ]
    severities = ("error", "warning", "note")
    return Overview(
        instances=len(tools.inventory.instances()),
        clusters=len(clusters),
        endpoints=len(tools.inventory.endpoints()),
        migrations_open=len(is_open),
        migrations_closed=len(known) - len(is_open),
        operations_under_way=sum(bool(m.operation) for m in known),
        tasks_failed=sum(m.task is not None and m.task.status == "Failed" for m in is_open),
        alerts=tuple(sorted(alerts, key=lambda alert: severities.index(alert.severity))),
    )


def _of_migration(migration: Migration) -> Iterator[Alert]:
    """Alerts of a migration that is not closed."""
    yield from _of_status(migration)
    if migration.task is not None:
        yield from _of_task(migration, migration.task)
    days = expiry_warning(now(), migration.expires_at)
    if days:
        yield _alert(
            migration,
            ("warning", "expires_soon", migration.cluster_id),
            f"Less than {days} days are left until {migration.expires_at:%Y-%m-%d %H:%M} UTC.",
            "Complete or cancel the migration before, or the link is cut.",
        )


def _of_status(migration: Migration) -> Iterator[Alert]:
    status = Status(migration.status)
    kinds = {Status.AMBIGUOUS: "ambiguous", Status.PRE_CHECK_FAIL: "pre_check_failed"}
    if status in kinds and not migration.operation:
        sentence = f"{TITLES[status]}: {migration.comment or 'nothing is under way'}"
        remedy = REMEDIES[status].replace("CLUSTER", migration.cluster_id)
        yield _alert(migration, ("error", kinds[status], migration.cluster_id), sentence, remedy)


def _of_task(migration: Migration, task: SyncTask) -> Iterator[Alert]:
    verify = f"sterna verify {migration.cluster_id}"
    if task.status == "Failed":
        yield _alert(migration, ("error", "task_failed", task.id), task.error, task.remedy)
    elif migration.stalled_because:
        remedy = "Remove the cause; the task goes on by itself."
        found = ("warning", "task_stalled", task.id)
        yield _alert(migration, found, migration.stalled_because, remedy)
    if task.rollback_impossible_because:
        found = ("error", "rollback_impossible", task.id)
        remedy = f"Complete the migration: sterna complete {migration.cluster_id}."
        yield _alert(migration, found, task.rollback_impossible_because, remedy)
    if task.rogue:
        remedy = f"Stop that writer, make the rows alike, and verify: {verify}."
        yield _alert(migration, ("error", "rogue_writer", task.id), task.rogue, remedy)
    if task.verified_at is not None and task.differences:
        sentence = f"The last verification found {task.differences} rows that differ."
        remedy = f"See them, and repair them: {verify} --repair."
        yield _alert(migration, ("error", "differences", task.id), sentence, remedy)


def _alert(migration: Migration, found: tuple[str, str, str], sentence: str, remedy: str) -> Alert:
    severity, kind, object_ = found
    return Alert(severity, kind, migration.cluster_id, object_, sentence, remedy, None)


def _of_debts(tools: Tools, known: Iterable[Migration]) -> Iterator[Alert]:
    """Sides that were away when they were to be closed, or freed of what is ours."""
    by_cluster = {migration.cluster_id: migration for migration in known}
    for debt in owing.debts(tools):
        if not owing.is_void(tools, debt):
            migration = by_cluster[debt.cluster_id]
            yield _left_behind(migration, debt.word, "when its migration ended")
    for row in tools.journal.with_fact(resolving.LEFT_OPEN):
        for _, side in resolving.left_open(tools, by_cluster[row.cluster_id]):
            yield _left_behind(by_cluster[row.cluster_id], side.word, "when a person decided")


def _left_behind(migration: Migration, word: str, when: str) -> Alert:
    object_ = migration.instance_id if word == "source" else migration.cluster_id
    closed = "closed" if owing.is_to_be_closed(migration, word) else "freed of our tables"
    sentence = (
        f"The {word} ({object_}) of {migration.cluster_id} could not be reached {when}; it is "
        f"{closed} as soon as it answers."
    )
    remedy = "Bring it back, and keep applications away from it until then"
    is_over = word == "source" and migration.status == Status.CLOSED
    remedy += f"; or forget it: sterna instance release {object_}." if is_over else "."
    return _alert(migration, ("warning", "left_behind", object_), sentence, remedy)


def _of_schedule(schedule: Schedule) -> Iterator[Alert]:
    if schedule.refusal:
        sentence = f"The {schedule.operation} planned for {schedule.starts_at:%Y-%m-%d %H:%M} UTC "
        sentence += f"would be refused: {schedule.refusal}"
        remedy = "Remove the reason before the window opens, or cancel the schedule."
        found = ("warning", "schedule_refused", schedule.cluster_id, schedule.id)
        yield Alert(*found, sentence, remedy, schedule.tried_at)


def _of_cluster(cluster: Cluster) -> Iterator[Alert]:
    for node in cluster.nodes:
        if node.status == "Stopped":
            sentence = f"Node {node.id} of {cluster.id} is stopped."
            remedy = "See the server's log; it is started again by itself where that is possible."
            yield Alert("warning", "node_stopped", cluster.id, node.id, sentence, remedy, None)
