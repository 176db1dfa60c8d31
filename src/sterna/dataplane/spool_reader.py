"""Reading a spool: the events behind a position, in order, as they come."""

from __future__ import annotations

import time
from typing import BinaryIO

from sterna.dataplane._native.framing import pass_over
from sterna.dataplane.spool import (
    END_OFFSET,
    RECORD,
    Segment,
    Spool,
    damaged,
    read_record,
    whole_offset,
)
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Format
from sterna.mysql.position import Position

_READ_BYTES = 1 << 20


class SpoolReader:
    """Reads the events behind a position, in order, as they come.

    After `next` has returned an event, `log_format` is the format it is written in and
    `position` the place behind it.
    """

    def __init__(self, spool: Spool, after: Position) -> None:
        self._spool = spool
        self._after = after
        self._end_offset = -1  # of the event `next` returned last
        self._seen_offset = 0  # of the event that was read last
        self._segment: Segment | None = None
        self._file: BinaryIO | None = None
        self._buffer = b""
        self._wanted_bytes = _READ_BYTES
        self._at = 0
        self._read_bytes = 0
        self.taken_bytes = 0  # of records taken until now
        self._skips = True  # the segment it begins with may hold events before `after`

    @property
    def position(self) -> Position:
        """Behind the event `next` returned last."""
        if self._segment is None or self._end_offset < 0:
            return self._after
        return self._segment.start.in_same_file(self._end_offset)

    @property
    def log_format(self) -> Format:
        """The format of the event `next` returned last."""
        assert self._segment is not None, "log_format before next"
        return self._segment.log_format

    def next(self, timeout_seconds: float) -> bytes | None:
        """The next event; None when none has come within `timeout_seconds`."""
        deadline: float | None = None
        while True:
            raw = self._from_buffer()
            if raw is None:
                raw = self._take()
            if raw is None:
                deadline = deadline or time.monotonic() + timeout_seconds
                if not self._wait(deadline):
                    return None
                continue
            end_offset = self._whole(int.from_bytes(raw[END_OFFSET], "little"))
            self._seen_offset = end_offset
            if not self._skips or self._is_behind(end_offset):
                self._end_offset = end_offset
                return raw

    def _whole(self, low: int) -> int:
        return whole_offset(low, self._seen_offset)

    def pass_over(self, wanted: bytes) -> None:
        """Pass over what is in memory up to an event of a type that is wanted, of 256 types."""
        if self._segment is None or self._skips:
            return
        has_checksum = self._segment.log_format.has_checksum
        at, low = pass_over(self._buffer, self._at, wanted, has_checksum=has_checksum)
        if at > self._at:
            self.skip_to(at, low)

    @property
    def backlog_bytes(self) -> int:
        """What is there to be read in this segment; 0 before the first `next`."""
        if self._segment is None or self._skips:
            return 0
        return self._segment.size_bytes - self._read_bytes + len(self._buffer) - self._at

    def buffered(self) -> tuple[bytes, int]:
        """Records in memory, and where among them the next one begins; the last may be cut."""
        return self._buffer, self._at

    def skip_to(self, at: int, end_offset: int) -> None:
        """The records before `at` in `buffered` are done; the last one said `end_offset`."""
        self.taken_bytes += at - self._at
        self._at, self._end_offset = at, self._whole(end_offset)
        self._seen_offset = self._end_offset

    def load(self) -> bool:
        """More of what is published into memory; False where there is nothing more."""
        return self._load()

    def close(self) -> None:
        """Close the segment being read."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_behind(self, end_offset: int) -> bool:
        assert self._segment is not None
        self._skips = self._segment.start.in_same_file(end_offset) <= self._after
        return not self._skips

    def _take(self) -> bytes | None:
        """The next whole record in memory; loads more of what is published."""
        if self._segment is None and not self._open_first():
            return None
        while True:
            raw = self._from_buffer()
            if raw is not None:
                return raw
            if not self._load() and not self._open_next():
                return None

    def _from_buffer(self) -> bytes | None:
        try:
            raw, missing_bytes = read_record(self._buffer, self._at)
        except ValueError as error:
            raise damaged(self._segment) from error
        # a large record is read at once: piece by piece it would be copied as often
        self._wanted_bytes = max(_READ_BYTES, missing_bytes)
        if raw is not None:
            self._at += RECORD.size + len(raw)
            self.taken_bytes += RECORD.size + len(raw)
        return raw

    def _load(self) -> bool:
        assert self._segment is not None and self._file is not None
        with self._spool.changed:
            published = self._segment.size_bytes - self._read_bytes
        if published <= 0:
            return False
        piece = self._file.read(min(published, self._wanted_bytes))
        if not piece:
            raise damaged(self._segment)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        self._read_bytes += len(piece)
        return True

    def _open_first(self) -> bool:
        with self._spool.changed:
            fitting = [s for s in self._spool.segments if s.start <= self._after]
            if fitting:
                self._open(fitting[-1])
                return True
            if not self._spool.segments:
                return False
            first = self._spool.segments[0].start
        raise Stopped(
            f"The spool begins at {first}, behind {self._after} where the task has to go on.",
            code="SpoolGap",
            remedy="Start the sync task again from a new copy.",
        )

    def _open_next(self) -> bool:
        with self._spool.changed:
            behind = [s for s in self._spool.segments if _number(s) > _number(self._segment)]
            if not behind:
                return False
            if self._buffer[self._at :]:
                raise damaged(self._segment)
            self._open(behind[0])
            return True

    def _open(self, segment: Segment) -> None:
        self.close()
        if self._segment is not None and self._end_offset >= 0:
            self._after, self._end_offset = self.position, -1
        self._segment = segment
        self._seen_offset = segment.start.offset_bytes
        self._file = segment.path.open("rb")
        self._file.seek(segment.first_byte)
        self._read_bytes = segment.first_byte
        self._buffer, self._at = b"", 0

    def _wait(self, deadline: float) -> bool:
        """True when something was published before `deadline`."""
        with self._spool.changed:
            while not self._has_more():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._spool.changed.wait(left)
        return True

    def _has_more(self) -> bool:
        if self._segment is None:
            return bool(self._spool.segments)
        return (
            self._segment.size_bytes > self._read_bytes
            or self._spool.segments[-1] is not self._segment
        )


def _number(segment: Segment | None) -> int:
    return int(segment.path.stem) if segment else 0
