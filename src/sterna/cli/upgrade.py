"""`sterna upgrade`, `continue` and `give-up`: the way to a running, synchronised cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import Client, connect
from sterna.cli.evaluation import Version
from sterna.cli.limits import limits
from sterna.cli.live import wait_for_operation
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, say, show
from sterna.cli.plan import DryRun, show_plan
from sterna.store.records import Migration

Ignore = Annotated[
    list[str] | None,
    typer.Option(metavar="CHECK", help="Accept what this precheck found; may be repeated."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Show the progress until the operation is over.")
]


class PayType(StrEnum):
    """How a cluster is billed; recorded and metered."""

    Postpaid = "Postpaid"
    Prepaid = "Prepaid"
    Serverless = "Serverless"


class StorageEngine(StrEnum):
    """What tables of a cluster may be kept in."""

    InnoDB = "InnoDB"
    MyRocks = "InnoDB & MyRocks"


Classes = Annotated[
    str,
    typer.Option("--serverless-classes", metavar="MIN:MAX", help="Limits of a serverless cluster."),
]
NodesRange = Annotated[
    str, typer.Option("--serverless-nodes", metavar="MIN:MAX", help="Of its read-only nodes.")
]


def upgrade(
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE")],
    version: Version,
    nodes: Annotated[
        int, typer.Option(min=0, max=15, help="Read-only nodes besides the primary.")
    ] = 0,
    ignore: Ignore = None,
    description: Annotated[str, typer.Option(help="A name for people.")] = "",
    node_class: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="Size of every node.")
    ] = "sterna.small",
    pay_type: Annotated[PayType, typer.Option(help="Billing method.")] = PayType.Postpaid,
    network: Annotated[str, typer.Option(help="Network label of its endpoints.")] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Make its nodes there, in turn; may be repeated. See: sterna host list"),
    ] = None,
    existing: Annotated[
        str, typer.Option(metavar="HOST", help="This server, of your making, becomes its primary.")
    ] = "",
    serverless_classes: Classes = "",
    serverless_nodes: NodesRange = "",
    semi_sync: Annotated[
        bool, typer.Option("--semi-sync", help="Let commits wait for a read-only node.")
    ] = False,
    storage_engine: Annotated[
        StorageEngine, typer.Option(help="What its tables may be kept in.")
    ] = StorageEngine.InnoDB,
    myrocks_memory_percent: Annotated[
        int, typer.Option(min=10, max=90, help="MyRocks' share of the buffers.")
    ] = 50,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Create a cluster, copy the instance to it and keep both in sync; prints the cluster id."""
    client = connect()
    if serverless_nodes and not serverless_classes:
        raise typer.BadParameter("--serverless-nodes goes with --serverless-classes MIN:MAX")
    body = {
        "instance_id": instance_id,
        "target_version": version,
        "nodes": nodes,
        "ignore": ignore or [],
        "description": description,
        "node_class": node_class,
        "pay_type": pay_type.value,
        "network_label": network,
        "hosts": host or [],
        "existing": existing,
        "serverless": limits(serverless_classes, serverless_nodes) or None,
        "semi_sync": semi_sync,
        "storage_engine": storage_engine.value,
        "myrocks_memory_percent": myrocks_memory_percent,
    }
    migration = client.post("/migrations", Migration, body)
    if not as_json:
        say(migration.cluster_id)
    finish(client, migration, wait=wait, as_json=as_json)


def continue_migrating(
    cluster_id: ClusterId, ignore: Ignore = None, wait: Wait = False, as_json: Json = False
) -> None:
    """Go on after a failed precheck, with its cause removed or accepted."""
    client = connect()
    body = {"ignore": ignore or []}
    migration = client.post(f"/migrations/{cluster_id}/continue", Migration, body)
    finish(client, migration, wait=wait, as_json=as_json)


def give_up(
    cluster_id: ClusterId, dry_run: DryRun = False, yes: Yes = False, as_json: Json = False
) -> None:
    """Give a migration up after a failed precheck; the cluster stays, on its own."""
    client = connect()
    path = f"/migrations/{cluster_id}/give-up"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json):
        return
    confirm(f"Give up the migration to {cluster_id}?", yes=yes)
    migration = client.post(path, Migration)
    finish(client, migration, wait=True, as_json=as_json)


def finish(client: Client, migration: Migration, *, wait: bool, as_json: bool) -> None:
    """Wait for the operation just started, if asked to, and print how the migration stands."""
    if wait:
        migration = wait_for_operation(client, migration.cluster_id, quiet=as_json)
    show(migration, as_json=as_json, human=lambda: say(_standing(migration)))


def _standing(migration: Migration) -> str:
    modes = f"source {migration.source_mode}, cluster {migration.cluster_mode}"
    under_way = f", {migration.operation} under way" if migration.operation else ""
    return f"{migration.cluster_id}: {migration.status}{under_way}, {modes}"
