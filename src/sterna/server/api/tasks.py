"""Sync tasks, and the outline of the story they are part of."""

from __future__ import annotations

from fastapi import APIRouter

from sterna.server.api.common import TheService
from sterna.store.records import OutlineStep, SyncTask

router = APIRouter(tags=["tasks"])


@router.get("/tasks/{task_id}")
def show_task(task_id: str, service: TheService) -> SyncTask:
    """One sync task with its tables."""
    return service.task(task_id)


@router.get("/outline")
def explain(service: TheService, operation: str | None = None) -> list[OutlineStep]:
    """The steps of each operation, in order, and how each is undone."""
    return service.explain(operation)
