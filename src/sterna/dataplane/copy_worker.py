"""One worker of a copy round: rows of the snapshot to the destination, piece by piece."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from sterna.dataplane.chunks import RowMover, plan_rows
from sterna.dataplane.copy_broken import note_broken
from sterna.dataplane.copy_finish import add_indexes
from sterna.dataplane.copy_make import DefinitionChanged, as_definition_change, current_definition
from sterna.dataplane.copy_pieces import Job, Piece
from sterna.dataplane.copy_prepare import CopyRound
from sterna.dataplane.copy_ranges import (
    KeyRange,
    is_unchanged,
    select_from,
    split_open,
    write_ranges,
)
from sterna.dataplane.copy_state import COPYING, DONE, LOADED, TableState, write_state
from sterna.dataplane.copy_steps import Hold, StepSize, Walk
from sterna.dataplane.reports import LogReport
from sterna.dataplane.schema import open_destination_session, open_origin_session
from sterna.dataplane.schema_tables import same_definition
from sterna.dataplane.snapshot import close_sessions, lock_table, read_position
from sterna.errors import Stopped, Transient
from sterna.mysql.connection import ServerError, Session, execute, query
from sterna.mysql.identifiers import quote


class StopAsked(Transient):
    """Somebody asked the copy to end; what is done stays."""

    code = "StopAsked"


class Worker:
    """Takes pieces from the round's queue until there are none, with sessions of its own."""

    def __init__(self, work: CopyRound, snapshot: Session, *, failed: threading.Event) -> None:
        self._work, self._snapshot, self._failed = work, snapshot, failed
        self._pace = work.task.pace
        self._step_size = StepSize(self._pace)
        self._sessions: list[Session] = []

    def run(self) -> bool:
        """Copy pieces until there are none, or until somebody fails or asks to stop; whether the
        snapshot's session can be used again."""
        is_over = False
        try:
            self._reader = self._keep(open_origin_session(self._work.task.origin))
            self._writer = self._keep(open_destination_session(self._work.task.destination))
            self._loader = self._keep(
                open_destination_session(self._work.task.destination, local_infile=True)
            )
            execute(self._snapshot, "SAVEPOINT nothing_read")
            is_good = self._copy_pieces()
            is_over = True
        finally:
            # after an error some stand in the middle of a statement; none is used again
            close_sessions(self._sessions)
            if not is_over:
                self._failed.set()
        return is_good

    def _keep(self, session: Session) -> Session:
        self._sessions.append(session)
        return session

    def _copy_pieces(self) -> bool:
        while piece := self._work.pieces.take(self._go_on):
            if not self._try_copy(piece):
                return False
        return True

    def _try_copy(self, piece: Piece) -> bool:
        """False when DDL hit the table. What the snapshot's session shows after the error is not
        worth finding out: it ends, so that it keeps no more DDL on the table waiting, and the rest
        is left to others and to the next snapshot."""
        try:
            self._copy(self._split(piece) if piece.is_open else piece)
            return True
        except DefinitionChanged as changed:
            close_sessions([self._snapshot])
            self._work.spoil(piece, changed)
            return False
        except Transient as error:
            if error.code == "ConnectionLost" and self._is_origin_gone():
                note_broken(self._writer, piece.job.name)
                gone = f"The source was gone while rows of {quote(*piece.job.name)} were read"
                raise Transient(f"{gone}: {error.message}", code=error.code) from error
            raise
        finally:
            self._work.pieces.done(piece)

    def _is_origin_gone(self) -> bool:
        """Whether more broke than the session that is read from."""
        try:
            query(self._reader, "SELECT 1")
        except Transient:
            return True
        return False

    def _split(self, piece: Piece) -> Piece:
        """So much of an open piece as one worker should move; the rest is for everybody."""
        job, rest = piece.job, None
        try:
            assert job.key is not None
            number = piece.progress.new_number()
            split = split_open(self._reader, job.table, job.key, piece.range, number=number)
            if split is not None:
                self._remember(job, *split)
                piece.progress.split(*split)
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
        if self._work.task.stop.is_set() or self._failed.is_set():
            raise StopAsked("The copy was asked to stop; finished tables stay.")

    def _copy(self, piece: Piece) -> None:
        state = replace(piece.job.state, state=COPYING)
        if piece.job.table.engine.upper() == "INNODB":
            if piece.job.is_resumable and not piece.is_kept:
                write_state(self._writer, state)
            moved = self._copy_range(piece, self._snapshot)
        else:
            state, moved = self._copy_locked(piece, state)
        if piece.progress.finish(piece.range.number, *moved):
            self._add_indexes(piece.job, self._finish_table(piece, state))
            piece.progress.end()

    def _copy_locked(self, piece: Piece, state: TableState) -> tuple[TableState, tuple[int, int]]:
        """No snapshot shows a table without transactions: its writers wait while it is read, so
        no budget keeps it waiting."""
        job = piece.job
        try:
            locked = lock_table(self._work.task.origin, job.table)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error
        started = time.monotonic()
        try:
            state = replace(state, start_position=locked.position)
            self._work.read_until[job.name] = locked.position
            write_state(self._writer, state)
            moved = self._move_locked(piece, locked.session)
        finally:
            locked.close()
        sentence = (
            f"{quote(*job.name)} ({job.table.engine}) was copied at {locked.position};"
            f" its writers waited {time.monotonic() - started:.1f} s."
        )
        self._work.task.report(LogReport("WARN", sentence))
        return state, moved

    def _copy_range(self, piece: Piece, origin: Session) -> tuple[int, int]:
        """Rows and bytes of one range, which is there when it returns."""
        job, done = piece.job, piece.range
        if piece.is_kept:
            return done.rows_copied, done.bytes_copied
        if not done.is_done or not self._is_unchanged(piece, origin):
            if not job.is_new:
                self._clear_range(piece)
            with piece.progress.moving():  # also while a limit makes us wait
                part, rows, octets = self._move_range(piece)
            start = self._work.position if job.has_own_starts else None
            done = replace(part, is_done=True, rows_copied=rows, bytes_copied=octets, start=start)
            self._remember(job, done)
        return done.rows_copied, done.bytes_copied

    def _let_go(self) -> None:
        """Who has read a table in a transaction keeps DDL on it waiting, and everybody behind that.
        The way back to the savepoint gives the table free and keeps the snapshot."""
        execute(self._snapshot, "ROLLBACK TO SAVEPOINT nothing_read")

    def _is_unchanged(self, piece: Piece, origin: Session) -> bool:
        """Whether a range of an earlier round is the same under this one's snapshot."""
        job = piece.job
        selects = select_from(job.table, job.key, piece.range), self._rows_there(piece)
        try:
            same = is_unchanged(origin, self._writer, selects=selects, columns=job.columns)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error
        self._let_go()
        return same

    def _require_same(self, piece: Piece, origin: Session) -> None:
        """After more warnings than a server tells: each row that was to arrive is there."""
        if not self._is_unchanged(piece, origin):
            name = quote(*piece.job.name)
            raise Stopped(
                f"Rows of {name} are not on the destination as they were sent.",
                code="RowsDiffer",
                remedy="Correct the rows on the origin (or the table's definition), then go on.",
            )

    def _rows_there(self, piece: Piece) -> str:
        """A piece's rows on the destination, which may not have the index yet."""
        key, part = piece.job.key, piece.range
        where = key.condition(part.low, part.high) if key else ""
        return f"{quote(*piece.job.name)} WHERE {where or 'TRUE'}"

    def _clear_range(self, piece: Piece) -> None:
        """A killed worker may have left some of its rows."""
        piece.progress.clear(piece.range.number)
        execute(self._writer, f"DELETE FROM {self._rows_there(piece)}")

    def _pay(
        self,
        piece: Piece,
        rows: int = 0,
        octets: int = 0,
        *,
        queries: int = 0,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wait until more may be moved, or `until`: what is owed waits then."""
        began = time.monotonic()
        self._pace.pay(rows, octets, queries=queries)
        while not self._pace.is_paid and not until():
            self._go_on()
            self._pace.pay(0, 0)
        piece.progress.waited(time.monotonic() - began)

    def _move_range(self, piece: Piece) -> tuple[KeyRange, int, int]:
        """The range as far as it was moved, step by step, its rows and bytes; what is left of it
        was given back."""
        walk, rows, octets, is_doubtful = Walk(piece.job, piece.range), 0, 0, False
        while not walk.is_over:
            self._pay(piece, queries=1)
            try:
                mover = self._move_step(piece, walk)
            except ServerError as error:
                raise as_definition_change(error, piece.job.table) from error
            rows, octets = rows + mover.rows, octets + mover.bytes
            is_doubtful |= mover.is_doubtful
            self._let_go()
            self._shorten(piece, walk, rows)
        if is_doubtful:
            self._require_same(replace(piece, range=walk.part), self._snapshot)
        return walk.part, rows, octets

    def _move_step(self, piece: Piece, walk: Walk) -> RowMover:
        """Read on, for a moment."""
        job = piece.job
        rows_of = walk.begin_step(self._reader, self._step_size.rows(job))
        plan = plan_rows(job.table, job.columns, rows_of=rows_of)
        mover = RowMover(plan, origin=self._snapshot, destination=self._loader)
        mover.receive_bytes = self._step_size.receive_bytes(job)
        hold = Hold(job, self._reader)

        def is_over() -> bool:
            return hold.is_long and (walk.can_be_cut or hold.is_awaited())

        def pay(rows: int, octets: int) -> None:
            self._pay(piece, rows, octets, until=is_over)
            mover.receive_bytes = self._step_size.receive_bytes(job)
            if is_over():
                _end(mover, walk, job)

        self._move_rows(piece, mover, pay=pay)
        seconds = time.monotonic() - hold.began
        self._step_size.learn(mover.bytes, seconds, is_cut=mover.is_cut)
        if mover.is_cut:
            self._end_cut(job, walk, mover)
        else:
            walk.end_step()
        return mover

    def _end_cut(self, job: Job, walk: Walk, mover: RowMover) -> None:
        """The origin need not go on reading; and where in the key we are."""
        with suppress(
            ServerError
        ):  # where it may not be interrupted, the rest comes and is dropped
            execute(self._reader, f"KILL QUERY {self._snapshot.server_thread_id[0]}")
        mover.drop_rest()
        with suppress(Transient):  # an interruption that came late hits nothing
            execute(self._snapshot, "DO 0")
        if not walk.cut_step(self._snapshot, mover.rows):
            name = quote(*job.name)
            raise DefinitionChanged(f"{name} has to be read in one go: its key cannot be written.")

    def _shorten(self, piece: Piece, walk: Walk, rows: int) -> None:
        """What takes long ends where it is, and the rest may wait for another snapshot."""
        job = piece.job
        is_due = job.has_own_starts and self._work.pieces.is_due
        number = piece.progress.new_number()
        if split := walk.shorten(is_due=is_due, rows=rows, number=number):
            self._remember(job, *split)
            piece.progress.split(*split)
            self._work.pieces.put_back(replace(piece, range=split[1]))

    def _move_locked(self, piece: Piece, origin: Session) -> tuple[int, int]:
        """Rows and bytes of a whole table, as fast as it goes."""
        job = piece.job
        plan = plan_rows(job.table, job.columns)
        mover = RowMover(plan, origin=origin, destination=self._loader)
        try:
            with piece.progress.moving():
                self._move_rows(piece, mover, pay=lambda rows, octets: None)
        except ServerError as error:
            raise as_definition_change(error, job.table) from error
        if mover.is_doubtful:
            self._require_same(piece, origin)
        return mover.rows, mover.bytes

    def _move_rows(self, piece: Piece, mover: RowMover, *, pay: Callable[[int, int], None]) -> None:
        """What one SELECT finds."""
        number = piece.range.number

        def after_chunk(_rows: int, _octets: int) -> None:
            self._go_on()
            piece.progress.tell()

        def sent(rows: int, octets: int) -> None:
            self._go_on()
            piece.progress.sent(number, rows, octets)
            pay(rows, octets)

        mover.move(after_chunk, pay=sent)

    def _finish_table(self, piece: Piece, state: TableState) -> TableState:
        """All ranges are there, of one definition; the state says so from now on."""
        self._require_same_definition(piece.job)
        self._work.read_until.setdefault(piece.job.name, read_position(self._reader))
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
            add_indexes(self._writer, state)
            seconds = time.monotonic() - started
            sentence = f"Indexes of {quote(*job.name)} added in {seconds:.1f} s."
            self._work.task.report(LogReport("NORMAL", sentence))


def _end(mover: RowMover, walk: Walk, job: Job) -> None:
    """A SELECT has held its table for too long."""
    if not walk.can_be_cut:
        name = quote(*job.name)
        raise DefinitionChanged(f"A statement waits for {name}, which can only be read in one go.")
    mover.cut()
