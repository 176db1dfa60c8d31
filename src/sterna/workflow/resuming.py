"""Starting a sync task again that has stopped."""

from __future__ import annotations

from sterna.migration.status import Status
from sterna.store.records import Migration, SyncTask
from sterna.workflow.tools import Tools


def resume(tools: Tools, task: SyncTask) -> None:
    """Start a stopped task again, where its checkpoint is; the stop is not shown any more."""
    tools.tasks.want(task.id, running=True)
    status = "Synchronizing" if task.stage == "incremental" else "Initializing"
    tools.tasks.change(
        task.id,
        status=status,
        stalled_because="",
        error_code="",
        rollback_impossible_because="",
    )
    tools.supervisor.ensure(task.id)


def let_in_again(tools: Tools, migration: Migration) -> None:
    """A server has another password for us: who uses the old one starts anew with it, and so does
    a task that has stopped because it was not let in any more."""
    if tools.supervisor.renew(migration.task_id):
        return
    task = tools.tasks.task(migration.task_id, with_tables=False)
    at_rest = migration.status in (Status.SYNCING, Status.REVERSED) and not migration.operation
    if at_rest and (task.status, task.error_code) == ("Failed", "AccessDenied"):
        resume(tools, task)
