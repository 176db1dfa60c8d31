"""`sterna engine`: the server versions a cluster can be made of."""

from __future__ import annotations

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, show
from sterna.store.records import EngineInfo

app = typer.Typer(no_args_is_help=True, help="Server versions a cluster can be made of.")


@app.command("list")
def list_engines(as_json: Json = False) -> None:
    """List the versions an upgrade can go to."""
    engines = connect().get("/engines", list[EngineInfo])
    rows = ((engine.version, engine.name, engine.path) for engine in engines)
    empty = "No server versions are installed here."
    columns = ("Version", "Name", "Path")
    show(engines, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))
