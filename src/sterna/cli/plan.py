"""The dry run: what an operation would do, and why it would be refused."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from sterna.cli.client import Client
from sterna.cli.output import out, print_facts, say, show
from sterna.errors import Refused
from sterna.store.records import Plan

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show every action and refusal; change nothing.")
]


def show_plan(
    client: Client,
    path: str,
    *,
    dry_run: bool,
    as_json: bool,
    **asked: Any,
) -> bool:
    """Show the plan; whether that was all that was asked for. Raises Refused when not allowed."""
    plan = client.get(f"{path}/plan", Plan, **asked)
    if dry_run or not as_json:
        show(plan, as_json=as_json, human=lambda: _print_plan(plan))
    if not plan.allowed:
        raise Refused(
            f"{plan.operation} is refused: {' '.join(plan.refusals)}",
            code="NotAllowed",
            remedy="Remove what the refusal names, then look again with --dry-run.",
        )
    return dry_run


def _print_plan(plan: Plan) -> None:
    print_facts(plan.figures)
    for number, action in enumerate(plan.actions, start=1):
        say(f"{number:2}. {action}")
    for warning in plan.warnings:
        out().print(Text.assemble(("WARNING", "bold yellow"), ": ", warning))
