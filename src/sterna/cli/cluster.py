"""`sterna cluster`: the targets."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.upgrade import finish
from sterna.store.records import Cluster, InheritedParameter, InheritedState, Migration

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


@app.command("parameters")
def list_parameters(
    cluster_id: ClusterId,
    differing: Annotated[
        bool, typer.Option("--differing", help="Only those that differ from the source's.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the source's parameters beside the cluster's: carried, translated, dropped, and why."""
    found = connect().get(f"/clusters/{cluster_id}/parameters", list[InheritedParameter])
    shown = [p for p in found if not differing or p.source_value != p.cluster_value]
    rows = ((p.name, p.source_value, p.cluster_value, p.how, p.why) for p in shown)
    columns = ("Parameter", "Source", "Cluster", "", "Why")
    show(shown, as_json=as_json, human=lambda: print_table(columns, rows, empty="None differs."))


@app.command("inherited")
def show_inherited(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Compare accounts, grants, views, routines, triggers and events of both sides now."""
    state = connect().get(f"/clusters/{cluster_id}/inherited", InheritedState)
    show(state, as_json=as_json, human=lambda: _print_inherited(state))


def _print_inherited(state: InheritedState) -> None:
    print_facts({"accounts": state.accounts, **state.objects})
    differences = (*state.account_differences, *state.object_differences)
    for difference in differences:
        say(difference)
    if not differences:
        say("The same on both sides.")


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
            "Follows its load": str(cluster.serverless or ""),
            "Semi-synchronous": "yes" if cluster.semi_sync else "",
            "Binary log": "on" if cluster.binary_log else "off",
            "Network": cluster.network_label or "Private",
            "Created": cluster.created_at,
        }
    )
    say("")
    rows = (
        (n.id, n.role, f"{n.host}:{n.port}", f"{n.status} {n.progress}".strip(), n.host_id)
        for n in cluster.nodes
    )
    print_table(("Node", "Role", "Address", "Status", "Host"), rows, empty="No nodes yet.")
