"""Notices rogue writers: whoever else changes rows on the destination.

`read_only` does not bind administrators, and a server that restarts may have forgotten it. So the
destination's own binary log is read as well: a transaction that changes rows and does not move our
checkpoint is not ours, and neither is a change of a table or database, or of rows that take no part
in transactions, that was not announced in a table of ours just before. How far it has been read is
kept beside the spool, so that what happens while we are down is found when we are back.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sterna.dataplane.checkpoint import ANNOUNCED, ANNOUNCED_DDL, ANNOUNCED_ROWS, DATABASE
from sterna.dataplane.ddl import is_system_only
from sterna.dataplane.reports import LogReport, ReportTo, RogueReport
from sterna.dataplane.spool import writing
from sterna.errors import Refused, Stopped, Transient
from sterna.mysql.binlog.compressed import unpack_payload
from sterna.mysql.binlog.events import Format, Query, Rotate, TableMap, TransactionPayload
from sterna.mysql.binlog.parse import parse, parse_format, read_header
from sterna.mysql.binlog.types import EventType
from sterna.mysql.connection import Server, open_session
from sterna.mysql.position import Position
from sterna.mysql.replication import BinlogStream, read_current_position
from sterna.mysql.sql_text import Kind, classify

RETRY_SECONDS = 1.0
KEEP_SECONDS = 1.0
SAY_SECONDS = 0.5  # so seldom, however much somebody writes
NOT_THEIRS = frozenset({DATABASE, "mysql"})
_ENDS = frozenset({EventType.XID, EventType.QUERY, EventType.XA_PREPARE})


@dataclass
class _Transaction:
    """What the transaction being read has touched so far."""

    tables: set[str] = field(default_factory=set)
    is_ours: bool = False
    announces: str = ""


def watched_file(spool: Path) -> Path:
    """Where a task keeps up to which position the destination has been watched."""
    return spool / "watched"


def watch_from(spool: Path, position: Position) -> None:
    """Let the next watch begin at a position; the spool is not in use."""
    spool.mkdir(parents=True, exist_ok=True)
    watched_file(spool).write_text(str(position))


class RogueWatch:
    """Reads the destination's binary log from where it was left.

    Args:
        file: keeps the position between processes; made with the first look.
        server_id: what this reader calls itself; not the receiver's number.
    """

    def __init__(self, destination: Server, file: Path, *, server_id: int) -> None:
        self._destination = destination
        self._file = file
        self._server_id = server_id
        self._kept_at = self._said_at = 0.0
        self._found: set[str] = set()  # tables, not said yet
        self._place = self._start()
        self._format: Format | None = None
        self._open = _Transaction()
        self._expected = ""  # what was announced as ours
        self.altered = threading.Event()  # by a statement that is not ours

    def run(self, report: ReportTo, stop: threading.Event) -> None:
        """Report rogue transactions until `stop`; a broken connection is opened again."""
        while not stop.is_set():
            try:
                self._read(report, stop)
            except (Transient, Refused):
                stop.wait(RETRY_SECONDS)  # the follower says aloud that the destination is away
            except Stopped as error:
                report(LogReport("WARN", f"Rogue writers were not looked for: {error.message}"))
                self._keep(self._newest())
                stop.wait(RETRY_SECONDS)  # whatever stopped it may be there still

    def _read(self, report: ReportTo, stop: threading.Event) -> None:
        stream = BinlogStream(self._destination, self._place, self._server_id)
        with contextlib.closing(stream):
            for raw in stream:
                for tables in self._take(raw):
                    self._found |= tables
                if self._found and time.monotonic() - self._said_at > SAY_SECONDS:
                    report(RogueReport(str(self._place), sorted(self._found)))
                    self._found, self._said_at = set(), time.monotonic()
                if stop.is_set():
                    return

    def _take(self, raw: bytes) -> Iterator[set[str]]:
        """The tables of a rogue transaction when one ends with this event."""
        header = read_header(raw)
        if header.type == EventType.FORMAT_DESCRIPTION:
            self._format = parse_format(raw)
        elif header.type == EventType.ROTATE:
            self._rotate(raw)
            return
        elif self._format is not None:
            yield from self._judge(raw, self._format)
        if not header.is_artificial and header.end_offset > self._place.offset_bytes:
            self._place = self._place.in_same_file(header.end_offset)
            is_due = time.monotonic() - self._kept_at > KEEP_SECONDS
            is_told = not self._expected and not self._found
            if header.type in _ENDS and is_due and is_told:
                self._keep(self._place)

    def _judge(self, raw: bytes, log_format: Format) -> Iterator[set[str]]:
        kind = read_header(raw).type
        if kind == EventType.TRANSACTION_PAYLOAD:
            payload = parse(raw, log_format)
            assert isinstance(payload, TransactionPayload)
            for inner in unpack_payload(payload, log_format):
                yield from self._judge(inner, log_format)
        elif kind == EventType.TABLE_MAP:
            self._touch(raw, log_format)
        elif kind in _ENDS:
            ended, self._open = self._open, _Transaction()
            if ended.is_ours:
                self._expected = ended.announces
            if ended.tables and not ended.is_ours:
                if self._expected == ANNOUNCED_ROWS:
                    self._expected = ""
                else:
                    yield ended.tables
            if kind == EventType.QUERY and (changed := _changed_by(raw, log_format)):
                if self._expected == ANNOUNCED_DDL:
                    self._expected = ""
                else:
                    self.altered.set()
                    yield changed

    def _touch(self, raw: bytes, log_format: Format) -> None:
        event = parse(raw, log_format)
        assert isinstance(event, TableMap)
        if event.database == DATABASE:
            self._open.is_ours = True
            if event.table in ANNOUNCED:
                self._open.announces = event.table
        elif event.database not in NOT_THEIRS:
            self._open.tables.add(f"{event.database}.{event.table}")

    def _rotate(self, raw: bytes) -> None:
        """Comes first of all, before anything says whether checksums follow: it shows itself."""
        has_checksum = zlib.crc32(raw[:-4]) == int.from_bytes(raw[-4:], "little")
        event = parse(raw, Format("", has_checksum, b"", b""))
        assert isinstance(event, Rotate)
        if event.file != self._place.file:
            self._place = Position(event.file, event.offset)
            if not self._found:
                self._keep(self._place)

    def _start(self) -> Position:
        if self._file.exists():
            return Position.parse(self._file.read_text())
        position = self._newest()
        self._keep(position)
        return position

    def _newest(self) -> Position:
        with open_session(self._destination) as session:
            return read_current_position(session)

    def _keep(self, place: Position) -> None:
        self._place, self._kept_at = place, time.monotonic()
        with writing(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(str(place))
            fresh.rename(self._file)


def _changed_by(raw: bytes, log_format: Format) -> set[str]:
    """The tables and databases that a statement makes, alters or drops."""
    event = parse(raw, log_format)
    assert isinstance(event, Query)
    statement = classify(event.sql, event.sql_mode)
    if statement.kind is not Kind.DDL or is_system_only(event, statement):
        return set()
    if statement.object_type in ("DATABASE", "SCHEMA"):
        return {name for _, name in statement.names}
    if statement.object_type in ("TABLE", "TABLES"):
        return {f"{database or event.database}.{name}" for database, name in statement.names}
    return set()
