"""Writes docs/reference/cli.md from the commands themselves.

python -m tools.write_cli_reference docs/reference/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sterna.cli.app import make_cli

HEAD = """# Commands

This page is written by `make docs` from the commands themselves; a test compares the two.

Every command but `server` takes `--json`: then standard output is one JSON document (for
`migration watch` one for each change, each on its own line), and an error is one JSON document on
standard error.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed; the message says what was touched |
| 2 | wrong usage; nothing was done |
| 3 | refused; nothing was changed, and the remedy is printed |
| 130 | interrupted; an operation that was started goes on in the server |

Passwords are never arguments: they come from `--password-file`, from `STERNA_PASSWORD`, or from a
prompt. Commands that cannot be undone ask first; `--yes` answers for scripts.
"""


def render() -> str:
    """The whole page, in Markdown."""
    root = typer.main.get_command(make_cli(lambda: None))
    return HEAD + "".join(_section(*entry) for entry in commands(root, "sterna"))


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Full name and command of every leaf of the tree, in the order of the names."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in sorted(children):
        yield from commands(children[child], f"{name} {child}")


def _section(name: str, command: Any) -> str:
    params = [param for param in command.params if param.name != "help"]
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name == "option"]
    needed = [_spell(option) for option in options if option.required]
    usage = " ".join([name, *(argument.metavar for argument in arguments), *needed])
    rows = "".join(map(_row, options))
    table = f"\n| option | meaning |\n|---|---|\n{rows}" if rows else ""
    return f"\n## {name}\n\n```\n{usage}\n```\n\n{_text(command.help)}\n{table}"


def _row(option: Any) -> str:
    return f"| `{_spell(option)}` | {option.help}{_default(option)} |\n"


def _default(option: Any) -> str:
    value = getattr(option.default, "value", option.default)
    if option.required or value in (None, "") or value is False:
        return ""
    return f" Default: {option.opts[0] if value is True else value}."


def _spell(option: Any) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    return f"{names} {option.metavar or option.name.upper()}"


def _text(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
