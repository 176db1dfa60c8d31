"""`sterna cluster`: its nodes, from the first to the last day."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import Client, connect
from sterna.cli.cluster import app
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_table, say, show
from sterna.cli.plan import DryRun, show_plan
from sterna.cli.upgrade import Wait
from sterna.errors import Refused
from sterna.store.cluster_records import NodeHealth
from sterna.store.records import Cluster, Plan

POLL_SECONDS = 0.5


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


NodeId = Annotated[str, typer.Argument(metavar="NODE", help="Id of a node, pi-….")]


@app.command("add-nodes")
def add_nodes(
    cluster_id: ClusterId,
    count: Annotated[int, typer.Option(min=1, max=15, help="How many.")] = 1,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Add read-only nodes: copies of the primary that follow it.

    The primary works on meanwhile, but for MySQL before 8.0.17; then you are asked.
    """
    client = connect()
    path = f"/clusters/{cluster_id}/nodes"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json, count=count):
        return
    plan = client.get(f"{path}/plan", Plan, count=count)
    if plan.allowed and plan.warnings:
        confirm(f"{'; '.join(plan.warnings)}. Go on?", yes=yes)
    cluster = client.post(path, Cluster, {"count": count})
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("remove-node")
def remove_node(
    cluster_id: ClusterId,
    node_id: NodeId,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Remove a read-only node with its data."""
    client = connect()
    path = f"/clusters/{cluster_id}/nodes/{node_id}"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json):
        return
    confirm(f"Delete {node_id} with its data?", yes=yes)
    cluster = client.remove(path, Cluster)
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("change-class")
def change_class(
    cluster_id: ClusterId,
    node_class: Annotated[str, typer.Argument(metavar="CLASS", help="Such as sterna.large.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Give every node another class: each restarts once, the primary last."""
    client = connect()
    path = f"/clusters/{cluster_id}/class"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json, node_class=node_class):
        return
    confirm(f"Restart every node of {cluster_id} as {node_class}?", yes=yes)
    cluster = client.post(path, Cluster, {"node_class": node_class})
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("restart")
def restart_cluster(
    cluster_id: ClusterId,
    node: Annotated[str | None, typer.Option(help="Only this node.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Restart the nodes one after the other; who connects to the primary meanwhile waits."""
    client = connect()
    path = f"/clusters/{cluster_id}/restart"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json, node_id=node):
        return
    confirm(f"Restart {node or 'every node'} of {cluster_id}?", yes=yes)
    cluster = client.post(path, Cluster, {"node_id": node})
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("semi-sync")
def change_semi_sync(
    cluster_id: ClusterId,
    wanted: Annotated[Switch, typer.Argument(metavar="on|off", help="Whether commits wait.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Let commits wait for a read-only node, or no longer: each node restarts, the primary last."""
    client, on = connect(), wanted is Switch.ON
    path = f"/clusters/{cluster_id}/semi-sync"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json, on=on):
        return
    confirm(f"Restart every node of {cluster_id}?", yes=yes)
    cluster = client.post(path, Cluster, {"on": on})
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("enable-binlog")
def enable_binlog(
    cluster_id: ClusterId,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Switch the binary log on again after `complete --disable-binlog`; the primary restarts."""
    client = connect()
    path = f"/clusters/{cluster_id}/binlog"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json):
        return
    confirm(f"Restart the primary of {cluster_id}?", yes=yes)
    cluster = client.post(path, Cluster)
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("delete")
def delete_cluster(
    cluster_id: ClusterId,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Delete a cluster with its endpoints, its nodes and all its data. There is no way back."""
    client = connect()
    if show_plan(client, f"/clusters/{cluster_id}/delete", dry_run=dry_run, as_json=as_json):
        return
    confirm(f"Delete {cluster_id} with all its data?", yes=yes)
    cluster = client.remove(f"/clusters/{cluster_id}", Cluster)
    _finish(client, cluster, wait=wait, as_json=as_json)


@app.command("logs")
def show_logs(
    cluster_id: ClusterId,
    node: Annotated[str | None, typer.Option(help="Of this node; else of the primary.")] = None,
    lines: Annotated[int, typer.Option(min=1, max=10_000, help="How many, from the end.")] = 100,
    as_json: Json = False,
) -> None:
    """Show what a node's server has written."""
    path = f"/clusters/{cluster_id}/logs"
    found = connect().get(path, list[str], node_id=node, lines=lines)
    show(found, as_json=as_json, human=lambda: say("\n".join(found)))


@app.command("health")
def show_health(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Show how the read-only nodes are, and whether they are sent connections."""
    nodes = connect().get(f"/clusters/{cluster_id}/health", list[NodeHealth])
    rows = (
        (n.node_id, n.address, n.state, n.in_rotation, n.lag_seconds, n.semi_sync, n.problem)
        for n in nodes
    )
    columns = ("Node", "Address", "State", "In rotation", "Lag (s)", "Semi-sync", "Problem")
    empty = "No read-only nodes."
    show(nodes, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


def _finish(client: Client, cluster: Cluster, *, wait: bool, as_json: bool) -> None:
    """Wait until the cluster is what was asked for, or gone."""
    while wait and cluster.status != "Running":
        time.sleep(POLL_SECONDS)
        try:
            cluster = client.get(f"/clusters/{cluster.id}", Cluster)
        except Refused as error:
            if error.code != "NotFound":
                raise
            break
    sentence = f"{cluster.id} is {cluster.status}, {len(cluster.nodes)} nodes."
    if wait and cluster.status == "Deleting":
        sentence = f"{cluster.id} is deleted."
    show(cluster, as_json=as_json, human=lambda: say(sentence))
