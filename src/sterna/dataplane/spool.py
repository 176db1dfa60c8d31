"""The spool: the origin's events on our own disk, in order, from the moment a task begins.

A directory of segment files. Each begins with a header record (binary log file, offset the
segment starts at, format description), then one record per event as it stands in that log.

    record  = length (4 bytes), CRC32 of the payload (4 bytes), payload
    segment = 00000001.segment, 00000002.segment, …

One writer, any number of readers, all in one process; who opens the spool takes it over from the
process before. Invariants: a record is never changed;
a segment never mixes two binary log files; what a reader sees is whole; after a crash the last
segment is cut behind its last whole record, earlier ones are whole because they were synced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sterna.errors import Stopped
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.parse import parse_format, read_header
from sterna.mysql.position import Position

SPOOL_BYTES_MAX = 20 << 30
SEGMENT_BYTES_MAX = 64 << 20
SYNC_SECONDS = 1.0
_READ_BYTES = 1 << 20
_OWNER = "owner"
_RECORD = struct.Struct("<II")
_END_OFFSET = slice(13, 17)  # in the header of every event
_HEADER = struct.Struct("<QH")


@dataclass
class Segment:
    """One segment file and how much of it is published to readers."""

    path: Path
    start: Position
    log_format: Format
    first_byte: int
    size_bytes: int
    end: Position


class Spool:
    """Events from one origin, spooled under `directory` (made if missing, private to us).

    `when_full` is told once each time the spool reaches `bytes_max` and the writer has to wait.
    """

    def __init__(
        self,
        directory: Path,
        *,
        bytes_max: int = SPOOL_BYTES_MAX,
        segment_bytes: int = SEGMENT_BYTES_MAX,
        when_full: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._bytes_max = bytes_max
        self._segment_bytes = segment_bytes
        self._when_full = when_full
        self._owner = _take_over(directory)
        self.changed = threading.Condition()
        self.segments = _open_segments(directory)
        self.interruption = ""  # why nothing arrives at present; the receiver says so here
        self._file: BinaryIO | None = None
        self._synced_at = time.monotonic()

    @property
    def end(self) -> Position | None:
        """Behind the last spooled event; None while nothing was ever spooled."""
        with self.changed:
            return self.segments[-1].end if self.segments else None

    @property
    def size_bytes(self) -> int:
        """Bytes on disk."""
        with self.changed:
            return sum(segment.size_bytes for segment in self.segments)

    @property
    def filled(self) -> float:
        """The share of its room that is taken; from 1 on the writer waits."""
        return self.size_bytes / self._bytes_max

    def begin_segment(self, start: Position, log_format: Format) -> None:
        """Go on at `start`, in the format the origin has there."""
        self._finish_segment()
        self._check_owner()
        number = int(self.segments[-1].path.stem) + 1 if self.segments else 1
        path = self._directory / f"{number:08d}.segment"
        header = _record(_pack_header(start, log_format))
        with _writing(path):
            self._file = path.open("xb", buffering=0)
            _write_all(self._file, header)
        with self.changed:
            self.segments.append(Segment(path, start, log_format, len(header), len(header), start))
            self.changed.notify_all()

    def _check_owner(self) -> None:
        if (self._directory / _OWNER).read_text(encoding="ascii") != self._owner:
            raise Stopped(
                "Another process has taken over the spool; this one writes no more to it.",
                code="Fenced",
                remedy="Nothing to do: the other process goes on.",
            )

    def append(self, raw: bytes, end_offset: int, *, stop: threading.Event) -> None:
        """Add one event that ends at `end_offset` of the segment's file; visible at once.

        Waits while the spool is full, until space is freed or `stop` is set.
        """
        self._write(self._segment_with_room(stop), _record(raw), end_offset)

    def append_records(self, records: bytes, end_offset: int, *, stop: threading.Event) -> None:
        """Add events that are records already, the last of which ends at `end_offset`."""
        self._write(self._segment_with_room(stop), records, end_offset)

    def _segment_with_room(self, stop: threading.Event) -> Segment:
        segment = self.segments[-1]
        if segment.size_bytes >= self._segment_bytes:
            self._wait_for_space(stop)
            self.begin_segment(segment.end, segment.log_format)
        return self.segments[-1]

    def _write(self, segment: Segment, records: bytes, end_offset: int) -> None:
        assert self._file is not None, "append before begin_segment"
        with _writing(segment.path):
            _write_all(self._file, records)
        with self.changed:
            segment.size_bytes += len(records)
            segment.end = segment.end.in_same_file(end_offset)
            self.changed.notify_all()
        self.sync_if_due()

    def sync_if_due(self) -> None:
        """Bring the events to the disk, at most once a second."""
        if time.monotonic() - self._synced_at >= SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Bring the events to the disk now."""
        if self._file is not None:
            with _writing(self.segments[-1].path):
                os.fsync(self._file.fileno())
        self._synced_at = time.monotonic()

    def remove_applied(self, applied: Position) -> None:
        """Delete the segments that hold nothing behind `applied`; never the last one."""
        with self.changed:
            while len(self.segments) > 1 and self.segments[1].start <= applied:
                self.segments.pop(0).path.unlink()
                self.changed.notify_all()

    def close(self) -> None:
        """Sync and close the file being written."""
        self._finish_segment()

    def wake_readers(self) -> None:
        """Let waiting readers look at their stop event now."""
        with self.changed:
            self.changed.notify_all()

    def _finish_segment(self) -> None:
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def _wait_for_space(self, stop: threading.Event) -> None:
        if self.size_bytes < self._bytes_max:
            return
        self._when_full(self._bytes_max)
        with self.changed:
            while (
                sum(segment.size_bytes for segment in self.segments) >= self._bytes_max
                and not stop.is_set()
            ):
                self.changed.wait(1.0)


class SpoolReader:
    """Reads the events behind a position, in order, as they come.

    After `next` has returned an event, `log_format` is the format it is written in and
    `position` the place behind it.
    """

    def __init__(self, spool: Spool, after: Position) -> None:
        self._spool = spool
        self._after = after
        self._end_offset = -1  # of the event `next` returned last
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
            end_offset = int.from_bytes(raw[_END_OFFSET], "little")
            if not self._skips or self._is_behind(end_offset):
                self._end_offset = end_offset
                return raw

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
        """The records before `at` in `buffered` are done; the last one ended at `end_offset`."""
        self.taken_bytes += at - self._at
        self._at, self._end_offset = at, end_offset

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
        begin = self._at + _RECORD.size
        self._wanted_bytes = _READ_BYTES
        if begin > len(self._buffer):
            return None
        length, checksum = _RECORD.unpack_from(self._buffer, self._at)
        if begin + length > len(self._buffer):
            # a large record is read at once: piece by piece it would be copied as often
            self._wanted_bytes = max(_READ_BYTES, begin + length - len(self._buffer))
            return None
        raw = self._buffer[begin : begin + length]
        if zlib.crc32(raw) != checksum:
            raise _damaged(self._segment)
        self._at = begin + length
        self.taken_bytes += _RECORD.size + length
        return raw

    def _load(self) -> bool:
        assert self._segment is not None and self._file is not None
        with self._spool.changed:
            published = self._segment.size_bytes - self._read_bytes
        if published <= 0:
            return False
        piece = self._file.read(min(published, self._wanted_bytes))
        if not piece:
            raise _damaged(self._segment)
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
                raise _damaged(self._segment)
            self._open(behind[0])
            return True

    def _open(self, segment: Segment) -> None:
        self.close()
        if self._segment is not None and self._end_offset >= 0:
            self._after, self._end_offset = self.position, -1
        self._segment = segment
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


def read_between(spool: Spool, after: Position, until: Position) -> Iterator[tuple[bytes, Format]]:
    """The spooled events behind `after`, up to and with the one that ends at `until`."""
    reader = SpoolReader(spool, after)
    try:
        while reader.position < until and (raw := reader.next(0.0)) is not None:
            if reader.position <= until:
                yield raw, reader.log_format
    finally:
        reader.close()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """A disk that is full or broken says so. What was written before is good; a beginning of more
    is cut off by whoever opens the spool next."""
    try:
        yield
    except OSError as error:
        raise Stopped(
            f"The spool cannot be written: {error.strerror} ({path}).",
            code="SpoolNotWritten",
            remedy="Make room on the disk of the spool, then resume the sync task; it goes on where"
            " it was.",
        ) from error


def _write_all(file: BinaryIO, octets: bytes) -> None:
    """A file without a buffer may take less than it is given, and refuses the rest only then."""
    left = memoryview(octets)
    while left:
        left = left[file.write(left) :]


def _record(payload: bytes) -> bytes:
    return _RECORD.pack(len(payload), zlib.crc32(payload)) + payload


def _number(segment: Segment | None) -> int:
    return int(segment.path.stem) if segment else 0


def _damaged(segment: Segment | None) -> Stopped:
    where = segment.path.name if segment else "a segment"
    return Stopped(
        f"The spool's {where} is damaged; nothing behind it was applied.",
        code="SpoolDamaged",
        remedy="Check the disk, then start the sync task again from a new copy.",
    )


def _pack_header(start: Position, log_format: Format) -> bytes:
    place = str(start).encode()
    return _HEADER.pack(0, len(place)) + place + log_format.raw


def _unpack_header(payload: bytes) -> tuple[Position, Format]:
    _, length = _HEADER.unpack_from(payload)
    place = payload[_HEADER.size : _HEADER.size + length]
    return Position.parse(place.decode()), parse_format(payload[_HEADER.size + length :])


def _take_over(directory: Path) -> str:
    """Make the spool ours; the mark of that.

    An older process may still be writing. It writes to a file that is no longer here: the last
    segment is replaced by its copy. It begins no other segment either, for it looks at the mark.
    """
    mark = secrets.token_hex(16)
    (directory / _OWNER).write_text(mark, encoding="ascii")
    if paths := sorted(directory.glob("*.segment")):
        copy = paths[-1].with_suffix(".copy")
        shutil.copyfile(paths[-1], copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.replace(paths[-1])
    return mark


def _open_segments(directory: Path) -> list[Segment]:
    paths = sorted(directory.glob("*.segment"))
    return [segment for path in paths if (segment := _open_segment(path, path == paths[-1]))]


def _open_segment(path: Path, is_last: bool) -> Segment | None:
    """Read a segment through; the last one is cut behind its last whole record."""
    whole_bytes = 0
    segment: Segment | None = None
    with path.open("rb") as file:
        for payload in _whole_records(file):
            whole_bytes += _RECORD.size + len(payload)
            if segment is None:
                start, log_format = _unpack_header(payload)
                segment = Segment(path, start, log_format, whole_bytes, whole_bytes, start)
                continue
            segment.size_bytes = whole_bytes
            segment.end = segment.end.in_same_file(read_header(payload).end_offset)
    if whole_bytes < path.stat().st_size:
        if not is_last:
            raise _damaged(segment)
        os.truncate(path, whole_bytes)
    if segment is None:
        path.unlink()
    return segment


def _whole_records(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(_RECORD.size)) == _RECORD.size:
        length, checksum = _RECORD.unpack(head)
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield payload
