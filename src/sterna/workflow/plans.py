"""The dry run of an operation: every action in order, with what it would meet now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sterna.dataplane.event_switch import read_events_state
from sterna.errors import SternaError
from sterna.migration.status import Action
from sterna.mysql.connection import open_session, scalar
from sterna.store.records import Plan
from sterna.workflow import pairing
from sterna.workflow.binlog_off import refuse_binlog_off
from sterna.workflow.engine import Step, outline
from sterna.workflow.guards import current_refusals, snapshot_of, waived_by
from sterna.workflow.live_guards import long_transactions
from sterna.workflow.sessions import LOOK_SECONDS_MAX
from sterna.workflow.steps import sides, switching, turning
from sterna.workflow.tools import Side, Tools

OPEN_TRANSACTIONS = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
UNKNOWN = "unknown: the {word} cannot be asked"


@dataclass(frozen=True)
class Met:
    """What an operation would meet on the leaving side now; sentences."""

    sessions: str
    transactions: str
    events: str


def plan(tools: Tools, cluster_id: str, action: Action, arguments: Mapping[str, Any]) -> Plan:
    """Every action and every refusal; nothing is touched."""
    against_pairs = pairing.pair_refusals(tools, cluster_id, arguments)
    refusals = (
        *current_refusals(tools, cluster_id, action, waived=waived_by(arguments)),
        *against_pairs,
    )
    to_cluster = action is Action.SWITCH_OVER
    met = _meet(tools.source(cluster_id) if to_cluster else tools.cluster(cluster_id))
    lag_seconds = snapshot_of(tools, cluster_id).lag_seconds
    latency = "not known" if lag_seconds is None else f"{lag_seconds:.3f} s"
    routes = _routes(tools, cluster_id, action, arguments) if not against_pairs else {}
    task = tools.tasks.task(tools.journal.migration(cluster_id).task_id)
    notes = _notes(tools, cluster_id, met, latency, routes)
    return Plan(
        operation=action,
        allowed=not refusals,
        refusals=tuple(str(refusal) for refusal in refusals),
        actions=tuple(
            f"{each.title} ({notes[each.title]})" if each.title in notes else each.title
            for each in outline(action, dict(arguments))
        ),
        figures={
            "replication latency": latency,
            "rows verified": str(task.rows_verified),
            "differences": str(task.differences),
            "applied position": task.applied_position,
            "sessions to be cut": met.sessions,
            "open transactions": met.transactions,
            "events to be silenced": met.events,
            "endpoints exchanged": str(len(routes)),
        },
        warnings=_warnings(tools, cluster_id, action, arguments),
    )


def _routes(
    tools: Tools, cluster_id: str, action: Action, arguments: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """Where the exchanged endpoints will lead."""
    if not arguments["with_endpoints"]:
        return {}
    return pairing.routes_after(tools, cluster_id, action, arguments.get("pairs"))


def _warnings(
    tools: Tools, cluster_id: str, action: Action, arguments: Mapping[str, Any]
) -> tuple[str, ...]:
    """Endpoints that are left behind; applications there would not notice until they write."""
    if action is not Action.SWITCH_OVER or not arguments["with_endpoints"]:
        return ()
    pairs = pairing.pairs_of(tools, cluster_id, arguments.get("pairs"))
    return tuple(pairing.warnings_of(tools, cluster_id, pairs))


def plan_end(tools: Tools, cluster_id: str, action: Action, arguments: Mapping[str, Any]) -> Plan:
    """The same of complete, cancel and give up: the link is cut, and nothing leads back."""
    refusals = [
        *map(str, current_refusals(tools, cluster_id, action)),
        *_binlog_refusals(tools, cluster_id, arguments),
    ]
    lag_seconds = snapshot_of(tools, cluster_id).lag_seconds
    to_cluster = action is Action.COMPLETE
    figures = {
        "writes stay on": "the cluster" if to_cluster else "the source",
        "the other side": "the source stays read-only"
        if to_cluster
        else "the cluster opens for writing, on its own",
        "replication latency": "not known" if lag_seconds is None else f"{lag_seconds:.3f} s",
    }
    if arguments.get("disable_binlog"):
        figures["sessions to be cut"] = _meet(tools.cluster(cluster_id)).sessions
    titles = [each.title for each in outline(action, {"disable_binlog": False, **arguments})]
    return Plan(action, not refusals, tuple(refusals), tuple(titles), figures)


def _binlog_refusals(tools: Tools, cluster_id: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    if arguments.get("disable_binlog"):
        try:
            refuse_binlog_off(tools, cluster_id)
        except SternaError as error:
            yield str(error)


def _meet(side: Side) -> Met:
    try:
        with open_session(side.server, read_timeout_seconds=LOOK_SECONDS_MAX) as connection:
            sessions = len(sides.foreign_sessions(connection))
            transactions = int(scalar(connection, OPEN_TRANSACTIONS))
            old = len(long_transactions(connection))
        events = len(read_events_state(side.server).enabled)
    except SternaError:
        unknown = UNKNOWN.format(word=side.word)
        return Met(unknown, unknown, unknown)
    return Met(str(sessions), f"{transactions}, {old} of them long", str(events))


def _notes(
    tools: Tools, cluster_id: str, met: Met, latency: str, routes: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Title of a step → what it would meet now."""
    instance_id = tools.journal.migration(cluster_id).instance_id
    held = [e for owner in (instance_id, cluster_id) for e in tools.inventory.endpoints(owner)]
    notes: dict[Step, str] = {
        switching.let_transactions_end: f"now {met.transactions}",
        switching.silence_leaving_side: f"now {met.events}",
        switching.hold_endpoints: ", ".join(f"{e.id} at {e.host}:{e.port}" for e in held),
        switching.cut_sessions: f"now {met.sessions}",
        switching.catch_up: f"the latency is now {latency}",
        turning.exchange_endpoints: "; ".join(
            f"{name} to {', '.join(addresses)}" for name, addresses in routes.items()
        ),
    }
    return {each.title: note for each, note in notes.items() if note}
