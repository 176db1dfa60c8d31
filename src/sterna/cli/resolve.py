"""`sterna migration resolve`: both sides beside each other, and the decision of a person."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.migration import ClusterId, app
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.upgrade import Wait, finish
from sterna.store.records import Migration, Resolution, SideProbe


class Word(StrEnum):
    """One of the two sides."""

    source = "source"
    cluster = "cluster"


@app.command()
def resolve(
    cluster_id: ClusterId,
    writes_are_on: Annotated[
        Word | None, typer.Option(help="Decide: this side owns the writes.")
    ] = None,
    yes: Yes = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Show both sides beside each other; with --writes-are-on put the roles in order.

    For a migration in status AMBIGUOUS. Without a decision nothing is changed. The side that is
    not chosen is closed; what only it has is not carried over.
    """
    client = connect()
    found = client.get(f"/migrations/{cluster_id}/resolution", Resolution)
    if writes_are_on is None or not as_json:
        show(found, as_json=as_json, human=lambda: _print(found))
    if writes_are_on is None:
        return
    other = Word.cluster if writes_are_on is Word.source else Word.source
    question = f"Open the {writes_are_on} of {cluster_id}, and close the {other}?"
    confirm(question, yes=yes)
    body = {"writes_are_on": writes_are_on.value}
    migration = client.post(f"/migrations/{cluster_id}/resolve", Migration, body)
    finish(client, migration, wait=wait, as_json=as_json)


def _print(found: Resolution) -> None:
    print_table(("", *(side.word for side in found.sides)), _rows(found), empty="")
    say("")
    print_facts(
        {
            "Status": found.status,
            "Reason": found.reason,
            "Sterna's store says": f"the writes are on the {found.journal_says}",
            "The checkpoints say": found.checkpoint_says or "nothing",
            "Rogue writers": found.rogue,
            "Recommended": found.recommended or "none: look at the data",
            "Because": "; ".join(found.because),
            "Goes on by itself after": found.resumable or "neither choice",
        }
    )


def _rows(found: Resolution) -> Iterator[tuple[object, ...]]:
    def row(name: str, *values: object) -> tuple[object, ...]:
        return (name, *values)

    sides = found.sides
    yield row("Server", *(f"{side.id} {side.address}" for side in sides))
    yield row("Answers", *(side.reachable or side.error for side in sides))
    yield row("Takes writes", *(_writes(side) for side in sides))
    yield row("Own log is at", *(side.position for side in sides))
    yield row("Newest write", *(side.last_write_at for side in sides))
    yield row("Sessions", *(side.sessions for side in sides))
    yield row("Endpoints", *(side.endpoints for side in sides))
    yield row("Has applied", *(side.checkpoint_position for side in sides))
    yield row("Epoch", *(side.checkpoint_epoch for side in sides))


def _writes(side: SideProbe) -> bool | None:
    return None if side.read_only is None else not side.read_only
