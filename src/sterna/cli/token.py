"""`sterna token`: what scripts show to the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import connect
from sterna.cli.output import Json, notes, print_table, say, show
from sterna.store.access_records import ApiToken, Role

app = typer.Typer(no_args_is_help=True, help="Tokens of scripts that use the API.")

COLUMNS = ("Token", "Description", "Role", "Made by", "Made", "Until", "Last used")


@dataclass(frozen=True)
class MadeToken:
    """A token and its secret."""

    token: ApiToken = field(repr=False)
    secret: str = field(repr=False)


@app.command()
def create(
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What it is for.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it holds; for ever if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it; it is shown this once. Set it as STERNA_TOKEN."""
    body = {"description": description, "role": role.value, "expires_in_days": days}
    made = connect().post("/tokens", MadeToken, body)

    def tell() -> None:
        notes().print(f"{made.token.id} with the role {made.token.role}; it is not shown again:")
        say(made.secret)

    show(made, as_json=as_json, human=tell)


@app.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List the tokens, without what they are."""
    tokens = connect().get("/tokens", list[ApiToken])
    rows = (
        (t.id, t.description, t.role, t.created_by, t.created_at, t.expires_at, t.used_at)
        for t in tokens
    )
    empty = "No tokens. Make one with: sterna token create DESCRIPTION"
    show(tokens, as_json=as_json, human=lambda: print_table(COLUMNS, rows, empty=empty))


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, at-…")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """End a token at once."""
    confirm(f"Revoke {token_id}?", yes=yes)
    connect().delete(f"/tokens/{token_id}")
    show({"revoked": token_id}, as_json=as_json, human=lambda: say(f"{token_id} has ended."))
