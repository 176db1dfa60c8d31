"""Users, tokens of scripts, the roles of routes, and the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from sterna.server.access import Who
from sterna.server.api.common import TheService
from sterna.server.roles import RouteRole, all_roles
from sterna.store.access_records import ApiToken, AuditPage, Role, User

router = APIRouter(tags=["people"])

PREFIX = "/api/v1"


@dataclass(frozen=True)
class NewUser:
    """Somebody who may sign in from now on."""

    name: str
    role: Role
    password: str = field(repr=False)


@dataclass(frozen=True)
class UserChange:
    """What is left out stays as it is."""

    role: Role | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NewToken:
    """A token for a script; without `expires_in_days` it ends when it is revoked."""

    role: Role
    description: Annotated[str, Field(max_length=200)] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


@dataclass(frozen=True)
class MadeToken:
    """A new token; the secret is not shown again."""

    token: ApiToken = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class EntriesWanted:
    """Which entries of the audit log, and how many."""

    before: Annotated[int, Query(ge=0, le=10**15)] | None = None
    limit: Annotated[int, Query(ge=1, le=1000)] = 100
    who: str | None = None
    action: str | None = None
    object: str | None = None


@router.get("/users")
def list_users(service: TheService) -> list[User]:
    """All users."""
    return service.people.users()


@router.post("/users", status_code=201)
def add_user(new: NewUser, service: TheService) -> User:
    """Let somebody sign in."""
    return service.people.add(new.name, new.role, new.password)


@router.patch("/users/{name}")
def change_user(name: str, change: UserChange, service: TheService) -> User:
    """Set a user's role, which counts at once, or password, which ends his sessions."""
    return service.people.change(name, change.role, change.password)


@router.delete("/users/{name}", status_code=204)
def remove_user(name: str, service: TheService) -> None:
    """Forget a user; his sessions and the tokens he made end."""
    service.people.remove(name)


@router.get("/tokens")
def list_tokens(service: TheService) -> list[ApiToken]:
    """All tokens of scripts."""
    return service.people.tokens()


@router.post("/tokens", status_code=201)
def add_token(new: NewToken, who: Who, service: TheService) -> MadeToken:
    """Make a token for a script; its secret is in this answer and nowhere else."""
    by = service.people.maker_of(who)
    return MadeToken(*service.people.add_token(new.description, new.role, by, new.expires_in_days))


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: str, service: TheService) -> None:
    """End a token."""
    service.people.revoke(token_id)


@router.get("/roles")
def list_roles() -> list[RouteRole]:
    """The role each route needs."""
    return list(all_roles(PREFIX))


@router.get("/audit")
def list_audit(wanted: Annotated[EntriesWanted, Depends()], service: TheService) -> AuditPage:
    """Who asked for what, newest first. `before` is the number behind which to go on."""
    given = {"who": wanted.who, "action": wanted.action, "object": wanted.object}
    where = {name: value for name, value in given.items() if value is not None}
    return service.auditing.entries(before=wanted.before, limit=wanted.limit, **where)
