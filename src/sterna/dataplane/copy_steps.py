"""One range read in steps, so that no SELECT is held for long however slow rows may go.

Who reads a table in a transaction keeps DDL on it waiting, and everybody behind that; an origin
that cannot send its rows for long ends the connection. So under a limit a SELECT asks for what may
be moved in a moment only. One that takes long all the same, because the limit was lowered or a
server is slow, is cut: it ends with the row that is under way, and the next ones ask for less.

Steps go along an index. A table without a unique key of columns that are NOT NULL is read by one
SELECT, which is held as long as it takes, unless somebody waits for the table.
"""

from __future__ import annotations

import math
import time

from sterna.dataplane.chunks import RECEIVE_BYTES
from sterna.dataplane.copy_keys import Boundary
from sterna.dataplane.copy_pieces import Job
from sterna.dataplane.copy_ranges import RANGE_BYTES, KeyRange, key_ahead, row_bytes
from sterna.dataplane.pace import BURST_SECONDS, Pace
from sterna.mysql.connection import Session, query
from sterna.mysql.identifiers import quote

HOLD_SECONDS = 5.0  # no SELECT is held longer
LOOK_SECONDS = 1.0
STEP_SECONDS = 1.0  # what one asks for may be moved in so long
RECEIVE_BYTES_MIN = 2048
PIECE_SECONDS = 60.0  # so much is at most done again after a crash
_SURELY = 4  # the origin's estimates of rows are off by less
_WAITING = (
    "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table flush'"
    " OR (STATE LIKE 'Waiting for %% metadata lock' AND LOCATE(%s, INFO) + LOCATE(%s, INFO) > 0)"
    " LIMIT 1"
)


class StepSize:
    """How much one worker's SELECTs ask for: what the limits allow, and what it can move."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._bytes_max = math.inf

    def rows(self, job: Job) -> float:
        """Rows for the next one."""
        each = row_bytes(job.table)
        return max(min(self._pace.allows(STEP_SECONDS, each), self._bytes_max / each), 1)

    def receive_bytes(self, job: Job) -> int:
        """How much to move at once: nobody should owe the limits much."""
        each = row_bytes(job.table)
        allowed = self._pace.allows(BURST_SECONDS, each) * each
        return int(min(max(allowed, RECEIVE_BYTES_MIN), RECEIVE_BYTES))

    def learn(self, octets: int, seconds: float, *, is_cut: bool) -> None:
        """One has moved so much in so long."""
        if is_cut:
            self._bytes_max = octets
        elif seconds < HOLD_SECONDS / 2:
            self._bytes_max *= 2
            if self._bytes_max > RANGE_BYTES:
                self._bytes_max = math.inf


class Hold:
    """How long one SELECT has held its table, and whether somebody waits for that: DDL, or who
    came behind it. After DDL the table has to be copied anew in any case."""

    def __init__(self, job: Job, watcher: Session) -> None:
        self.began = time.monotonic()
        self._name, self._watcher = job.name, watcher
        self._look_at = self.began + HOLD_SECONDS
        self._is_awaited = False

    @property
    def is_long(self) -> bool:
        """Whether it should end, if it can."""
        return time.monotonic() > self.began + HOLD_SECONDS

    def is_awaited(self) -> bool:
        """Looked up now and then, once it is long. Without PROCESS nobody is seen to wait."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            self._is_awaited = bool(query(self._watcher, _WAITING, self._name))
        return self._is_awaited


class Walk:
    """How far one range has been read.

    Attributes:
        part: the range.
        is_over: whether all of it has been read.
    """

    def __init__(self, job: Job, part: KeyRange) -> None:
        self.part, self.is_over = part, False
        self._job, self._key = job, job.walk
        self._reached: Boundary | None = None
        self._end: Boundary | None = None
        self._began = time.monotonic()

    def begin_step(self, origin: Session, rows: float) -> str:
        """Look for the end of a step of about so many rows; what stands behind FROM to read it."""
        self._end = None
        if self._key and rows * _SURELY < max(self._job.table.rows_estimated, 1):
            self._end = self._ahead(origin, math.floor(rows))
        return self._rows_of(self._reached, self._end)

    def end_step(self) -> None:
        """All of the step was read."""
        self._reached, self.is_over = self._end, self._end is None

    @property
    def can_be_cut(self) -> bool:
        """Whether the number of rows read tells how far a SELECT came."""
        return self._key is not None and self._key.is_whole and self._is_along_index

    def cut_step(self, snapshot: Session, rows: int) -> bool:
        """Only so many rows of the step were read; False where their end cannot be told."""
        self._reached = self._ahead(snapshot, rows - 1)
        return self._reached is not None

    def shorten(self, *, is_due: bool, rows: int, number: int) -> tuple[KeyRange, KeyRange] | None:
        """The range up to where it was read, of so many rows, and the rest, which gets the
        number; None where that is not worth it, or not known."""
        key, part = self._job.key, self.part
        is_long = time.monotonic() - self._began > PIECE_SECONDS
        if key is None or self._reached is None or self.is_over or not (is_due or is_long):
            return None
        high = self._reached[: len(key.columns)]
        if high == part.high:
            return None
        left = max(part.rows_estimated - rows, 0)
        rest = KeyRange(number, low=high, high=part.high, rows_estimated=left)
        self.part = KeyRange(part.number, part.low, high, rows_estimated=rows)
        self.is_over = high == self._reached
        return self.part, rest

    @property
    def _is_along_index(self) -> bool:
        """The primary key costs nothing, another index a little."""
        assert self._key is not None
        is_needed = self._job.key is not None or self._reached is not None or self._end is not None
        return is_needed or self._key.index == "PRIMARY"

    def _ahead(self, session: Session, rows: int) -> Boundary | None:
        assert self._key is not None
        where = self._condition(self._reached, None)
        return key_ahead(session, self._job.table, self._key, where=where, rows=rows)

    def _rows_of(self, low: Boundary | None, high: Boundary | None) -> str:
        name = quote(self._job.table.database, self._job.table.name)
        if self._key is None or not self._is_along_index:
            return name
        columns = ", ".join(quote(column.name) for column in self._key.columns)
        where = self._condition(low, high) or "TRUE"
        return f"{name} FORCE INDEX ({quote(self._key.index)}) WHERE {where} ORDER BY {columns}"

    def _condition(self, low: Boundary | None, high: Boundary | None) -> str:
        """Of the range, and within it of the step."""
        key, walk, part = self._job.key, self._job.walk, self.part
        sides = [key.condition(part.low, part.high)] if key else []
        sides += [walk.condition(low, high)] if walk else []
        return " AND ".join(f"({side})" for side in sides if side)
