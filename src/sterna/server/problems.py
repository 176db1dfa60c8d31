"""How errors leave the API: always `{"code", "message", "remedy"}`, never a stack, never a secret.

Refused is 409, an unknown id 404, a bad token or password 401, what the role does not allow 403,
too many attempts 429, a malformed request 422, the rest 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sterna.errors import Refused, SternaError

NOT_FOUND = "NotFound"
UNAUTHORIZED = "Unauthorized"
INVALID_REQUEST = "InvalidRequest"

_STATUSES = {
    NOT_FOUND: 404,
    UNAUTHORIZED: 401,
    "WrongLogin": 401,
    "SetupTokenWrong": 401,
    "Forbidden": 403,
    "CsrfRefused": 403,
    "TooManyAttempts": 429,
    "TooManyStreams": 429,
}


@dataclass(frozen=True)
class Problem:
    """What went wrong, what was touched, and what to do next."""

    code: str
    message: str
    remedy: str


def add_handlers(app: FastAPI) -> None:
    """Make `app` answer every SternaError and every malformed request with a Problem."""
    app.add_exception_handler(SternaError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(HTTPException, _answer_unknown)
    app.add_exception_handler(Exception, _answer_unexpected)


def status_of(error: SternaError) -> int:
    """The HTTP status for an error."""
    return _STATUSES.get(error.code, 409 if isinstance(error, Refused) else 500)


def problem_of(error: SternaError) -> Problem:
    """The body for an error."""
    return Problem(error.code, error.message, error.remedy)


def _answer_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SternaError)
    headers = {}
    if status_of(error) == 429:
        headers["Retry-After"] = str(getattr(error, "wait_seconds", 5))
    return _answer(request, problem_of(error), status_of(error), headers)


def _answer(
    request: Request, problem: Problem, status: int, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """What the audit log keeps of it stays with the request."""
    request.state.problem = (problem.code, problem.message)
    return JSONResponse(asdict(problem), status, headers)


def _answer_malformed(request: Request, error: Exception) -> JSONResponse:
    """Name the fields that are wrong. Their values stay out: one may be a password."""
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
    problem = Problem(
        INVALID_REQUEST,
        f"The request is malformed ({wrong}); nothing was done.",
        "Compare the request with /api/v1/openapi.json.",
    )
    return _answer(request, problem, 422)


def _answer_unknown(request: Request, error: Exception) -> JSONResponse:
    """No such path, no such method, a body that is not JSON."""
    assert isinstance(error, HTTPException)
    code = NOT_FOUND if error.status_code == 404 else INVALID_REQUEST
    message = f"The request was not understood ({error.detail}); nothing was done."
    problem = Problem(code, message, "See which there are: /api/v1/openapi.json.")
    return _answer(request, problem, error.status_code, error.headers)


def _answer_unexpected(request: Request, _error: Exception) -> JSONResponse:
    """The error itself is for the server's log: nobody knows what stands in it."""
    problem = Problem(
        "ServerFailed",
        "The server failed in a way it does not know; what was asked may be done.",
        "Look at the output of `sterna server`.",
    )
    return _answer(request, problem, 500)


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location)
