"""The exchange of roles, for switchover and rollback alike.

`leaving` has the writes and hands them over, `arriving` takes them. Every step may be run twice,
and its undo may be run whether or not the step got anywhere.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from datetime import datetime

from sterna.dataplane import checkpoint
from sterna.dataplane.event_switch import read_events_state, restore_events, silence_events
from sterna.errors import Refused, SternaError, Transient
from sterna.migration.policy import SWITCH_BUDGET_SECONDS
from sterna.mysql.connection import Session
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position
from sterna.store.database import now
from sterna.workflow import inheritance, inherited, pairing
from sterna.workflow.engine import Run, step
from sterna.workflow.guards import current_refusals, joined
from sterna.workflow.live_guards import OldTransaction, long_transactions, prepared_refusals
from sterna.workflow.speeds import hurried, limit_again
from sterna.workflow.steps import sides

POLL_SECONDS = 0.003
SETTLE_SECONDS = 0.001
PATIENCE_SECONDS = 0.5  # of the last changes, before somebody asks whether any more will come
TRANSACTION_POLL_SECONDS = 0.2
UNDO_SECONDS_MAX = 60.0


class OutOfTimeError(SternaError):
    """The write outage would have become longer than the budget allows."""

    code = "BudgetExceeded"


def check_budget(run: Run) -> float:
    """Seconds left of the outage budget; OutOfTimeError when there are none."""
    held_at = run.facts.get("held_at")
    if held_at is None:
        return SWITCH_BUDGET_SECONDS
    waited = [(now() - datetime.fromisoformat(held_at)).total_seconds()]
    # A clock that is set back must not hold anybody longer; this one runs since the machine does.
    waited.append(time.monotonic() - run.facts["held_monotonic"])
    left = SWITCH_BUDGET_SECONDS - max(waited)
    if left <= 0:
        raise OutOfTimeError(
            f"The applications have been held for {SWITCH_BUDGET_SECONDS:.0f} s, the longest "
            "Sterna lets them wait.",
            remedy="See which step took the time in the history, and try again.",
        )
    return left


@step(no_undo_because="what is waited for ends by itself; sessions are ended only where asked for")
def let_transactions_end(run: Run) -> str:
    """Wait for long transactions and end those that remain, where that was asked for."""
    seconds = run.arguments.get("wait_for_transactions_seconds", 0)
    ends = run.arguments.get("end_transactions", False)
    if not seconds and not ends:
        return "not asked for"
    with sides.session(run, sides.leaving(run)) as connection:
        left = _wait_for_transactions(connection, seconds)
        if not ends or not left:
            return f"{len(left)} long transactions are open"
        for transaction in left:
            sides.kill(connection, transaction.session)
        # What they changed is being taken back; that may take as long as they did.
        _wait_for_transactions(connection, UNDO_SECONDS_MAX)
    return "ended " + ", ".join(f"session {each.session} of {each.user}" for each in left)


def _wait_for_transactions(connection: Session, seconds: float) -> list[OldTransaction]:
    """The long transactions that are still open when the time is over."""
    deadline = time.monotonic() + seconds
    while (found := long_transactions(connection)) and time.monotonic() < deadline:
        time.sleep(TRANSACTION_POLL_SECONDS)
    return found


@step(no_undo_because="reads only")
def check_guards(run: Run) -> str:
    """Check that nothing stands in the way, before anything is touched."""
    refusals = current_refusals(run.tools, run.cluster_id, run.operation.name, under_way=True)
    # An endpoint may have become another since its pair was looked at; from here on none can.
    bad_pairs = pairing.pair_refusals(run.tools, run.cluster_id, run.arguments)
    if refusal := joined((*refusals, *bad_pairs)):
        raise refusal
    # With it the exchange can be ended whatever fills the disk meanwhile.
    run.tools.journal.reserve.keep()
    snapshot = run.tools.tasks.task(sides.task_id(run))
    return f"nothing stands in the way; the replication latency is {snapshot.lag_seconds} s"


@step(no_undo_because="the cluster's accounts are those of the source")
def bring_accounts_up_to_date(run: Run) -> str:
    """Carry passwords and privileges that changed on the source since the copy."""
    if run.operation.name != "switch_over":
        return "accounts made on the cluster stay there"
    told = inheritance.bring_up_to_date(run.tools, run.cluster_id)
    return f"{told}. {inherited.sentence(inherited.look(run.tools, run.cluster_id))}"


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
    return f"{len(sides.events_found(run).enabled)} events run on the {side.word}"


def let_cluster_keep_its_mode(run: Run) -> str:
    """Let a restart of the cluster come back as before, and open one that came back closed"""
    kept = run.facts.get("cluster_parameters")
    if kept is not None:
        run.tools.configure_cluster(run.cluster_id, kept)
    if kept is not None and sides.leaving(run).word == "cluster":
        unblock_leaving_side(run)
        let_events_run(run)
    return "a restart of the cluster changes nothing"


@step(undo=let_cluster_keep_its_mode)
def keep_cluster_closed(run: Run) -> str:
    """Make a restart of the cluster come back closed, until it is certain who has the writes."""
    tools = run.tools
    if "cluster_parameters" not in run.facts:
        run.learn(cluster_parameters=tools.inventory.cluster_parameters(run.cluster_id))
    tools.keep_cluster_mode(run.cluster_id, writable=False, event_scheduler="OFF")
    return "a cluster that is restarted now takes no writes"


def let_events_run(run: Run) -> str:
    """Let the events run again that ran before"""
    side, events = sides.leaving(run), sides.events_found(run)
    restore_events(side.server, events)
    return f"{len(events.enabled)} events run on the {side.word} as before"


@step(undo=let_events_run)
def silence_leaving_side(run: Run) -> str:
    """Silence the events of the leaving side; they will run where the writes are."""
    side, events = sides.leaving(run), sides.events_found(run)
    if events.enabled:
        silence_events(side.server, events)
    return f"{len(events.enabled)} events are silent on the {side.word}"


def release_held(run: Run) -> str:
    """Let waiting connections through to where they always went"""
    released = sides.release_endpoints(run)
    return f"{released} endpoints open, leading where they did before"


@step(undo=release_held, detains=True)
def hold_endpoints(run: Run) -> str:
    """Hold new connections at the endpoints; they wait and are not refused."""
    for side in (sides.leaving(run), sides.arriving(run)):
        with sides.session(run, side):
            pass  # it answers: nobody is held for a side that has just gone
    if "held_at" not in run.facts:
        run.learn(held_at=now().isoformat(), held_monotonic=time.monotonic())
    names = sides.endpoint_ids(run)
    run.tools.inventory.set_endpoint_state(names, "Held")
    run.tools.proxy.hold(list(names))
    return f"new connections wait at {len(names)} endpoints"


def unblock_leaving_side(run: Run) -> str:
    """Open the side for writing again"""
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, run.facts["was_read_only"])
    return f"the {side.word} takes writes as before"


@step(undo=unblock_leaving_side, detains=True)
def block_leaving_side(run: Run) -> str:
    """Make the leaving side read-only."""
    check_budget(run)
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        tries, cut = _block(run, connection)
    tried = f"{tries} {'try' if tries == 1 else 'tries'}"
    return f"the {side.word} is read-only after {tried}; cut {sides.whose(cut)}"


def _block(run: Run, connection: Session) -> tuple[int, list[str]]:
    """Refuse writes; how many tries it took, and whose sessions were cut.

    read_only waits for the statements under way, and these may wait for a lock of a transaction
    whose next statement waits for read_only: so the sessions are cut first, and again until it
    comes through.
    """
    cut: list[str] = []
    for tries in itertools.count(1):
        cut += _cut(run, connection)[1]
        try:
            sides.set_read_only(connection, True)
            sides.set_super_read_only(connection, True)
        except Transient:
            check_budget(run)
            connection.ping(reconnect=False)
        else:
            return tries, cut
    raise AssertionError("unreachable")


def _cut(run: Run, connection: Session) -> tuple[int, list[str]]:
    """Cut the sessions at the endpoints, how many, and on the server, whose."""
    found = dict(sides.foreign_sessions(connection))
    swept = run.tools.proxy.sweep(list(sides.endpoint_ids(run)))
    found.update(sides.cut_sessions(connection))
    return swept, list(found.values())


@step(no_undo_because="a cut session connects again by itself")
def cut_sessions(run: Run) -> str:
    """Cut the sessions left on the leaving side; a transaction half done cannot commit there."""
    check_budget(run)
    with sides.session(run, sides.leaving(run)) as connection:
        swept, cut = _cut(run, connection)
    return f"cut {swept} sessions at the endpoints, and {sides.whose(cut)} on the server itself"


@step(no_undo_because="reads only")
def read_final_position(run: Run) -> str:
    """Read the position up to which the arriving side must have everything."""
    check_budget(run)
    side = sides.leaving(run)
    with sides.session(run, side) as connection:
        # One may have been prepared after the guards had looked; now nobody can any more.
        for refusal in prepared_refusals(connection, side):
            raise refusal
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
    with (
        hurried(run.tools, sides.task_id(run)),
        sides.session(run, sides.arriving(run)) as connection,
    ):
        while (applied := checkpoint.read_position(connection, sides.checkpoint_now(run))) < final:
            check_budget(run)
            if time.monotonic() - started > PATIENCE_SECONDS:
                _refuse_stopped_task(run)
            time.sleep(POLL_SECONDS)
        if applied > final:
            _refuse_other_log(run, applied)
    seconds = time.monotonic() - started
    return f"the {sides.arriving(run).word} has applied {final} after {seconds * 1000:.0f} ms"


def _refuse_stopped_task(run: Run) -> None:
    """What has stopped for good applies nothing more: nobody is held for that."""
    task = run.tools.tasks.task(sides.task_id(run))
    if task.status == "Failed":
        raise Refused(
            f"The synchronization has stopped: {task.error}",
            code="SyncStalled",
            remedy=f"{task.remedy} Then try again.".lstrip(),
        )


def _refuse_other_log(run: Run, applied: Position) -> None:
    """Nothing can be applied that lies behind the end of the log, unless that began anew."""
    _refuse_rogue_writes(run)
    raise Refused(
        f"The binary log of the {sides.leaving(run).word} ends at {run.facts['final_position']}, "
        f"before {applied}, which is applied: it was begun anew (RESET MASTER?), and nobody knows "
        "what was written meanwhile.",
        code="BinlogUnreadable",
        remedy="Start the sync task again from a new copy.",
    )


def follow_again(run: Run) -> str:
    """Let the synchronization go on in the direction it had"""
    task = sides.task_id(run)
    run.tools.tasks.want(task, running=True)
    run.tools.supervisor.ensure(task)
    limit_again(run.tools, task)
    return "the synchronization goes on as before"


@step(undo=follow_again)
def stop_following(run: Run) -> str:
    """Stop the stream, fence it, and check that nothing was written meanwhile."""
    check_budget(run)
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
    word = sides.leaving(run).word
    with sides.session(run, sides.leaving(run)) as connection:
        position = read_current_position(connection)
        is_closed = sides.is_read_only(connection)
    if not is_closed:
        raise Refused(
            f"Somebody opened the {word} for writing after it had become read-only.",
            code="RogueWriter",
            remedy="Find out who did (accounts with SUPER can), then try again.",
        )
    if str(position) != run.facts["final_position"]:
        raise Refused(
            f"Somebody wrote to the {word} after it had become read-only "
            f"(the log moved from {run.facts['final_position']} to {position}): "
            "an account that read_only does not bind.",
            code="RogueWriter",
            remedy="Stop that writer (accounts with SUPER or READ_ONLY ADMIN), then try again.",
        )


@step(no_undo_because="reads only")
def check_arriving_side(run: Run) -> str:
    """Check that the arriving side is still closed to others."""
    check_budget(run)
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
    check_budget(run)
    # What somebody writes there from now on lies behind the position, so it will be relayed.
    with sides.session(run, sides.arriving(run)) as connection:
        position = read_current_position(connection)
    run.learn(starting_position=str(position))
    return f"the way back begins at {position}"


@step(no_undo_because="this is the point of no return")
def commit(run: Run) -> str:
    """Point of no return: from here on the exchange is finished, whatever happens."""
    facts = run.facts
    if run.tools.journal.operation(run.id).committed_at is None:
        check_budget(run)
        _refuse_rogue_writes(run)
    run.tools.journal.commit(run.id)
    return f"positions {facts['final_position']} and {facts['starting_position']} are one moment"
