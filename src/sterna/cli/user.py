"""`sterna user`: who can sign in to the console."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sterna.cli.ask import PasswordFile, Yes, confirm, read_password
from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, say, show
from sterna.store.access_records import Role, User

app = typer.Typer(no_args_is_help=True, help="People who can sign in to the console.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
COLUMNS = ("User", "Role", "Since", "Last signed in", "Sessions")


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.VIEWER,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Let somebody sign in.

    The password comes from --password-file, STERNA_PASSWORD or a prompt.
    """
    body = {"name": name, "role": role.value, "password": _password(name, password_file)}
    user = connect().post("/users", User, body)
    show(user, as_json=as_json, human=lambda: say(f"{user.name} can sign in as {user.role}."))


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the users."""
    users = connect().get("/users", list[User])
    rows = ((u.name, u.role, u.created_at, u.signed_in_at, u.sessions) for u in users)
    empty = "No users. Add one with: sterna user add NAME --role admin"
    show(users, as_json=as_json, human=lambda: print_table(COLUMNS, rows, empty=empty))


@app.command("set-role")
def set_role(
    name: Name, role: Annotated[Role, typer.Argument(metavar="ROLE")], as_json: Json = False
) -> None:
    """Change what a user may do: viewer, operator or admin. It counts at once."""
    user = connect().patch(f"/users/{name}", User, {"role": role.value})
    show(user, as_json=as_json, human=lambda: say(f"{user.name} is {user.role} now."))


@app.command("set-password")
def set_password(name: Name, password_file: PasswordFile = None, as_json: Json = False) -> None:
    """Give a user a new password; his sessions end.

    The password comes from --password-file, STERNA_PASSWORD or a prompt.
    """
    body = {"password": _password(name, password_file)}
    user = connect().patch(f"/users/{name}", User, body)
    show(user, as_json=as_json, human=lambda: say(f"{user.name} has a new password."))


@app.command()
def remove(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a user; his sessions and the tokens he made end."""
    confirm(f"Remove {name}?", yes=yes)
    connect().delete(f"/users/{name}")
    show({"removed": name}, as_json=as_json, human=lambda: say(f"{name} is removed."))


def _password(name: str, file: Path | None) -> str:
    return read_password(f"Password of {name}", file)
