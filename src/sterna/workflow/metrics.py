"""What sync tasks did lately, second by second; in memory, bounded.

These are observations, not state: no decision hangs on them, and a server that starts anew begins
a new history. A second each for the last ten minutes, then means of half a minute for a day.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from sterna.dataplane.reports import SampleReport
from sterna.store.database import now
from sterna.store.records import TaskSample

FINE_SAMPLES = 600
COARSE_SAMPLES = 2880
COARSE_SECONDS = 30
FRESH_SECONDS = 3.0
_MEANS = (
    "rows_per_second",
    "bytes_per_second",
    "rows_verified_per_second",
    "transactions_per_second",
    "row_events_per_second",
    "stream_bytes_per_second",
    "window_transactions",
    "share",
)


@dataclass
class _History:
    """One task's."""

    fine: deque[TaskSample] = field(default_factory=lambda: deque(maxlen=FINE_SAMPLES))
    coarse: deque[TaskSample] = field(default_factory=lambda: deque(maxlen=COARSE_SAMPLES))
    gathered: list[TaskSample] = field(default_factory=list)
    lag_seconds: float | None = None
    stalled_because: str = ""
    throttled_because: str | None = None

    def add(self, sample: TaskSample) -> None:
        """The newest sample; half a minute of them becomes a coarse one."""
        self.fine.append(sample)
        self.gathered.append(sample)
        if sample.at - self.gathered[0].at >= timedelta(seconds=COARSE_SECONDS):
            self.coarse.append(_mean(self.gathered))
            self.gathered = []


class Metrics:
    """The histories of all tasks; any thread may add and read."""

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._lock = threading.Lock()

    def note_lag(self, task_id: str, lag_seconds: float | None, stalled_because: str) -> None:
        """The lag to keep with the samples that follow."""
        with self._lock:
            history = self._history(task_id)
            history.lag_seconds, history.stalled_because = lag_seconds, stalled_because

    def note_end(self, task_id: str) -> None:
        """The task's process has ended."""
        with self._lock:
            history = self._history(task_id)
            history.lag_seconds, history.throttled_because = None, None

    def add(self, task_id: str, report: SampleReport) -> bool:
        """Keep what a task reports; whether it is slowed down for another reason than before."""
        with self._lock:
            history = self._history(task_id)
            sample = TaskSample(
                at=now(),
                lag_seconds=history.lag_seconds,
                stalled_because=history.stalled_because,
                **asdict(report),
            )
            history.add(sample)
            is_new = report.throttled_because != history.throttled_because
            history.throttled_because = report.throttled_because
            return is_new

    def newest(self, task_id: str) -> TaskSample | None:
        """The sample of the last seconds; None when the task is silent."""
        with self._lock:
            fine = self._history(task_id).fine
            is_fresh = fine and now() - fine[-1].at < timedelta(seconds=FRESH_SECONDS)
            return fine[-1] if is_fresh else None

    def samples(self, task_id: str, since: datetime) -> tuple[TaskSample, ...]:
        """Those behind `since`, oldest first: half minutes, then the seconds of the end."""
        with self._lock:
            history = self._history(task_id)
            fine = tuple(history.fine)
            first = fine[0].at if fine else now()
            coarse = tuple(sample for sample in history.coarse if sample.at < first)
        return tuple(sample for sample in (*coarse, *fine) if sample.at > since)

    def _history(self, task_id: str) -> _History:
        return self._histories.setdefault(task_id, _History())


def thinned(samples: Sequence[TaskSample], points: int) -> tuple[TaskSample, ...]:
    """At most so many, each for an equal number of samples."""
    each = -(-len(samples) // points) or 1
    return tuple(_mean(samples[first : first + each]) for first in range(0, len(samples), each))


def _mean(samples: Sequence[TaskSample]) -> TaskSample:
    """One for many: mean speeds, the largest lag, the last reason there was."""
    lags = [sample.lag_seconds for sample in samples if sample.lag_seconds is not None]
    values: dict[str, Any] = {
        name: fmean(getattr(sample, name) for sample in samples) for name in _MEANS
    }
    for name in ("throttled_because", "stalled_because"):
        values[name] = next((r for s in reversed(samples) if (r := getattr(s, name))), "")
    return replace(samples[-1], lag_seconds=max(lags, default=None), **values)
