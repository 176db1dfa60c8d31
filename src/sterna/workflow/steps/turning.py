"""After the point of no return: the arriving side opens, and the stream turns round.

Nothing here is undone; whatever fails is tried again until it works.
"""

from __future__ import annotations

import shutil
import time
from datetime import datetime

from sterna.dataplane import checkpoint
from sterna.dataplane.event_switch import restore_events
from sterna.dataplane.rogue import watch_from
from sterna.errors import Ambiguous, Transient
from sterna.mysql.connection import Session
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position
from sterna.store.database import now
from sterna.store.records import HistoryEntry
from sterna.workflow import pairing
from sterna.workflow.engine import Run, step
from sterna.workflow.steps import sides

LIVE_SECONDS_MAX = 30.0
LIVE_POLL_SECONDS = 0.05


@step(no_undo_because="after the point of no return")
def open_arriving_side(run: Run) -> str:
    """Open the arriving side for writing."""
    side = sides.arriving(run)
    with sides.session(run, side) as connection:
        sides.set_read_only(connection, False)
    to_cluster = side.word == "cluster"
    run.tools.journal.change_migration(
        run.cluster_id,
        source_mode="ro" if to_cluster else "rw",
        cluster_mode="rw" if to_cluster else "ro",
    )
    return f"the {side.word} takes writes"


@step(no_undo_because="after the point of no return")
def exchange_endpoints(run: Run) -> str:
    """Exchange the endpoints: the same addresses lead to the arriving side."""
    tools = run.tools
    if "routes" not in run.facts:
        given = run.arguments.get("pairs")
        run.learn(routes=pairing.routes_after(tools, run.cluster_id, run.operation.name, given))
    routes = {name: tuple(addresses) for name, addresses in run.facts["routes"].items()}
    tools.inventory.set_routes(routes)
    tools.apply_routes()
    with_endpoints = run.operation.name == "switch_over"
    tools.journal.change_migration(run.cluster_id, with_endpoints=with_endpoints)
    return f"{len(routes)} endpoints lead to the other side"


@step(no_undo_because="after the point of no return")
def release_endpoints(run: Run) -> str:
    """Release the waiting connections."""
    return f"{sides.release_endpoints(run)} endpoints open"


@step(no_undo_because="after the point of no return")
def measure_outage(run: Run) -> str:
    """Measure the write outage: from the hold until a new session may write again."""
    outage_ms = run.facts.get("outage_ms")
    if outage_ms is None:
        _keep_open(run)
        held_at = datetime.fromisoformat(run.facts["held_at"])
        outage_ms = round((now() - held_at).total_seconds() * 1000, 1)
        run.learn(outage_ms=outage_ms)
    name = "switch" if run.operation.name == "switch_over" else "rollback"
    run.tools.journal.change_migration(run.cluster_id, **{f"{name}_outage_ms": outage_ms})
    return f"applications could not write for {outage_ms:.0f} ms"


@step(no_undo_because="after the point of no return")
def keep_new_roles(run: Run) -> str:
    """Let events run where the writes are, and make a restart of the cluster keep its role."""
    side, events = sides.arriving(run), sides.events_found(run)
    writable, unkept = side.word == "cluster", ""
    restore_events(side.server, events)
    try:
        run.tools.keep_cluster_mode(
            run.cluster_id, writable=writable, event_scheduler=events.scheduler
        )
    except Transient as error:
        if error.code != "HostUnreachable":
            raise
        # Who starts it there is Sterna, which writes its configuration at every start.
        unkept = f"; the cluster's configuration is written at its next start: {error.message}"
    _keep_open(run)
    return f"{len(events.enabled)} events run on the {side.word}{unkept}"


def _keep_open(run: Run) -> None:
    """A server that was restarted meanwhile came back closed."""
    with sides.session(run, sides.arriving(run)) as connection:
        if sides.is_read_only(connection):
            sides.set_read_only(connection, False)


@step(no_undo_because="after the point of no return")
def follow_the_other_way(run: Run) -> str:
    """Start the stream in the other direction."""
    task = sides.task_id(run)
    _open_way_back(run)
    forward = run.operation.name == "roll_back"
    direction = "Forward" if forward else "Reverse"
    run.tools.tasks.want(task, running=True, direction=direction)
    run.tools.supervisor.ensure(task)
    topology = "RDS2POLARDB" if forward else "POLARDB2RDS"
    run.tools.journal.change_migration(run.cluster_id, topology=topology)
    return f"the {sides.leaving(run).word} follows from {run.facts['starting_position']}"


@step(no_undo_because="waits only")
def wait_for_other_way(run: Run) -> str:
    """Wait until the other direction is live: its first latency is known."""
    word, task_id = sides.leaving(run).word, sides.task_id(run)
    started = time.monotonic()
    while (task := run.tools.tasks.task(task_id)).lag_seconds is None:
        waited_seconds = time.monotonic() - started
        if task.status == "Failed" or waited_seconds > LIVE_SECONDS_MAX:
            return _warn_not_live(run, task.stalled_because or task.error, waited_seconds)
        time.sleep(LIVE_POLL_SECONDS)
    return f"the {word} follows with a replication latency of {task.lag_seconds:.3f} s"


def _warn_not_live(run: Run, cause: str, waited_seconds: float) -> str:
    """The writes have moved and stay; that the way back is not open yet must be seen."""
    sentence = (
        f"the {sides.leaving(run).word} does not follow yet after {waited_seconds:.0f} s"
        f"{': ' + cause if cause else ''}; the way back opens when it does"
    )
    title = wait_for_other_way.title
    entry = HistoryEntry(
        now(), run.operation.name, "not_live", title, "warning", sentence, waited_seconds
    )
    run.tools.journal.write(run.cluster_id, entry)
    return sentence


def _open_way_back(run: Run) -> None:
    """The leaving side, closed even to us until here, gets its checkpoint once."""
    task, name = sides.task_id(run), sides.checkpoint_next(run)
    position = Position.parse(run.facts["starting_position"])
    with sides.session(run, sides.leaving(run)) as connection:
        if "way_back_open" not in run.facts:
            _refuse_two_owners(run, connection)
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, True)
        if "way_back_open" in run.facts:
            return
        checkpoint.write_start(connection, name, run.tools.tasks.next_epoch(task), position)
    # What an earlier time in this direction left there is of no use now.
    spool = run.tools.spool_folder(task) / name.rpartition("/")[2]
    shutil.rmtree(spool, ignore_errors=True)
    # Who else wrote there since the last write that was carried over is noticed.
    watch_from(spool, Position.parse(run.facts["final_position"]))
    run.learn(way_back_open=True)


def _refuse_two_owners(run: Run, connection: Session) -> None:
    """The leaving side was closed; open and written to, it has as good a claim as the other."""
    final = Position.parse(run.facts["final_position"])
    found = read_current_position(connection)
    # A restarted server begins a new file, and may have forgotten that it is closed.
    if found.file != final.file or found == final or sides.is_read_only(connection):
        return
    word = sides.leaving(run).word
    raise Ambiguous(
        f"The {word} was opened and written to while the writes moved away from it (its log went "
        f"on from {final} to {found}): both sides have writes the other has not.",
        remedy=f"Look at both sides: sterna migration resolve {run.cluster_id}.",
    )
