"""When the copy will be done: what is left, and how fast workers were lately. No I/O.

Work is counted in bytes as they are sent. Rows that are left are an estimate of the origin's, off
by a factor of two at times; it is corrected by what finished ranges of the same table really had.
Speed is that of one worker while it moves rows, over the last half of the time; building indexes
is foretold from the time the rows took, without what a limit made them wait, and from what indexes
have taken so far.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sterna.dataplane.reports import ProgressReport, ReportTo, TableReport
from sterna.mysql.catalog import TableName

TELL_SECONDS = 1.0
TELL_SHARE = 0.02  # of the time, at most, where there are very many tables
TABLE_BYTES = 256 << 10  # what a table costs even without rows
INDEX_SHARE = 0.15  # seconds one index takes, in seconds its rows took; until it is known better
KNOWN_SECONDS = 1.0  # of moving rows: how much the guess above weighs
SPEED_OF_LAST = 0.5  # of the time gone by
SAMPLES = 200  # so many are kept of it at most
OVERDUE_SHARE = 0.1  # what takes longer than foretold takes so much longer than it took


@dataclass(frozen=True)
class Estimate:
    """What was moved of a table or of all, and what is left; no seconds while unknown."""

    rows_moved: int
    rows_left: int
    bytes_moved: int
    seconds_left: float | None


@dataclass
class _Part:
    """One range: rows it is thought to have, rows and bytes that were sent."""

    rows_estimated: float
    rows: int = 0
    octets: int = 0
    is_done: bool = False


@dataclass(frozen=True)
class _Sample:
    at: float
    octets: int
    busy_seconds: float


class TableForecast:
    """One table's part of a `Forecast`; made by it."""

    def __init__(
        self, whole: Forecast, ranges: Mapping[int, float], row_bytes: float, indexes: int
    ) -> None:
        self._whole, self._row_bytes, self._indexes = whole, row_bytes, indexes
        self._parts = {number: _Part(rows) for number, rows in ranges.items()}
        self._rows_sent = 0
        self._began: float | None = None
        self._index_began: float | None = None
        self._is_done = False
        self.tell: Callable[[], None] = lambda: None  # somebody how far it is

    def cut(self, number: int, rows: float, *, rest: int, rest_rows: float) -> None:
        """A range became two; the rows both are thought to have."""
        with self._whole.lock:
            self._parts[number].rows_estimated = rows
            self._parts[rest] = _Part(rest_rows)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """A worker moves rows of it, for the length of a block."""
        with self._whole.lock:
            self._began = self._whole.now() if self._began is None else self._began
            self._whole.touch(self)
            self._whole.work(+1)
        try:
            yield
        finally:
            with self._whole.lock:
                self._whole.work(-1)

    def sent(self, number: int, rows: int, octets: int) -> None:
        """So much more of a range."""
        with self._whole.lock:
            part = self._parts[number]
            part.rows += rows
            part.octets += octets
            self._rows_sent += rows
            self._whole.sent(octets)
            self._whole.touch(self)

    def waited(self, seconds: float) -> None:
        """A worker that moves rows was kept waiting by a limit."""
        with self._whole.lock:
            self._whole.waited_seconds += seconds

    def clear(self, number: int) -> None:
        """What was there of a range is moved again."""
        with self._whole.lock:
            self._parts[number] = _Part(self._parts[number].rows_estimated)

    def finish(self, number: int, rows: int, octets: int) -> None:
        """A range is there, with so many rows and bytes in all."""
        with self._whole.lock:
            self._parts[number] = _Part(self._parts[number].rows_estimated, rows, octets, True)

    def index(self) -> None:
        """All rows are there; its indexes are being built, if it has any."""
        with self._whole.lock:
            self._index_began = self._whole.now() if self._indexes else None

    def complete(self) -> None:
        """All is there."""
        with self._whole.lock:
            if self._index_began is not None:
                seconds = self._whole.now() - self._index_began
                rows_seconds = self._octets / self._whole.free_speed
                self._whole.learn_index(seconds, self._indexes * rows_seconds)
            self._whole.sent(TABLE_BYTES)
            self._whole.leave(self)
            self._is_done = True

    def estimate(self) -> Estimate:
        """How far this table is."""
        with self._whole.lock:
            left = self.octets_left / (self._speed * self.workers) + self.index_seconds
            seconds = left if self._whole.speed else None
            return Estimate(self.rows, int(self.rows_left), self._octets, seconds)

    def report(self, name: TableName) -> TableReport:
        """The same for people."""
        with self._whole.lock:
            now = self.estimate()
            octets_left = 0 if self._is_done else int(self.octets_left - TABLE_BYTES)
            return TableReport(
                *name,
                state=self._state,
                rows_estimated=now.rows_moved + now.rows_left,
                bytes_estimated=now.bytes_moved + octets_left,
                rows_copied=now.rows_moved,
                bytes_copied=now.bytes_moved,
                rows_per_second=self._rows_per_second,
                eta_seconds=now.seconds_left,
            )

    @property
    def _state(self) -> str:
        if self._is_done:
            return "copied"
        if self._index_began is not None:
            return "indexing"
        is_begun = self._began is not None or self.rows > 0
        return "copying" if is_begun else "waiting"

    @property
    def _rows_per_second(self) -> float:
        if self._began is None or self._state != "copying":
            return 0.0
        seconds = self._whole.now() - self._began
        return self._rows_sent / seconds if seconds > 0 else 0.0

    # For the whole, under its lock

    @property
    def workers(self) -> int:
        """How many may move it at once."""
        return self._whole.workers if len(self._parts) > 1 else 1

    @property
    def rows(self) -> int:
        """Sent so far."""
        return sum(part.rows for part in self._parts.values())

    @property
    def octets(self) -> int:
        """Sent so far."""
        return self._octets

    @property
    def rows_left(self) -> float:
        """Corrected by the ranges that are done."""
        done = [part for part in self._parts.values() if part.is_done]
        thought = sum(part.rows_estimated for part in done)
        factor = sum(part.rows for part in done) / thought if thought else 1.0
        waiting = (part for part in self._parts.values() if not part.is_done)
        return sum(max(part.rows_estimated * factor - part.rows, 0.0) for part in waiting)

    @property
    def octets_left(self) -> float:
        """Bytes to be sent, and what the table costs besides."""
        if self._is_done:
            return 0.0
        row_bytes = self._octets / self.rows if self.rows else self._row_bytes
        return self.rows_left * row_bytes + TABLE_BYTES

    @property
    def index_seconds(self) -> float:
        """Building its indexes, as far as that is not done."""
        if self._is_done or not self._indexes:
            return 0.0
        rows_seconds = (self._octets + self.octets_left) / self._whole.free_speed
        seconds = self._indexes * self._whole.index_share * rows_seconds
        if self._index_began is None:
            return seconds
        gone = self._whole.now() - self._index_began
        return max(seconds - gone, gone * OVERDUE_SHARE)

    @property
    def _octets(self) -> int:
        return sum(part.octets for part in self._parts.values())

    @property
    def _speed(self) -> float:
        return self._whole.speed or 1.0


class Forecast:
    """All tables of a copy together, over all its rounds; used by all workers."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.workers = 1
        self.lock = threading.RLock()
        self.now = clock
        self._finished = (0, 0)
        self._touched: set[TableForecast] = set()
        self._tables: dict[TableForecast, None] = {}
        self._busy, self._busy_seconds, self._octets = 0, 0.0, 0
        self.waited_seconds = 0.0
        self._at = self._began = clock()
        self._samples: deque[_Sample] = deque([_Sample(self._began, 0, 0.0)])
        self._index_seconds, self._rows_seconds = INDEX_SHARE * KNOWN_SECONDS, KNOWN_SECONDS

    def begin_round(self, workers: int, *, rows: int, octets: int) -> None:
        """The tables that are left come anew; rows and bytes are those of finished ones."""
        with self.lock:
            self.workers, self._finished, self._tables = workers, (rows, octets), {}
            self._touched = set()

    def table(
        self, ranges: Mapping[int, float], *, row_bytes: float, indexes: int
    ) -> TableForecast:
        """A table whose ranges are thought to have so many rows, of so many bytes each, and which
        gets so many indexes after its rows."""
        table = TableForecast(self, ranges, row_bytes, indexes)
        with self.lock:
            self._tables[table] = None
        return table

    def take_touched(self) -> Iterable[TableForecast]:
        """Tables under way of which something was moved since this was asked last."""
        with self.lock:
            touched, self._touched = self._touched, set()
            return touched

    def estimate(self) -> Estimate:
        """How far all tables are."""
        with self.lock:
            tables, (rows, octets) = self._tables, self._finished
            rows += sum(table.rows for table in tables)
            octets += sum(table.octets for table in tables)
            left = int(sum(table.rows_left for table in tables))
            return Estimate(rows, left, octets, self._seconds_left())

    def _seconds_left(self) -> float | None:
        """All work shared by all workers, or the table that takes longest."""
        if not (speed := self.speed):
            return None
        waits = [(t.octets_left / speed, t.index_seconds, t.workers) for t in self._tables]
        shared = sum(moving + index for moving, index, _ in waits) / self.workers
        return max([shared, *(moving / n + index for moving, index, n in waits)])

    # For the tables, under the lock

    @property
    def speed(self) -> float:
        """Bytes one worker moves in a second, lately; 0.0 while nothing is known."""
        self.work(0)
        first = self._samples[0]
        seconds = self._busy_seconds - first.busy_seconds
        return (self._octets - first.octets) / seconds if seconds > 0 else 0.0

    @property
    def free_speed(self) -> float:
        """The same without any limit, from the beginning; 1.0 while nothing is known."""
        self.work(0)
        seconds = self._busy_seconds - self.waited_seconds
        return self._octets / seconds if seconds > 0 and self._octets else 1.0

    @property
    def index_share(self) -> float:
        """Seconds an index takes, in seconds that one worker needed for its rows."""
        return self._index_seconds / self._rows_seconds

    def learn_index(self, seconds: float, rows_seconds: float) -> None:
        """Indexes took so long; once for each index, what their rows took."""
        self._index_seconds += seconds
        self._rows_seconds += rows_seconds

    def touch(self, table: TableForecast) -> None:
        """Something of a table was moved."""
        self._touched.add(table)

    def leave(self, table: TableForecast) -> None:
        """A table is complete."""
        self._touched.discard(table)
        rows, octets = self._finished
        self._finished = rows + table.rows, octets + table.octets
        self._tables.pop(table, None)

    def work(self, change: int) -> None:
        """So many more workers move rows from now on."""
        now = self.now()
        self._busy_seconds += self._busy * (now - self._at)
        self._at = now
        self._busy += change

    def sent(self, octets: int) -> None:
        """So many more bytes were sent."""
        self._octets += octets
        self.work(0)
        if self._at - self._samples[-1].at < (self._at - self._began) / SAMPLES:
            return
        self._samples.append(_Sample(self._at, self._octets, self._busy_seconds))
        oldest = self._at - SPEED_OF_LAST * (self._at - self._began)
        while len(self._samples) > 2 and self._samples[1].at <= oldest:
            self._samples.popleft()


@contextmanager
def telling(forecast: Forecast, report: ReportTo) -> Iterator[None]:
    """Report how far the tables under way and the whole copy are, every so often, for the length
    of a block."""
    over = threading.Event()

    def tell() -> None:
        took_seconds = 0.0
        while not over.wait(max(TELL_SECONDS, took_seconds / TELL_SHARE)):
            began = time.thread_time()
            for table in forecast.take_touched():
                table.tell()
            now = forecast.estimate()
            took_seconds = time.thread_time() - began
            rows = now.rows_moved + now.rows_left
            report(ProgressReport(rows, now.rows_moved, now.bytes_moved, now.seconds_left))

    teller = threading.Thread(target=tell, name="copy progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
