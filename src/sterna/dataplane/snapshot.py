"""Consistent snapshots of a server at one exactly known position, with a lock of milliseconds.

MySQL: `FLUSH TABLES WITH READ LOCK`, a transaction with a consistent snapshot in every session,
the position, `UNLOCK TABLES`. The lock is asked for only while no statement has been running for
long, and only waited for a moment, because whoever writes meanwhile queues behind us. Without the
privilege for it, `LOCK TABLES … READ` on the tables concerned does the same. MariaDB says at
which position a snapshot is; no lock, as long as all sessions hit the same one.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sterna.dataplane.schema import open_origin_session
from sterna.errors import Refused, SternaError, Stopped, Transient
from sterna.mysql.catalog import Table, is_user_database
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    greeting_version,
    query,
)
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position
from sterna.mysql.statements import statement

LOCK_WAIT_SECONDS = 2
LONG_STATEMENT_SECONDS = 2
TRY_AGAIN_SECONDS = 0.5
PAUSE_SECONDS = 4.0  # after writers have waited for nothing; twice as long the next time
PAUSE_SECONDS_MAX = 16.0
GIVE_UP_SECONDS = 300.0
TRIES = 10
_PRIVILEGE_MISSING = {1227}
_NO_SUCH_TABLE = 1146


@dataclass(frozen=True)
class Snapshot:
    """Sessions that all see the data as of `position`; raw results (no character set).

    `lock_seconds` is how long writers were kept waiting, 0.0 where no lock was taken; `how` names
    the way it was made. Close it: an open snapshot makes the origin keep old row versions.
    """

    position: Position
    sessions: tuple[Session, ...] = field(repr=False)
    lock_seconds: float
    how: str

    def close(self) -> None:
        """Close its sessions; they may be broken."""
        close_sessions(self.sessions)


def close_sessions(sessions: Iterable[Session]) -> None:
    """Close sessions in whatever state they are, also in the middle of a result.

    The server is told at once, even if somebody still holds a reference to the socket: an open
    snapshot would keep row versions and locks.
    """
    for session in sessions:
        if session._sock is not None:
            with contextlib.suppress(OSError):  # closed already
                session._sock.shutdown(socket.SHUT_RDWR)
        session._force_close()


def read_position(session: Session) -> Position:
    """Where the server's binary log ends now.

    Raises:
        Stopped: the server writes no binary log.
    """
    rows = query(session, statement("read_position", greeting_version(session)))
    if not rows:
        raise Stopped(
            "The origin writes no binary log.",
            code="BinaryLogOff",
            remedy="Turn it on: log_bin and server_id in the server's configuration.",
        )
    return Position.parse(f"{rows[0][0]}:{rows[0][1]}")


def open_snapshot(
    server: Server, sessions: int, *, give_up_seconds: float = GIVE_UP_SECONDS
) -> Snapshot:
    """A snapshot seen by `sessions` sessions at one position.

    Raises:
        Refused: LongStatements or LockNotGranted; nothing could be locked for so long.
        Stopped: the server writes no binary log.
    """
    opened: list[Session] = []
    try:
        for _ in range(sessions):
            opened.append(open_origin_session(server))
            execute(opened[-1], "SET character_set_results = NULL")
            _log_nothing(opened[-1])
        return _snapshot(server, tuple(opened), give_up_seconds)
    except SternaError:
        close_sessions(opened)
        raise


def _snapshot(server: Server, sessions: tuple[Session, ...], give_up_seconds: float) -> Snapshot:
    if greeting_version(sessions[0]).is_mariadb:
        for _ in range(TRIES):
            positions = {_begin_at_known_position(session) for session in sessions}
            if len(positions) == 1:
                return Snapshot(positions.pop(), sessions, 0.0, "MariaDB's snapshot position")
    locker = open_origin_session(server, lock_wait_seconds=LOCK_WAIT_SECONDS)
    try:
        for _ in range(TRIES):
            if snapshot := _try_snapshot(locker, sessions, give_up_seconds):
                return snapshot
        raise Refused(
            f"Tables were made on the origin during each of {TRIES} snapshots.",
            code="LockNotGranted",
            remedy="Grant RELOAD to the account, so that one lock holds for all tables.",
        )
    finally:
        close_sessions([locker])  # gives every lock back, whatever happened


def _try_snapshot(
    locker: Session, sessions: tuple[Session, ...], give_up_seconds: float
) -> Snapshot | None:
    """None where a table was made meanwhile that no lock has held."""
    locked = _lock(locker, give_up_seconds)
    started = time.monotonic()
    for session in sessions:
        _begin(session)
    position = read_position(locker)
    execute(locker, "UNLOCK TABLES")
    lock_seconds = time.monotonic() - started
    if locked.tables and not locked.tables >= _all_tables(locker):
        return None
    return Snapshot(position, sessions, lock_seconds, locked.how)


def _log_nothing(session: Session) -> None:
    """MariaDB gives the tables read free at a savepoint only in a session without a binary log."""
    if greeting_version(session).is_mariadb:
        try:
            execute(session, "SET sql_log_bin = 0")
        except ServerError as error:
            if not _is_privilege_missing(error):
                raise


def _begin(session: Session) -> None:
    execute(session, "ROLLBACK")
    execute(session, "START TRANSACTION WITH CONSISTENT SNAPSHOT")


def _begin_at_known_position(session: Session) -> Position:
    _begin(session)
    rows = query(session, "SHOW STATUS LIKE 'binlog\\_snapshot\\_%'")
    status = {_text(name).lower(): _text(value) for name, value in rows}
    if not status.get("binlog_snapshot_file"):
        return read_position(session)  # raises where there is no binary log
    return Position.parse(f"{status['binlog_snapshot_file']}:{status['binlog_snapshot_position']}")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class _Locked(NamedTuple):
    """How writers were stopped, and the names of what was locked; none where it is everything."""

    how: str
    tables: frozenset[str] = frozenset()


def _lock(locker: Session, give_up_seconds: float) -> _Locked:
    """Stop all writers."""

    def global_lock() -> None:
        execute(locker, "FLUSH TABLES WITH READ LOCK")

    try:
        lock_briefly(locker, global_lock, give_up_seconds=give_up_seconds)
        return _Locked("FLUSH TABLES WITH READ LOCK")
    except (Refused, ServerError) as error:
        if not _is_privilege_missing(error):
            raise
    # InnoDB joins in only in a transaction: it waits for rows not yet committed
    execute(locker, "SET autocommit = 0, innodb_table_locks = 1")
    execute(locker, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # of what is there
    tables = frozenset[str]()

    def lock_tables() -> None:
        nonlocal tables
        tables = _all_tables(locker)
        try:
            execute(locker, "LOCK TABLES " + ", ".join(f"{name} READ" for name in sorted(tables)))
        except ServerError as error:
            if error.number != _NO_SUCH_TABLE:
                raise
            raise Transient("A table was dropped just now.", code="LockWaitTimeout") from error

    lock_briefly(locker, lock_tables, give_up_seconds=give_up_seconds)
    return _Locked("LOCK TABLES … READ", tables)


def _is_privilege_missing(error: SternaError) -> bool:
    if isinstance(error, ServerError):
        return error.number in _PRIVILEGE_MISSING
    return error.code == "AccessDenied"


def _all_tables(session: Session) -> frozenset[str]:
    """The quoted names of all tables of users."""
    rows = query(
        session,
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
        " WHERE TABLE_TYPE = 'BASE TABLE'",
    )
    names = frozenset(quote(str(d), str(t)) for d, t in rows if is_user_database(str(d)))
    if not names:
        raise Refused(
            "The origin shows us no table that could be locked.",
            code="LockNotGranted",
            remedy="Grant RELOAD, or LOCK TABLES and SELECT on the databases, to the account.",
        )
    return names


def lock_briefly(
    locker: Session, lock: Callable[[], object], *, give_up_seconds: float = GIVE_UP_SECONDS
) -> None:
    """Run `lock` when nothing runs for long, waiting a moment at most; try again until then.

    Who sits on a lock need not run a statement, and all writers wait behind us: so a lock that was
    not granted is asked for again only after a while.

    Raises:
        Refused: LongStatements or LockNotGranted, when the time is over.
    """
    deadline = time.monotonic() + give_up_seconds
    pause_seconds = PAUSE_SECONDS
    while True:
        wait_seconds = TRY_AGAIN_SECONDS
        reason = _long_statement(locker)
        if reason is None:
            try:
                lock()
                return
            except Transient as error:
                if error.code != "LockWaitTimeout":
                    raise
                reason = "a transaction or statement holds a lock on it"
                wait_seconds = pause_seconds
                pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
        if time.monotonic() > deadline:
            raise Refused(
                f"The origin could not be locked for a moment: {reason}.",
                code="LockNotGranted",
                remedy="Let the long statement or transaction end, or end it, then try again.",
            )
        time.sleep(wait_seconds)


def _long_statement(session: Session) -> str | None:
    """What would keep a global lock, and everybody behind it, waiting."""
    row = query(
        session,
        "SELECT ID, TIME FROM information_schema.PROCESSLIST"
        " WHERE COMMAND IN ('Query', 'Execute') AND TIME >= %s AND ID <> CONNECTION_ID()"
        " AND USER NOT IN ('system user', 'event_scheduler') ORDER BY TIME DESC LIMIT 1",
        [LONG_STATEMENT_SECONDS],
    )
    return f"connection {row[0][0]} has run a statement for {row[0][1]} s" if row else None


@dataclass(frozen=True)
class LockedTable:
    """A table without transactions, locked for reading: raw session, exact position."""

    position: Position
    session: Session = field(repr=False)

    def close(self) -> None:
        """Give the lock back."""
        close_sessions([self.session])


def lock_table(server: Server, table: Table) -> LockedTable:
    """Stop all writers of one table until `close`; others are not touched.

    Raises:
        Refused: LockNotGranted within the time limit.
    """
    session = open_origin_session(server, lock_wait_seconds=LOCK_WAIT_SECONDS)
    name = quote(table.database, table.name)
    try:
        lock_briefly(session, lambda: execute(session, f"LOCK TABLES {name} READ"))
        position = read_position(session)
        execute(session, "SET character_set_results = NULL")
        return LockedTable(position, session)
    except SternaError:
        close_sessions([session])
        raise
