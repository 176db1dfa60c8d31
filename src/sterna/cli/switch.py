"""`sterna switch-over`, `roll-back`, `complete`, `cancel`: operations on a migration."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json
from sterna.cli.plan import DryRun, show_plan
from sterna.cli.schedule import At, Later, Until, put_off
from sterna.cli.upgrade import Wait, finish
from sterna.store.records import Migration

WithEndpoints = Annotated[
    bool,
    typer.Option(
        "--with-endpoints/--without-endpoints",
        help="Exchange the endpoints too, or let the applications move themselves.",
    ),
]
Pairs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ENDPOINT=ENDPOINT",
        help="Exchange these: one of the instance, one of the cluster. May be repeated; "
        "left out, pairs are proposed. See --dry-run.",
    ),
]
WaitForTransactions = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Wait so long for transactions that have been open for more than 10 s.",
    ),
]
EndTransactions = Annotated[
    bool,
    typer.Option("--end-transactions", help="End those that are still open then; undone, not lost"),
]


def switch_over(
    cluster_id: ClusterId,
    with_endpoints: WithEndpoints,
    dry_run: DryRun = False,
    pair: Pairs = None,
    wait_for_transactions: WaitForTransactions = 0,
    end_transactions: EndTransactions = False,
    at: At = None,
    until: Until = None,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move the writes from the instance to the cluster; the way back stays open."""
    pairs = _pairs(pair, with_endpoints)
    client = connect()
    path = f"/migrations/{cluster_id}/switch-over"
    wanted = {"cluster_id": cluster_id, "operation": "switch_over"}
    asked = _asked(wait_for_transactions, end_transactions, at)
    asked["with_endpoints"] = with_endpoints
    named = {"pair": pair} if pair else {}
    exchanged = {"with_endpoints": with_endpoints, "pairs": pairs}
    if put_off(client, Later(at, until, yes, as_json), **wanted, **exchanged):
        return
    if show_plan(client, path, dry_run=dry_run, as_json=as_json, **asked, **named):
        return
    confirm(f"Move the writes to {cluster_id}?", yes=yes)
    migration = client.post(path, Migration, {**asked, "pairs": pairs} if pairs else asked)
    finish(client, migration, wait=wait, as_json=as_json)


def roll_back(
    cluster_id: ClusterId,
    dry_run: DryRun = False,
    wait_for_transactions: WaitForTransactions = 0,
    end_transactions: EndTransactions = False,
    at: At = None,
    until: Until = None,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move the writes back to the instance, with everything written on the cluster meanwhile."""
    client = connect()
    path = f"/migrations/{cluster_id}/roll-back"
    wanted = {"cluster_id": cluster_id, "operation": "roll_back"}
    asked = _asked(wait_for_transactions, end_transactions, at)
    if put_off(client, Later(at, until, yes, as_json), **wanted):
        return
    if show_plan(client, path, dry_run=dry_run, as_json=as_json, **asked):
        return
    confirm(f"Move the writes from {cluster_id} back to the instance?", yes=yes)
    migration = client.post(path, Migration, asked)
    finish(client, migration, wait=wait, as_json=as_json)


def _pairs(given: list[str] | None, with_endpoints: bool) -> dict[str, str] | None:
    """Endpoint of the instance → endpoint of the cluster."""
    if not given:
        return None
    if not with_endpoints:
        raise typer.BadParameter("--pair goes with --with-endpoints")
    pairs = [text.partition("=") for text in given]
    ours = {one for one, _, other in pairs if one and other}
    if len(ours) != len(pairs):
        raise typer.BadParameter("a pair is ENDPOINT=ENDPOINT, and each endpoint is named once")
    return {one: other for one, _, other in pairs}


def _asked(wait_seconds: float, end: bool, at: str | None) -> dict[str, Any]:
    """What long transactions meet, as the API is asked."""
    if at is not None and (wait_seconds or end):
        raise typer.BadParameter("--at tries again by itself; leave out what is about transactions")
    return {"wait_for_transactions_seconds": wait_seconds, "end_transactions": end}


def complete(
    cluster_id: ClusterId,
    disable_binlog: Annotated[
        bool,
        typer.Option(
            "--disable-binlog",
            help="Switch the cluster's binary log off too; its primary restarts once.",
        ),
    ] = False,
    dry_run: DryRun = False,
    at: At = None,
    until: Until = None,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Cut the link after a switchover and keep the cluster; there is no way back after it."""
    client = connect()
    path = f"/migrations/{cluster_id}/complete"
    wanted = {"cluster_id": cluster_id, "operation": "complete"}
    body = {"disable_binlog": disable_binlog}
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json, **body):
        return
    if put_off(client, Later(at, until, yes, as_json), **wanted, **body):
        return
    confirm(f"Complete the migration to {cluster_id}? There is no way back after it.", yes=yes)
    migration = client.post(path, Migration, body)
    finish(client, migration, wait=wait, as_json=as_json)


def cancel(
    cluster_id: ClusterId,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Cut the link and keep the instance; the cluster stays, on its own and open for writes."""
    client = connect()
    path = f"/migrations/{cluster_id}/cancel"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json):
        return
    confirm(f"Cancel the migration to {cluster_id}? The link is cut for good.", yes=yes)
    migration = client.post(path, Migration)
    finish(client, migration, wait=wait, as_json=as_json)
