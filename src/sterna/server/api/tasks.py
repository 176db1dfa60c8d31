"""Sync tasks, and the outline of the story they are part of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict

from sterna.server.api.common import TheService
from sterna.store.records import LogLine, OutlineStep, SyncTask, TaskSample
from sterna.store.task_pages import Lines, Wanted
from sterna.store.view_records import LogPage, TablePage

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


@dataclass(frozen=True)
class TablesWanted:
    """Which tables, in which order, and how many."""

    search: Annotated[str, Query(max_length=200)] = ""
    state: Literal["all", "waiting", "copying", "copied", "different"] = "all"
    sort: Literal["name", "rows", "bytes", "percent", "eta", "verified", "differences"] = "name"
    descending: bool = False
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0
    limit: Annotated[int, Query(ge=1, le=1000)] = 100


@dataclass(frozen=True)
class LinesWanted:
    """Which lines of a log; `before` is the number behind which to go on."""

    search: Annotated[str, Query(max_length=200)] = ""
    before: Annotated[int, Query(ge=0, le=10**15)] | None = None
    limit: Annotated[int, Query(ge=1, le=1000)] = 200


@router.get("/tasks/{task_id}")
def show_task(task_id: str, service: TheService, tables: bool = True) -> SyncTask:
    """One sync task with its tables, unless they are left out."""
    return service.task(task_id, with_tables=tables)


@router.get("/tasks/{task_id}/tables")
def list_tables(
    task_id: str, wanted: Annotated[TablesWanted, Depends()], service: TheService
) -> TablePage:
    """Some tables of a sync task: of a state, by a part of their names, in an order."""
    return service.looking.tables(task_id, Wanted(**asdict(wanted)))


@router.get("/tasks/{task_id}/logs")
def list_log(
    task_id: str,
    service: TheService,
    wanted: Annotated[LinesWanted, Depends()],
    level: Literal["NORMAL", "WARN"] | None = None,
    kind: Literal["ddl"] | None = None,
) -> LogPage:
    """Some lines of a sync task's log, newest first."""
    return service.looking.log(task_id, Lines(**asdict(wanted), level=level or "", kind=kind or ""))


@router.get("/tasks/{task_id}/objects")
def list_object_changes(
    task_id: str, service: TheService, wanted: Annotated[LinesWanted, Depends()]
) -> LogPage:
    """What became of objects that were changed while the task ran, newest first."""
    return service.looking.log(task_id, Lines(**asdict(wanted), kind="ddl"))


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
    points: Annotated[int, Query(ge=2, le=4000)] | None = None,
) -> tuple[TaskSample, ...]:
    """What the task did in the last seconds: one a second for ten minutes, half minutes before.

    With `points` at most so many: mean speeds, and the largest latency of each stretch.
    """
    return service.speeds.samples(task_id, seconds, points)


@router.get("/outline")
def explain(service: TheService, operation: str | None = None) -> list[OutlineStep]:
    """The steps of each operation, in order, and how each is undone."""
    return service.explain(operation)
