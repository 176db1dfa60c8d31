"""How commands print: tables for people, one JSON document for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sterna.errors import SternaError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

# A file or a pipe has no width: nothing is folded there.
PIPE_COLUMNS = 2000


def show(value: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Print the record or records as the API gives them, or let `human` print for a person."""
    if as_json:
        print(to_json(value).decode())
    else:
        human()


def out() -> Console:
    """The console for results. Made anew each time: the terminal may have been resized."""
    return _console(sys.stdout.isatty(), stderr=False)


def notes() -> Console:
    """The console for progress and errors, on standard error."""
    return _console(sys.stderr.isatty(), stderr=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows under column titles, or the sentence `empty` when there are none."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text_of(value)) for value in row))
    out().print(table if table.row_count else empty)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value not in ("", None, ()):
            grid.add_row(Text(name, "bold"), Text(text_of(value)))
    out().print(grid)


def say(sentence: str) -> None:
    """Print one sentence for a person."""
    out().print(visible(sentence), markup=False)


def text_of(value: Any) -> str:
    """A cell: lists joined by commas, times to the second, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(visible(str(item)) for item in value) or "-"
    return visible(str(value))


def visible(text: str) -> str:
    """What came from somebody's rows and names must not move the cursor of our terminal."""
    return "".join(
        each
        if each == "\n" or (ord(each) >= 32 and not 127 <= ord(each) < 160)
        else f"\\x{ord(each):02x}"
        for each in text
    )


def print_error(error: SternaError, *, as_json: bool) -> None:
    """Print an error on standard error: what happened, and what to do next."""
    if as_json:
        problem = {"code": error.code, "message": error.message, "remedy": error.remedy}
        print(json.dumps(problem), file=sys.stderr)
        return
    console = notes()
    console.print(Text.assemble((error.code, "bold red"), ": ", visible(error.message)))
    if error.remedy:
        console.print(Text(visible(error.remedy)))


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    width = None if is_terminal else PIPE_COLUMNS
    return Console(stderr=stderr, highlight=False, width=width)
