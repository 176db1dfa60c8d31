"""The full copy: every table exactly as of one known position, then its indexes.

A round takes one snapshot, makes the tables that are not there yet and moves their rows, the
largest first and in ranges of their key, with one worker per snapshot session. When DDL on the
origin hits a table meanwhile, its snapshot can no longer be read: the round ends, finished tables
stay, and the next round copies the rest under a new snapshot. The same happens after a crash;
finished ranges that are still the same stay as well. Every table has a start position:
what the origin logged later must be applied to it, nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from sterna.dataplane.chunks import RowMover, plan_rows
from sterna.dataplane.copy_pieces import Job, Piece
from sterna.dataplane.copy_prepare import (
    CopyRound,
    DefinitionChanged,
    as_definition_change,
    current_definition,
    plan_copy,
    prepare_round,
)
from sterna.dataplane.copy_ranges import (
    KeyRange,
    is_unchanged,
    select_from,
    split_open,
    write_ranges,
)
from sterna.dataplane.copy_state import (
    COPYING,
    DONE,
    LOADED,
    TableState,
    create_state_tables,
    read_states,
    state_session,
    write_state,
)
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import CopyReport, LogReport, ReportTo
from sterna.dataplane.schema import (
    allow_large_rows,
    open_destination_session,
    open_origin_session,
)
from sterna.dataplane.schema_tables import same_definition
from sterna.dataplane.snapshot import Snapshot, close_sessions, lock_table, open_snapshot
from sterna.errors import Stopped, Transient
from sterna.mysql.catalog import TableName, read_foreign_keys, read_keys
from sterna.mysql.connection import Server, ServerError, Session, execute, scalar
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

__all__ = ["CopiedTables", "StopAsked", "copy_tables", "plan_copy"]

ROUNDS_MAX = 20
LOCK_WAIT_SECONDS = 5


class StopAsked(Transient):
    """Somebody asked the copy to end; what is done stays."""

    code = "StopAsked"


@dataclass(frozen=True)
class CopiedTables:
    """Where following the origin starts.

    An event belongs to a table only if it lies after `start_positions[database, table]`. A table
    that is not listed did not exist at `complete_at`: up to there its events are for nobody,
    after it the table is new. `smallest` is where reading the origin's log begins.
    """

    start_positions: Mapping[TableName, Position]
    smallest: Position
    complete_at: Position


def copy_tables(
    origin: Server, destination: Server, *, pace: Pace, report: ReportTo, stop: threading.Event
) -> CopiedTables:
    """Copy databases and tables; goes on where an earlier copy ended.

    Raises:
        Stopped: a table cannot be carried exactly, or a chunk's rows are not what was sent.
        StopAsked: `stop` was set.
        Refused: the origin could not be locked for the moment the snapshot takes.
        Transient: a connection broke, or another copy is still running (CopyRunning).
    """
    started = time.monotonic()
    with state_session(destination) as session:
        _lock_out_others(session)
        create_state_tables(session)
        if sentence := allow_large_rows(session):
            report(LogReport("NORMAL", f"{sentence}."))
        copied = _copy_in_rounds(origin, destination, pace=pace, report=report, stop=stop)
        states = read_states(session).values()
    rows, octets = sum(s.rows_copied for s in states), sum(s.bytes_copied for s in states)
    report(CopyReport(rows, octets, time.monotonic() - started))
    return copied


def _lock_out_others(session: Session) -> None:
    """A copy that lost its supervisor may still be at work: it holds this until it ends."""
    if scalar(session, "SELECT GET_LOCK('sterna.copy', %s)", [LOCK_WAIT_SECONDS]) != 1:
        raise Transient("Another copy to this destination is still running.", code="CopyRunning")


def _copy_in_rounds(
    origin: Server, destination: Server, *, pace: Pace, report: ReportTo, stop: threading.Event
) -> CopiedTables:
    for _ in range(ROUNDS_MAX):
        try:
            return _copy_round(origin, destination, pace=pace, report=report, stop=stop)
        except DefinitionChanged as changed:
            report(LogReport("WARN", f"{changed.message} A new snapshot is taken."))
    raise Stopped(
        f"DDL on the origin hit the copy {ROUNDS_MAX} times.",
        code="DefinitionKeepsChanging",
        remedy="Keep applications from changing tables until the copy is done.",
    )


def _copy_round(
    origin: Server, destination: Server, *, pace: Pace, report: ReportTo, stop: threading.Event
) -> CopiedTables:
    snapshot = open_snapshot(origin, pace.workers)
    try:
        report(LogReport("NORMAL", _sentence(snapshot)))
        work = prepare_round(
            origin, destination, position=snapshot.position, report=report, stop=stop
        )
        _run_workers(work, snapshot, pace)
    finally:
        snapshot.close()
    with state_session(destination) as session:
        _add_missing_indexes(session)
        _add_foreign_keys(session)
        starts = {name: state.start_position for name, state in read_states(session).items()}
    return CopiedTables(starts, min([*starts.values(), snapshot.position]), snapshot.position)


def _sentence(snapshot: Snapshot) -> str:
    return (
        f"Snapshot at {snapshot.position} in {len(snapshot.sessions)} sessions by {snapshot.how};"
        f" writers waited {snapshot.lock_seconds * 1000:.1f} ms."
    )


def _run_workers(work: CopyRound, snapshot: Snapshot, pace: Pace) -> None:
    """One thread per snapshot session; the first error ends them all and is raised."""
    failed = threading.Event()
    with ThreadPoolExecutor(len(snapshot.sessions), thread_name_prefix="copy") as pool:
        workers = [
            _Worker(work, session, pace=pace, failed=failed) for session in snapshot.sessions
        ]
        futures = [pool.submit(worker.run) for worker in workers]
    errors = [error for future in futures if (error := future.exception())]
    errors.sort(key=lambda error: isinstance(error, StopAsked))  # the cause before its echo
    if errors:
        raise errors[0]


class _Worker:
    """Takes tables from the round's queue until it is empty, with sessions of its own."""

    def __init__(
        self, work: CopyRound, snapshot: Session, *, pace: Pace, failed: threading.Event
    ) -> None:
        self._work, self._snapshot, self._pace, self._failed = work, snapshot, pace, failed
        self._sessions: list[Session] = []

    def run(self) -> None:
        """Copy tables until there are none, or until somebody fails or asks to stop."""
        done = False
        try:
            self._reader = self._keep(open_origin_session(self._work.origin))
            self._writer = self._keep(open_destination_session(self._work.destination))
            self._loader = self._keep(
                open_destination_session(self._work.destination, local_infile=True)
            )
            while (piece := self._next_piece()) is not None:
                self._copy(piece)
            done = True
        finally:
            # after an error some stand in the middle of a statement; none is used again
            close_sessions(self._sessions)
            if not done:
                self._failed.set()

    def _keep(self, session: Session) -> Session:
        self._sessions.append(session)
        return session

    def _next_piece(self) -> Piece | None:
        piece = self._work.pieces.take(self._go_on)
        return self._split(piece) if piece is not None and piece.is_open else piece

    def _split(self, piece: Piece) -> Piece:
        """So much of an open piece as one worker should move; the rest is for everybody."""
        job, rest = piece.job, None
        try:
            assert job.key is not None
            split = split_open(self._reader, job.table, job.key, piece.range)
            if split is not None:
                self._remember(job, *split)
                piece, rest = piece.halves(split)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error
        finally:
            self._work.pieces.give_back(rest)
        return piece

    def _remember(self, job: Job, *ranges: KeyRange) -> None:
        """For after a crash."""
        if job.is_resumable:
            write_ranges(self._writer, job.name, ranges)

    def _go_on(self) -> None:
        if self._work.stop.is_set() or self._failed.is_set():
            raise StopAsked("The copy was asked to stop; finished tables stay.")

    def _copy(self, piece: Piece) -> None:
        state = replace(piece.job.state, state=COPYING)
        if piece.job.table.engine.upper() == "INNODB":
            if piece.job.is_resumable:
                write_state(self._writer, state)
            moved = self._copy_range(piece, self._snapshot)
        else:
            state, moved = self._copy_locked(piece, state)
        if piece.progress.finish(piece.range.number, *moved):
            self._add_indexes(piece.job, self._finish_table(piece, state))

    def _copy_locked(self, piece: Piece, state: TableState) -> tuple[TableState, tuple[int, int]]:
        """No snapshot shows a table without transactions: its writers wait while it is read, so
        no budget keeps it waiting."""
        job = piece.job
        locked = lock_table(self._work.origin, job.table)
        started = time.monotonic()
        try:
            state = replace(state, start_position=locked.position)
            write_state(self._writer, state)
            moved = self._move_rows(piece, locked.session, pay=lambda rows, octets: None)
        finally:
            locked.close()
        sentence = (
            f"{quote(*job.name)} ({job.table.engine}) was copied at {locked.position};"
            f" its writers waited {time.monotonic() - started:.1f} s."
        )
        self._work.report(LogReport("WARN", sentence))
        return state, moved

    def _copy_range(self, piece: Piece, origin: Session) -> tuple[int, int]:
        """Rows and bytes of one range, which is there when it returns."""
        piece.progress.begin()
        job, done = piece.job, piece.range
        if not done.is_done or not self._is_unchanged(piece, origin):
            if not job.is_new:
                self._clear_range(piece)
            rows, octets = self._move_rows(piece, origin, pay=self._pay)
            done = replace(done, is_done=True, rows_copied=rows, bytes_copied=octets)
            self._remember(job, done)
        return done.rows_copied, done.bytes_copied

    def _is_unchanged(self, piece: Piece, origin: Session) -> bool:
        """Whether a range of an earlier round is the same under this one's snapshot."""
        job = piece.job
        selects = select_from(job.table, job.key, piece.range), self._rows_there(piece)
        try:
            return is_unchanged(origin, self._writer, selects=selects, columns=job.columns)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error

    def _rows_there(self, piece: Piece) -> str:
        """A piece's rows on the destination, which may not have the index yet."""
        key, part = piece.job.key, piece.range
        where = key.condition(part.low, part.high) if key else ""
        return f"{quote(*piece.job.name)} WHERE {where or 'TRUE'}"

    def _clear_range(self, piece: Piece) -> None:
        """A killed worker may have left some of its rows."""
        execute(self._writer, f"DELETE FROM {self._rows_there(piece)}")

    def _pay(self, rows: int, octets: int) -> None:
        self._pace.pay(rows, octets)
        while not self._pace.is_paid:
            self._go_on()
            self._pace.pay(0, 0)

    def _move_rows(
        self, piece: Piece, origin: Session, *, pay: Callable[[int, int], None]
    ) -> tuple[int, int]:
        """Rows and bytes moved, all that the range has."""
        job = piece.job
        rows_of = select_from(job.table, job.key, piece.range)
        plan = plan_rows(job.table, job.columns, rows_of=rows_of)
        mover = RowMover(plan, origin=origin, destination=self._loader)
        piece.progress.begin()

        def after_chunk(rows: int, octets: int) -> None:
            self._go_on()
            piece.progress.moved(piece.range.number, rows, octets)

        try:
            mover.move(after_chunk, pay=pay)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error
        return mover.rows, mover.bytes

    def _finish_table(self, piece: Piece, state: TableState) -> TableState:
        """All ranges are there, of one definition; the state says so from now on."""
        self._require_same_definition(piece.job)
        rows, octets = piece.progress.complete()
        reached = LOADED if state.deferred_indexes else DONE
        state = replace(state, state=reached, rows_copied=rows, bytes_copied=octets)
        write_state(self._writer, state)
        return state

    def _require_same_definition(self, job: Job) -> None:
        """Not every version notices DDL when an older snapshot is read."""
        now = current_definition(self._reader, job.table)
        if not same_definition(job.definition, now):
            raise DefinitionChanged(f"DDL on the origin hit {quote(*job.name)} during the copy.")

    def _add_indexes(self, job: Job, state: TableState) -> None:
        if state.state == LOADED:
            started = time.monotonic()
            _add_indexes(self._writer, state)
            seconds = time.monotonic() - started
            sentence = f"Indexes of {quote(*job.name)} added in {seconds:.1f} s."
            self._work.report(LogReport("NORMAL", sentence))


# After the rows


def _add_missing_indexes(session: Session) -> None:
    """For tables that a crash left loaded but without their indexes."""
    for state in read_states(session).values():
        if state.state == LOADED:
            _add_indexes(session, state)


def _add_indexes(session: Session, state: TableState) -> None:
    """One ALTER TABLE for all of them."""
    database, table = state.name

    def are_there() -> bool:
        present = {key.name for key in read_keys(session, database).get(table, [])}
        return any(f"KEY {quote(name)}" in state.deferred_indexes for name in present)

    _alter_once(session, state, state.deferred_indexes, are_there)
    write_state(session, replace(state, state=DONE, deferred_indexes=""))


def _add_foreign_keys(session: Session) -> None:
    """When all tables and their indexes are there; the rows are known to satisfy them."""
    for state in read_states(session).values():
        if state.deferred_foreign_keys:
            are_there = partial(_has_foreign_keys, session, state.name)
            _alter_once(session, state, state.deferred_foreign_keys, are_there)
            write_state(session, replace(state, deferred_foreign_keys=""))


def _has_foreign_keys(session: Session, name: TableName) -> bool:
    database, table = name
    return bool(read_foreign_keys(session, database).get(table))


def _alter_once(
    session: Session, state: TableState, sql: str, are_there: Callable[[], bool]
) -> None:
    """Run it, unless it ran before a crash: a server ends the statement of a killed process, and
    refuses to add the same keys again, because all of them have names."""
    try:
        _alter(session, state, sql)
    except Stopped:
        if not are_there():
            raise


def _alter(session: Session, state: TableState, sql: str) -> None:
    try:
        execute(session, f"USE {quote(state.name[0])}")
        execute(session, sql)
    except ServerError as error:
        raise Stopped(
            f"{quote(*state.name)} is loaded, but {sql} was refused: {error.message}",
            code="DefinitionRefused",
            remedy="Change the key on the origin (or the rows that break it), then go on.",
        ) from error
