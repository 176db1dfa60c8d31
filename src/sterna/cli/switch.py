"""`sterna switch-over`, `roll-back`, `complete`, `cancel`, `verify`: operations on a migration."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import Client, connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_facts, say, show
from sterna.cli.upgrade import Wait, finish
from sterna.errors import Refused
from sterna.store.records import Migration, Plan

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show every action and refusal; change nothing.")
]
WithEndpoints = Annotated[
    bool,
    typer.Option(
        "--with-endpoints/--without-endpoints",
        help="Exchange the endpoints too, or let the applications move themselves.",
    ),
]


def switch_over(
    cluster_id: ClusterId,
    with_endpoints: WithEndpoints,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move the writes from the instance to the cluster; the way back stays open."""
    client = connect()
    path = f"/migrations/{cluster_id}/switch-over"
    if _plan(client, path, with_endpoints=with_endpoints, dry_run=dry_run, as_json=as_json):
        return
    confirm(f"Move the writes to {cluster_id}?", yes=yes)
    migration = client.post(path, Migration, {"with_endpoints": with_endpoints})
    finish(client, migration, wait=wait, as_json=as_json)


def roll_back(
    cluster_id: ClusterId,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move the writes back to the instance, with everything written on the cluster meanwhile."""
    client = connect()
    path = f"/migrations/{cluster_id}/roll-back"
    if _plan(client, path, dry_run=dry_run, as_json=as_json):
        return
    confirm(f"Move the writes from {cluster_id} back to the instance?", yes=yes)
    migration = client.post(path, Migration)
    finish(client, migration, wait=wait, as_json=as_json)


def complete(
    cluster_id: ClusterId, yes: Yes = False, wait: Wait = True, as_json: Json = False
) -> None:
    """Cut the link after a switchover and keep the cluster; there is no way back after it."""
    client = connect()
    confirm(f"Complete the migration to {cluster_id}? There is no way back after it.", yes=yes)
    migration = client.post(f"/migrations/{cluster_id}/complete", Migration)
    finish(client, migration, wait=wait, as_json=as_json)


def cancel(
    cluster_id: ClusterId, yes: Yes = False, wait: Wait = True, as_json: Json = False
) -> None:
    """Cut the link and keep the instance; the cluster stays, on its own and open for writes."""
    client = connect()
    confirm(f"Cancel the migration to {cluster_id}? The link is cut for good.", yes=yes)
    migration = client.post(f"/migrations/{cluster_id}/cancel", Migration)
    finish(client, migration, wait=wait, as_json=as_json)


def verify(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Compare both sides row by row, in the background."""
    migration = connect().post(f"/migrations/{cluster_id}/verify", Migration)
    sentence = f"Comparing. See the result with: sterna task show {migration.task_id}"
    show(migration, as_json=as_json, human=lambda: say(sentence))


def _plan(
    client: Client,
    path: str,
    *,
    dry_run: bool,
    as_json: bool,
    with_endpoints: bool | None = None,
) -> bool:
    """Show the plan; whether that was all that was asked for. Raises Refused when not allowed."""
    plan = client.get(f"{path}/plan", Plan, with_endpoints=with_endpoints)
    if dry_run or not as_json:
        show(plan, as_json=as_json, human=lambda: _print_plan(plan))
    if not plan.allowed:
        raise Refused(
            f"{plan.operation} is refused: {' '.join(plan.refusals)}",
            code="NotAllowed",
            remedy="Remove what the refusal names, then look again with --dry-run.",
        )
    return dry_run


def _print_plan(plan: Plan) -> None:
    print_facts(plan.figures)
    for number, action in enumerate(plan.actions, start=1):
        say(f"{number:2}. {action}")
