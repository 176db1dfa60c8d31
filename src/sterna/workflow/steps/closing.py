"""The ends of a migration: complete, cancel, give up. Nothing is deleted but our own traces."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime

from sterna.errors import SternaError, Transient
from sterna.store.database import now
from sterna.store.records import HistoryEntry
from sterna.workflow import binlog_off
from sterna.workflow.engine import Run, step
from sterna.workflow.steps import owing, sides
from sterna.workflow.tools import Side, Tools

# How long the end of a migration waits for a side that is away.
REACH_SECONDS_MAX = 5.0
REACH_POLL_SECONDS = 0.25
# It is there, and what a worker that was killed has under way ends by itself.
ANSWERS = ("LockWaitTimeout", "Deadlock", "Interrupted")


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
    routes = run.tools.own_routes(run.cluster_id)
    run.tools.inventory.set_routes(routes)
    run.tools.apply_routes()
    return f"{len(routes)} endpoints of the cluster lead to it"


@step(no_undo_because="after the decision to close")
def remove_traces(run: Run) -> str:
    """Remove everything of ours from both sides."""
    shutil.rmtree(run.tools.spool_folder(sides.task_id(run)), ignore_errors=True)
    return "; ".join(_left(run, side) for side in _sides(run))


def _sides(run: Run) -> Iterator[Side]:
    yield run.tools.source(run.cluster_id)
    if run.tools.writer(run.cluster_id).status == "Running":
        yield run.tools.cluster(run.cluster_id)


def _left(run: Run, side: Side) -> str:
    """Nobody waits for a side that is away: the watch does it when it is back."""
    fact = owing.OWED[side.word]
    deadline = time.monotonic() + REACH_SECONDS_MAX
    while True:
        try:
            sentence = owing.leave(run.tools, run.cluster_id, side)
        except SternaError as error:
            if error.code in ANSWERS:
                raise
            if time.monotonic() > deadline:
                run.learn(**{fact: True})
                return _owe(run, side, error)
            time.sleep(REACH_POLL_SECONDS)
        else:
            run.learn(**{fact: False})
            return sentence


def _owe(run: Run, side: Side, error: SternaError) -> str:
    """It is named, so that nobody wonders, and hooks are told."""
    closed = owing.is_to_be_closed(run.tools.journal.migration(run.cluster_id), side.word)
    sentence = (
        f"the {side.word} could not be reached ({error.message}); it is "
        f"{'closed and ' if closed else ''}freed of our tables as soon as it answers"
    )
    entry = HistoryEntry(
        now(), run.operation.name, "left_behind", remove_traces.title, "warning", sentence, 0
    )
    run.tools.journal.write(run.cluster_id, entry)
    return sentence


@step(no_undo_because="this is the decision itself")
def decide_to_open(run: Run) -> str:
    """Decide to open the cluster: nothing links it to the source any more."""
    run.tools.journal.commit(run.id)
    return "the cluster is being opened"


@step(no_undo_because="after the decision to close")
def open_cluster(run: Run) -> str:
    """Open the cluster for writing, on its own; its events stay switched off."""
    tools = run.tools
    if not _primary_runs(tools, run.cluster_id):
        return "the cluster has no running primary to open"
    tools.keep_cluster_mode(run.cluster_id, writable=True, event_scheduler="OFF")
    with sides.session(run, tools.cluster(run.cluster_id)) as connection:
        sides.set_read_only(connection, False)
    tools.journal.change_migration(run.cluster_id, cluster_mode="rw")
    tools.inventory.set_cluster_status(run.cluster_id, "Running")
    return "the cluster takes writes on its own; switch its events on when you need them"


def _primary_runs(tools: Tools, cluster_id: str) -> bool:
    """No as well where its machine cannot be asked: the end of a migration waits for none."""
    try:
        return tools.provisioner.is_running(tools.node_spec(cluster_id, tools.writer(cluster_id)))
    except Transient:
        return False


@step(no_undo_because="the server does so by itself all day")
def write_out_pages(run: Run) -> str:
    """Write the primary's changed pages out, so that its restart is short."""
    if binlog_off.is_off(run.tools, run.cluster_id):
        return "the binary log is off already"
    left = binlog_off.write_out_pages(run.tools, run.cluster_id)
    return f"{left} changed pages are left to write while the primary stops"


@step(no_undo_because="after the decision to close")
def hold_primary(run: Run) -> str:
    """Hold new connections to the primary; they wait and are not refused."""
    names = _leading_to_primary(run)
    run.learn(held_at=run.facts.get("held_at") or now().isoformat())
    run.tools.inventory.set_endpoint_state(names, "Held")
    run.tools.proxy.hold(names)
    return f"new connections wait at {len(names)} endpoints"


@step(no_undo_because="after the decision to close")
def restart_without_binary_log(run: Run) -> str:
    """Restart the primary without its binary log; the files of the old one stay."""
    tools = run.tools
    if binlog_off.is_off(tools, run.cluster_id):
        return "the primary runs without a binary log"
    tools.proxy.sweep(_leading_to_primary(run))
    if trouble := binlog_off.restart_without(tools, run.cluster_id):
        return f"the binary log stays on: the primary does not start without it: {trouble}"
    return "the primary runs without a binary log"


@step(no_undo_because="after the decision to close")
def release_primary(run: Run) -> str:
    """Release the waiting connections, and measure how long they waited."""
    names = _leading_to_primary(run)
    run.tools.inventory.set_endpoint_state(names, "Open")
    run.tools.proxy.release(names)
    if "waited_ms" not in run.facts:
        held_at = datetime.fromisoformat(run.facts["held_at"])
        run.learn(waited_ms=round((now() - held_at).total_seconds() * 1000, 1))
    return f"{len(names)} endpoints open; connections waited for {run.facts['waited_ms']:.0f} ms"


def _leading_to_primary(run: Run) -> tuple[str, ...]:
    names: tuple[str, ...] = run.tools.leading_to(run.tools.writer(run.cluster_id))
    return names
