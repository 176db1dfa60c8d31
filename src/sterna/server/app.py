"""The application: the routes under /api/v1 and /metrics, each with its role, and the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request

from sterna.server.access import check_access
from sterna.server.api import (
    clusters,
    endpoints,
    engines,
    hosts,
    instances,
    migrations,
    people,
    readers,
    sessions,
    standing,
    tasks,
    usage,
    verifications,
    watching,
)
from sterna.server.api.common import PROBLEMS, check_text, keep_entry
from sterna.server.events import Streams
from sterna.server.guard import Guard
from sterna.server.metrics import router as metrics
from sterna.server.pages import Pages
from sterna.server.problems import add_handlers
from sterna.settings import Settings
from sterna.workflow.service import Service

PREFIX = "/api/v1"
VERSION = "1"

_NOUNS = (
    *(engines, instances, migrations, readers, verifications, clusters, endpoints, usage, tasks),
    *(standing, hosts, sessions, people, watching),
)


def make_app(service: Service, token: str, *, settings: Settings | None = None) -> FastAPI:
    """The API of `service`; `token` opens all of it, as what an admin has.

    The ready-made documentation pages are off: they load their scripts from other hosts.
    """
    app = FastAPI(title="Sterna", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.token = token
    app.state.streams = Streams()
    app.include_router(_make_router(), prefix=PREFIX)
    app.include_router(metrics)
    add_handlers(app)
    app.add_middleware(Pages)
    app.add_middleware(Guard, settings=settings or Settings(home=Path()))
    return app


def _make_router() -> APIRouter:
    router = APIRouter(responses=PROBLEMS)
    router.include_router(sessions.open_router, dependencies=[Depends(check_text)])
    checks = [Depends(check_access), Depends(check_text), Depends(keep_entry)]
    closed = APIRouter(dependencies=checks)
    for noun in _NOUNS:
        closed.include_router(noun.router)
    closed.add_api_route("/openapi.json", _describe, include_in_schema=False)
    router.include_router(closed)
    return router


def _describe(request: Request) -> dict[str, Any]:
    app: FastAPI = request.app
    return app.openapi()
