"""`sterna hook`: who is told of what happens."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sterna.cli.ask import read_text
from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, say, show
from sterna.store.records import Hook
from sterna.store.view_records import HookTest

app = typer.Typer(no_args_is_help=True, help="Programs and addresses that are told what happens.")


class Event(StrEnum):
    """When a hook is told."""

    before = "before"
    after = "after"
    failed = "failed"
    warning = "warning"


@app.command()
def add(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROGRAM ARGUMENT…]",
            help="File in STERNA_HOME/hooks of the server, and its arguments; put -- before them.",
        ),
    ] = None,
    on: Annotated[
        list[Event] | None,
        typer.Option("--on", help="Event; may be repeated. after, failed, warning if left out."),
    ] = None,
    url: Annotated[str, typer.Option(help="Address to send a POST request to instead.")] = "",
    headers_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help="Lines of NAME: VALUE to send along."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds it may take; 60 at most.", min=0.1, max=60)
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Tell a program or an address what happens to migrations; prints the id of the hook.

    It gets a JSON document: a program on its standard input, an address as the body. A program
    that is told before an operation and ends with another exit code than 0 refuses it.
    """
    body = {
        "events": [each.value for each in on or ()],
        "command": command or [],
        "url": url,
        "headers": _read_headers(headers_file) if headers_file else {},
        "timeout_seconds": timeout,
    }
    hook = connect().post("/hooks", Hook, body)
    show(hook, as_json=as_json, human=lambda: say(hook.id))


@app.command("list")
def list_hooks(as_json: Json = False) -> None:
    """List the hooks; the values of their headers are not shown."""
    hooks = connect().get("/hooks", list[Hook])
    columns = ("Hook", "Told of", "Program or address", "Headers", "Timeout")
    rows = (
        (
            each.id,
            each.events,
            " ".join(each.command) or each.url,
            each.header_names,
            f"{each.timeout_seconds:g} s",
        )
        for each in hooks
    )
    empty = "No hooks. Add one with: sterna hook add"
    show(hooks, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command()
def test(
    hook_id: Annotated[str, typer.Argument(metavar="HOOK", help="Id, hk-…")],
    as_json: Json = False,
) -> None:
    """Tell this hook of an event `test` now, once; exit code 1 when it could not be told."""
    tested = connect().post(f"/hooks/{hook_id}/test", HookTest)
    sentence = f"could not be told: {tested.error}" if tested.error else "was told, and agrees."
    show(tested, as_json=as_json, human=lambda: say(f"{hook_id} {sentence}"))
    if tested.error:
        raise typer.Exit(1)


@app.command()
def remove(
    hook_id: Annotated[str, typer.Argument(metavar="HOOK", help="Id, hk-…")],
    as_json: Json = False,
) -> None:
    """Tell this hook nothing any more."""
    connect().delete(f"/hooks/{hook_id}")
    sentence = f"{hook_id} is told nothing any more."
    show({"removed": hook_id}, as_json=as_json, human=lambda: say(sentence))


def _read_headers(file: Path) -> dict[str, str]:
    """Names and values; a usage error where a line is not NAME: VALUE."""
    headers = {}
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                raise typer.BadParameter(f"line {number} of {file} is not NAME: VALUE")
            headers[name.strip()] = value.strip()
    return headers
