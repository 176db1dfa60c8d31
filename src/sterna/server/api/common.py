"""What every route shares: the service behind it, and the check of the bearer token."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sterna.errors import Refused
from sterna.server.problems import UNAUTHORIZED, Problem
from sterna.workflow.service import Service

# Every answer that is not the good one has the same shape, also in the OpenAPI document.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The bearer token is missing or wrong."},
    404: {"model": Problem, "description": "There is nothing with this id."},
    409: {"model": Problem, "description": "Refused; nothing was changed. Has a remedy."},
    422: {"model": Problem, "description": "The request is malformed; nothing was done."},
    500: {"model": Problem, "description": "It failed; the message says what was touched."},
}

_bearer = HTTPBearer(auto_error=False, description="The token in STERNA_HOME/token.")


def check_token(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Raise Refused "Unauthorized" unless the request carries the server's token."""
    token: str = request.app.state.token
    if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
        raise Refused(
            "The bearer token is missing or wrong; nothing was done.",
            code=UNAUTHORIZED,
            remedy="Send `Authorization: Bearer` with the token in STERNA_HOME/token.",
        )


async def check_text(request: Request) -> None:
    """Raise a validation error for half a character: no server, file or database takes it.

    JSON can spell what no text may hold: one half of a surrogate pair.
    """
    body = await request.body()
    if b"\\u" not in body:
        return
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        wrong = {"loc": ("body",), "msg": "half of a surrogate pair is no character"}
        raise RequestValidationError([wrong]) from error
    except ValueError:
        return  # not JSON at all; who reads it says so


def get_service(request: Request) -> Service:
    """The service the application was made with."""
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(get_service)]
