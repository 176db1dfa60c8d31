"""Sync tasks, and the outline of the story they are part of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from sterna.server.api.common import TheService
from sterna.store.records import LogLine, OutlineStep, SyncTask, TaskSample

router = APIRouter(tags=["tasks"])


@dataclass(frozen=True)
class Resumption:
    """What became of the DDL statement the task stopped at; null where there is none."""

    statement_applied: bool | None = None


@dataclass(frozen=True)
class RateChange:
    """Limits to set, per second; 0 is no limit, and what is left out stays as it is."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    full_rows_per_second: int | None = None
    full_bytes_per_second: int | None = None
    full_queries_per_second: int | None = None
    incremental_rows_per_second: int | None = None
    incremental_bytes_per_second: int | None = None
    verify_rows_per_second: int | None = None
    back_off: bool | None = None


@router.get("/tasks/{task_id}")
def show_task(task_id: str, service: TheService) -> SyncTask:
    """One sync task with its tables."""
    return service.task(task_id)


@router.get("/tasks/{task_id}/log")
def show_log(task_id: str, service: TheService, warnings: bool = False) -> list[LogLine]:
    """What the task has met: DDL and what was changed about it, accounts that were not carried."""
    lines = service.task_log(task_id)
    return [line for line in lines if line.level == "WARN" or not warnings]


@router.post("/tasks/{task_id}/resume")
def resume_task(task_id: str, body: Resumption, service: TheService) -> SyncTask:
    """Start a stopped task again; say what became of a pending DDL statement where there is one."""
    return service.resume_task(task_id, body.statement_applied)


@router.patch("/tasks/{task_id}/rate")
def change_rate(task_id: str, change: RateChange, service: TheService) -> SyncTask:
    """Limit copy, verification and incremental synchronization; at once, and over restarts."""
    return service.speeds.change(task_id, asdict(change))


@router.get("/tasks/{task_id}/metrics")
def show_metrics(
    task_id: str,
    service: TheService,
    seconds: Annotated[float, Query(gt=0, le=86400)] = 600,
) -> tuple[TaskSample, ...]:
    """What the task did in the last seconds: one a second for ten minutes, half minutes before."""
    return service.speeds.samples(task_id, seconds)


@router.get("/outline")
def explain(service: TheService, operation: str | None = None) -> list[OutlineStep]:
    """The steps of each operation, in order, and how each is undone."""
    return service.explain(operation)
