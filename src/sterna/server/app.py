"""The application: all routes under /api/v1, and /metrics, each behind the bearer token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request

from sterna.server.api import (
    clusters,
    engines,
    instances,
    migrations,
    standing,
    tasks,
    verifications,
)
from sterna.server.api.common import PROBLEMS, check_text, check_token
from sterna.server.metrics import router as metrics
from sterna.server.problems import add_handlers
from sterna.workflow.service import Service

PREFIX = "/api/v1"
VERSION = "1"

_NOUNS = (engines, instances, migrations, verifications, clusters, tasks, standing)


def make_app(service: Service, token: str) -> FastAPI:
    """The API of `service`, open to whoever sends `token`.

    The ready-made documentation pages are off: they load their scripts from other hosts.
    """
    app = FastAPI(title="Sterna", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.token = token
    app.include_router(_make_router(), prefix=PREFIX)
    app.include_router(metrics)
    add_handlers(app)
    return app


def _make_router() -> APIRouter:
    router = APIRouter(dependencies=[Depends(check_token), Depends(check_text)], responses=PROBLEMS)
    for noun in _NOUNS:
        router.include_router(noun.router)
    router.add_api_route("/openapi.json", _describe, include_in_schema=False)
    return router


def _describe(request: Request) -> dict[str, Any]:
    app: FastAPI = request.app
    return app.openapi()
