"""Who sends a request, and whether he may: looked at before any route sees it.

A request names itself by a bearer token (the server's own, or one made for a script), or by the
cookie of a session. A browser sends a cookie whoever made it send the request, so with a cookie
every change must also come from our own pages and repeat the session's CSRF token.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sterna.errors import Refused
from sterna.server.problems import UNAUTHORIZED
from sterna.server.roles import role_needed
from sterna.store.access_records import Identity, Role
from sterna.workflow.people import SESSION_LIFETIME
from sterna.workflow.service import Service

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_HEADER = "X-CSRF-Token"
BACKGROUND_HEADER = "X-Background"  # of a page that looks by itself: nobody is using it
LOCAL = Identity("local", Role.ADMIN, "local")

_bearer = HTTPBearer(auto_error=False, description="The token in STERNA_HOME/token, or an API one.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def check_access(request: Request, given: Credentials) -> Identity:
    """Who it is, once it is sure that he may.

    Raises:
        Refused: Unauthorized, CsrfRefused, or Forbidden where the role is too small.
    """
    who = identify(request, given.credentials if given else None)
    if who is None:
        raise Refused(
            "The token or the session is missing, wrong or over; nothing was done.",
            code=UNAUTHORIZED,
            remedy="Sign in, or send `Authorization: Bearer` with the token in STERNA_HOME/token.",
        )
    request.state.who = who
    if who.kind == "user" and request.method not in SAFE_METHODS:
        check_origin(request)
        _check_csrf(request, who)
    _check_role(request, who)
    return who


Who = Annotated[Identity, Depends(check_access)]


def identify(request: Request, bearer: str | None) -> Identity | None:
    """Who sends the request, by its token or else by its cookie; None when nobody we know."""
    service: Service = request.app.state.service
    if bearer is not None:
        token: str = request.app.state.token
        if secrets.compare_digest(bearer.encode(), token.encode()):
            return LOCAL
        return service.people.of_token(bearer)
    if "authorization" in request.headers:
        return None  # a credential of another kind is no reason to take the next best one
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        return None
    return service.people.of_session(secret, is_use=BACKGROUND_HEADER not in request.headers)


def cookie_name(request: Request) -> str:
    """Over TLS one that no neighbouring host may set."""
    return "__Host-sterna_session" if _is_tls(request) else "sterna_session"


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def set_cookie(request: Request, response: Response, who: Identity) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(request),
        who.secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        secure=_is_tls(request),
        httponly=True,
        samesite="strict",
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    name = cookie_name(request)
    response.delete_cookie(
        name, path="/", secure=_is_tls(request), httponly=True, samesite="strict"
    )


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def check_origin(request: Request) -> None:
    """Refused CsrfRefused for a request that another site's page has sent."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    is_foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if is_foreign or request.headers.get("sec-fetch-site", "same-origin") not in _OURS:
        raise _csrf_refused("The request comes from a page of another site")


_OURS = ("same-origin", "none")


def _check_csrf(request: Request, who: Identity) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(given.encode(), who.csrf_token.encode()):
        raise _csrf_refused(f"The request does not repeat the session's token in {CSRF_HEADER}")


def _csrf_refused(reason: str) -> Refused:
    return Refused(
        f"{reason}; nothing was done.",
        code="CsrfRefused",
        remedy="Use the console at the server's own address, or a bearer token.",
    )


def _check_role(request: Request, who: Identity) -> None:
    needed = role_needed(request.method, request.scope["route"].path)
    if who.role.includes(needed):
        return
    problem = Refused(
        f"This needs the role {needed}; {who.name} has the role {who.role}. Nothing was done.",
        code="Forbidden",
        remedy="Ask an admin to do it, or for the role: sterna user set-role NAME ROLE.",
    )
    if request.method not in SAFE_METHODS:
        service: Service = request.app.state.service
        about = described(request)
        end = {"result": "refused", "code": problem.code, "sentence": problem.message}
        service.auditing.begin(**about, **end)
    raise problem


def described(request: Request) -> dict[str, Any]:
    """A request in the words of the audit log, without its body."""
    who: Identity | None = getattr(request.state, "who", None)
    known = {"who": who.name, "kind": who.kind, "role": str(who.role)} if who else {}
    return {
        "action": request.scope["route"].name,
        "address": address_of(request),
        "object": " ".join(str(each) for each in request.path_params.values()),
        **known,
    }
