"""A person has said who owns the writes: the roles are put in order, whatever they were.

Nothing here is undone; what fails is tried again until it works, but for one thing: the side that
was not chosen may be gone, or go. Nobody waits for it. The endpoints lead to the chosen side only,
and the watch closes the other the moment it answers again, before anything else is done there.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from sterna.dataplane.event_switch import read_events_state, restore_events, silence_events
from sterna.errors import Refused, SternaError
from sterna.migration.status import Action, Status
from sterna.store.journal import OperationRow
from sterna.store.records import Migration, SyncTask
from sterna.workflow import pairing, probing
from sterna.workflow.engine import Run, step
from sterna.workflow.steps import sides
from sterna.workflow.tools import Side, Tools

POSITIONS_UNKNOWN = "PositionsUnknown"
# How long applications wait for the side they are not going to.
CLOSE_SECONDS_MAX = 5.0
CLOSE_POLL_SECONDS = 0.25
# The fact that says the other side is still to be closed.
LEFT_OPEN = "left_open"
AFTER = "after a person has decided"
RESTS_IN: dict[str, Status] = {
    Action.RESOLVE_TO_SOURCE: Status.SYNCING,
    Action.RESOLVE_TO_CLUSTER: Status.REVERSED,
}


def chosen(run: Run) -> Side:
    """The side a person said the writes are on."""
    return sides.side_of(run, is_source=run.operation.name == "resolve_to_source")


def other(run: Run) -> Side:
    """The side that will only follow."""
    return sides.side_of(run, is_source=run.operation.name != "resolve_to_source")


@step(no_undo_because="this is the decision itself")
def decide(run: Run) -> str:
    """Keep the decision, with what both sides looked like."""
    if run.tools.journal.operation(run.id).committed_at is None:
        found = probing.look_at_both(run.tools, run.cluster_id)
        by_word = {each.word: each for each in found.sides}
        if not by_word[chosen(run).word].reachable:
            raise Refused(
                f"The {chosen(run).word} cannot be asked: {by_word[chosen(run).word].error}",
                code="SideDown",
                remedy="Bring it back first.",
            )
        run.learn(
            resumable=list(found.resumable),
            other_was_open=by_word[other(run).word].read_only is False,
            epoch=max(each.checkpoint_epoch for each in found.sides),
        )
        if by_word[other(run).word].reachable:
            run.learn(events=dataclasses.asdict(read_events_state(other(run).server)))
    run.tools.journal.commit(run.id)
    return f"the writes are on the {chosen(run).word}, says a person"


@step(no_undo_because=AFTER)
def stop_synchronization(run: Run) -> str:
    """Stop the synchronization, and fence whatever may still run."""
    tools, task = run.tools, sides.task_id(run)
    tools.tasks.want(task, running=False)
    tools.supervisor.stop(task)
    tools.tasks.raise_epoch(task, run.facts["epoch"])
    return f"nothing is applied anywhere; epochs go on from {tools.tasks.epoch(task)}"


@step(no_undo_because=AFTER)
def hold_endpoints(run: Run) -> str:
    """Hold new connections at the endpoints of both sides."""
    names = sides.endpoint_ids(run)
    run.tools.inventory.set_endpoint_state(names, "Held")
    run.tools.proxy.hold(list(names))
    run.tools.proxy.sweep(list(names))
    return f"new connections wait at {len(names)} endpoints"


@step(no_undo_because=AFTER)
def close_other_side(run: Run) -> str:
    """Close the side that was not chosen: read-only, events silent, sessions cut."""
    deadline = time.monotonic() + CLOSE_SECONDS_MAX
    while True:
        try:
            cut = close(run.tools, other(run))
        except SternaError as error:
            if time.monotonic() > deadline:
                return _leave_open(run, error)
            time.sleep(CLOSE_POLL_SECONDS)
        else:
            run.learn(**{LEFT_OPEN: False})
            return f"the {other(run).word} is read-only; cut {sides.whose(cut)}"


def close(tools: Tools, side: Side) -> list[str]:
    """Make a side that has nothing to say read-only and silent; whose sessions were cut.

    The sessions are cut first: read_only waits for what they have under way.
    """
    with tools.sessions.lend(side.server) as connection:
        cut = [name for _, name in sides.cut_sessions(connection)]
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, True)
        cut += [name for _, name in sides.cut_sessions(connection)]
        silence_events(side.server, read_events_state(side.server))
    return cut


def _leave_open(run: Run, error: SternaError) -> str:
    """Nobody waits any longer; endpoints lead to the chosen side only."""
    run.learn(**{LEFT_OPEN: True})
    return (
        f"the {other(run).word} cannot be closed now ({error.message}); it is closed as soon as "
        "it answers, before anything else. Keep applications that do not use the endpoints away"
    )


def other_side(tools: Tools, decision: OperationRow) -> Side:
    """The side a decision did not choose."""
    to_cluster = decision.name == Action.RESOLVE_TO_CLUSTER
    return (tools.source if to_cluster else tools.cluster)(decision.cluster_id)


def left_open(tools: Tools, migration: Migration) -> Iterator[tuple[OperationRow, Side]]:
    """The side that is still to be closed, with the decision, while that is in force."""
    if migration.operation or migration.status not in RESTS_IN.values():
        return
    for row in tools.journal.operations_with(LEFT_OPEN, migration.cluster_id):
        if RESTS_IN[row.name] == migration.status:
            yield row, other_side(tools, row)


@step(no_undo_because=AFTER)
def open_chosen_side(run: Run) -> str:
    """Open the chosen side, and make a restart of the cluster keep its role."""
    tools, side = run.tools, chosen(run)
    writable = side.word == "cluster"
    with sides.session(run, side) as connection:
        sides.set_super_read_only(connection, False)
        sides.set_read_only(connection, False)
    scheduler = "OFF"
    if "events" in run.facts and sides.events_found(run).enabled:
        restore_events(side.server, sides.events_found(run))
    if writable:
        scheduler = read_events_state(side.server).scheduler
    tools.keep_cluster_mode(run.cluster_id, writable=writable, event_scheduler=scheduler)
    tools.journal.change_migration(
        run.cluster_id,
        source_mode="ro" if writable else "rw",
        cluster_mode="rw" if writable else "ro",
    )
    return f"the {side.word} takes writes"


@step(no_undo_because=AFTER)
def lead_endpoints(run: Run) -> str:
    """Lead the instance's endpoints to the chosen side; the cluster's own lead to the cluster."""
    tools, to_cluster = run.tools, chosen(run).word == "cluster"
    tools.inventory.set_routes(tools.home_routes(run.cluster_id))
    if to_cluster:
        pairs = pairing.last_pairs(tools, run.cluster_id)
        routes = pairing.routes_after(tools, run.cluster_id, Action.SWITCH_OVER, pairs)
        # No exchange: applications may have moved to the cluster's own endpoints themselves, and
        # nobody is led to a side that is closed or gone.
        own = tools.own_routes(run.cluster_id)
        tools.inventory.set_routes({name: to for name, to in routes.items() if name not in own})
    tools.apply_routes()
    tools.journal.change_migration(run.cluster_id, with_endpoints=to_cluster)
    return f"the instance's endpoints lead to the {chosen(run).word}"


@step(no_undo_because=AFTER)
def release_endpoints(run: Run) -> str:
    """Release the waiting connections."""
    return f"{sides.release_endpoints(run)} endpoints open"


@step(no_undo_because=AFTER)
def follow_where_possible(run: Run) -> str:
    """Let the other side follow from its checkpoint, or say why it cannot."""
    tools, task, word = run.tools, sides.task_id(run), chosen(run).word
    forward = word == "source"
    direction, topology = ("Forward", "RDS2POLARDB") if forward else ("Reverse", "POLARDB2RDS")
    resumes = word in run.facts["resumable"]
    tools.tasks.want(task, running=resumes, direction=direction)
    tools.journal.change_migration(run.cluster_id, topology=topology)
    if not resumes:
        return _stand_still(run, tools.tasks.task(task))
    rogue = f"the {other(run).word} was open while nobody knew who owned the writes"
    tools.tasks.change(
        task,
        status="Synchronizing",
        stalled_because="",
        error_code="",
        verified_at=None,
        rogue=rogue if run.facts["other_was_open"] or run.facts[LEFT_OPEN] else "",
    )
    tools.supervisor.ensure(task)
    return f"the {other(run).word} follows from its checkpoint"


def _stand_still(run: Run, task: SyncTask) -> str:
    """Nothing says up to where the other side has the chosen side's changes."""
    end = "cancel" if chosen(run).word == "source" else "complete"
    sentence = (
        f"the {other(run).word} cannot follow: nothing says up to where it has the changes of "
        f"the {chosen(run).word}"
    )
    run.tools.tasks.change(
        task.id,
        status="Failed",
        stalled_because=sentence,
        error=f"{sentence}.",
        error_code=POSITIONS_UNKNOWN,
        remedy=f"End the migration: sterna {end} {run.cluster_id}; an upgrade can start anew.",
    )
    return sentence
