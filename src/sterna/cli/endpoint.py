"""`sterna endpoint`: the stable addresses applications use."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, show
from sterna.store.records import Endpoint

app = typer.Typer(no_args_is_help=True, help="Stable addresses for applications.")


@app.command("list")
def list_endpoints(
    owner_id: Annotated[
        str | None, typer.Argument(metavar="[OWNER]", help="Instance or cluster they belong to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List endpoints, and the servers that answer there now."""
    endpoints = connect().get("/endpoints", list[Endpoint], owner_id=owner_id)
    rows = (
        (e.id, e.owner_id, e.type, f"{e.host}:{e.port}", e.read_write_mode, e.state, e.routes_to)
        for e in endpoints
    )
    columns = ("Endpoint", "Owner", "Type", "Address", "Mode", "State", "Routes to")
    empty = "No endpoints."
    show(endpoints, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))
