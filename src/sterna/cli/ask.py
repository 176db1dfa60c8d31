"""What a command may ask a person: a confirmation, a password. Nothing secret is an argument."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sterna.errors import Refused

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        readable=True,
        help="Read the password from the first line of this file.",
    ),
]


def confirm(question: str, *, yes: bool) -> None:
    """Go on only when the person agrees, or said so with --yes.

    Raises a usage error where nobody can be asked, Refused "NotConfirmed" on a no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is nobody to ask here; add --yes to do it anyway")
    if not typer.confirm(question, err=True):
        raise Refused(
            "Not confirmed; nothing was changed.",
            code="NotConfirmed",
            remedy="Run the command again when you are ready.",
        )


def read_password(prompt: str, file: Path | None) -> str:
    """The password from `file`, else from STERNA_PASSWORD, else typed by a person.

    Raises a usage error where none of the three is to be had.
    """
    if file is not None:
        return read_text(file).split("\n", 1)[0]
    if "STERNA_PASSWORD" in os.environ:
        return os.environ["STERNA_PASSWORD"]
    if not sys.stdin.isatty():
        raise typer.BadParameter("no password: use --password-file or set STERNA_PASSWORD")
    return getpass.getpass(f"{prompt}: ")


def read_text(file: Path) -> str:
    """What is in the file; a usage error, without a word of it, where that is no UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not text in UTF-8") from None
