"""The work of one copy round: tables, their ranges as pieces in a queue, and how far they are."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sterna.dataplane.copy_keys import RangeKey
from sterna.dataplane.copy_ranges import WHOLE, KeyRange
from sterna.dataplane.copy_state import CREATED, TableState
from sterna.dataplane.reports import ReportTo, TableReport
from sterna.mysql.catalog import Column, Table, TableName

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Job:
    """One table whose rows are to be moved, with the definition it had when it was planned.

    `ranges` of its `key` are moved one by one; those that are done are compared before.
    """

    table: Table
    columns: list[Column]
    definition: str
    state: TableState
    key: RangeKey | None = None
    ranges: tuple[KeyRange, ...] = WHOLE

    @property
    def name(self) -> TableName:
        """(database, table)."""
        return (self.table.database, self.table.name)

    @property
    def is_new(self) -> bool:
        """Whether its table was made in this round, so that nothing can be in it."""
        return self.state.state == CREATED

    @property
    def is_resumable(self) -> bool:
        """Whether its ranges are kept for after a crash."""
        return self.key is not None and self.key.is_alike


class TableProgress:
    """What all workers together have moved of one table."""

    def __init__(self, job: Job, report: ReportTo) -> None:
        self._job, self._report = job, report
        self._lock = threading.Lock()
        self._moved: dict[int, tuple[int, int]] = {}
        self._unfinished = len(job.ranges)
        self._started: float | None = None

    def begin(self) -> None:
        """The first range of the table begins now, or has begun."""
        self._started = self._started or time.monotonic()

    def grow(self) -> None:
        """A range became two."""
        with self._lock:
            self._unfinished += 1

    def moved(self, number: int, rows: int, octets: int) -> None:
        """A range has moved so much in all."""
        with self._lock:
            self._moved[number] = (rows, octets)
            self._say(copied=False)

    def finish(self, number: int, rows: int, octets: int) -> bool:
        """A range is done; True for the table's last one."""
        with self._lock:
            self._moved[number] = (rows, octets)
            self._unfinished -= 1
            return self._unfinished == 0

    def complete(self) -> tuple[int, int]:
        """The table is copied: its rows and bytes."""
        with self._lock:
            return self._say(copied=True)

    def _say(self, *, copied: bool) -> tuple[int, int]:
        rows, octets = (sum(each) for each in zip(*self._moved.values(), strict=True))
        estimated = rows if copied else max(self._job.table.rows_estimated, rows)
        seconds = time.monotonic() - (self._started or time.monotonic())
        self._report(TableReport(*self._job.name, estimated, rows, octets, seconds, copied))
        return rows, octets


@dataclass(frozen=True)
class Piece:
    """One range of one table; the table's pieces share their progress."""

    job: Job
    range: KeyRange
    progress: TableProgress

    @property
    def is_open(self) -> bool:
        """Whether its end is to be looked for before it is moved."""
        return self.job.key is not None and self.range.high is None and not self.range.is_done

    def halves(self, ranges: Iterable[KeyRange]) -> list[Piece]:
        """This piece in several."""
        return [replace(self, range=each) for each in ranges]


class Pieces:
    """The queue the workers of a round take from. It is not empty while somebody who took a piece
    without an end may give the rest of it back."""

    def __init__(self, jobs: Iterable[Job], report: ReportTo) -> None:
        self._pieces: deque[Piece] = deque()
        self._changed = threading.Condition()
        self._being_cut = 0
        for job in jobs:
            progress = TableProgress(job, report)
            self._pieces += (Piece(job, each, progress) for each in job.ranges)

    def take(self, go_on: Callable[[], None]) -> Piece | None:
        """The next piece, None when there is no more; `go_on` may raise to end the waiting.

        One that `is_open` is to be answered with `give_back`.
        """
        with self._changed:
            while True:
                go_on()
                if self._pieces:
                    self._being_cut += self._pieces[0].is_open
                    return self._pieces.popleft()
                if not self._being_cut:
                    return None
                self._changed.wait(POLL_SECONDS)

    def give_back(self, rest: Piece | None) -> None:
        """What is left of an open piece comes next; None: it was the last of its table."""
        with self._changed:
            self._being_cut -= 1
            if rest is not None:
                rest.progress.grow()
                self._pieces.appendleft(rest)
            self._changed.notify_all()
