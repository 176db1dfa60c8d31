"""From events to what is to be done about them: pure, no I/O.

The assembler keeps the table maps of the statement being read, leaves out what must not be
relayed, and hands on pieces of at most about a megabyte that each end as a whole statement does.
What it does not know stops the task.

    outside ──BEGIN, MariaDB GTID──▶ inside ──XID, COMMIT──▶ outside
    a DDL statement may stand in both: CREATE TABLE … SELECT is DDL followed by rows
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

from sterna.dataplane._native.split_rows import RowSplitter
from sterna.dataplane.ddl import SYSTEM_DATABASES, affected_tables, is_system_only, summary
from sterna.dataplane.range_starts import Starts
from sterna.dataplane.rolled_back import RowTally, Undone
from sterna.dataplane.row_split import Behind, StartLookup, split_rows
from sterna.errors import Stopped
from sterna.mysql.binlog.compressed import MARIADB_COMPRESSED, unpack_mariadb
from sterna.mysql.binlog.events import (
    COMPLETE_ROWS,
    MARIADB_NO_CHECK_CONSTRAINTS,
    NO_FOREIGN_KEY_CHECKS,
    RELAXED_UNIQUE_CHECKS,
    SQL_FOREIGN_KEYS,
    STATEMENT_END,
    Event,
    FormatDescription,
    MariadbGtid,
    Marker,
    Query,
    Rotate,
    Rows,
    TableMap,
    XaPrepare,
)
from sterna.mysql.binlog.events import Format as LogFormat
from sterna.mysql.binlog.parse import is_begin, parse, read_header
from sterna.mysql.binlog.rewrite import convert, end_statement, without_cascades
from sterna.mysql.binlog.types import COLUMN_TYPES, EventType
from sterna.mysql.catalog import TableName
from sterna.mysql.position import Position
from sterna.mysql.sql_text import Kind, Statement, classify

PIECE_BYTES = 1 << 20
_XA_STATEMENT = re.compile(
    rb"XA\s+(START|END|COMMIT|ROLLBACK)\s+(X'[0-9a-f]*',X'[0-9a-f]*',[0-9]+)\s*", re.IGNORECASE
)
_BEGINNINGS = frozenset({EventType.GTID, EventType.ANONYMOUS_GTID, EventType.GTID_TAGGED})
_ALTER_STARTS, _ALTER_COMMITS, _ALTER_ROLLS_BACK = 2, 4, 8
_NO_TABLE = 0xFFFFFF  # a rows event that only ends its statement
ROWS_FLAGS = (
    STATEMENT_END
    | NO_FOREIGN_KEY_CHECKS
    | RELAXED_UNIQUE_CHECKS
    | COMPLETE_ROWS
    | SQL_FOREIGN_KEYS
    | MARIADB_NO_CHECK_CONSTRAINTS
)


class Place(Protocol):
    """Where an event comes from; a SpoolReader is one."""

    @property
    def position(self) -> Position:
        """Behind the event."""

    @property
    def log_format(self) -> LogFormat:
        """The format it is written in."""


class Moment(NamedTuple):
    """A place of its own: where rows put aside are committed."""

    position: Position
    log_format: LogFormat


class RowPiece(NamedTuple):
    """Table maps and row events that go into one BINLOG statement."""

    events: list[bytes]
    size_bytes: int
    row_events: int
    tables: tuple[TableName, ...]


class Boundary(NamedTuple):
    """Everything before is whole; `is_commit` where a transaction of the origin ended."""

    is_commit: bool


class Ddl(NamedTuple):
    """A DDL statement: everything before it must be applied first."""

    event: Query
    statement: Statement


class AccountChange(NamedTuple):
    """An account statement: it may or may not be carried."""

    event: Query
    statement: Statement


class Notice(NamedTuple):
    """Something that is not relayed and that somebody has to know; `level` of a LogReport."""

    sentence: str
    level: str = "WARN"


class XaPiece(NamedTuple):
    """Rows of an XA transaction: to be kept until it is committed."""

    piece: RowPiece


class XaEnd(NamedTuple):
    """The XA transaction being read is prepared, or a prepared one ends: PREPARE, COMMIT,
    ROLLBACK. With an empty `xid` the one being read is committed at once."""

    verb: str
    xid: str


Step = RowPiece | Boundary | Ddl | AccountChange | Notice | XaPiece | XaEnd


class _MappedTable(NamedTuple):
    event: bytes
    name: TableName
    is_relayed: bool
    splitter: RowSplitter | None = None  # where only a part of its rows counts


class Assembler:
    """Feed it every event in order; it answers with what to do, or None.

    Args:
        start_positions: tables whose rows are in the copy up to a position of their own, as a
            whole or range by range.
        relay_format: the destination's own format where events have to be rewritten for it.
        takes_partial_json: the destination knows PARTIAL_UPDATE_ROWS.
        complete_at: definitions are in the copy up to here, all of them; None: none is.
        undone: rows that are known to be rolled back further on; what is not known is RolledBack.
    """

    def __init__(
        self,
        start_positions: Starts,
        relay_format: LogFormat | None,
        *,
        takes_partial_json: bool = False,
        complete_at: Position | None = None,
        undone: Collection[Undone] = (),
    ) -> None:
        self._tally = RowTally(undone)
        self._takes_partial_json = takes_partial_json
        self.starts = StartLookup(start_positions, complete_at)
        self._relay_format = relay_format
        self._tables: dict[int, _MappedTable] = {}
        self._rows: list[bytes] = []
        self._rows_bytes = 0
        self._used: set[int] = set()
        self._had_rows = False
        self._last_is_end = True
        self._is_xa = False
        self.is_inside = False
        self.commit_timestamp = 0

    def feed(self, raw: bytes, place: Place) -> Step | None:
        """What this event asks for. Stopped for anything that cannot be carried exactly."""
        log_format = place.log_format
        kind = raw[4]
        if kind in MARIADB_COMPRESSED:
            raw = unpack_mariadb(raw, log_format)
        elif kind in _BEGINNINGS:  # nothing else in it is looked at
            self._expect_outside(raw)
            return None
        elif kind == EventType.QUERY and is_begin(raw, log_format):
            self._expect_outside(raw)
            self.is_inside = True
            return None
        elif kind == EventType.XID:
            self.commit_timestamp = read_header(raw).timestamp
            return self._commit()
        return self._on_event(parse(raw, log_format), raw, place)

    def _on_event(self, event: Event, raw: bytes, place: Place) -> Step | None:
        match event:
            case Rows():
                piece = self._on_rows(event, raw, place)
                return XaPiece(piece) if piece and self._is_xa else piece
            case XaPrepare():
                return self._on_xa_prepare(event)
            case TableMap():
                self._on_table_map(event, raw, place)
            case Query():
                return self._on_query(event, raw, place)
            case MariadbGtid():
                self._on_mariadb_gtid(event, raw)
            case FormatDescription() | Rotate():
                self._expect_outside(raw)
                return Boundary(is_commit=False)
            case Marker():
                return self._on_marker(event, raw)
            case _:
                return None if self.is_inside else Boundary(is_commit=False)
        return None

    def _on_marker(self, event: Marker, raw: bytes) -> Step | None:
        if event.header.type == EventType.STOP:
            self._expect_outside(raw)
        return None if self.is_inside else Boundary(is_commit=False)

    def _on_mariadb_gtid(self, event: MariadbGtid, raw: bytes) -> None:
        self._expect_outside(raw)
        self._is_xa = event.is_prepared_xa
        self.is_inside = not event.is_standalone

    def _on_table_map(self, event: TableMap, raw: bytes, place: Place) -> None:
        self.is_inside = True  # a log may be taken up behind the DDL of CREATE TABLE … SELECT
        name = (event.database, event.table)
        # Where an XA transaction lies is decided when it is committed.
        behind = Behind.ALL if self._is_xa else self.behind_copy(name, place)
        is_relayed = event.database not in SYSTEM_DATABASES and behind is not Behind.NONE
        splitter = None
        if is_relayed:
            _check_columns(event)
            copied = self.starts.find(name)
            if copied is not None and behind is Behind.SOME:
                splitter = copied.splitter(raw, place.log_format)
            raw = self._rewritten(raw, place.log_format)
        self._tables[event.table_id] = _MappedTable(raw, name, is_relayed, splitter)

    def behind_copy(self, name: TableName, place: Place) -> Behind:
        """How much of a change that commits at `place` is missing in the copy of its table."""
        return self.starts.behind(name, place.position) if self.starts else Behind.ALL

    def forget_copied(self, applied: Position) -> None:
        """Drop the start positions that no later event can lie before."""
        self.starts.forget(applied)

    def replay(self, events: Iterable[bytes], moment: Moment) -> Iterator[RowPiece]:
        """Whole statements of rows that were put aside, as they count at `moment`."""
        again = Assembler(
            self.starts.starts,
            None,
            takes_partial_json=self._takes_partial_json,
            complete_at=self.starts.complete_at,
        )
        for raw in events:
            step = again.feed(raw, moment)
            if isinstance(step, RowPiece):
                yield step

    def _on_rows(self, event: Rows, raw: bytes, place: Place) -> RowPiece | None:
        log_format = place.log_format
        if event.table_id == _NO_TABLE and event.ends_statement:
            return self._end_statement(log_format)
        table = self._tables.get(event.table_id)
        if table is None:
            raise _stopped(event.header.end_offset, "a rows event without its table map")
        if table.is_relayed and self._tally.keeps(table.name, place.position):
            _check_rows(event, table.name)
            if event.header.type == EventType.PARTIAL_UPDATE_ROWS and not self._takes_partial_json:
                raise _partial_json(event, table.name)
            self._keep_rows(event, raw, log_format)
        if event.ends_statement:
            return self._end_statement(log_format)
        return self._piece(log_format) if self._rows_bytes >= PIECE_BYTES else None

    def _keep_rows(self, event: Rows, raw: bytes, log_format: LogFormat) -> None:
        """Add what counts of a rows event to the statement being read."""
        table = self._tables[event.table_id]
        kept = [raw]
        if table.splitter is not None:
            if event.header.type == EventType.PARTIAL_UPDATE_ROWS:
                raise _partial_json(event, table.name)
            kept = split_rows(raw, log_format, table.splitter)
        if not kept:
            return
        self._rows += [self._rewritten(each, log_format) for each in kept]
        self._rows_bytes += sum(map(len, kept))
        self._used.add(event.table_id)
        self._last_is_end = event.ends_statement

    def _end_statement(self, log_format: LogFormat) -> RowPiece | None:
        piece = self._piece(log_format)
        self._tables.clear()
        return piece

    def _piece(self, log_format: LogFormat) -> RowPiece | None:
        """What was collected, made to end as a statement does; the table maps stay for more."""
        if not self._rows:
            return None
        self._had_rows = True
        if not self._last_is_end:
            self._rows[-1] = end_statement(self._rows[-1], self._relay_format or log_format)
        # All maps: a cascade may reach tables that have no rows event of their own here.
        maps = [table.event for table in self._tables.values() if table.is_relayed]
        events = maps + self._rows
        piece = RowPiece(
            events,
            sum(map(len, events)),
            len(self._rows),
            tuple(self._tables[table_id].name for table_id in self._used),
        )
        self._rows, self._rows_bytes = [], 0
        self._used.clear()
        return piece

    def _rewritten(self, raw: bytes, log_format: LogFormat) -> bytes:
        if self._relay_format is None:
            return without_cascades(raw, log_format)
        return convert(raw, log_format, to=self._relay_format)

    def _on_query(self, event: Query, raw: bytes, place: Place) -> Step | None:
        statement = classify(event.sql, event.sql_mode)
        if not _does_alter(event):
            return Boundary(is_commit=False)
        match statement.kind:
            case Kind.BEGIN:
                self._expect_outside(raw)
                self.is_inside = True
                return None
            case Kind.COMMIT:
                self.commit_timestamp = event.header.timestamp
                return self._commit()
            case Kind.ROLLBACK:
                self._tally.on_rollback()
                return self._commit()
            case Kind.SAVEPOINT:
                self._tally.on_savepoint(event.sql)
                return None
            case Kind.ROLLBACK_TO if self._tally.on_rollback_to(event.sql):
                return None
            case Kind.XA:
                return self._on_xa(event, raw)
            case _:
                return self._on_statement(event, statement, place)

    def _on_statement(self, event: Query, statement: Statement, place: Place) -> Step | None:
        if statement.kind is Kind.IGNORED:
            return None if self.is_inside else Boundary(is_commit=False)
        if statement.kind is Kind.ACCOUNT:
            return AccountChange(event, statement)
        if statement.kind is Kind.UNKNOWN and not self.is_inside:
            return Ddl(event, statement)  # a person has to say what becomes of it
        if statement.kind is not Kind.DDL:
            raise _not_ddl(event, statement)
        if is_system_only(event, statement):
            return Boundary(is_commit=False)
        if self._is_in_copy(event, statement, place):
            return Notice(f"{summary(event)} is in the copy already.", "NORMAL")
        self.commit_timestamp = event.header.timestamp
        return Ddl(event, statement)

    def _is_in_copy(self, event: Query, statement: Statement, place: Place) -> bool:
        if self.starts.complete_at is not None:
            return self.starts.is_complete_at(place.position)
        tables = affected_tables(event, statement)
        behind = {self.behind_copy(name, place) for name in tables}
        if len(behind) > 1 or Behind.SOME in behind:
            raise _stopped(
                event.header.end_offset,
                f"a statement on tables of which only a part is copied: {summary(event)}",
            )
        return behind == {Behind.NONE}

    def _on_xa(self, event: Query, raw: bytes) -> Step | None:
        match = _XA_STATEMENT.fullmatch(event.sql)
        if match is None:
            raise _stopped(event.header.end_offset, f"an XA statement of its own: {summary(event)}")
        verb = match[1].decode().upper()
        if verb == "END":
            return None
        # MariaDB's GTID has opened what is a statement of its own elsewhere.
        self._expect_outside(raw)
        if verb == "START":
            self.is_inside = self._is_xa = True
            return None
        self._is_xa = False
        self.commit_timestamp = event.header.timestamp
        return XaEnd(verb, match[2].decode().lower().replace("x'", "X'"))

    def _on_xa_prepare(self, event: XaPrepare) -> XaEnd:
        self._commit()
        self.commit_timestamp = event.header.timestamp
        return XaEnd("COMMIT", "") if event.is_one_phase else XaEnd("PREPARE", event.xid)

    def _commit(self) -> Boundary:
        if self._rows:
            raise Stopped("A transaction ended in the middle of a statement.", code="BadEvent")
        self.is_inside = self._had_rows = self._is_xa = False
        self._tally.end()
        return Boundary(is_commit=True)

    def _expect_outside(self, raw: bytes) -> None:
        if self.is_inside and self._had_rows:
            end_offset = read_header(raw).end_offset
            raise _stopped(end_offset, "a transaction that has no end")
        self.is_inside = False


def _check_columns(event: TableMap) -> None:
    unknown = event.column_types.translate(None, COLUMN_TYPES)
    if unknown:
        raise Stopped(
            f"Table {event.database}.{event.table} has columns of the unknown type"
            f" {unknown[0]} (table map that ends at offset {event.header.end_offset}).",
            code="UnknownColumnType",
            remedy="Change the column's type on the origin and start again from a new copy.",
        )


def _check_rows(event: Rows, name: TableName) -> None:
    if not event.is_full_image:
        raise Stopped(
            f"Rows of {name[0]}.{name[1]} are logged without all their columns (event that ends"
            f" at offset {event.header.end_offset}).",
            code="RowImageNotFull",
            remedy="Set binlog_row_image=FULL on the origin, end the old sessions, and start the"
            " sync task again from a new copy. (MariaDB 11 leaves VIRTUAL columns out in any case:"
            " make them PERSISTENT.)",
        )
    if event.flags & ~ROWS_FLAGS:
        raise _stopped(
            event.header.end_offset, f"a rows event of {name[0]}.{name[1]} with flags {event.flags}"
        )


def _partial_json(event: Rows, name: TableName) -> Stopped:
    return Stopped(
        f"Rows of {name[0]}.{name[1]} are logged with parts of their JSON documents (event that"
        f" ends at offset {event.header.end_offset}), which the destination does not know, or"
        " which were written while the table was being copied.",
        code="PartialJson",
        remedy="Set binlog_row_value_options='' on the origin, end the old sessions, and start the"
        " sync task again from a new copy of the tables concerned.",
    )


def _not_ddl(event: Query, statement: Statement) -> Stopped:
    if statement.kind is Kind.DML or statement.kind is Kind.ROLLBACK_TO:
        return Stopped(
            f"The binary log has a {statement.verb} statement instead of its rows"
            f" (ends at offset {event.header.end_offset}, database {event.database!r}).",
            code="StatementFormat",
            remedy="Set binlog_format=ROW on the origin, end the old sessions, do not mix tables"
            " with and without transactions, and start the sync task again from a new copy.",
        )
    return _stopped(event.header.end_offset, f"an unknown statement: {summary(event)}")


def _does_alter(event: Query) -> bool:
    """Whether this phase of an ALTER TABLE is the one that does it, or it has no phases.

    Everything that is logged between the first and the last phase was written under the old
    definition.
    """
    phase = event.context.mariadb_alter_flags
    if phase not in (0, _ALTER_STARTS, _ALTER_COMMITS, _ALTER_ROLLS_BACK):
        raise _stopped(event.header.end_offset, f"an ALTER TABLE in an unknown phase ({phase})")
    return phase in (0, _ALTER_COMMITS)


def _stopped(end_offset: int, what: str) -> Stopped:
    return Stopped(
        f"The binary log has {what} (ends at offset {end_offset}).",
        code="UnknownStatement",
        remedy="Start the sync task again from a new copy; report it if it comes back.",
    )
