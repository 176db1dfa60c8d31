"""Windows on the destination: many transactions of the origin become one there.

Row events are handed over as they are, in BINLOG statements written ahead of their answers. The
checkpoint moves in the same transaction. COMMIT is sent only after every answer has come and was
good, so a window is applied as a whole, exactly once, or not at all.

autocommit is off instead of BEGIN being sent: when the server rolls back by itself (a deadlock),
what was written ahead opens another transaction, which is never committed.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from sterna.dataplane.blame import missing_key
from sterna.dataplane.checkpoint import (
    ANNOUNCED_DDL,
    Checkpoint,
    announce_sql,
    fenced,
    move_sql,
    read,
)
from sterna.dataplane.prepared import (
    StoredPiece,
    forget_sql,
    name_sql,
    read_pieces,
    store_sql,
)
from sterna.dataplane.transactions import PIECE_BYTES, RowPiece
from sterna.errors import Ambiguous, SternaError, Stopped
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.rewrite import relayable_format
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    greeting_version,
    open_session,
    query,
    scalar,
)
from sterna.mysql.position import Position
from sterna.mysql.version import Version

WINDOW_ROW_EVENTS_MAX = 5_000
WINDOW_BYTES_MAX = 8 << 20
BATCH_BYTES = 256 << 10  # row events in one BINLOG statement
UNANSWERED_MAX = 64
_OF_SESSION = {
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_row_value_options": "",
    "rbr_exec_mode": "STRICT",
}
STATEMENT_OVERHEAD_BYTES = 1 << 10
PACKET_BYTES_MAX = 1 << 30  # what max_allowed_packet can be set to at most


class Applier:
    """The one connection that changes the destination.

    `is_careful` sends one origin statement at a time and waits for its answer, so that an error
    can be blamed on its table.
    """

    def __init__(self, destination: Server, task: str, epoch: int, *, is_careful: bool) -> None:
        self.task = task
        self._epoch = epoch
        self.is_careful = is_careful
        self.session = open_session(destination, autocommit=False)
        self.version = greeting_version(self.session)
        if self.version.is_mariadb:
            _require_silent_triggers(self.session)
        _require_strict_rows(self.session, self.version)
        _set_session(self.session)
        self._packet_bytes = int(scalar(self.session, "SELECT @@global.max_allowed_packet"))
        self._format: tuple[str, bool, bytes] | None = None
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._batch_tables: set[TableName] = set()
        self.window_row_events = 0
        self.window_bytes = 0

    def close(self) -> None:
        """Cut the connection; the server rolls back what was not committed."""
        self.session.cut()

    def read_checkpoint(self) -> Checkpoint:
        """Where to go on. Stopped where there is none or another worker owns it; Ambiguous when
        something that cannot be rolled back was being applied."""
        checkpoint = read(self.session, self.task)
        execute(self.session, "COMMIT")
        if checkpoint is None:
            raise Stopped(
                f"The destination has no checkpoint for {self.task}.",
                code="NoCheckpoint",
                remedy="Start the sync task again from a new copy.",
            )
        if checkpoint.epoch != self._epoch:
            raise fenced(self.task)
        if checkpoint.pending is not None:
            raise _pending(self.task, checkpoint)
        return checkpoint

    @property
    def is_full(self) -> bool:
        """Whether the window should be committed at the next boundary."""
        return (
            self.window_row_events >= WINDOW_ROW_EVENTS_MAX or self.window_bytes >= WINDOW_BYTES_MAX
        )

    def needs_format(self, log_format: Format) -> bool:
        """Whether events of this format need `use_format` first."""
        return self._format != _identity(log_format)

    def use_format(self, log_format: Format) -> None:
        """Tell the session how the events that follow are written; only between windows."""
        self.session.send(_binlog([relayable_format(log_format)]))
        self.session.receive()
        if not self.version.is_mariadb:
            # BINLOG leaves the session without a way to number its transactions.
            execute(self.session, "SET gtid_next = 'AUTOMATIC'")
        self._format = _identity(log_format)

    def add(self, piece: RowPiece) -> None:
        """Put row events into the window."""
        if self._batch_bytes + piece.size_bytes > PIECE_BYTES:
            self._send_batch()
        self._batch.extend(piece.events)
        self._batch_bytes += piece.size_bytes
        self._batch_tables.update(piece.tables)
        self.window_row_events += piece.row_events
        self.window_bytes += piece.size_bytes
        if self.is_careful or self._batch_bytes >= BATCH_BYTES:
            self._send_batch()

    def write(self, *statements: bytes) -> None:
        """Run statements of our own within the window."""
        self._send_batch()
        self._receive_all()
        for sql in statements:
            if len(sql) + STATEMENT_OVERHEAD_BYTES > self._packet_bytes:
                raise _too_large(len(sql), self._packet_bytes, self._batch_tables)
            self.session.send(sql)
            self.session.receive()

    def keep(self, piece: RowPiece, log_format: Format) -> None:
        """Put row events aside until their XA transaction is committed."""
        stored = StoredPiece(_binlog(piece.events), log_format, piece.tables)
        self.write(store_sql(self.task, stored))

    def name_kept(self, xid: str) -> None:
        """What was put aside last is a prepared transaction now."""
        self.write(*name_sql(self.task, xid))

    def read_kept(self, xid: str) -> Iterator[StoredPiece]:
        """The pieces of a prepared transaction."""
        self.write()
        return read_pieces(self.session, self.task, xid)

    def forget_kept(self, xid: str) -> None:
        """A prepared transaction has ended."""
        self.write(forget_sql(self.task, xid))

    def commit(
        self, position: Position, pending: Position | None = None, announced: str = ANNOUNCED_DDL
    ) -> None:
        """Commit the window and the checkpoint as one transaction. What is `pending` then is DDL,
        unless rows are announced."""
        self._send_batch()
        if pending is not None:
            self.write(announce_sql(self.task, pending, announced))
        self.session.send(move_sql(self.task, self._epoch, position, pending))
        if self._receive_all() != 1:
            raise fenced(self.task)
        execute(self.session, "COMMIT")
        self.is_careful = False
        self.window_row_events = self.window_bytes = 0

    def _send_batch(self) -> None:
        if not self._batch:
            return
        if len(self.session.unanswered) >= UNANSWERED_MAX:
            self._receive_all()
        sql = _binlog(self._batch)
        if len(sql) + STATEMENT_OVERHEAD_BYTES > self._packet_bytes:
            raise _too_large(len(sql), self._packet_bytes, self._batch_tables)
        self.session.send(sql)
        if self.is_careful:
            self._receive_all()
        self._batch, self._batch_bytes = [], 0
        self._batch_tables.clear()

    def _receive_all(self) -> int:
        """Take the answers due; how many rows the last one found.

        Even after an error all are read, so that the first one counts.
        """
        failure: SternaError | None = None
        found = 0
        while self.session.unanswered:
            try:
                found = self.session.receive()
            except ServerError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return found

    def blame(self, error: ServerError, position: Position) -> Stopped:
        """What a refused window says to the operator; tables are exact in careful mode."""
        tables = ", ".join(sorted(".".join(name) for name in self._batch_tables)) or "a table"
        key = self._missing_key() if error.number == _NOT_FOUND else ""
        where = f"{tables} ({key})" if key else tables
        return Stopped(
            f"The destination refused a change of {where} behind {position}: {error.number}"
            f" {error.text}. Nothing of that window was applied.",
            code="ApplyFailed",
            remedy=_ADVICE.get(error.number) or error.remedy or _OTHER_ADVICE,
        )

    def _missing_key(self) -> str:
        """Of the row that the batch did not find; "" where the server or the batch do not tell."""
        has_checksum = self._format is not None and self._format[1]
        try:
            return missing_key(self.session, self._batch, has_checksum=has_checksum)
        except SternaError:  # what is known without it is said in any case
            return ""


def _require_silent_triggers(mariadb: Session) -> None:
    """What triggers did is in the origin's log; MySQL never lets row events fire them again."""
    found = str(scalar(mariadb, "SELECT @@global.slave_run_triggers_for_rbr"))
    if found != "NO":
        raise Stopped(
            f"The destination has slave_run_triggers_for_rbr={found}: its triggers would change"
            " rows once more. Nothing was applied.",
            code="TriggersRun",
            remedy="SET GLOBAL slave_run_triggers_for_rbr=NO on the destination, also in its"
            " configuration, and resume the sync task.",
        )


def _require_strict_rows(session: Session, version: Version) -> None:
    """Else rows that are not there are passed over, and those that are there twice are replaced."""
    if not version.is_mariadb and version.at_least(5, 7):
        return  # a session of ours has been told
    found = str(scalar(session, "SELECT @@global.slave_exec_mode"))
    if found != "STRICT":
        raise Stopped(
            f"The destination has slave_exec_mode={found}: it would pass over rows that differ"
            " from the origin's. Nothing was applied.",
            code="RowsNotStrict",
            remedy="SET GLOBAL slave_exec_mode=STRICT on the destination, also in its"
            " configuration, and resume the sync task.",
        )


def _set_session(session: Session) -> None:
    """Whatever the server's default is: no row is passed over, and the log has complete rows, for
    the way back is read from it, and who is a rogue writer."""
    names = ", ".join(f"'{name}'" for name in _OF_SESSION)
    found = query(session, f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
    execute(session, "COMMIT")  # the format does not change inside a transaction
    for name, value in found:
        if value != _OF_SESSION[name]:
            execute(session, f"SET SESSION {name} = '{_OF_SESSION[name]}'")


def _binlog(events: list[bytes]) -> bytes:
    return b"BINLOG '" + binascii.b2a_base64(b"".join(events), newline=False) + b"'"


def _identity(log_format: Format) -> tuple[str, bool, bytes]:
    return (log_format.server_version, log_format.has_checksum, log_format.post_header_lengths)


_DIFFERS = (
    "The destination's rows differ from the origin's: somebody wrote there, or the table was"
    " changed by hand. Verify the table, find the writer, and start again from a new copy. (In a"
    " table without a primary key it may be JSON that was copied as text: see the precheck"
    " json_kinds.)"
)
_STRUCTURE = (
    "The table is defined differently on the two sides. Compare SHOW CREATE TABLE, make the"
    " columns alike, and resume the sync task."
)
_NOT_FOUND = 1032
_ADVICE = {
    1032: _DIFFERS,
    1062: _DIFFERS,
    1452: _DIFFERS,
    1146: _STRUCTURE,
    1105: _STRUCTURE,
    1677: _STRUCTURE,
    1227: "Grant the account SUPER, or BINLOG_ADMIN from MySQL 8.0 on, and resume the sync task.",
    1290: "The destination is super_read_only; set read_only alone and resume the sync task.",
}
_OTHER_ADVICE = "Remove the cause on the destination, then resume the sync task."


def _too_large(size_bytes: int, packet_bytes: int, tables: set[TableName]) -> Stopped:
    names = ", ".join(sorted(".".join(name) for name in tables))
    remedy = (
        f"Set max_allowed_packet to at least {min(size_bytes * 2, PACKET_BYTES_MAX)} on the"
        f" destination (at most {PACKET_BYTES_MAX}) and resume the sync task."
    )
    if size_bytes + STATEMENT_OVERHEAD_BYTES > PACKET_BYTES_MAX:
        remedy = (
            "No server takes a packet that large. Make the values of that row smaller on the"
            " origin, and start the sync task again from a new copy."
        )
    return Stopped(
        f"A change of {names} needs a packet of {size_bytes} bytes; the destination takes"
        f" {packet_bytes}.",
        code="PacketTooLarge",
        remedy=remedy,
    )


def _pending(task: str, checkpoint: Checkpoint) -> Ambiguous:
    return Ambiguous(
        f"When the sync task {task} ended, a DDL statement, or rows of a table without"
        f" transactions, were being applied to the destination: what ends at {checkpoint.pending}"
        " of the origin's binary log. It may or may not be there, or be there in part.",
        code="DdlPending",
        remedy="Look at the statement in the origin's log and at its object on the destination;"
        " then: sterna task resume TASK --statement-applied, and the task goes on behind it, or"
        " --statement-not-applied, and it is run again.",
    )
