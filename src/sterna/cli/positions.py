"""`sterna positions`: where a reader of one binary log goes on at the other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, show
from sterna.store.records import PositionPair


class Of(StrEnum):
    """Whose position is given."""

    SOURCE = "source"
    CLUSTER = "cluster"


def positions(
    cluster_id: Annotated[str, typer.Argument(metavar="CLUSTER", help="Id of the cluster, pc-…")],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="POSITION",
            help="Only the pair for who has read up to here: FILE:OFFSET, or GTIDs.",
        ),
    ] = None,
    of: Annotated[Of, typer.Option(help="Whose binary log --at is a position of.")] = Of.SOURCE,
    as_json: Json = False,
) -> None:
    """Show which positions of the two binary logs hold the same data.

    A reader that has drained the one log up to its position goes on at the other.
    """
    asked = "?" + urlencode({"at": at, "of": of.value}) if at else ""
    pairs = connect().get(f"/migrations/{cluster_id}/positions{asked}", list[PositionPair])
    columns = ("At", "Source", "Source GTIDs", "Cluster", "Cluster GTIDs")
    rows = map(_row, pairs)
    empty = "No pairs yet: they begin when all data is copied and caught up."
    show(pairs, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


def _row(pair: PositionPair) -> tuple[object, ...]:
    return (
        f"{pair.at:%Y-%m-%d %H:%M:%S}",
        pair.source_position,
        pair.source_gtids,
        pair.cluster_position,
        pair.cluster_gtids,
    )
