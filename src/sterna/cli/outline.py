"""`sterna explain`: the steps of each operation, in the words of the code that does them."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, say, show
from sterna.store.records import OutlineStep


def explain(
    operation: Annotated[
        str | None, typer.Argument(metavar="[OPERATION]", help="One operation, as switch_over.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what each operation does, step by step, and how each step is undone."""
    steps = connect().get("/outline", list[OutlineStep], operation=operation)
    show(steps, as_json=as_json, human=lambda: _print(steps))


def _print(steps: list[OutlineStep]) -> None:
    for operation, members in groupby(steps, key=lambda step: step.operation):
        say(operation)
        for step in members:
            say(f"{step.number:4}. {step.title}")
            say(f"      undo: {step.undo}")
        say("")
