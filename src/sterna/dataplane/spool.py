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
_OWNER = "owner"
RECORD = struct.Struct("<II")
END_OFFSET = slice(13, 17)  # in the header of every event
WRAP_BYTES = 1 << 32  # an event says only the lower half of where it ends
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


def whole_offset(low: int, before: int) -> int:
    """Where an event ends whose header says `low` and that stands behind offset `before`."""
    offset = before - before % WRAP_BYTES + low
    return offset if offset >= before else offset + WRAP_BYTES


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
        with writing(path):
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
        with writing(segment.path):
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
            with writing(self.segments[-1].path):
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


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
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
    return RECORD.pack(len(payload), zlib.crc32(payload)) + payload


def read_record(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    """The payload of the record that begins there, or None and how many bytes are missing of it.

    ValueError where it is not as it was written.
    """
    begin = at + RECORD.size
    if begin > len(buffer):
        return None, begin - len(buffer)
    length, checksum = RECORD.unpack_from(buffer, at)
    end = begin + length
    if end > len(buffer):
        return None, end - len(buffer)
    payload = buffer[begin:end]
    if zlib.crc32(payload) != checksum:
        raise ValueError("a record is damaged")
    return payload, 0


def damaged(segment: Segment | None) -> Stopped:
    """What is said of a segment whose records are not as they were written."""
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
    with writing(directory):
        (directory / _OWNER).write_text(mark, encoding="ascii")
        if paths := sorted(directory.glob("*.segment")):
            _replace_by_copy(paths[-1])
    return mark


def _replace_by_copy(path: Path) -> None:
    copy = path.with_suffix(".copy")
    try:
        shutil.copyfile(path, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.replace(path)
    finally:
        copy.unlink(missing_ok=True)  # of no use where there was no room for all of it


def _open_segments(directory: Path) -> list[Segment]:
    paths = sorted(directory.glob("*.segment"))
    return [segment for path in paths if (segment := _open_segment(path, path == paths[-1]))]


def _open_segment(path: Path, is_last: bool) -> Segment | None:
    """Read a segment through; the last one is cut behind its last whole record."""
    whole_bytes = 0
    segment: Segment | None = None
    with path.open("rb") as file:
        for payload in _whole_records(file):
            whole_bytes += RECORD.size + len(payload)
            if segment is None:
                start, log_format = _unpack_header(payload)
                segment = Segment(path, start, log_format, whole_bytes, whole_bytes, start)
                continue
            segment.size_bytes = whole_bytes
            end = whole_offset(read_header(payload).end_offset, segment.end.offset_bytes)
            segment.end = segment.end.in_same_file(end)
    if whole_bytes < path.stat().st_size:
        if not is_last:
            raise damaged(segment)
        os.truncate(path, whole_bytes)
    if segment is None:
        path.unlink()
    return segment


def _whole_records(file: BinaryIO) -> Iterator[bytes]:
    left_bytes = os.fstat(file.fileno()).st_size
    while len(head := file.read(RECORD.size)) == RECORD.size:
        length, checksum = RECORD.unpack(head)
        left_bytes -= RECORD.size + length
        if left_bytes < 0:  # a damaged length asks for no memory
            return
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield payload
