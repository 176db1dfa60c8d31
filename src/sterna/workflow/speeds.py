"""How fast sync tasks go: their limits, changed while they run, and what they did lately."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from sterna.dataplane.spec import rate_to_line
from sterna.errors import Refused, SternaError
from sterna.store.database import now
from sterna.store.records import SyncTask, TaskSample
from sterna.workflow.metrics import thinned
from sterna.workflow.tools import Tools


class Speeds:
    """The part of the operator's desk that is about speed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def change(self, task_id: str, changes: Mapping[str, int | bool | None]) -> SyncTask:
        """Set limits of a task; what is not named, or None, stays. The task need not be running.

        Raises:
            Refused: NothingToChange, RateOutOfRange, or SyncEnded.
        """
        task = self._tools.tasks.task(task_id)
        if task.status == "Finished":
            raise Refused(
                f"{task_id} has ended, so there is nothing to limit.",
                code="SyncEnded",
                remedy="Limit a sync task that is under way: sterna migration list.",
            )
        rate = task.rate.changed(changes)
        self._tools.tasks.change(task_id, rate=dataclasses.asdict(rate))
        # Stored first: a process that is not told now reads it from the store when it starts.
        limit_again(self._tools, task_id)
        self._tools.tasks.log(task_id, "NORMAL", f"the rate was set: {rate}")
        return self._tools.tasks.task(task_id)

    def samples(
        self, task_id: str, seconds: float, points: int | None = None
    ) -> tuple[TaskSample, ...]:
        """What a task did in the last seconds, oldest first; a day and so many points at most."""
        self._tools.tasks.task(task_id, with_tables=False)
        samples = self._tools.metrics.samples(task_id, now() - timedelta(seconds=seconds))
        return samples if points is None else thinned(samples, points)

    def with_sample(self, task: SyncTask) -> SyncTask:
        """The task with what it does just now."""
        return dataclasses.replace(task, sample=self._tools.metrics.newest(task.id))


@contextmanager
def hurried(tools: Tools, task_id: str) -> Iterator[None]:
    """No limit holds the stream within: applications wait for it. After an error limits hold."""
    tools.supervisor.tell(task_id, "hurry")
    try:
        yield
    except SternaError:
        limit_again(tools, task_id)
        raise


def limit_again(tools: Tools, task_id: str) -> None:
    """Tell a running task the limits that are stored."""
    rate = tools.tasks.task(task_id).rate
    tools.supervisor.tell(task_id, f"rate {rate_to_line(rate)}")
