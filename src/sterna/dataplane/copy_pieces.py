"""The work of one copy round: tables, their ranges as pieces in a queue, and how far they are.

A round reads one snapshot, which is to be renewed after some minutes. Tables tied by foreign keys,
and all ranges of a table, must be read under the same one: once begun they are finished in the
round, however long that takes. While they are, the other workers take small tables; what is left
in the queue then waits for the next snapshot. Ranges that may have start positions of their own
(`has_own_starts`) wait like tables.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count

from sterna.dataplane.copy_eta import Forecast, TableForecast
from sterna.dataplane.copy_keys import RangeKey
from sterna.dataplane.copy_ranges import WHOLE, KeyRange, is_large
from sterna.dataplane.copy_state import CREATED, TableState
from sterna.dataplane.reports import ReportTo
from sterna.mysql.catalog import Column, Table, TableName

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Job:
    """One table whose rows are to be moved, with the definition it had when it was planned.

    `ranges` of its `key` are moved one by one; those that are done are compared before, or, where
    the table `has_own_starts`, keep the start position they were read at. `group` are the tables
    that must be read under the same snapshot. `walk` is the index that rows can be read along in
    steps, whether the table is cut or not.
    """

    table: Table
    columns: list[Column]
    definition: str
    state: TableState
    key: RangeKey | None = None
    ranges: tuple[KeyRange, ...] = WHOLE
    group: frozenset[TableName] = frozenset()
    has_own_starts: bool = False
    walk: RangeKey | None = None

    @property
    def unit(self) -> frozenset[TableName]:
        """The tables that are begun and finished in one round."""
        return self.group or frozenset({self.name})

    @property
    def is_small(self) -> bool:
        """Whether it takes a moment only, and nothing else has to be read with it."""
        is_innodb = self.table.engine.upper() == "INNODB"
        is_whole = self.key is None and not is_large(self.table)
        return is_innodb and not self.group and is_whole

    @property
    def holds_snapshot(self) -> bool:
        """Whether, once begun, it keeps the round from ending for long."""
        return not self.is_small and not self.has_own_starts

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

    def __init__(self, job: Job, report: ReportTo, forecast: Forecast) -> None:
        self._job, self._report = job, report
        self._lock, self._telling = threading.Lock(), threading.Lock()
        self._unfinished = len(job.ranges)
        self._numbers = count(1 + max(part.number for part in job.ranges))
        self._forecast = _forecast(job, forecast)
        self._forecast.tell = self.tell
        self.is_spoiled = False  # by DDL: the table is copied again in another round

    def moving(self) -> AbstractContextManager[None]:
        """For as long as a worker moves rows of it."""
        return self._forecast.moving()

    def new_number(self) -> int:
        """For one more range of the table."""
        return next(self._numbers)

    def split(self, first: KeyRange, rest: KeyRange) -> None:
        """A range became two."""
        rows = first.rows_estimated
        self._forecast.cut(first.number, rows, rest=rest.number, rest_rows=rest.rows_estimated)
        with self._lock:
            self._unfinished += 1

    def sent(self, number: int, rows: int, octets: int) -> None:
        """So much more of a range is on its way."""
        self._forecast.sent(number, rows, octets)

    def waited(self, seconds: float) -> None:
        """A worker was kept waiting by a limit."""
        self._forecast.waited(seconds)

    def clear(self, number: int) -> None:
        """What was there of a range is moved again."""
        self._forecast.clear(number)

    def finish(self, number: int, rows: int, octets: int) -> bool:
        """A range is done; True for the table's last one."""
        self._forecast.finish(number, rows, octets)
        with self._lock:
            self._unfinished -= 1
            return self._unfinished == 0 and not self.is_spoiled

    def complete(self) -> tuple[int, int]:
        """All rows are there: how many, and their bytes. The indexes come next."""
        self._forecast.index()
        self.tell()
        moved = self._forecast.estimate()
        return moved.rows_moved, moved.bytes_moved

    def end(self) -> None:
        """Its indexes are there as well."""
        self._forecast.complete()
        self.tell()

    def tell(self) -> None:
        """Report how far it is; the newest report is the last one."""
        with self._telling:
            self._report(self._forecast.report(self._job.name))


def _forecast(job: Job, whole: Forecast) -> TableForecast:
    """By what the origin thinks each range has, or the table."""
    table, rows = job.table, {part.number: float(part.rows_estimated) for part in job.ranges}
    if job.key is None:
        rows = {0: float(table.rows_estimated)}
    indexes = job.state.deferred_indexes.count(" ADD ")
    row_bytes = table.data_bytes / max(table.rows_estimated, 1)
    found = whole.table(rows, row_bytes=row_bytes, indexes=indexes)
    for part in job.ranges:
        if part.is_done:
            found.finish(part.number, part.rows_copied, part.bytes_copied)
    return found


@dataclass(frozen=True)
class Piece:
    """One range of one table; the table's pieces share their progress."""

    job: Job
    range: KeyRange
    progress: TableProgress

    @property
    def is_kept(self) -> bool:
        """Whether it was read under an earlier snapshot, and has that one's start position."""
        return self.job.has_own_starts and self.range.is_done and self.range.start is not None

    @property
    def is_open(self) -> bool:
        """Whether its end is to be looked for before it is moved."""
        return self.job.key is not None and self.range.high is None and not self.range.is_done

    def halves(self, ranges: Iterable[KeyRange]) -> list[Piece]:
        """This piece in several."""
        return [replace(self, range=each) for each in ranges]


class Pieces:
    """The queue the workers of a round take from. It is not empty while somebody who took a piece
    without an end may give the rest of it back.

    `renew_seconds` from now the snapshot is due to be renewed; something is read in every round.
    """

    def __init__(
        self, jobs: Iterable[Job], report: ReportTo, renew_seconds: float, *, forecast: Forecast
    ) -> None:
        self._pieces: deque[Piece] = deque()
        self._changed = threading.Condition()
        self._being_cut = 0
        self._begun: set[frozenset[TableName]] = set()
        self._held_by = 0
        for job in jobs:
            progress = TableProgress(job, report, forecast)
            self._pieces += (Piece(job, each, progress) for each in job.ranges)
        self.renew_in(renew_seconds)

    def renew_in(self, seconds: float) -> None:
        """Hold back what needs no longer be read under this snapshot so many seconds from now."""
        self._due_at = time.monotonic() + seconds

    @property
    def is_due(self) -> bool:
        """Whether what can wait for the next snapshot should."""
        return time.monotonic() >= self._due_at

    @property
    def is_left(self) -> bool:
        """Whether something waits for the next snapshot."""
        with self._changed:
            return any(not piece.progress.is_spoiled for piece in self._pieces)

    @property
    def untouched(self) -> frozenset[TableName]:
        """Tables of which nothing was taken."""
        with self._changed:
            left = {piece.job.name: piece.job.unit for piece in self._pieces}
            return frozenset(name for name, unit in left.items() if unit not in self._begun)

    def take(self, go_on: Callable[[], None]) -> Piece | None:
        """The next piece, None when there is no more for now; `go_on` may raise to end the
        waiting. It is to be answered with `done`, and one that `is_open` before with `give_back`.
        """
        with self._changed:
            while True:
                go_on()
                if piece := self._choose():
                    self._pieces.remove(piece)
                    self._being_cut += piece.is_open
                    if not piece.is_kept:
                        self._begun.add(piece.job.unit)
                    self._held_by += piece.job.holds_snapshot
                    return piece
                if not self._being_cut:
                    return None
                self._changed.wait(POLL_SECONDS)

    def _choose(self) -> Piece | None:
        left = (piece for piece in self._pieces if not piece.progress.is_spoiled)
        if not self._begun or not self.is_due:
            return next(left, None)
        listed = list(left)
        begun = (piece for piece in listed if piece.is_kept or self._is_begun(piece))
        small = (piece for piece in listed if self._held_by and piece.job.is_small)
        return next(begun, None) or next(small, None)

    def _is_begun(self, piece: Piece) -> bool:
        return piece.job.unit in self._begun and not piece.job.has_own_starts

    def put_back(self, rest: Piece) -> None:
        """What is left of a piece that was shortened comes next, whoever takes it."""
        with self._changed:
            self._pieces.appendleft(rest)
            self._changed.notify_all()

    def done(self, piece: Piece) -> None:
        """A piece that was taken is read, or never will be."""
        with self._changed:
            self._held_by -= piece.job.holds_snapshot

    def spoil(self, piece: Piece) -> None:
        """DDL hit its table: neither that nor what is tied to it is gone on with, and the snapshot
        is renewed at the next opportunity."""
        with self._changed:
            piece.progress.is_spoiled = True
            for other in self._pieces:
                if other.job.unit == piece.job.unit:
                    other.progress.is_spoiled = True
        self.renew_in(0)

    def give_back(self, rest: Piece | None) -> None:
        """What is left of an open piece comes next; None: it was the last of its table."""
        with self._changed:
            self._being_cut -= 1
            if rest is not None:
                self._pieces.appendleft(rest)
            self._changed.notify_all()
