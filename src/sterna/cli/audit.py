"""`sterna audit`: who asked for what."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, show
from sterna.store.access_records import AuditEntry, AuditPage

COLUMNS = ("Number", "At", "Who", "From", "Action", "Object", "Arguments", "Result")


def audit(
    who: Annotated[str | None, typer.Option(help="Only of this user or token.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, as switch_over.")] = None,
    of: Annotated[str | None, typer.Option(help="Only about this id.")] = None,
    before: Annotated[int | None, typer.Option(help="Only what stands before this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """Show who asked to change what, from where, and how it ended; the newest first."""
    asked = {"who": who, "action": action, "object": of, "before": before, "limit": limit}
    page = connect().get("/audit", AuditPage, **asked)
    rows = map(_row, page.items)
    empty = "Nobody has asked to change anything."
    show(page, as_json=as_json, human=lambda: print_table(COLUMNS, rows, empty=empty))


def _row(entry: AuditEntry) -> tuple[object, ...]:
    arguments = ", ".join(f"{name}={value}" for name, value in entry.arguments.items())
    result = f"{entry.result} ({entry.code})" if entry.code else entry.result
    who = entry.who or entry.kind
    about = (entry.action, entry.object, arguments, result)
    return (entry.number, entry.at, who, entry.address, *about)
