"""`sterna cluster`: the targets."""

from __future__ import annotations

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.upgrade import finish
from sterna.store.records import Cluster, Migration

app = typer.Typer(no_args_is_help=True, help="Clusters: a primary and its read-only nodes.")


@app.command("list")
def list_clusters(as_json: Json = False) -> None:
    """List all clusters."""
    clusters = connect().get("/clusters", list[Cluster])
    rows = ((c.id, c.version, c.status, len(c.nodes), c.description) for c in clusters)
    columns = ("Cluster", "Version", "Status", "Nodes", "Description")
    empty = "No clusters. An upgrade makes one: sterna upgrade INSTANCE --version V"
    show(clusters, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_cluster(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Show one cluster and its nodes."""
    cluster = connect().get(f"/clusters/{cluster_id}", Cluster)
    show(cluster, as_json=as_json, human=lambda: _print(cluster))


@app.command("open")
def open_cluster(cluster_id: ClusterId, yes: Yes = False, as_json: Json = False) -> None:
    """Let a cluster take writes that was left read-only when its migration expired.

    The source and the instance's endpoints stay as they are; the cluster's events stay off.
    """
    client = connect()
    confirm(f"Open {cluster_id} for writing, on its own?", yes=yes)
    migration = client.post(f"/migrations/{cluster_id}/open-cluster", Migration)
    finish(client, migration, wait=True, as_json=as_json)


def _print(cluster: Cluster) -> None:
    print_facts(
        {
            "Cluster": cluster.id,
            "Description": cluster.description,
            "Version": cluster.version,
            "Status": cluster.status,
            "Node class": cluster.node_class,
            "Storage engine": cluster.storage_engine,
            "Billing method": cluster.pay_type,
            "Created": cluster.created_at,
        }
    )
    say("")
    rows = ((node.id, node.role, f"{node.host}:{node.port}", node.status) for node in cluster.nodes)
    print_table(("Node", "Role", "Address", "Status"), rows, empty="No nodes yet.")
