"""How fast work may go: a budget of rows, bytes and queries a second, and a share of full speed.

All workers of one kind of work (the copy, the verification, the stream) share one pace. Budget and
share may be changed while they work; whoever waits for the old ones goes on under the new ones at
once. The share is for sparing a server that suffers: a worker rests after each piece of work for
as long as it takes that it works only this share of its time, however fast it is, and the budget
shrinks as much.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

BURST_SECONDS = 0.2
WINDOW_SECONDS = 0.25
WORK_SECONDS_MAX = 0.5  # what was between two payments and took longer was not work on rows only


@dataclass(frozen=True)
class Rate:
    """What may be moved in a second; 0 stands for no limit."""

    rows_per_second: int = 0
    bytes_per_second: int = 0
    queries_per_second: int = 0

    def seconds(self, rows: int, octets: int, queries: int = 0) -> float:
        """How long moving so much must take at least."""
        by_rows = rows / self.rows_per_second if self.rows_per_second else 0.0
        by_bytes = octets / self.bytes_per_second if self.bytes_per_second else 0.0
        by_queries = queries / self.queries_per_second if self.queries_per_second else 0.0
        return max(by_rows, by_bytes, by_queries)

    def __str__(self) -> str:
        limits = {
            "rows/s": self.rows_per_second,
            "bytes/s": self.bytes_per_second,
            "queries/s": self.queries_per_second,
        }
        return ", ".join(f"{limit:,} {unit}" for unit, limit in limits.items() if limit)


class _Rest(threading.local):
    """One worker's: when it began to work, what it worked since, and when it began to rest."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.worked_seconds = 0.0
        self.rests_since = 0.0


class Pace:
    """Shared by the workers of one kind of work.

    Attributes:
        workers: how many there are to be.
        rows, bytes, queries: what was paid for until now.
        held_seconds: how long workers have waited for the budget, all together.
        called_at: when a worker worked or waited last (monotonic seconds).
        is_limited: whether there is a budget.
    """

    def __init__(self, workers: int = 1, rate: Rate | None = None) -> None:
        self.workers = workers
        self.rows = self.bytes = self.queries = 0
        self.held_seconds = self.called_at = 0.0
        self._rate = rate or Rate()
        self.is_limited = self._rate != Rate()
        self._share = 1.0
        self._changed = threading.Condition()
        self._due = 0.0
        self._own = _Rest()

    @property
    def rate(self) -> Rate:
        """The budget now."""
        return self._rate

    @property
    def share(self) -> float:
        """The share of their time the workers work now, above 0 and up to 1."""
        return self._share

    def change(self, rate: Rate) -> None:
        """Go on with another budget."""
        with self._changed:
            self._rate, self._due = rate, time.monotonic()
            self.is_limited = rate != Rate()
            self._changed.notify_all()

    def allows(self, seconds: float, row_bytes: float) -> float:
        """How many rows of so many bytes one worker may move in so many seconds, as things are
        now; infinitely many without a budget for rows or bytes."""
        rows = self._rate.rows_per_second or math.inf
        octets = self._rate.bytes_per_second or math.inf
        return min(rows, octets / max(row_bytes, 1)) * self._share * seconds / self.workers

    def slow_down(self, share: float) -> None:
        """Go on at this share of full speed; 1 is full speed."""
        with self._changed:
            now = time.monotonic()
            self._due = now + max(self._due - now, 0.0) * self._share / share
            self._share = share
            self._changed.notify_all()

    def pay(self, rows: int, octets: int, *, queries: int = 0) -> None:
        """Count what was moved, and wait a moment while it is more than budget and share allow.

        A moment at most: call again with nothing until `is_paid`, looking for reasons to stop.
        """
        with self._changed:
            self.called_at = now = time.monotonic()
            if rows or octets or queries:
                self._count(rows, octets, queries)
                self._begin_rest(now)
            cost_seconds = self._rate.seconds(rows, octets, queries) / self._share
            self._due = max(self._due, now - BURST_SECONDS) + cost_seconds
            wait_seconds = min(self._wait_seconds(now), BURST_SECONDS)
            if wait_seconds > 0:
                if self._due > now:
                    self.held_seconds += min(wait_seconds, self._due - now)
                self._changed.wait(wait_seconds)
            self._own.began = time.monotonic()

    def settle(self, rows: int, octets: int, *, queries: int = 0, stop: threading.Event) -> None:
        """Count what was moved and wait until more may be moved, or until `stop`."""
        self.pay(rows, octets, queries=queries)
        while not self.is_paid and not stop.is_set():
            self.pay(0, 0)

    @property
    def is_paid(self) -> bool:
        """Whether the calling worker may move more now."""
        return self._wait_seconds(time.monotonic()) <= 0

    def _count(self, rows: int, octets: int, queries: int) -> None:
        self.rows += rows
        self.bytes += octets
        self.queries += queries

    def _begin_rest(self, now: float) -> None:
        own = self._own
        own.worked_seconds = min(now - own.began, WORK_SECONDS_MAX)
        own.rests_since = now

    def _wait_seconds(self, now: float) -> float:
        own = self._own
        rest_seconds = own.worked_seconds * (1 / self._share - 1)
        return max(self._due, own.rests_since + rest_seconds) - now


class StreamPace(Pace):
    """Of the incremental synchronization, where rows are row events and bytes those of the log.

    Attributes:
        transactions, windows: what was committed on the destination until now.
    """

    def __init__(self, rate: Rate | None = None) -> None:
        super().__init__(1, rate)
        self.transactions = self.windows = 0

    def is_enough(self, row_events: int, octets: int) -> bool:
        """Whether a window has all that may be applied in a moment; never without a limit."""
        return self._rate.seconds(row_events, octets) >= WINDOW_SECONDS

    def commit(
        self, transactions: int, row_events: int, octets: int, stop: threading.Event
    ) -> None:
        """Count a window, and wait until the next one may be applied, or until `stop`."""
        self.transactions += transactions
        self.windows += 1
        self.settle(row_events, octets, stop=stop)
