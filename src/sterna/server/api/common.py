"""What every route shares: the service behind it, the check of texts, the audit entry."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from sterna.server.access import SAFE_METHODS, described
from sterna.server.problems import Problem
from sterna.workflow.service import Service

# Every answer that is not the good one has the same shape, also in the OpenAPI document.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token or the session is missing or over."},
    403: {"model": Problem, "description": "The role does not allow it; nothing was done."},
    404: {"model": Problem, "description": "There is nothing with this id."},
    409: {"model": Problem, "description": "Refused; nothing was changed. Has a remedy."},
    422: {"model": Problem, "description": "The request is malformed; nothing was done."},
    500: {"model": Problem, "description": "It failed; the message says what was touched."},
}


async def check_text(request: Request) -> None:
    """Raise a validation error for half a character: no server, file or database takes it.

    JSON can spell what no text may hold: one half of a surrogate pair.
    """
    body = await request.body()
    try:
        request.state.body = json.loads(body) if body else None
        json.dumps(request.state.body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        wrong = {"loc": ("body",), "msg": "half of a surrogate pair is no character"}
        raise RequestValidationError([wrong]) from error
    except (ValueError, RecursionError):
        return  # not JSON at all; who reads it says so


def keep_entry(request: Request) -> None:
    """Write into the audit log what is about to be done; `Guard` adds how it ended."""
    if request.method in SAFE_METHODS:
        return
    service = get_service(request)
    about, body = described(request), getattr(request.state, "body", None)
    given = {**request.query_params, **(body if isinstance(body, dict) else {})}
    request.state.auditing = service.auditing
    request.state.audit_number = service.auditing.begin(**about, arguments=given)


def get_service(request: Request) -> Service:
    """The service the application was made with."""
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(get_service)]
