"""The exchange of roles, for switchover and rollback alike.

`leaving` has the writes and hands them over, `arriving` takes them. Every step may be run twice,
and its undo may be run whether or not the step got anywhere.
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import time
from collections.abc import Iterable
from datetime import datetime

from sterna.dataplane import checkpoint
from sterna.dataplane.event_switch import (
    EventsState,
    read_events_state,
    restore_events,
    silence_events,
)
from sterna.errors import Refused, SternaError, Transient
from sterna.migration.policy import SWITCH_BUDGET_SECONDS
from sterna.mysql.connection import Session, execute
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position
from sterna.store.database import now
from sterna.store.records import HistoryEntry
from sterna.workflow import inheritance
from sterna.workflow.engine import Run, step
from sterna.workflow.guards import current_refusals
from sterna.workflow.steps import sides

POLL_SECONDS = 0.003
SETTLE_SECONDS = 0.005
LIVE_SECONDS_MAX = 30.0
LIVE_POLL_SECONDS = 0.05


class OutOfTimeError(SternaError):
    """The write outage would have become longer than the budget allows."""

    code = "BudgetExceeded"


def _check_budget(run: Run) -> float:
    """Seconds left of the outage budget; OutOfTimeError when there are none."""
    held_at = run.facts.get("held_at")
    if held_at is None:
        return SWITCH_BUDGET_SECONDS
    left = SWITCH_BUDGET_SECONDS - (now() - datetime.fromisoformat(held_at)).total_seconds()
    if left <= 0:
        raise OutOfTimeError(
            f"The applications have been held for {SWITCH_BUDGET_SECONDS:.0f} s, the longest "
            "Sterna lets them wait.",
            remedy="See which step took the time in the history, and try again.",
        )
    return left


@step(no_undo_because="reads only")
def check_guards(run: Run) -> str:
    """Check that nothing stands in the way, before anything is touched."""
    refusals = current_refusals(run.tools, run.cluster_id, run.operation.name, under_way=True)
    if refusals:
        raise refusals[0]
    snapshot = run.tools.tasks.task(sides.task_id(run))
    return f"nothing stands in the way; the replication latency is {snapshot.lag_seconds} s"


@step(no_undo_because="the cluster's accounts are those of the source")
def bring_accounts_up_to_date(run: Run) -> str:
    """Carry passwords and privileges that changed on the source since the copy."""
    if run.operation.name != "switch_over":
        return "accounts made on the cluster stay there"
    return inheritance.bring_up_to_date(run.tools, run.cluster_id)


def remove_way_back(run: Run) -> str:
    """Remove what was prepared on the side that would have followed"""
    if run.facts.get("way_back_was_there", True):
        return ""
    with sides.session(run, sides.leaving(run)) as connection:
        checkpoint.remove(connection, sides.checkpoint_next(run))
    return f"the {sides.leaving(run).word} is free of our tables again"


@step(undo=remove_way_back)
def prove_way_back(run: Run) -> str:
    """Prepare the way back on the side that will follow, and prove it works."""
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        if "way_back_was_there" not in run.facts:
            run.learn(way_back_was_there=checkpoint.exists(connection))
        checkpoint.create(connection)
        checkpoint.prove_relay(connection)
    return f"the {side.word} accepts relayed changes"


def release_held(run: Run) -> str:
    """Let waiting connections through to where they always went"""
    released = _release(run)
    return f"{released} endpoints open, leading where they did before"


@step(undo=release_held)
def hold_endpoints(run: Run) -> str:
    """Hold new connections at the endpoints; they wait and are not refused."""
    if "held_at" not in run.facts:
        run.learn(held_at=now().isoformat())
    names = _endpoint_ids(run)
    run.tools.inventory.set_endpoint_state(names, "Held")
    run.tools.proxy.hold(list(names))
    return f"new connections wait at {len(names)} endpoints"


@step(no_undo_because="reads only")
def note_what_is_there(run: Run) -> str:
    """Note how the leaving side is now, to put it back or to hand it on."""
    side = sides.leaving(run)
    if "was_read_only" not in run.facts:
        with sides.session(run, side) as connection:
            run.learn(
                events=dataclasses.asdict(read_events_state(side.server)),
                was_read_only=sides.is_read_only(connection),
            )
    return f"{len(_events(run).enabled)} events run on the {side.word}"


def unblock_leaving_side(run: Run) -> str:
    """Open the side for writing again, events as they were"""
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, run.facts["was_read_only"])
    restore_events(side.server, _events(run))
    return f"the {side.word} takes writes as before"


@step(undo=unblock_leaving_side)
def block_leaving_side(run: Run) -> str:
    """Make the leaving side read-only and silence its events."""
    _check_budget(run)
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        if not sides.is_read_only(connection) and _events(run).enabled:
            silence_events(side.server, _events(run))
        tries = _block(run, connection)
    return (
        f"the {side.word} is read-only, {len(_events(run).enabled)} events silenced; {tries} tries"
    )


def _block(run: Run, connection: Session) -> int:
    """Refuse writes; how many tries it took.

    read_only waits for the statements under way, and these may wait for a lock of a transaction
    whose next statement waits for read_only: so the sessions are cut first, and again until it
    comes through.
    """
    for tries in itertools.count(1):
        _cut(run, connection)
        try:
            sides.set_read_only(connection, True)
            sides.set_super_read_only(connection, True)
        except Transient:
            _check_budget(run)
            connection.ping(reconnect=False)
        else:
            return tries
    raise AssertionError("unreachable")


def _cut(run: Run, connection: Session) -> tuple[int, int]:
    """Cut the sessions at the endpoints and on the server; how many of each."""
    swept = run.tools.proxy.sweep(list(_endpoint_ids(run)))
    cut = sides.foreign_sessions(connection)
    for number, _ in cut:
        _kill(connection, number)
    return swept, len(cut)


def _events(run: Run) -> EventsState:
    """Which events ran on the leaving side before the operation touched it."""
    found = run.facts["events"]
    enabled = tuple((database, name) for database, name in found["enabled"])
    return EventsState(found["scheduler"], enabled)


@step(no_undo_because="a cut session connects again by itself")
def cut_sessions(run: Run) -> str:
    """Cut the sessions left on the leaving side; a transaction half done cannot commit there."""
    _check_budget(run)
    with sides.session(run, sides.leaving(run)) as connection:
        swept, cut = _cut(run, connection)
    return f"cut {swept} sessions at the endpoints, {cut} on the server itself"


def _kill(connection: Session, number: int) -> None:
    """1094: it has gone by itself."""
    try:
        execute(connection, f"KILL {number}")
    except SternaError as error:
        if getattr(error, "number", None) != 1094:
            raise


@step(no_undo_because="reads only")
def read_final_position(run: Run) -> str:
    """Read the position up to which the arriving side must have everything."""
    _check_budget(run)
    with sides.session(run, sides.leaving(run)) as connection:
        position = _settled_position(connection)
    run.learn(final_position=str(position))
    return f"the last write is at {position}"


def _settled_position(connection: Session) -> Position:
    """A position that no longer moves."""
    position = read_current_position(connection)
    while True:
        time.sleep(SETTLE_SECONDS)
        again = read_current_position(connection)
        if again == position:
            return position
        position = again


@step(no_undo_because="waits only")
def catch_up(run: Run) -> str:
    """Wait until the arriving side has applied everything."""
    started = time.monotonic()
    final = Position.parse(run.facts["final_position"])
    with sides.session(run, sides.arriving(run)) as connection:
        while checkpoint.read_position(connection, sides.checkpoint_now(run)) < final:
            _check_budget(run)
            time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - started
    return f"the {sides.arriving(run).word} has applied {final} after {seconds * 1000:.0f} ms"


def follow_again(run: Run) -> str:
    """Let the synchronization go on in the direction it had"""
    task = sides.task_id(run)
    run.tools.tasks.want(task, running=True)
    run.tools.supervisor.ensure(task)
    return "the synchronization goes on as before"


@step(undo=follow_again)
def stop_following(run: Run) -> str:
    """Stop the stream, fence it, and check that nothing was written meanwhile."""
    _check_budget(run)
    task = sides.task_id(run)
    run.tools.tasks.want(task, running=False)
    run.tools.supervisor.stop(task)
    epoch = run.tools.tasks.next_epoch(task)
    with sides.session(run, sides.arriving(run)) as connection:
        checkpoint.take_over(connection, sides.checkpoint_now(run), epoch)
    _refuse_rogue_writes(run)
    return f"the stream is stopped and fenced with epoch {epoch}"


def _refuse_rogue_writes(run: Run) -> None:
    """Where the server cannot be closed to administrators, one of them may have written."""
    with sides.session(run, sides.leaving(run)) as connection:
        position = read_current_position(connection)
    if str(position) != run.facts["final_position"]:
        raise Refused(
            f"Somebody wrote to the {sides.leaving(run).word} after it had become read-only "
            f"(the log moved from {run.facts['final_position']} to {position}): "
            "an account that read_only does not bind.",
            code="RogueWriter",
            remedy="Stop that writer (accounts with SUPER or READ_ONLY ADMIN), then try again.",
        )


@step(no_undo_because="reads only")
def check_arriving_side(run: Run) -> str:
    """Check that the arriving side is still closed to others."""
    _check_budget(run)
    side = sides.arriving(run)
    with sides.session(run, side) as connection:
        if not sides.is_read_only(connection):
            raise Refused(
                f"The {side.word} was open for writing before it had the writes.",
                code="RogueWriter",
                remedy="Find out who opened it, verify the data, then try again.",
            )
    return f"the {side.word} is closed to others and stands where the writes ended"


@step(no_undo_because="the position is read anew by the next try")
def note_starting_position(run: Run) -> str:
    """Keep the position from which the way back begins, before writes open."""
    _check_budget(run)
    with sides.session(run, sides.arriving(run)) as connection:
        position = _settled_position(connection)
    run.learn(starting_position=str(position))
    return f"the way back begins at {position}"


@step(no_undo_because="this is the point of no return")
def commit(run: Run) -> str:
    """Point of no return: from here on the exchange is finished, whatever happens."""
    if run.tools.journal.operation(run.id).committed_at is None:
        _check_budget(run)
        _refuse_rogue_writes(run)
    run.tools.journal.commit(run.id)
    facts = run.facts
    return f"positions {facts['final_position']} and {facts['starting_position']} are one moment"


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
        run.learn(routes=tools.exchanged_routes(run.cluster_id))
    routes = {name: tuple(addresses) for name, addresses in run.facts["routes"].items()}
    tools.inventory.set_routes(routes)
    tools.apply_routes()
    with_endpoints = run.operation.name == "switch_over"
    tools.journal.change_migration(run.cluster_id, with_endpoints=with_endpoints)
    return f"{len(routes)} endpoints lead to the other side"


@step(no_undo_because="after the point of no return")
def release_endpoints(run: Run) -> str:
    """Release the waiting connections."""
    return f"{_release(run)} endpoints open"


@step(no_undo_because="after the point of no return")
def measure_outage(run: Run) -> str:
    """Measure the write outage: from the hold until a new session may write again."""
    outage_ms = run.facts.get("outage_ms")
    if outage_ms is None:
        with sides.session(run, sides.arriving(run)) as connection:
            if sides.is_read_only(connection):
                raise Transient(f"The {sides.arriving(run).word} is still read-only.")
        held_at = datetime.fromisoformat(run.facts["held_at"])
        outage_ms = round((now() - held_at).total_seconds() * 1000, 1)
        run.learn(outage_ms=outage_ms)
    name = "switch" if run.operation.name == "switch_over" else "rollback"
    run.tools.journal.change_migration(run.cluster_id, **{f"{name}_outage_ms": outage_ms})
    return f"applications could not write for {outage_ms:.0f} ms"


@step(no_undo_because="after the point of no return")
def keep_new_roles(run: Run) -> str:
    """Let events run where the writes are, and make a restart of the cluster keep its role."""
    side, events = sides.arriving(run), _events(run)
    restore_events(side.server, events)
    writable = side.word == "cluster"
    run.tools.keep_cluster_mode(run.cluster_id, writable=writable, event_scheduler=events.scheduler)
    return f"{len(events.enabled)} events run on the {side.word}"


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
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, True)
        if "way_back_open" in run.facts:
            return
        checkpoint.write_start(connection, name, run.tools.tasks.next_epoch(task), position)
    # What an earlier time in this direction left there is of no use now.
    shutil.rmtree(run.tools.spool_folder(task) / name.rpartition("/")[2], ignore_errors=True)
    run.learn(way_back_open=True)


def _endpoint_ids(run: Run) -> tuple[str, ...]:
    """Every endpoint of both sides: nobody may slip through while the writes move."""
    tools = run.tools
    migration = tools.journal.migration(run.cluster_id)
    owners = (migration.instance_id, run.cluster_id)
    endpoints: Iterable[str] = (
        endpoint.id for owner in owners for endpoint in tools.inventory.endpoints(owner)
    )
    return tuple(endpoints)


def _release(run: Run) -> int:
    names = _endpoint_ids(run)
    run.tools.inventory.set_endpoint_state(names, "Open")
    run.tools.proxy.release(list(names))
    return len(names)
