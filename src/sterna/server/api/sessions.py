"""Signing in and out: for browsers. Scripts and commands send a bearer token instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from sterna.errors import Refused
from sterna.server.access import (
    Credentials,
    Who,
    address_of,
    check_origin,
    drop_cookie,
    identify,
    set_cookie,
)
from sterna.server.api.common import TheService
from sterna.store.access_records import Identity
from sterna.workflow.people import SESSION_IDLE
from sterna.workflow.service import Service

VERSION = version("sterna")

router = APIRouter(tags=["sessions"])
open_router = APIRouter(tags=["sessions"])


@dataclass(frozen=True)
class Session:
    """Who is signed in, if anybody; a browser repeats `csrf_token` in X-CSRF-Token.

    `needs_setup` says that there is no user yet; `expires_at` is when the session ends at the
    latest, `idle_seconds` after what time without use.
    """

    signed_in: bool
    needs_setup: bool
    name: str
    role: str
    kind: str  # user | token | local
    csrf_token: str = field(repr=False)
    idle_seconds: float
    expires_at: datetime | None
    version: str


@dataclass(frozen=True)
class Login:
    """A name and its password."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Setup:
    """The one-time token the server printed, and the first admin."""

    token: str = field(repr=False)
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class NewPassword:
    """One's own password, before and after."""

    old_password: str = field(repr=False)
    new_password: str = field(repr=False)


@open_router.get("/session")
def show_session(request: Request, given: Credentials, service: TheService) -> Session:
    """Who sends this request; answered to everybody."""
    return _session(service, identify(request, given.credentials if given else None))


@open_router.post("/login")
def login(body: Login, request: Request, response: Response, service: TheService) -> Session:
    """Sign in; the session is in a cookie that scripts of pages cannot read."""
    return _sign_in(
        (request, response),
        service,
        body.name,
        lambda: service.people.sign_in(body.name, body.password, address_of(request)),
    )


@open_router.post("/setup", status_code=201)
def set_up(body: Setup, request: Request, response: Response, service: TheService) -> Session:
    """Make the first admin and sign him in. Only while there is no user."""
    address = address_of(request)
    return _sign_in(
        (request, response),
        service,
        body.name,
        lambda: service.people.set_up(body.token, body.name, body.password, address),
    )


@router.post("/logout", status_code=204)
def logout(request: Request, response: Response, who: Who, service: TheService) -> None:
    """End this session, and whatever is watched with it."""
    if who.kind == "user":
        service.people.sign_out(who)
        drop_cookie(request, response)


@router.post("/password", status_code=204)
def change_own_password(body: NewPassword, request: Request, who: Who, service: TheService) -> None:
    """Set one's own password; one's other sessions end."""
    if who.kind != "user":
        raise Refused(
            "A token has no password; nothing was done.",
            code="NoPassword",
            remedy="Sign in, or set a user's with: sterna user set-password NAME.",
        )
    address = address_of(request)
    service.people.change_own_password(who, body.old_password, body.new_password, address)


def _sign_in(
    exchange: tuple[Request, Response],
    service: Service,
    name: str,
    prove: Callable[[], Identity],
) -> Session:
    """A session for whom `prove` lets in. What was only tried too often is not written down."""
    request, response = exchange
    check_origin(request)
    about = {"action": request.scope["route"].name, "address": address_of(request)}
    about["who"] = name.strip()[:64]
    try:
        who = prove()
    except Refused as refusal:
        if refusal.code != "TooManyAttempts":
            end = {"result": "refused", "code": refusal.code, "sentence": refusal.message}
            service.auditing.begin(**about, **end)
        raise
    about |= {"who": who.name, "kind": who.kind, "role": str(who.role)}
    service.auditing.begin(**about, result="done")
    _end_former(request, service)
    set_cookie(request, response, who)
    return _session(service, who)


def _end_former(request: Request, service: Service) -> None:
    """The session the browser had before is over: nobody else goes on with it."""
    former = identify(request, None)
    if former is not None:
        service.people.sign_out(former)


def _session(service: Service, who: Identity | None) -> Session:
    return Session(
        signed_in=who is not None,
        needs_setup=service.people.needs_setup(),
        name=who.name if who else "",
        role=str(who.role) if who else "",
        kind=who.kind if who else "",
        csrf_token=who.csrf_token if who else "",
        idle_seconds=SESSION_IDLE.total_seconds(),
        expires_at=who.expires_at if who else None,
        version=VERSION,
    )
