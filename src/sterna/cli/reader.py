"""`sterna reader`: who else reads the binary logs, on their way from one to the other."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, say, show
from sterna.store.reader_records import LogReader, LogReaders

app = typer.Typer(no_args_is_help=True, help="Other readers of the binary logs.")

ClusterId = Annotated[str, typer.Argument(metavar="CLUSTER", help="Id of the cluster, pc-…")]


@app.command("list")
def list_readers(cluster_id: ClusterId, as_json: Json = False) -> None:
    """List who reads the binary logs besides Sterna, and who has still to be moved."""
    found = connect().get(f"/migrations/{cluster_id}/readers", LogReaders)
    show(found, as_json=as_json, human=lambda: _print(found))


@app.command()
def move(
    cluster_id: ClusterId,
    name: Annotated[str, typer.Argument(metavar="READER", help="As listed: user@host.")],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="POSITION",
            help="How far it had read the log it left, FILE:OFFSET or GTIDs; keeps where it went"
            " on.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Note that a reader was moved to the log of the side with the writes."""
    body = {"name": name, "at": at}
    found = connect().post(f"/migrations/{cluster_id}/readers/move", LogReaders, body)
    show(found, as_json=as_json, human=lambda: _print(found))


def _print(found: LogReaders) -> None:
    columns = ("Reader", "Reads now", "Connections", "Has been sent", "Moved", "Went on at", "Left")
    print_table(columns, map(_row, found.readers), empty="No readers.")
    say(found.sentence)


def _row(reader: LogReader) -> tuple[object, ...]:
    return (
        reader.name,
        ", ".join(reader.reads) or "nothing",
        reader.connections,
        "all" if reader.caught_up else "",
        reader.moved_at,
        reader.position,
        "yes" if reader.is_left else "no",
    )
