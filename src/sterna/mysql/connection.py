"""Connections to servers: one way to open a session, one way to ask, errors translated.

`open_session` sets every session variable that could change what a statement means, so nothing
depends on a server's configuration. `query`, `scalar`, `query_dicts` and `execute` raise only
errors of `sterna.errors`: Refused (Unreachable, AccessDenied), Transient (connection lost, lock
waits, deadlocks) and `ServerError` for everything else a server may answer.
"""

from __future__ import annotations

import contextlib
import io
import math
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from weakref import WeakSet

import pymysql
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import CLIENT, COMMAND
from pymysql.cursors import Cursor, DictCursor
from pymysql.protocol import OKPacketWrapper

from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.advice import advice
from sterna.mysql.statements import statement
from sterna.mysql.version import Version

Tls = Literal["Preferred", "Disabled", "Required"]

CONNECT_TIMEOUT_SECONDS = 10
# A server that hangs still takes connections: its kernel does.
GREETING_SECONDS_MAX = 30.0
# A peer that is gone without a word is noticed in half a minute; a slow one is waited for.
PROBES = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 4}
IDLE_TIMEOUT_SECONDS = 604_800
NET_TIMEOUT_SECONDS = 3_600
LOCK_WAIT_SECONDS = 50
# Values travel as they are: row 0 of an AUTO_INCREMENT column stays 0, '2023-02-31' stays itself.
SQL_MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"

_ACCESS_DENIED = {1044, 1045, 1130, 1251, 1698, 1820, 1862, 3118, 3955, 4151}
_UNREACHABLE = {2002, 2003, 2005}
_LOST = {0, 1053, 1077, 1079, 1927, 2006, 2013, 2014, 2055, 4031}
_BUSY = {
    1040: "TooManyConnections",
    1203: "TooManyConnections",
    1205: "LockWaitTimeout",
    1213: "Deadlock",
    1226: "TooManyConnections",
    1317: "Interrupted",
}


class ServerError(SternaError):
    """A server refused a statement. `number` is its error number, e.g. 1146. There is a remedy
    where the number tells one."""

    code = "ServerError"

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"The server answered {number}: {text}.", remedy=advice(number, text))
        self.number = number
        self.text = text


class Session(Connection):
    """A connection as `open_session` returns it: its session variables are set on purpose."""

    server_version: str  # what the server greeted with
    _sock: socket.socket | None
    _read_timeout: float | None
    _rfile: io.BufferedReader
    _next_seq_id: int
    server_thread_id: tuple[int]  # what the server calls this connection
    _execute_command: Callable[[int, bytes], None]
    _read_ok_packet: Callable[[], OKPacketWrapper]
    _force_close: Callable[[], None]
    _result: MySQLResult | None

    def _create_ssl_ctx(self, sslp: Mapping[str, str]) -> ssl.SSLContext:
        """PyMySQL's hook: encryption with whatever the server has; with an authority, only with a
        server whose certificate it has signed, whatever name stands in there.

        5.6 knows only TLS 1.0 and RSA key exchange, which OpenSSL refuses by itself.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        authority = sslp.get("authority")
        context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
        if authority:
            context.load_verify_locations(cadata=authority)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.options |= 0x4  # OP_LEGACY_SERVER_CONNECT, named by Python from 3.12 on
        context.set_ciphers("DEFAULT:kRSA:@SECLEVEL=0")
        return context

    def send(self, sql: bytes) -> None:
        """Write a statement without waiting for its answer; `receive` takes the answers in order.

        Only for statements without a result set. BINLOG must not be part of a multi-statement,
        so many of them are made fast by writing ahead.
        """
        with translated_errors():
            self._execute_command(COMMAND.COM_QUERY, sql)
        self.unanswered.append(self._next_seq_id)

    def receive(self) -> int:
        """Wait for the oldest answer not taken yet; the number of rows it found."""
        self._next_seq_id = self.unanswered.popleft()
        with translated_errors():
            return int(self._read_ok_packet().affected_rows)

    @property
    def warnings(self) -> int:
        """How many warnings the last statement left behind."""
        return self._result.warning_count if self._result else 0

    @cached_property
    def unanswered(self) -> deque[int]:
        """Packet numbers the answers of sent statements will begin with."""
        return deque()

    def probe_peer(self) -> None:
        """Ask the peer's kernel from time to time whether it is still there."""
        if self._sock is not None:
            for option, value in PROBES.items():
                self._sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def limit_answers(self, seconds: float | None) -> None:
        """Wait so long for every answer from now on; None: for ever."""
        self._read_timeout = seconds

    def ping_within(self, seconds: float) -> None:
        """Raise an error of PyMySQL's unless the server answers by then."""
        usual, self._read_timeout = self._read_timeout, seconds
        try:
            self.ping(reconnect=False)
        finally:
            self._read_timeout = usual

    def cut(self) -> None:
        """Close the socket at once, also under another thread that waits on it."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        self._force_close()


@dataclass(frozen=True)
class Server:
    """Where a server is and who we are there.

    Attributes:
        authority: the certificate its own must be signed with, PEM; empty: any will do.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: Tls = "Preferred"
    authority: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def open_session(
    server: Server,
    *,
    autocommit: bool = True,
    read_timeout_seconds: float | None = None,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
    local_infile: bool = False,
) -> Session:
    """A connection whose session variables are all set on purpose.

    Texts are utf8mb4, the time zone is UTC, `SQL_MODE` lets values through unchanged, updates
    count the rows found, statements have no time limit. Binary logging stays as it is. With
    `local_infile` the connection may stream LOAD DATA LOCAL.

    Raises:
        Refused: Unreachable or AccessDenied.
        Transient: the connection broke while it was set up, or the server has too many.
    """
    with translated_errors(server):
        try:
            greeting_seconds = min(read_timeout_seconds or math.inf, GREETING_SECONDS_MAX)
            connection = _connect(server, greeting_seconds, local_infile)
        except UnicodeError as error:  # Python's own of names such as a..b
            raise pymysql.OperationalError(2005, "that is no name of a host") from error
        connection.probe_peer()
    with _opening:
        _opened.add(connection)
    execute(connection, f"SET SESSION autocommit = {autocommit:d}")
    for sql in _session_statements(lock_wait_seconds, greeting_version(connection)):
        execute(connection, sql)
    connection.limit_answers(read_timeout_seconds)
    return connection


_opened: WeakSet[Session] = WeakSet()
_opening = threading.Lock()


def own_connections(server: Server) -> frozenset[int]:
    """Numbers, as the server counts them, of the sessions this process has open there."""
    with _opening:
        sessions = list(_opened)
    address = (server.host, server.port)
    open_there = (s for s in sessions if s.open and (s.host, s.port) == address)
    return frozenset(session.server_thread_id[0] for session in open_there)


def _connect(server: Server, read_timeout_seconds: float, local_infile: bool) -> Session:
    return Session(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.encode(),  # PyMySQL would take latin1
        charset="utf8mb4",
        client_flag=CLIENT.FOUND_ROWS,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        ssl={"authority": server.authority} if server.tls == "Required" else None,
        ssl_disabled=server.tls == "Disabled",
        local_infile=local_infile,
        autocommit=None,
        program_name="sterna",
    )


def _session_statements(lock_wait_seconds: int, version: Version) -> Iterable[str]:
    yield "SET NAMES utf8mb4"
    # By itself: under STRICT_ALL_TABLES a server refuses numbers that it otherwise makes smaller.
    yield f"SET SESSION sql_mode = '{SQL_MODE}'"
    yield (
        f"SET SESSION time_zone = '+00:00',"
        f" lock_wait_timeout = {lock_wait_seconds}, innodb_lock_wait_timeout = {lock_wait_seconds},"
        f" wait_timeout = {IDLE_TIMEOUT_SECONDS}, net_read_timeout = {NET_TIMEOUT_SECONDS},"
        f" net_write_timeout = {NET_TIMEOUT_SECONDS}, sql_quote_show_create = 1,"
        " sql_safe_updates = 0, sql_select_limit = 18446744073709551615,"
        " group_concat_max_len = 4294967295, sql_big_selects = 1, completion_type = 'NO_CHAIN'"
    )
    yield "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"
    yield from filter(None, (statement(name, version) for name in ("no_time_limit", "old_utf8")))


def greeting_version(connection: Session) -> Version:
    """The version the server greeted with; no round trip."""
    return Version.parse(connection.server_version)


def server_version(connection: Session) -> Version:
    """The version the server itself says it is (a proxy may greet with another one)."""
    return Version.parse(str(scalar(connection, "SELECT VERSION()")))


def query(connection: Session, sql: str, args: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement. `%s` in the statement stands for a value of `args`."""
    with translated_errors(), connection.cursor(Cursor) as cursor:
        cursor.execute(sql, tuple(args) or None)
        return list(cursor.fetchall())


def query_dicts(connection: Session, sql: str, args: Iterable[Any] = ()) -> list[dict[str, Any]]:
    """All rows of a statement, each by column name as the server spells it."""
    with translated_errors(), connection.cursor(DictCursor) as cursor:
        cursor.execute(sql, tuple(args) or None)
        return list(cursor.fetchall())


def scalar(connection: Session, sql: str, args: Iterable[Any] = ()) -> Any:
    """The first column of the first row; None where there is no row."""
    rows = query(connection, sql, args)
    return rows[0][0] if rows else None


def execute(connection: Session, sql: str, args: Iterable[Any] = ()) -> int:
    """Run a statement without a result; the number of rows it found."""
    with translated_errors(), connection.cursor(Cursor) as cursor:
        return cursor.execute(sql, tuple(args) or None)


@contextmanager
def translated_errors(server: Server | None = None) -> Generator[None]:
    """Turn PyMySQL's errors into Sterna's."""
    try:
        yield
    except pymysql.MySQLError as error:
        raise translate(error, server) from error


def translate(error: pymysql.MySQLError, server: Server | None = None) -> SternaError:
    """The Sterna error that says what PyMySQL's error means."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
    text = str(error.args[1] if len(error.args) > 1 else error).rstrip(".")
    where = f"The server {server}" if server else "The server"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Refused(
            f"{where} does not show the certificate it has: another server answers there, or"
            " somebody sits in between. It was told nothing.",
            code="CertificateUnknown",
            remedy="Find out who answers there. If its certificates were made anew: remove the"
            " node, add another one.",
        )
    if number in _UNREACHABLE:
        return Refused(
            f"{where} cannot be reached: {text}.",
            code="Unreachable",
            remedy="Check its address and port, that it runs, and the firewalls on the way.",
        )
    if number in _ACCESS_DENIED:
        return Refused(
            f"{where} does not let us in: {text}.",
            code="AccessDenied",
            remedy="Check the user's name, host pattern, password and privileges.",
        )
    if number in _BUSY:
        return Transient(f"{where} is busy: {text}.", code=_BUSY[number])
    if number in _LOST:
        return Transient(f"{where} broke the connection: {text}.", code="ConnectionLost")
    return ServerError(number, text)
