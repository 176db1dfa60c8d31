"""How errors leave the API: always `{"code", "message", "remedy"}`, never a stack, never a secret.

Refused is 409, an unknown id 404, a bad token 401, a malformed request 422, the rest 500.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sterna.errors import Refused, SternaError

NOT_FOUND = "NotFound"
UNAUTHORIZED = "Unauthorized"
INVALID_REQUEST = "InvalidRequest"


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


def status_of(error: SternaError) -> int:
    """The HTTP status for an error."""
    if error.code == NOT_FOUND:
        return 404
    if error.code == UNAUTHORIZED:
        return 401
    return 409 if isinstance(error, Refused) else 500


def problem_of(error: SternaError) -> Problem:
    """The body for an error."""
    return Problem(error.code, error.message, error.remedy)


def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SternaError)
    return JSONResponse(asdict(problem_of(error)), status_of(error))


def _answer_malformed(_request: Request, error: Exception) -> JSONResponse:
    """Name the fields that are wrong. Their values stay out: one may be a password."""
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
    problem = Problem(
        INVALID_REQUEST,
        f"The request is malformed ({wrong}); nothing was done.",
        "Compare the request with /api/v1/openapi.json.",
    )
    return JSONResponse(asdict(problem), 422)


def _answer_unknown(_request: Request, error: Exception) -> JSONResponse:
    """No such path, no such method, a body that is not JSON."""
    assert isinstance(error, HTTPException)
    code = NOT_FOUND if error.status_code == 404 else INVALID_REQUEST
    message = f"The request was not understood ({error.detail}); nothing was done."
    problem = Problem(code, message, "See which there are: /api/v1/openapi.json.")
    return JSONResponse(asdict(problem), error.status_code)


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location)
