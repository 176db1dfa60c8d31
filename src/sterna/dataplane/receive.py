"""The receiver: the origin's binary log into the spool, for as long as the task lives.

A broken stream is taken up again behind the last whole event of the spool. Why nothing arrives
is kept in `spool.interruption` for whoever shows the lag.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib

from sterna.dataplane._native.framing import Framer
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.spool import WRAP_BYTES, Spool, whole_offset
from sterna.errors import Refused, SternaError, Stopped, Transient
from sterna.mysql.binlog.events import FLAG_ARTIFICIAL, Format, Header, Heartbeat, Rotate
from sterna.mysql.binlog.parse import parse, parse_format, read_header, verify_checksum
from sterna.mysql.binlog.rewrite import placed
from sterna.mysql.binlog.types import EventType, name_of
from sterna.mysql.connection import Server, Session, open_session
from sterna.mysql.position import Position
from sterna.mysql.replication import (
    SILENCE_SECONDS_MAX,
    BinlogStream,
    log_replaced,
    read_current_position,
)

BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 5.0

_HEARTBEATS = (EventType.HEARTBEAT, EventType.HEARTBEAT_V2)


def receive(
    origin: Server,
    spool: Spool,
    *,
    start: Position,
    server_id: int,
    report: ReportTo,
    stop: threading.Event | None = None,
) -> None:
    """Spool everything behind `start` (or behind what is spooled already) until `stop`, if any.

    Connections that break are opened again, as often as it takes; the first break and the
    recovery are reported. Raises Stopped when the origin no longer has the events or sends what
    is damaged, Refused when it does not let us in.
    """
    stop = stop or threading.Event()
    backoff_seconds = BACKOFF_SECONDS_MIN
    try:
        while not stop.is_set():
            began = time.monotonic()
            try:
                _Receiver(origin, spool, server_id, report, stop).run(spool.end or start)
            except (Transient, Refused) as error:
                if isinstance(error, Refused) and error.code != "Unreachable":
                    raise
                _interrupted(spool, error, report)
            if time.monotonic() - began > BACKOFF_SECONDS_MAX:
                backoff_seconds = BACKOFF_SECONDS_MIN
            stop.wait(backoff_seconds)
            backoff_seconds = min(backoff_seconds * 2, BACKOFF_SECONDS_MAX)
    finally:
        spool.close()


def _interrupted(spool: Spool, error: Transient | Refused, report: ReportTo) -> None:
    if not spool.interruption:
        report(LogReport("WARN", f"The stream from the origin was interrupted: {error.message}"))
    spool.interruption = error.message


class _Receiver:
    """One connection's worth of the stream."""

    def __init__(
        self,
        origin: Server,
        spool: Spool,
        server_id: int,
        report: ReportTo,
        stop: threading.Event,
    ) -> None:
        self._origin = origin
        self._spool = spool
        self._server_id = server_id
        self._report = report
        self._stop = stop
        self._place: Position
        self._goal: Position  # behind what is spooled already
        self._format: Format | None = None
        self._framer = Framer()
        self._is_reckoned = False  # the last event did not say where it ends
        self._log_end = _LogEnd(origin)

    def run(self, start: Position) -> None:
        """Receive until `stop` or until the connection breaks."""
        self._goal = self._place = start
        if start.offset_bytes >= WRAP_BYTES:  # the protocol has no words for it
            self._place = Position.start_of(start.file)
        with (
            contextlib.closing(self._log_end),
            contextlib.closing(BinlogStream(self._origin, self._place, self._server_id)) as stream,
        ):
            while not self._stop.is_set():
                if self._take_many(stream):
                    continue
                raw = stream.next_event()
                if raw is None:
                    stream.wait()
                else:
                    self._take(raw)

    def _take_many(self, stream: BinlogStream) -> bool:
        """Spool the ordinary events that have come; False where the next one is not, or is cut."""
        if self._format is None or self._is_reckoned or self._place < self._goal:
            return False
        before = self._place.offset_bytes
        received, at = stream.received()
        records = self._framer.frame(
            received,
            at,
            sequence=stream.sequence,
            end_offset=before % WRAP_BYTES,
            has_checksum=self._format.has_checksum,
        )
        if not records:
            return False
        stream.take(self._framer.taken, self._framer.sequence)
        end_offset = whole_offset(self._framer.end_offset, before)
        self._spool.append_records(records, end_offset, stop=self._stop)
        self._place = self._place.in_same_file(end_offset)
        return True

    def _take(self, raw: bytes) -> None:
        header = read_header(raw)
        if header.type == EventType.FORMAT_DESCRIPTION:
            self._begin(raw, header)
        elif header.type == EventType.ROTATE and header.is_artificial:
            self._rotate(raw)
            return
        elif self._format is None:
            raise Stopped(
                f"A {name_of(header.type)} event came before the format description.",
                code="BadEvent",
                remedy="Resume the sync task.",
            )
        assert self._format is not None
        verify_checksum(raw, self._format)
        if header.type in _HEARTBEATS:
            self._heartbeat(raw)
        elif not header.is_artificial or ends_at_border(header, self._place.offset_bytes):
            self._append(raw, header)
        elif self._format.is_mariadb and not is_made_up(header):
            self._reckon(raw)

    def _begin(self, raw: bytes, header: Header) -> None:
        self._format = parse_format(raw)
        self._require_same_file(raw)
        self._spool.begin_segment(max(self._place, self._goal), self._format)
        if self._spool.interruption:
            self._spool.interruption = ""
            self._report(LogReport("NORMAL", f"The stream goes on from {self._place}."))

    def _rotate(self, raw: bytes) -> None:
        """The sender goes over to another file, or says at the beginning which one it reads."""
        event = parse(raw, Format("", _has_checksum(raw), b"", b""))
        assert isinstance(event, Rotate)
        if event.file != self._place.file:
            place = Position(event.file, event.offset)
            if not self._place.is_followed_by(place):
                raise log_replaced(self._origin, self._place, place)
            self._place = place

    def _require_same_file(self, raw: bytes) -> None:
        """A file that is taken up again was made by the same server at the same time as before;
        if not, its offsets mean other events."""
        known = self._spool.segments[-1] if self._spool.segments else None
        if known is None or known.start.file != self._place.file:
            return
        if _made(known.log_format.raw) != _made(raw):
            raise log_replaced(self._origin, known.end, f"{self._place.file} of another making")

    def _append(self, raw: bytes, header: Header) -> None:
        before = self._place.offset_bytes
        end_offset = whole_offset(header.end_offset, before)
        is_wrapped = header.end_offset <= before % WRAP_BYTES
        if (is_wrapped or self._is_reckoned) and end_offset != before + len(raw):
            raise Stopped(
                f"The binary log goes back or leaves something out: an event of {len(raw)} bytes"
                f" that ends at {header.end_offset} follows {self._place}.",
                code="BadEvent",
                remedy="Start the sync task again from a new copy; report it if it comes back.",
            )
        self._is_reckoned = False
        self._keep(raw, end_offset)

    def _reckon(self, raw: bytes) -> None:
        """From 11.7 on events within a transaction do not say where they end. Nothing is left out
        between them, so it follows; the one that ends the transaction says whether that is so."""
        assert self._format is not None
        end_offset = self._place.offset_bytes + len(raw)
        self._is_reckoned = True
        self._keep(placed(raw, end_offset, self._format), end_offset)

    def _keep(self, raw: bytes, end_offset: int) -> None:
        if end_offset > self._goal.offset_bytes or self._place.file != self._goal.file:
            self._spool.append(raw, end_offset, stop=self._stop)
        self._place = self._place.in_same_file(end_offset)

    def _heartbeat(self, raw: bytes) -> None:
        """Nothing happened. Events may have been left out before, so it can move the position."""
        assert self._format is not None
        event = parse(raw, self._format)
        assert isinstance(event, Heartbeat)
        self._spool.sync_if_due()
        if event.file == self._place.file and event.offset > self._place.offset_bytes:
            self._append(raw, event.header)
        self._log_end.require_behind(self._place)


class _LogEnd:
    """Where the origin says its log ends, asked whenever its stream has nothing to tell.

    A server whose log was begun anew may go on to wait for more of the file that is gone, and send
    heartbeats for ever.
    """

    def __init__(self, origin: Server) -> None:
        self._origin = origin
        self._session: Session | None = None
        self._seen: Position | None = None

    def close(self) -> None:
        """End the session on the origin."""
        if self._session is not None:
            self._session.cut()
            self._session = None

    def require_behind(self, place: Position) -> None:
        """Stopped (BinlogReplaced) where the log ends before this place. Transient where it went
        on behind it before, and nothing of that has come: who comes back is told which log it is.
        """
        before, self._seen = self._seen, self._ask()
        if before is not None and place < before:
            raise Transient(
                f"The log of {self._origin} goes on to {before}, and its stream ends at {place}.",
                code="ConnectionLost",
            )
        if self._seen is not None and not place.is_followed_by(self._seen):
            raise log_replaced(self._origin, place, self._seen)

    def _ask(self) -> Position | None:
        """None where the origin has no answer now; the stream itself says if it is lost."""
        try:
            if self._session is None:
                self._session = open_session(self._origin, read_timeout_seconds=SILENCE_SECONDS_MAX)
            return read_current_position(self._session)
        except SternaError:
            self.close()
            return None


def ends_at_border(header: Header, before: int) -> bool:
    """Whether an event behind offset `before` says 0 because it ends at 4 GB to the byte, not
    because it stands in no file."""
    return not is_made_up(header) and (before + header.size_bytes) % WRAP_BYTES == 0


def is_made_up(header: Header) -> bool:
    """Whether an event that says 0 stands in no file."""
    return bool(header.flags & FLAG_ARTIFICIAL) or header.type == EventType.FORMAT_DESCRIPTION


def _made(format_description: bytes) -> tuple[int, int, str]:
    """When a log file was begun, by which server, and what that ran."""
    header = read_header(format_description)
    return header.timestamp, header.server_id, parse_format(format_description).server_version


def _has_checksum(raw: bytes) -> bool:
    """Whether an event ends with its own CRC32; before the format is known nothing else says so."""
    return zlib.crc32(raw[:-4]) == int.from_bytes(raw[-4:], "little")
