"""The full copy: every table exactly as of one known position, then its indexes.

A round takes a snapshot, makes the tables that are not there yet and moves their rows, the
largest first and in ranges of their key, with one worker per snapshot session. A snapshot makes
the origin keep old row versions, so it is renewed after some minutes: the round ends, finished
tables stay, the rest is copied under the next one. The same happens when DDL hits a table, and
after a crash; finished ranges that are still the same stay as well. Every table has a start
position: what the origin logged later must be applied to it, nothing else. `copy_prepare` says why
that is exact whatever DDL there is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from sterna.dataplane.copy_ddl import Change
from sterna.dataplane.copy_eta import telling
from sterna.dataplane.copy_finish import add_foreign_keys, add_missing_indexes
from sterna.dataplane.copy_hits import Hits
from sterna.dataplane.copy_list import list_copied
from sterna.dataplane.copy_make import DefinitionChanged
from sterna.dataplane.copy_places import keep_places, passing
from sterna.dataplane.copy_prepare import (
    CopyRound,
    CopyTask,
    Earlier,
    plan_copy,
    prepare_round,
)
from sterna.dataplane.copy_starts import read_starts
from sterna.dataplane.copy_state import (
    create_state_tables,
    forget_table,
    read_states,
    state_session,
)
from sterna.dataplane.copy_worker import StopAsked, Worker
from sterna.dataplane.default_collation import keep_default_collation
from sterna.dataplane.pace import Pace
from sterna.dataplane.range_starts import Starts, smallest_start
from sterna.dataplane.reports import CopyReport, LogReport, ReportTo
from sterna.dataplane.schema import allow_large_rows, open_origin_session
from sterna.dataplane.schema_objects import StoredObject
from sterna.dataplane.snapshot import GIVE_UP_SECONDS, Snapshot, open_snapshot
from sterna.errors import Refused, Stopped, Transient
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, Session, scalar
from sterna.mysql.position import Position

__all__ = ["CopiedTables", "CopyTask", "StopAsked", "copy_all", "copy_tables", "plan_copy"]

ROUNDS_MAX = 20
LOCK_WAIT_SECONDS = 5
RENEW_SECONDS = 10.0  # so long the next snapshot is tried for while the old one is still good


@dataclass(frozen=True)
class CopiedTables:
    """Where following the origin starts.

    An event belongs to a table only if it lies after `start_positions[database, table]`. A table
    that is not listed did not exist at `complete_at`: up to there its events are for nobody,
    after it the table is new. All definitions are those of `complete_at`; `objects` (views,
    routines, triggers, events) are yet to be made. `smallest` is where reading the origin's log
    begins.
    """

    start_positions: Starts
    smallest: Position
    complete_at: Position
    objects: Sequence[StoredObject]


def copy_tables(
    origin: Server, destination: Server, *, pace: Pace, report: ReportTo, stop: threading.Event
) -> CopiedTables:
    """`copy_all` from an origin whose definitions stand still."""
    return copy_all(CopyTask(origin, destination, pace, report, stop))


def copy_all(task: CopyTask) -> CopiedTables:
    """Copy databases and tables; goes on where an earlier copy ended.

    Raises:
        Stopped: a table cannot be carried exactly, a chunk's rows are not what was sent, or DDL
            never lets go of a table.
        StopAsked: `task.stop` was set.
        Refused: the origin could not be locked for the moment the snapshot takes.
        Transient: a connection broke, or another copy is still running (CopyRunning).
    """
    started = time.monotonic()
    with state_session(task.destination) as session:
        _lock_out_others(session)
        create_state_tables(session)
        if sentence := allow_large_rows(session):
            task.report(LogReport("NORMAL", f"{sentence}."))
        with closing(open_origin_session(task.origin)) as origin:
            if sentence := keep_default_collation(origin, session):
                task.report(LogReport("NORMAL", f"{sentence}."))
        with telling(task.forecast, task.report):
            copied = _Rounds(task).run()
        states = read_states(session).values()
    rows, octets = sum(s.rows_copied for s in states), sum(s.bytes_copied for s in states)
    task.report(list_copied(states))
    task.report(CopyReport(rows, octets, time.monotonic() - started))
    return copied


def _lock_out_others(session: Session) -> None:
    """A copy that lost its supervisor may still be at work: it holds this until it ends."""
    if scalar(session, "SELECT GET_LOCK('sterna.copy', %s)", [LOCK_WAIT_SECONDS]) != 1:
        raise Transient("Another copy to this destination is still running.", code="CopyRunning")


class _Rounds:
    """All rounds of one copy."""

    def __init__(self, task: CopyTask) -> None:
        self._task = task
        self._hits = Hits(task.report)
        self._earlier = Earlier()
        self._restless_rounds = 0

    def run(self) -> CopiedTables:
        """Round after round, until one leaves nothing to do."""
        following: Snapshot | None = None
        try:
            while True:
                snapshot = following or self._open_snapshot(GIVE_UP_SECONDS)
                following = None
                try:
                    work = self._prepare(snapshot)
                    following = self._move(work, snapshot) if work else None
                    self._earlier = _leave(work) if work else self._earlier
                finally:
                    snapshot.close()
                if following is None and self._is_complete(work):
                    assert work is not None
                    return self._finish(work)
        finally:
            if following is not None:
                following.close()

    def _open_snapshot(self, give_up_seconds: float) -> Snapshot:
        workers = self._task.pace.workers
        snapshot = open_snapshot(self._task.origin, workers, give_up_seconds=give_up_seconds)
        self._task.report(LogReport("NORMAL", _sentence(snapshot)))
        return snapshot

    def _prepare(self, snapshot: Snapshot) -> CopyRound | None:
        """None: definitions changed while they were read."""
        try:
            work = prepare_round(
                self._task, snapshot.position, earlier=self._earlier, hits=self._hits
            )
        except DefinitionChanged as changed:
            sentence = f"{changed.message} A new snapshot is taken."
            self._task.report(LogReport("WARN", sentence))
            return None
        return work

    def _move(self, work: CopyRound, snapshot: Snapshot) -> Snapshot | None:
        """The next snapshot, where the round leaves something for it."""
        sessions: Sequence[Session] = snapshot.sessions
        while True:
            sessions = _run_workers(work, sessions)
            if not work.pieces.is_left:
                return None
            may_renew = not sessions or self._task.changes.has_room
            if may_renew and (following := self._renew(is_needed=not sessions)):
                return following
            work.pieces.renew_in(self._task.epoch_seconds)

    def _renew(self, *, is_needed: bool) -> Snapshot | None:
        """None: it cannot be had at present, and the old one is still good."""
        try:
            return self._open_snapshot(GIVE_UP_SECONDS if is_needed else RENEW_SECONDS)
        except Refused as error:
            if is_needed:
                raise
            sentence = f"The copy goes on under its old snapshot: {error.message}"
            self._task.report(LogReport("WARN", sentence))
            return None

    def _is_complete(self, work: CopyRound | None) -> bool:
        if work is not None:
            self._forget_read_late(work)
            if work.is_settled and self._has_all_but_passing(work):
                return True
        self._restless_rounds += 1
        if self._restless_rounds > ROUNDS_MAX:
            raise Stopped(
                f"Definitions on the source changed during each of {ROUNDS_MAX} snapshots.",
                code="DefinitionKeepsChanging",
                remedy="Keep applications from creating, altering and dropping tables, views and"
                " routines until the copy is done, then resume the sync task; what is copied"
                " stays.",
            )
        return False

    def _forget_read_late(self, work: CopyRound) -> None:
        """Tables that DDL hit between the snapshot and their last row."""
        until = max([work.position, *work.read_until.values()])
        found: dict[TableName, Change] = {}
        for change in self._task.changes.between(work.position, until):
            for name, read_until in work.read_until.items():
                if change.position <= read_until and change.concerns(name):
                    found[name] = change
        with state_session(self._task.destination) as session:
            for name, change in found.items():
                forget_table(session, name)
                work.spoiled.add(name)
                self._hits.add(name, change.sentence)

    def _has_all_but_passing(self, work: CopyRound) -> bool:
        """Whether every table of the snapshot is there, but those that were dropped since; these
        have places kept for them."""
        until = max([work.position, work.read_at, *work.read_until.values()])
        changes = self._task.changes.between(work.position, until)
        came_or_went = passing(changes, work.tied, work.objects)
        with state_session(self._task.destination) as session:
            return keep_places(session, work.spoiled, came_or_went)

    def _finish(self, work: CopyRound) -> CopiedTables:
        with state_session(self._task.destination) as session:
            add_missing_indexes(session)
            self._hits.require_none_given_up()
            add_foreign_keys(session)
            starts = read_starts(session)
        smallest = min([*map(smallest_start, starts.values()), work.position])
        return CopiedTables(starts, smallest, work.position, work.objects)


def _leave(work: CopyRound) -> Earlier:
    return Earlier(work.position, work.pieces.untouched)


def _sentence(snapshot: Snapshot) -> str:
    return (
        f"Snapshot at {snapshot.position} in {len(snapshot.sessions)} sessions by {snapshot.how};"
        f" writers waited {snapshot.lock_seconds * 1000:.1f} ms."
    )


def _run_workers(work: CopyRound, sessions: Sequence[Session]) -> list[Session]:
    """One thread per snapshot session; those that can still be read from. The first error ends
    them all and is raised."""
    failed = threading.Event()
    with ThreadPoolExecutor(len(sessions), thread_name_prefix="copy") as pool:
        workers = [Worker(work, session, failed=failed) for session in sessions]
        futures = [pool.submit(worker.run) for worker in workers]
    errors = [error for future in futures if (error := future.exception())]
    errors.sort(key=lambda error: isinstance(error, StopAsked))  # the cause before its echo
    if errors:
        raise errors[0]
    return [session for session, future in zip(sessions, futures, strict=True) if future.result()]
