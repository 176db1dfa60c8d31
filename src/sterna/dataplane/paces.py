"""The three paces of a sync task: its copy, its verification, its stream."""

from __future__ import annotations

import time

from sterna.dataplane.pace import Pace, Rate, StreamPace
from sterna.migration.rate import TaskRate

BUSY_SECONDS = 5.0


class Paces:
    """Made from the task's rate, and changed with it while the task runs.

    Only copy and verification are slowed down to spare the origin: a stream that falls behind
    would not help it.

    Attributes:
        rate: the limits now.
    """

    def __init__(self, rate: TaskRate, *, workers: int) -> None:
        self.copy, self.verify, self.stream = Pace(workers), Pace(), StreamPace()
        self.change(rate)

    def change(self, rate: TaskRate) -> None:
        """Go on under other limits."""
        self.rate = rate
        queries = rate.full_queries_per_second
        self.copy.change(Rate(rate.full_rows_per_second, rate.full_bytes_per_second, queries))
        self.verify.change(Rate(rate.verify_rows_per_second, 0, queries))
        self.stream.change(
            Rate(rate.incremental_rows_per_second, rate.incremental_bytes_per_second)
        )

    def hurry(self) -> None:
        """Applications wait for the stream: no limit holds it until the next `change`."""
        self.stream.change(Rate())

    def slow_down(self, share: float) -> None:
        """Copy and verify at this share of full speed."""
        self.copy.slow_down(share)
        self.verify.slow_down(share)

    @property
    def is_busy(self) -> bool:
        """Whether copy or verification read from the origin now, or wait until they may."""
        return time.monotonic() - max(self.copy.called_at, self.verify.called_at) < BUSY_SECONDS
