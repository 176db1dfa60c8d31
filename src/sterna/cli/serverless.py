"""`sterna cluster serverless`: a cluster that follows its load, within limits."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.cluster import app
from sterna.cli.limits import limits
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.store.cluster_records import ServerlessState

Classes = Annotated[
    str, typer.Option("--classes", metavar="MIN:MAX", help="Smallest and largest node class.")
]
NodesRange = Annotated[
    str, typer.Option("--nodes", metavar="MIN:MAX", help="Fewest and most read-only nodes.")
]


@app.command("serverless")
def serverless(
    cluster_id: ClusterId, classes: Classes = "", nodes: NodesRange = "", as_json: Json = False
) -> None:
    """Show how a cluster follows its load, or change the limits it stays within."""
    client, path = connect(), f"/clusters/{cluster_id}/serverless"
    body = limits(classes, nodes)
    state = client.patch(path, ServerlessState, body) if body else client.get(path, ServerlessState)
    show(state, as_json=as_json, human=lambda: _print(state))


def _print(state: ServerlessState) -> None:
    facts = {
        "Cluster": state.cluster_id,
        "Limits": str(state.limits),
        "Node class now": state.node_class,
        "Read-only nodes now": state.nodes,
        "Rests because": state.resting_because,
    }
    print_facts(facts)
    if load := state.load:
        say("")
        print_facts(
            {
                "Sessions at work": f"{load.sessions:.0f} on read-only nodes,"
                f" {load.primary_sessions:.0f} on the primary",
                "Pages missed": f"{load.misses_per_second:.0f}/s of the"
                f" {load.requests_per_second:.0f}/s asked for, by the node with most",
                "Buffer pool used": f"{load.pool_share:.0%}",
            }
        )
    say("")
    rows = ((event.at, event.sentence) for event in state.events)
    print_table(("At", "What was changed"), rows, empty="Nothing was changed yet.")
