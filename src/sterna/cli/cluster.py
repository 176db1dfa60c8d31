"""`sterna cluster`: the targets."""

from __future__ import annotations

import typer

from sterna.cli.client import connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.store.records import Cluster

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
