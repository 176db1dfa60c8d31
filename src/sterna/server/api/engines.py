"""Installed server versions a cluster can be made of."""

from __future__ import annotations

from fastapi import APIRouter

from sterna.server.api.common import TheService
from sterna.store.records import EngineInfo

router = APIRouter(tags=["engines"])


@router.get("/engines")
def list_engines(service: TheService) -> list[EngineInfo]:
    """The versions an upgrade can go to."""
    return service.engines()
