"""Standing orders: operations that begin by themselves, and hooks that are told what happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime

from sterna.server.api.common import TheService
from sterna.store.records import Hook, Schedule
from sterna.store.view_records import HookTest

router = APIRouter(tags=["standing orders"])


@dataclass(frozen=True)
class NewSchedule:
    """An operation and its window; times are ISO 8601 with an offset from UTC.

    `ends_at` is 15 minutes after `starts_at` where it is left out. `pairs` are those of a
    switchover, endpoint of the instance → endpoint of the cluster; left out: the proposed then.
    """

    cluster_id: str
    operation: Literal["switch_over", "roll_back", "complete"]
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    with_endpoints: bool = False
    disable_binlog: bool = False
    pairs: dict[str, str] | None = None


@dataclass(frozen=True)
class NewHook:
    """A program in STERNA_HOME/hooks with its arguments, or an address; never both."""

    events: tuple[Literal["before", "after", "failed", "warning"], ...] = ()
    command: tuple[str, ...] = ()
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10.0


@router.post("/schedules", status_code=201)
def add_schedule(new: NewSchedule, service: TheService) -> Schedule:
    """Begin an operation by itself within a window. `refusal` says what stands in the way now."""
    return service.schedules.add(
        new.cluster_id,
        new.operation,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
        with_endpoints=new.with_endpoints,
        disable_binlog=new.disable_binlog,
        **({} if new.pairs is None else {"pairs": new.pairs}),
    )


@router.get("/schedules")
def list_schedules(service: TheService) -> list[Schedule]:
    """All schedules, also those that have ended, in the order of their times."""
    return service.schedules.schedules()


@router.delete("/schedules/{schedule_id}")
def cancel_schedule(schedule_id: str, service: TheService) -> Schedule:
    """Let a waiting schedule not begin."""
    return service.schedules.cancel(schedule_id)


@router.post("/hooks", status_code=201)
def add_hook(new: NewHook, service: TheService) -> Hook:
    """Tell a program or an address what happens from now on. Header values are never shown."""
    return service.hooks.add(
        new.events,
        command=new.command,
        url=new.url,
        headers=new.headers,
        timeout_seconds=new.timeout_seconds,
    )


@router.get("/hooks")
def list_hooks(service: TheService) -> list[Hook]:
    """All hooks."""
    return service.hooks.hooks()


@router.delete("/hooks/{hook_id}", status_code=204)
def remove_hook(hook_id: str, service: TheService) -> None:
    """Tell this hook nothing any more."""
    service.hooks.remove(hook_id)


@router.post("/hooks/{hook_id}/test")
def test_hook(hook_id: str, service: TheService) -> HookTest:
    """Tell a hook of an event `test` now, once; nothing has happened, and nothing is kept."""
    return service.hooks.test(hook_id)
