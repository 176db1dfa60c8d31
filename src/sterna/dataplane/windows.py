"""The loop of one destination connection: events in, windows out.

It ends by `stop` or by an error; either way what was not committed is rolled back by the server,
and the next loop begins at the checkpoint.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from sterna.dataplane import ddl, definitions
from sterna.dataplane.account_statements import carry_account
from sterna.dataplane.apart import Apart, refused
from sterna.dataplane.apply import Applier
from sterna.dataplane.checkpoint import ANNOUNCED_ROWS
from sterna.dataplane.ddl_older import Unrepresentable
from sterna.dataplane.ddl_unlike import require_alike
from sterna.dataplane.ddl_utf8 import require_same
from sterna.dataplane.pace import StreamPace
from sterna.dataplane.pairs import PairKeeper
from sterna.dataplane.prepared import events_of, rows_of
from sterna.dataplane.regroup import Regrouper
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.row_split import Behind
from sterna.dataplane.spool import Spool
from sterna.dataplane.spool_reader import SpoolReader
from sterna.dataplane.transactions import (
    AccountChange,
    Assembler,
    Boundary,
    Ddl,
    Moment,
    Notice,
    RowPiece,
    Step,
    XaEnd,
    XaPiece,
)
from sterna.errors import Stopped, Transient
from sterna.mysql.binlog.compressed import unpack_payload
from sterna.mysql.binlog.events import Format, TransactionPayload
from sterna.mysql.binlog.parse import parse
from sterna.mysql.binlog.types import EventType
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, ServerError, greeting_version, open_session
from sterna.mysql.position import Position

REGROUP_BYTES = 32 << 10  # from this backlog on transactions are regrouped
IDLE_SECONDS = 0.2  # how often an idle loop looks at its stop event
_BY_HAND = (
    "Remove the cause, then: sterna task resume TASK --statement-not-applied, and it is run again."
    " Or do by hand what it should have done, then: sterna task resume TASK --statement-applied,"
    " and the task goes on behind it."
)
_NOT_RUN = ("LockWaitTimeout", "Deadlock")  # errors after which a DDL statement surely did nothing


@dataclass(frozen=True)
class Applied:
    """A window was committed: everything up to `position`, `committed_at` by the origin's clock."""

    position: Position
    committed_at: int
    transactions: int
    row_events: int


@dataclass(frozen=True)
class Sides:
    """The servers on both ends, and the format events are rewritten in (None: they are not).
    `altered` is set when somebody altered the destination."""

    origin: Server
    destination: Server
    relay_format: Format | None
    altered: threading.Event


class WindowLoop:
    """Moves events from a reader to an applier."""

    def __init__(
        self,
        sides: Sides,
        *,
        spool: Spool,
        applier: Applier,
        assembler: Assembler,
        report: ReportTo,
        pace: StreamPace | None = None,
    ) -> None:
        self._sides = sides
        self._pace = pace or StreamPace()
        self._spool = spool
        self._applier = applier
        self._assembler = assembler
        self._report = report
        self._format: Format | None = None
        self._facts: ddl.Facts | None = None
        self._apart = Apart(sides.destination)
        self._regrouper = Regrouper(
            sides.destination, sides.relay_format, assembler.starts, apart=self._apart
        )
        self._pairs = PairKeeper(sides.origin, report)
        self._transactions = 0
        self._row_events = 0
        self._taken_bytes = 0
        self._is_dirty = False

    def run(
        self, start: Position, on_applied: Callable[[Applied], None], stop: threading.Event
    ) -> None:
        """Apply everything behind `start` until `stop`. Stopped where the destination's tables
        are not those that the stream left."""
        self._compare_definitions()
        self._apart.read()
        self._boundary = start
        self._on_applied = on_applied
        self._stop = stop
        self._taken_bytes = 0
        with (
            contextlib.closing(self._regrouper),
            contextlib.closing(self._pairs),
            contextlib.closing(SpoolReader(self._spool, start)) as self._reader,
        ):
            try:
                while not stop.is_set():
                    self._turn()
            except ServerError as error:
                if self._applier.is_careful:
                    raise self._applier.blame(error, self._boundary) from error
                raise

    def _turn(self) -> None:
        can_commit = self._is_dirty and not self._assembler.is_inside
        if self._may_regroup():
            if self._gather():
                return
            if self._regrouper.is_starved and can_commit:
                self._commit()
                return
        raw = self._reader.next(0.0 if can_commit else IDLE_SECONDS)
        if raw is None:
            if can_commit:
                self._commit()
            elif not self._is_dirty and not self._assembler.is_inside:
                self._look_again()
                self._note_pair(rests=True)
            return
        if self._reader.log_format is not self._format:
            self._change_format(self._reader.log_format)
        if raw[4] != EventType.TRANSACTION_PAYLOAD:
            self._do(self._feed(raw))
            return
        for one in self._unpacked(raw):
            self._do(self._feed(one))

    def _feed(self, raw: bytes) -> Step | None:
        try:
            return self._assembler.feed(raw, self._reader)
        except Stopped as error:
            error.message += f" It is what ends at {self._reader.position} of the origin's log."
            raise

    def _may_regroup(self) -> bool:
        """Whether we are at the beginning of a transaction and far enough behind."""
        return (
            not self._assembler.is_inside
            and (self._regrouper.transactions > 0 or self._reader.backlog_bytes >= REGROUP_BYTES)
            and not self._applier.is_careful
            and self._reader.log_format is self._format
        )

    def _gather(self) -> bool:
        """Gather what is ordinary; False where the next transaction is not, or not whole yet."""
        is_any = False
        while not self._is_full and self._regrouper.gather(self._reader):
            is_any = True
            for piece in self._regrouper.statements():
                self._applier.add(piece)
        if is_any:
            self._boundary = self._reader.position
            self._is_dirty = True
        if self._is_full:
            self._commit()
        return is_any

    @property
    def _is_full(self) -> bool:
        return (
            self._applier.is_full
            or self._regrouper.is_full
            or (self._pace.is_limited and self._is_enough)
        )

    @property
    def _is_enough(self) -> bool:
        row_events = self._row_events + self._regrouper.row_events
        return self._pace.is_enough(row_events, self._reader.taken_bytes - self._taken_bytes)

    def _send_gathered(self) -> None:
        if not self._regrouper.transactions:
            return
        self._transactions += self._regrouper.transactions
        self._row_events += self._regrouper.row_events
        self._assembler.commit_timestamp = self._regrouper.commit_timestamp
        for piece in self._regrouper.drain():
            self._applier.add(piece)

    def _unpacked(self, raw: bytes) -> Iterator[bytes]:
        log_format = self._reader.log_format
        event = parse(raw, log_format)
        assert isinstance(event, TransactionPayload)
        return unpack_payload(event, log_format)

    def _change_format(self, log_format: Format) -> None:
        relayed = self._sides.relay_format or log_format
        if self._applier.needs_format(relayed):
            if self._is_dirty:
                self._commit()
            self._applier.use_format(relayed)
        self._format = log_format

    def _do(self, step: Step | None) -> None:
        match step:
            case RowPiece():
                self._send_gathered()
                self._row_events += step.row_events
                self._add(step)
            case Boundary():
                self._end_transaction(is_commit=step.is_commit)
            case Notice():
                self._report(LogReport(step.level, step.sentence, "ddl"))
                self._reach(is_commit=False)
            case Ddl():
                self._barrier(step)
            case AccountChange():
                self._carry_account(step)
            case XaPiece():
                self._row_events += step.piece.row_events
                self._applier.keep(step.piece, self._sides.relay_format or self._reader.log_format)
            case XaEnd():
                self._end_xa(step)

    def _add(self, piece: RowPiece) -> None:
        for each in self._apart.pass_on(piece):
            self._applier.add(each)

    def _end_transaction(self, *, is_commit: bool, xid: str | None = None) -> None:
        """Give away what was kept back of it. What is there at once, whatever comes, is applied
        between commits that say so, and nothing else of its transaction before it."""
        relayed = self._sides.relay_format or self._reader.log_format
        alone, others = self._apart.take(relayed)
        for piece in alone:
            self._applier.commit(self._boundary, self._reader.position, ANNOUNCED_ROWS)
            self._write_apart(piece)
        if alone:  # 5.7 does not take both in one transaction where GTIDs are enforced
            self._applier.commit(self._boundary, self._reader.position, ANNOUNCED_ROWS)
        for piece in others:
            if alone:
                self._write_apart(piece)
            else:
                self._applier.add(piece)
        if xid is not None:
            self._applier.forget_kept(xid)
        self._reach(is_commit=is_commit)
        if alone:
            self._commit()

    def _write_apart(self, piece: RowPiece) -> None:
        try:
            self._applier.add(piece)
            self._applier.write()
        except ServerError as error:
            raise refused(error, piece, self._reader.position, _BY_HAND) from error

    def _end_xa(self, step: XaEnd) -> None:
        match step.verb:
            case "PREPARE":
                self._applier.name_kept(step.xid)
            case "ROLLBACK":
                self._applier.forget_kept(step.xid)
            case _:
                self._add_xa(step.xid)
                self._end_transaction(is_commit=True, xid=step.xid)
                return
        self._reach(is_commit=True)

    def _add_xa(self, xid: str) -> None:
        self._send_gathered()
        for piece in self._applier.read_kept(xid):
            if self._applier.needs_format(piece.log_format):
                self._change_format_for(piece.log_format)
            behind = {self._assembler.behind_copy(name, self._reader) for name in piece.tables}
            if behind == {Behind.ALL}:
                self._add(rows_of(piece))
            elif behind != {Behind.NONE}:
                moment = Moment(self._reader.position, piece.log_format)
                for counting in self._assembler.replay(events_of(piece), moment):
                    self._add(counting)
            self._applier.write()  # its answers come before those to what is read next

    def _change_format_for(self, log_format: Format) -> None:
        """An older format for what was prepared under it; the next event goes back to its own."""
        if self._is_dirty:
            self._commit()
        self._applier.use_format(log_format)
        self._format = None

    def _reach(self, *, is_commit: bool) -> None:
        self._boundary = self._reader.position
        self._is_dirty = True
        self._transactions += is_commit
        if self._is_full:
            self._commit()

    def _commit(self) -> None:
        self._send_gathered()
        self._applier.commit(self._boundary)
        self._is_dirty = False
        self._assembler.forget_copied(self._boundary)
        applied = Applied(
            self._boundary, self._assembler.commit_timestamp, self._transactions, self._row_events
        )
        self._transactions = self._row_events = 0
        self._on_applied(applied)
        self._spool.remove_applied(self._boundary)
        self._look_again()
        self._note_pair(rests=False)
        self._pay(applied)

    def _look_again(self) -> None:
        if self._sides.altered.is_set():
            self._sides.altered.clear()
            self._compare_definitions()

    def _compare_definitions(self) -> None:
        definitions.compare(self._sides.destination, self._applier.task)

    def _note_pair(self, *, rests: bool) -> None:
        """Only once every event counts: before, some tables are newer than the boundary."""
        if not self._assembler.starts:
            self._pairs.note(self._applier.session, self._boundary, rests=rests)

    def _pay(self, applied: Applied) -> None:
        """Nothing is open on the destination while a limit makes us wait."""
        taken_bytes, self._taken_bytes = self._taken_bytes, self._reader.taken_bytes
        octets = self._taken_bytes - taken_bytes
        self._pace.commit(applied.transactions, applied.row_events, octets, self._stop)

    def _barrier(self, step: Ddl) -> None:
        """Apply all before the statement, mark it as pending, run it, move behind it."""
        position = self._reader.position
        if self._is_dirty:
            self._commit()  # whether it can be run may depend on the rows that are there
        with contextlib.closing(open_session(self._sides.destination)) as session:
            definitions.require_kept(session, self._applier.task, self._tables_of(step) or ())
            try:
                require_alike(step.event, step.statement, session, self._sides.origin)
                prepared = ddl.prepare(step.event, step.statement, self._read_facts(), session)
            except Stopped as error:  # it may be made by hand, and gone on behind it
                self._applier.commit(self._boundary, pending=position)
                raise _not_carried(error, step, position) from error
            try:
                announce = partial(self._applier.commit, self._boundary, pending=position)
                ddl.run(session, prepared, announce)
            except ServerError as error:
                raise _ddl_failed(error, step, position) from error
            except Transient as error:
                if error.code in _NOT_RUN:
                    self._applier.commit(self._boundary)
                raise
            require_same(step.event, step.statement, session, self._sides.origin)
        self._keep_definitions(step)
        self._boundary = position
        self._transactions += 1
        self._regrouper.forget()
        self._apart.read_again()
        self._commit()
        sentence = f"Ran {ddl.summary(step.event)} ({position})"
        told = ": ".join(filter(None, [sentence, prepared.note]))
        self._report(LogReport("NORMAL", told, "ddl"))

    def _keep_definitions(self, step: Ddl) -> None:
        task, tables = self._applier.task, self._tables_of(step)
        with contextlib.closing(open_session(self._sides.destination)) as session:
            if tables is None:
                definitions.forget(session, task)
            else:
                definitions.forget_databases(session, task, ddl.dropped_databases(step.statement))
                definitions.keep(session, task, tables)
        if tables is None:
            self._compare_definitions()  # writes all of them down anew

    def _tables_of(self, step: Ddl) -> frozenset[TableName] | None:
        """None where their names cannot be read for sure."""
        tables = ddl.affected_tables(step.event, step.statement)
        named = {*chain.from_iterable(tables), *ddl.dropped_databases(step.statement)}
        is_clear = all(map(str.isascii, named))
        return tables if is_clear or ddl.is_in_utf8(step.event, self._read_facts()) else None

    def _carry_account(self, step: AccountChange) -> None:
        """Behind everything before it; run once more after a crash, it changes nothing."""
        self._commit()
        with contextlib.closing(open_session(self._sides.destination)) as session:
            facts = self._read_facts()
            level, sentence = carry_account(step.event, step.statement, facts, session)
        self._report(LogReport(level, f"{sentence} ({self._reader.position})"))
        self._reach(is_commit=False)

    def _read_facts(self) -> ddl.Facts:
        if self._facts is None:
            with (
                contextlib.closing(open_session(self._sides.origin)) as origin,
                contextlib.closing(open_session(self._sides.destination)) as destination,
            ):
                versions = (greeting_version(origin), greeting_version(destination))
                self._facts = ddl.read_facts(origin, destination, versions)
        return self._facts


def _not_carried(error: Stopped, step: Ddl, position: Position) -> Stopped:
    error.message += f" The statement ends at {position}: {ddl.summary(step.event)}"
    if isinstance(error, Unrepresentable):
        return error
    return Stopped(
        f"{error.message}. It was not run; everything before it is applied.",
        code="DdlFailed",
        remedy=f"{error.remedy} {_BY_HAND}".strip(),
    )


def _ddl_failed(error: ServerError, step: Ddl, position: Position) -> Stopped:
    return Stopped(
        f"The destination refused a statement that ends at {position}: {error.number}"
        f" {error.text} ({ddl.summary(step.event)}). Everything before it is applied.",
        code="DdlFailed",
        remedy=_BY_HAND,
    )
