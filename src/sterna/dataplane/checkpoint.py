"""The checkpoint: how far a sync task is, kept on the destination beside the rows it covers.

One row per task in `sterna.checkpoint`. `epoch` fences: every change of the row names the epoch
of its worker, and a worker whose epoch has been overtaken finds no row and stops. `pending` is
the position of a DDL statement that was being run; DDL commits by itself, so after a crash
nobody can know whether it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from sterna.dataplane import definitions, prepared
from sterna.errors import Refused, Stopped
from sterna.mysql.connection import ServerError, Session, execute, query, scalar
from sterna.mysql.identifiers import quote_text
from sterna.mysql.position import Position

DATABASE = "sterna"
ANNOUNCED_DDL, ANNOUNCED_ROWS = ANNOUNCED = ("announced_ddl", "announced_rows")  # what comes next

_CREATE_DATABASE = "CREATE DATABASE sterna DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_CREATE_TABLE = """
CREATE TABLE sterna.checkpoint (
    task VARCHAR(64) NOT NULL PRIMARY KEY,
    epoch BIGINT UNSIGNED NOT NULL,
    position VARCHAR(255) NOT NULL,
    pending VARCHAR(255) NULL
) ENGINE=InnoDB
"""
_EMPTY_BINLOG = {1064, 1149, 1609}  # syntax error, or no format description before
_TABLE_EXISTS = (
    "SELECT COUNT(*) FROM information_schema.tables"
    " WHERE table_schema = 'sterna' AND table_name = 'checkpoint'"
)
_CREATE_ANNOUNCED = """
CREATE TABLE IF NOT EXISTS sterna.{} (
    task VARCHAR(64) NOT NULL PRIMARY KEY,
    position VARCHAR(255) NOT NULL
) ENGINE=InnoDB
"""
_PREPARED_EXISTS = _TABLE_EXISTS.replace("'checkpoint'", "'prepared'")
_DEFINITIONS_EXISTS = _TABLE_EXISTS.replace("'checkpoint'", "'definitions'")
_DATABASE_EXISTS = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'sterna'"


@dataclass(frozen=True)
class Checkpoint:
    """Everything up to `position` is applied; `pending` is set while a DDL statement runs."""

    position: Position
    epoch: int
    pending: Position | None


def create(connection: Session) -> None:
    """Create the database and the table where they are missing. May be called any time."""
    if not scalar(connection, _DATABASE_EXISTS):
        execute(connection, _CREATE_DATABASE)
    if not exists(connection):
        execute(connection, _CREATE_TABLE)
    if not scalar(connection, _PREPARED_EXISTS):
        execute(connection, prepared.CREATE_TABLE)
    for announced in ANNOUNCED:
        if not scalar(connection, _TABLE_EXISTS.replace("'checkpoint'", f"'{announced}'")):
            execute(connection, _CREATE_ANNOUNCED.format(announced))
    if not scalar(connection, _DEFINITIONS_EXISTS):
        execute(connection, definitions.CREATE_TABLE)


def exists(connection: Session) -> bool:
    """Whether the table of checkpoints is there."""
    return bool(scalar(connection, _TABLE_EXISTS))


def prove_relay(connection: Session) -> None:
    """Refused (RelayNotAllowed) unless this account may relay events and move checkpoints."""
    _prove(connection, "UPDATE sterna.checkpoint SET position = position WHERE task = ''")
    prove_may_relay(connection)


def prove_may_relay(connection: Session) -> None:
    """Refused (RelayNotAllowed) unless this account may relay events; touches nothing.

    An empty BINLOG statement is refused for its emptiness only after its privilege is checked.
    """
    _prove(connection, "BINLOG ''")


def _prove(connection: Session, sql: str) -> None:
    try:
        execute(connection, sql)
    except ServerError as error:
        if error.number in _EMPTY_BINLOG:
            return
        raise Refused(
            f"Changes cannot be applied there: {error.text}.",
            code="RelayNotAllowed",
            remedy="Grant SUPER, or BINLOG_ADMIN from MySQL 8.0 on, or BINLOG REPLAY on MariaDB.",
        ) from error


def read(connection: Session, task: str) -> Checkpoint | None:
    """The task's checkpoint; None before `write_start`."""
    rows = query(
        connection, "SELECT position, epoch, pending FROM sterna.checkpoint WHERE task = %s", [task]
    )
    if not rows:
        return None
    position, epoch, pending = rows[0]
    return Checkpoint(
        Position.parse(position), int(epoch), Position.parse(pending) if pending else None
    )


def read_position(connection: Session, task: str) -> Position:
    """Everything up to here is applied and committed. Stopped where the task has no checkpoint."""
    checkpoint = read(connection, task)
    if checkpoint is None:
        raise _missing(task)
    return checkpoint.position


def take_over(connection: Session, task: str, epoch: int) -> None:
    """Make `epoch` the only one that may move the checkpoint; older workers are fenced from now.

    Waits for a window being committed. Stopped (Fenced) when a newer worker is there already. The
    connection must be in autocommit.
    """
    found = execute(
        connection,
        "UPDATE sterna.checkpoint SET epoch = %s WHERE task = %s AND epoch <= %s",
        [epoch, task, epoch],
    )
    if not found and read(connection, task) is not None:
        raise fenced(task)


def write_start(connection: Session, task: str, epoch: int, position: Position) -> None:
    """Set the task to `position`, whatever it had before; its first or a new beginning."""
    definitions.forget(connection, task)
    found = execute(
        connection,
        "UPDATE sterna.checkpoint SET epoch = %s, position = %s, pending = NULL"
        " WHERE task = %s AND epoch <= %s",
        [epoch, str(position), task, epoch],
    )
    if found:
        return
    if read(connection, task) is not None:
        raise fenced(task)
    execute(
        connection,
        "INSERT INTO sterna.checkpoint (task, epoch, position) VALUES (%s, %s, %s)",
        [task, epoch, str(position)],
    )


def resolve_pending(connection: Session, task: str, epoch: int, *, was_applied: bool) -> None:
    """What a person found out about a pending DDL statement: go on behind it, or run it again.
    Where the person did it instead, tables are as they were made."""
    position = "pending" if was_applied else "position"
    found = execute(
        connection,
        f"UPDATE sterna.checkpoint SET position = {position}, pending = NULL"
        " WHERE task = %s AND epoch <= %s AND pending IS NOT NULL",
        [task, epoch],
    )
    if not found:
        raise Stopped(f"The task {task} has no pending statement.", code="NothingPending")
    if was_applied and scalar(connection, _DEFINITIONS_EXISTS):
        definitions.forget(connection, task)


def remove(connection: Session, task: str) -> None:
    """Delete the task's checkpoint, and the whole database `sterna` when no other task is there."""
    if not scalar(connection, _DATABASE_EXISTS):
        return
    if exists(connection):
        execute(connection, "DELETE FROM sterna.checkpoint WHERE task = %s", [task])
        if scalar(connection, _PREPARED_EXISTS):
            execute(connection, "DELETE FROM sterna.prepared WHERE task = %s", [task])
        if scalar(connection, _DEFINITIONS_EXISTS):
            definitions.forget(connection, task)
        if scalar(connection, "SELECT COUNT(*) FROM sterna.checkpoint"):
            return
    execute(connection, "DROP DATABASE sterna")


def move_sql(task: str, epoch: int, position: Position, pending: Position | None = None) -> bytes:
    """The statement inside a window that moves the checkpoint; it finds 0 rows when fenced."""
    pending_sql = quote_text(str(pending)) if pending else "NULL"
    return (
        f"UPDATE sterna.checkpoint SET position = {quote_text(str(position))},"
        f" pending = {pending_sql} WHERE task = {quote_text(task)} AND epoch = {epoch}"
    ).encode()


def announce_sql(task: str, pending: Position, announced: str) -> bytes:
    """Tells whoever reads the destination's binary log that the change that comes next is ours, DDL
    or rows of a table without transactions. It is another one each time: what changes nothing is
    not logged."""
    values = f"{quote_text(task)}, CONCAT({quote_text(str(pending))}, ' ', UUID())"
    return f"REPLACE INTO sterna.{announced} (task, position) VALUES ({values})".encode()


def fenced(task: str) -> Stopped:
    """What a worker raises that has been overtaken."""
    return Stopped(
        f"Another worker has taken over {task}; this one changed nothing more.",
        code="Fenced",
        remedy="Nothing to do: the other worker goes on.",
    )


def _missing(task: str) -> Stopped:
    return Stopped(
        f"The destination has no checkpoint for {task}.",
        code="NoCheckpoint",
        remedy="Start the sync task again from a new copy.",
    )
