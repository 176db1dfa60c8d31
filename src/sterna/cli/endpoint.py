"""`sterna endpoint`: the stable addresses applications use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.plan import DryRun, show_plan
from sterna.store.cluster_records import NodeHealth
from sterna.store.records import Endpoint
from sterna.store.view_records import EndpointActions

app = typer.Typer(no_args_is_help=True, help="Stable addresses for applications.")

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Id of an endpoint, pe-….")]
Name = Annotated[str | None, typer.Option(help="A name for people.")]
Host = Annotated[str | None, typer.Option(help="Address of this machine to listen on.")]
Port = Annotated[int | None, typer.Option(min=1024, max=65535, help="Port to listen on.")]
Network = Annotated[
    str | None, typer.Option(metavar="LABEL", help="Network it is in, such as Private or Public.")
]
Tls = Annotated[
    bool | None,
    typer.Option("--tls/--no-tls", help="Whether applications use TLS here; passed through."),
]
Mode = Annotated[
    str | None,
    typer.Option(help="Of a Cluster endpoint: ReadOnly (the read-only nodes) or ReadWrite."),
]
NodesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--node",
        metavar="NODE[=WEIGHT]",
        help="Node of a Custom endpoint, or HOST:PORT of an instance's read-only server; "
        "weight 1 to 10. May be repeated.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="NETWORK", help="Who may come in, such as 10.0.0.0/8. May be repeated."),
]


@app.command("list")
def list_endpoints(
    owner_id: Annotated[
        str | None, typer.Argument(metavar="[OWNER]", help="Instance or cluster they belong to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List endpoints, and the servers they lead to."""
    endpoints = connect().get("/endpoints", list[Endpoint], owner_id=owner_id)
    rows = (
        (
            *(e.id, e.name, e.owner_id, _type(e), f"{e.host}:{e.port}", e.read_write_mode),
            *(e.net_type, "yes" if e.ssl_enabled else "no", e.state, _servers(e)),
        )
        for e in endpoints
    )
    about = ("Endpoint", "Name", "Owner", "Type", "Address", "Mode")
    columns = (*about, "Network", "TLS", "State", "Routes to")
    empty = "No endpoints."
    show(endpoints, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_endpoint(endpoint_id: EndpointId, as_json: Json = False) -> None:
    """Show one endpoint, and which of its servers get no new connections now."""
    client = connect()
    endpoint = client.get(f"/endpoints/{endpoint_id}", Endpoint)
    health = f"/clusters/{endpoint.owner_id}/health"
    is_of_cluster = endpoint.owner_id.startswith("pc-")
    nodes = client.get(health, list[NodeHealth]) if is_of_cluster else []
    show(endpoint, as_json=as_json, human=lambda: _print(endpoint, nodes))


@app.command("create")
def create_endpoint(
    owner_id: Annotated[
        str, typer.Argument(metavar="OWNER", help="Instance or cluster it is for.")
    ],
    type_: Annotated[
        str,
        typer.Option(
            "--type",
            help="Primary, Cluster or Custom of a cluster; Primary, ReadOnly or Proxy "
            "of an instance.",
        ),
    ],
    name: Name = None,
    host: Host = None,
    port: Port = None,
    network: Network = None,
    tls: Tls = None,
    mode: Mode = None,
    node: NodesOption = None,
    allow: Allow = None,
    read_only_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65535, help="Port for reads of a ReadWrite Cluster endpoint."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an endpoint of an instance or a cluster; a free port is chosen where none is given."""
    given = _given(name, host, port, network, tls)
    given |= _chosen(mode, node, allow, read_only_port)
    body = {"owner_id": owner_id, "type": type_, **given}
    endpoint = connect().post("/endpoints", Endpoint, body)
    show(endpoint, as_json=as_json, human=lambda: _print(endpoint))


@app.command("alter")
def alter_endpoint(
    endpoint_id: EndpointId,
    name: Name = None,
    host: Host = None,
    port: Port = None,
    network: Network = None,
    tls: Tls = None,
    mode: Mode = None,
    node: NodesOption = None,
    allow: Allow = None,
    read_only_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Its port for reads; 0 closes it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change an endpoint: its name, address, network, TLS flag, nodes or whitelist.

    A whitelist replaces the old one and holds at once: sessions it does not name are cut.
    """
    changes = _given(name, host, port, network, tls) | _chosen(mode, node, allow, read_only_port)
    if not changes:
        raise typer.BadParameter("nothing to change was given")
    endpoint = connect().patch(f"/endpoints/{endpoint_id}", Endpoint, changes)
    show(endpoint, as_json=as_json, human=lambda: _print(endpoint))


@app.command("actions")
def list_actions(
    owner_id: Annotated[str, typer.Argument(metavar="OWNER", help="Instance or cluster.")],
    as_json: Json = False,
) -> None:
    """List what may be done now with the endpoints of an instance or a cluster, and what not."""
    found = connect().get("/endpoints/actions", list[EndpointActions], owner_id=owner_id)
    rows = (
        (one.endpoint_id, asked.action, asked.allowed, " ".join(r.message for r in asked.refusals))
        for one in found
        for asked in one.actions
    )
    columns = ("Endpoint", "Action", "Allowed", "In the way")
    show(found, as_json=as_json, human=lambda: print_table(columns, rows, empty=""))


@app.command("delete")
def delete_endpoint(
    endpoint_id: EndpointId, dry_run: DryRun = False, yes: Yes = False, as_json: Json = False
) -> None:
    """Close an endpoint; its sessions are cut, and applications that use it lose their address."""
    client = connect()
    path = f"/endpoints/{endpoint_id}/delete"
    if dry_run and show_plan(client, path, dry_run=True, as_json=as_json):
        return
    endpoint = client.get(f"/endpoints/{endpoint_id}", Endpoint)
    confirm(f"Close {endpoint_id} at {endpoint.host}:{endpoint.port}?", yes=yes)
    client.delete(f"/endpoints/{endpoint_id}")
    show({"deleted": endpoint_id}, as_json=as_json, human=lambda: say(f"{endpoint_id} is closed."))


def _given(
    name: str | None, host: str | None, port: int | None, network: str | None, tls: bool | None
) -> dict[str, Any]:
    fields = {"name": name, "host": host, "port": port, "net_type": network, "ssl_enabled": tls}
    return {field: value for field, value in fields.items() if value is not None}


def _chosen(
    mode: str | None, nodes: list[str] | None, allow: list[str] | None, read_only_port: int | None
) -> dict[str, Any]:
    fields = {
        "read_write_mode": mode,
        "nodes": _weights(nodes) if nodes else None,
        "allowed_networks": allow or None,
        "read_only_port": read_only_port,
    }
    return {field: value for field, value in fields.items() if value is not None}


def _weights(nodes: Iterable[str]) -> dict[str, int]:
    """NODE[=WEIGHT] → {node: weight}."""
    weights = {}
    for node in nodes:
        name, _, weight = node.partition("=")
        if weight and not (weight.isascii() and weight.isdigit()):
            raise typer.BadParameter(f"{node}: the weight is no number")
        weights[name] = int(weight or 1)
    return weights


def _type(endpoint: Endpoint) -> str:
    return f"{endpoint.type} (reads)" if endpoint.part_of else endpoint.type


def _servers(endpoint: Endpoint, nodes: Iterable[NodeHealth] = ()) -> list[str]:
    """Each server once; one that gets more connections than others with its share, and one that
    gets none for now with the reason."""
    shares = Counter(endpoint.routes_to).items()
    out = {
        node.address: f" (gets none now: {node.problem or node.state})"
        for node in nodes
        if not node.in_rotation
    }
    return [
        f"{address}{'' if share == 1 else f' ×{share}'}{out.get(address, '')}"
        for address, share in shares
    ]


def _print(endpoint: Endpoint, nodes: Iterable[NodeHealth] = ()) -> None:
    print_facts(
        {
            "Endpoint": endpoint.id,
            "Name": endpoint.name,
            "Owner": endpoint.owner_id,
            "Type": _type(endpoint),
            "Mode": endpoint.read_write_mode,
            "Address": f"{endpoint.host}:{endpoint.port}",
            "Network": endpoint.net_type,
            "TLS": endpoint.ssl_enabled,
            "State": endpoint.state,
            "Part of": endpoint.part_of,
            "Nodes": [f"{node}={weight}" for node, weight in endpoint.nodes.items()],
            "Routes to": _servers(endpoint, nodes),
            "Whitelist": endpoint.allowed_networks or "nobody",
        }
    )
