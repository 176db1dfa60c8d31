"""Sync tasks, and the outline of the story they are part of."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from sterna.server.api.common import TheService
from sterna.store.records import OutlineStep, SyncTask

router = APIRouter(tags=["tasks"])


@dataclass(frozen=True)
class Resumption:
    """What became of the DDL statement the task stopped at; null where there is none."""

    statement_applied: bool | None = None


@router.get("/tasks/{task_id}")
def show_task(task_id: str, service: TheService) -> SyncTask:
    """One sync task with its tables."""
    return service.task(task_id)


@router.post("/tasks/{task_id}/resume")
def resume_task(task_id: str, body: Resumption, service: TheService) -> SyncTask:
    """Start a stopped task again; say what became of a pending DDL statement where there is one."""
    return service.resume_task(task_id, body.statement_applied)


@router.get("/outline")
def explain(service: TheService, operation: str | None = None) -> list[OutlineStep]:
    """The steps of each operation, in order, and how each is undone."""
    return service.explain(operation)
