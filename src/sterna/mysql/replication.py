"""A server's binary log as a stream of raw events, and where that log ends now.

The dump speaks the replication protocol over a PyMySQL connection's socket. Packets are read
here and not by PyMySQL, which would build an object for each of them.
"""

from __future__ import annotations

import contextlib
import struct
import uuid
from collections.abc import Iterator

import pymysql
from pymysql.constants import COMMAND

from sterna.errors import Refused, Stopped, Transient
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.parse import parse_format
from sterna.mysql.binlog.types import EventType
from sterna.mysql.connection import (
    Server,
    Session,
    execute,
    greeting_version,
    open_session,
    query,
    translate,
)
from sterna.mysql.position import Position
from sterna.mysql.statements import statement

HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS_MAX = 3 * HEARTBEAT_SECONDS
_DUMP_OFFSET_MAX = (1 << 32) - 1
_PACKET_BYTES_MAX = 0xFFFFFF
_HEADER_BYTES = 4
_READ_BYTES = 256 << 10
_LOG_UNREADABLE = 1236
_SEND_ANNOTATIONS = 2  # of MariaDB: else events are left out, and places cannot be reckoned
_OK, _END, _ERROR = 0x00, 0xFE, 0xFF


def read_current_position(connection: Session) -> Position:
    """Where the server's binary log ends now. Refused (BinaryLogOff) where it writes none."""
    rows = query(connection, statement("read_position", greeting_version(connection)))
    if not rows:
        raise Refused(
            "The server writes no binary log.",
            code="BinaryLogOff",
            remedy="Set log_bin and server_id in its configuration and restart it.",
        )
    return Position(str(rows[0][0]), int(rows[0][1]))


def log_replaced(server: Server, known: object, found: object) -> Stopped:
    """What is raised where a server has another binary log than the one that is followed."""
    return Stopped(
        f"{server} has another binary log than before: it was at {known}, and is at {found} now.",
        code="BinlogReplaced",
        remedy="The log was reset or renamed, or the address leads to another server. Let it lead"
        " to the server that was followed, or start the sync task again from a new copy.",
    )


def read_format_description(server: Server, server_id: int) -> Format:
    """The format in which `server` itself writes its binary log now."""
    with contextlib.closing(open_session(server)) as connection:
        position = read_current_position(connection)
    with contextlib.closing(BinlogStream(server, position, server_id)) as stream:
        for raw in stream:
            if raw[4] == EventType.FORMAT_DESCRIPTION:
                return parse_format(raw)
    raise Transient(f"The binary log of {server} ended before its format description.")


class BinlogStream:
    """Iterates over the raw events behind a position, heartbeats and artificial ones included.

    Checksums are sent as the server has them in its files. Waits for new events; Transient when
    the server is silent for `SILENCE_SECONDS_MAX` or the connection breaks, Stopped
    (BinlogUnreadable) when the server no longer has the position.
    """

    def __init__(self, server: Server, start: Position, server_id: int) -> None:
        self._server = server
        self._start = start
        self._connection = open_session(server, read_timeout_seconds=SILENCE_SECONDS_MAX)
        for sql in _negotiation(self._connection, server_id):
            execute(self._connection, sql)
        try:
            self._request_dump(server_id)
        except pymysql.MySQLError as error:
            raise translate(error, server) from error
        # PyMySQL sets the time a read may take with every read of its own; from here on we read.
        assert self._connection._sock is not None
        self._connection._sock.settimeout(SILENCE_SECONDS_MAX)
        self.sequence = self._connection._next_seq_id
        self._received, self._at = b"", 0

    def close(self) -> None:
        """Cut the connection; a thread that waits in the iteration gets Transient."""
        self._connection.cut()

    def _request_dump(self, server_id: int) -> None:
        file, offset = _dump_arguments(self._start)
        connection = self._connection
        registration = struct.pack("<I3sHII", server_id, bytes(3), 0, 0, 0)
        connection._execute_command(COMMAND.COM_REGISTER_SLAVE, registration)
        connection._read_ok_packet()
        flags = _SEND_ANNOTATIONS if greeting_version(connection).is_mariadb else 0
        request = struct.pack("<IHI", offset, flags, server_id) + file.encode()
        connection._execute_command(COMMAND.COM_BINLOG_DUMP, request)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            raw = self.next_event()
            if raw is None:
                self.wait()
            else:
                yield raw

    def received(self) -> tuple[bytes, int]:
        """What has come and was not taken: bytes, and where in them the next packet begins."""
        return self._received, self._at

    def take(self, at: int, sequence: int) -> None:
        """The packets before `at` in `received` are done; the next one has this number."""
        self._at, self.sequence = at, sequence

    def wait(self) -> None:
        """Wait for more bytes."""
        try:
            more = self._connection._rfile.read1(_READ_BYTES)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise self._broken(error) from error
        if not more:
            raise self._broken("the server closed the connection")
        self._received, self._at = self._received[self._at :] + more, 0

    def next_event(self) -> bytes | None:
        """The next event; None while it has not come whole. Waits only in the middle of events
        that are larger than what is read at once."""
        front = self._received[self._at : self._at + _HEADER_BYTES]
        if len(front) < _HEADER_BYTES:
            return None
        size_bytes = _HEADER_BYTES + int.from_bytes(front[:3], "little")
        if len(self._received) - self._at < size_bytes < _READ_BYTES:
            return None
        packet = self._packet()
        if packet[0] != _OK:
            self._raise_for(packet)
        return packet[1:]

    def _packet(self) -> bytes:
        """One packet, reassembled where it is longer than 16 MB."""
        parts: list[bytes] = []
        while True:
            head = self._exactly(_HEADER_BYTES)
            if head[3] != self.sequence:
                raise self._broken(f"packet {head[3]} came where {self.sequence} was due")
            self.sequence = (self.sequence + 1) & 0xFF
            size_bytes = int.from_bytes(head[:3], "little")
            parts.append(self._exactly(size_bytes))
            if size_bytes < _PACKET_BYTES_MAX:
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _exactly(self, count: int) -> bytes:
        data = self._received[self._at : self._at + count]
        self._at += len(data)
        if len(data) == count:
            return data
        try:
            more = self._connection._rfile.read(count - len(data))
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        if len(data) + len(more) < count:
            raise self._broken("the server closed the connection")
        return data + more

    def _broken(self, why: object) -> Transient:
        return Transient(
            f"The binary log stream of {self._server} broke: {why}.", code="ConnectionLost"
        )

    def _raise_for(self, packet: bytes) -> None:
        if packet[0] == _END:
            raise Transient(f"{self._server} ended the binary log stream.", code="ConnectionLost")
        number = int.from_bytes(packet[1:3], "little")
        text = packet[9:].decode("utf-8", "replace")
        if packet[0] == _ERROR and number == _LOG_UNREADABLE:
            raise Stopped(
                f"{self._server} cannot send its binary log from {self._start} on: {text}.",
                code="BinlogUnreadable",
                remedy="The log was probably purged. Start the sync task again from a new copy.",
            )
        raise translate(pymysql.OperationalError(number, text), self._server)


def _dump_arguments(start: Position) -> tuple[str, int]:
    if start.offset_bytes > _DUMP_OFFSET_MAX:
        raise Stopped(
            f"The binary log position {start} lies behind 4 GB in its file.",
            code="BinlogTooLarge",
            remedy="Set max_binlog_size to 1 GB or less, split large transactions, start again.",
        )
    return start.file, start.offset_bytes


def _negotiation(connection: Session, server_id: int) -> Iterator[str]:
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"sterna replica {server_id}")
    nanoseconds = int(HEARTBEAT_SECONDS * 1e9)
    if greeting_version(connection).is_mariadb:
        yield "SET @mariadb_slave_capability = 4"
    yield (
        "SET @master_binlog_checksum = @@global.binlog_checksum,"
        " @source_binlog_checksum = @@global.binlog_checksum,"
        f" @master_heartbeat_period = {nanoseconds}, @source_heartbeat_period = {nanoseconds},"
        f" @slave_uuid = '{identity}', @replica_uuid = '{identity}'"
    )
