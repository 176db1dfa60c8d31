"""The ends of a migration: complete, cancel, give up. Nothing is deleted but our own traces."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from sterna.dataplane import checkpoint
from sterna.dataplane.spec import FORWARD, REVERSE, checkpoint_name
from sterna.errors import Refused
from sterna.workflow.engine import Run, step
from sterna.workflow.steps import sides
from sterna.workflow.tools import Side


@step(no_undo_because="this is the decision itself")
def decide_to_close(run: Run) -> str:
    """Decide to close: from here on neither rollback nor cancel is possible."""
    run.tools.journal.commit(run.id)
    return "the migration is being closed"


@step(no_undo_because="after the decision to close")
def cut_link(run: Run) -> str:
    """Cut the link between source and cluster."""
    task = sides.task_id(run)
    run.tools.tasks.want(task, running=False)
    run.tools.supervisor.stop(task)
    run.tools.tasks.change(task, status="Finished", stalled_because="")
    run.tools.journal.change_migration(run.cluster_id, topology="")
    return "the synchronization has ended"


@step(no_undo_because="after the decision to close")
def lead_endpoints_home(run: Run) -> str:
    """Let the cluster's own endpoints lead to the cluster; the instance's stay as they are."""
    tools = run.tools
    nodes = tools.inventory.nodes(run.cluster_id)
    writer, readers = nodes[0], [node for node in nodes if node.role == "Reader"]
    address = f"{writer.host}:{writer.port}"
    endpoints = tools.inventory.endpoints(run.cluster_id)
    tools.inventory.set_routes({endpoint.id: (address,) for endpoint in endpoints})
    tools.apply_routes()
    if readers:
        tools.route_reads(run.cluster_id, readers)
    return f"{len(endpoints)} endpoints of the cluster lead to it"


@step(no_undo_because="after the decision to close")
def remove_traces(run: Run) -> str:
    """Remove everything of ours from both sides."""
    shutil.rmtree(run.tools.spool_folder(sides.task_id(run)), ignore_errors=True)
    return "; ".join(_cleaned(run, side) for side in _sides(run))


def _sides(run: Run) -> Iterator[Side]:
    yield run.tools.source(run.cluster_id)
    yield run.tools.cluster(run.cluster_id)


def _cleaned(run: Run, side: Side) -> str:
    """A side that is gone keeps our database; it is named, so that nobody wonders."""
    task = sides.task_id(run)
    try:
        with sides.session(run, side) as connection:
            for direction in (FORWARD, REVERSE):
                checkpoint.remove(connection, checkpoint_name(task, direction))
    except Refused as error:
        return (
            f"the {side.word} could not be reached ({error.message}); "
            "when it is back: DROP DATABASE IF EXISTS sterna;"
        )
    return f"the {side.word} is free of our tables"


@step(no_undo_because="after the decision to close")
def open_cluster(run: Run) -> str:
    """Open the cluster for writing, on its own; its events stay switched off."""
    tools = run.tools
    writer = tools.writer(run.cluster_id)
    if not tools.provisioner.is_running(tools.node_spec(run.cluster_id, writer)):
        return "the cluster has no running primary to open"
    tools.keep_cluster_mode(run.cluster_id, writable=True, event_scheduler="OFF")
    with sides.session(run, tools.cluster(run.cluster_id)) as connection:
        sides.set_read_only(connection, False)
    tools.journal.change_migration(run.cluster_id, cluster_mode="rw")
    tools.inventory.set_cluster_status(run.cluster_id, "Running")
    return "the cluster takes writes on its own; switch its events on when you need them"
