"""Before the rows of a round: what DDL or a crash has spoiled is cleared away, tables are made.

The definitions of a table are those of its start position S: what the origin's log has up to S is
in them, nothing else. It is kept so without replaying anything:

- DDL between the start of a copied table and the next snapshot: whatever it names is forgotten and
  copied under that snapshot (`copy_ddl` says what a statement names), together with the tables
  that foreign keys tie to it, because what a cascade does is in no binary log: it is right only
  where all of them begin at the same position. Tables that were only made stay made.
- DDL between the snapshot and the moment all definitions were read: tables made of such
  definitions are forgotten again, and the round is not the last one (`is_settled`).
  A table that came or went there unsettles nobody (`copy_places`).
- DDL between the snapshot and the moment a table was read to its end: it is forgotten again. Most
  often the origin refuses to show what the snapshot no longer fits; this does not rely on it.

So at the snapshot of the last round, `complete_at`, every table, database, view, routine, trigger
and event is as all DDL up to there left it: following skips DDL up to there and runs what is
behind. An event of a table counts if it lies behind the table's start; one of a table that is
gone by then never does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sterna.dataplane.copy_broken import forget_broken, require_readable
from sterna.dataplane.copy_ddl import NOTHING_CHANGES, Change, Changes, lowered
from sterna.dataplane.copy_eta import Forecast
from sterna.dataplane.copy_hits import Hits
from sterna.dataplane.copy_list import list_planned
from sterna.dataplane.copy_make import DefinitionChanged, Maker, current_definition
from sterna.dataplane.copy_pieces import Job, Piece, Pieces
from sterna.dataplane.copy_places import passing
from sterna.dataplane.copy_ranges import KeyRange, read_ranges, write_ranges
from sterna.dataplane.copy_starts import read_begun
from sterna.dataplane.copy_state import (
    COPYING,
    CREATED,
    forget_table,
    read_states,
    state_session,
)
from sterna.dataplane.pace import Pace
from sterna.dataplane.range_starts import groups_of, read_ties
from sterna.dataplane.reports import ReportTo
from sterna.dataplane.schema import open_origin_session
from sterna.dataplane.schema_objects import StoredObject, read_objects
from sterna.dataplane.schema_tables import same_definition
from sterna.dataplane.snapshot import close_sessions, read_position
from sterna.errors import Stopped
from sterna.mysql.catalog import Table, TableName, read_databases, read_tables
from sterna.mysql.connection import Server, ServerError, Session
from sterna.mysql.position import Position

EPOCH_SECONDS = 120.0


@dataclass(frozen=True)
class CopyTask:
    """What is copied, where to, and how.

    `changes` reads the origin's DDL; without it the definitions have to stand still. A snapshot
    is renewed after `epoch_seconds`, so that the origin need not keep row versions for longer.
    """

    origin: Server
    destination: Server
    pace: Pace
    report: ReportTo
    stop: threading.Event
    changes: Changes = NOTHING_CHANGES
    epoch_seconds: float = EPOCH_SECONDS
    forecast: Forecast = field(default_factory=Forecast)


@dataclass(frozen=True)
class CopyRound:
    """What the workers of one round share. `pieces` is a queue, the largest table first.

    `objects` are those of the snapshot where the round `is_settled`: no DDL came in between.
    `read_until` says by when a table was read: DDL up to there may have come in between; by
    `read_at` all definitions were. `tied` are the tables with foreign keys, in lower case.
    """

    task: CopyTask
    position: Position
    pieces: Pieces
    hits: Hits
    objects: Sequence[StoredObject]
    is_settled: bool
    tied: frozenset[TableName]
    read_at: Position
    spoiled: set[TableName] = field(default_factory=set)
    read_until: dict[TableName, Position] = field(default_factory=dict)

    def spoil(self, piece: Piece, changed: DefinitionChanged) -> None:
        """DDL hit the piece's table while it was read: it is copied again in another round."""
        self.pieces.spoil(piece)
        if piece.job.name not in self.spoiled:
            self.spoiled.add(piece.job.name)
            self.hits.add(piece.job.name, changed.message)


class Earlier(NamedTuple):
    """What the round before this one leaves: its snapshot's position, up to which nobody has to
    look at DDL, and the tables it made but did not begin. Nothing is known after a crash."""

    position: Position | None = None
    untouched: Set[TableName] = frozenset()


def plan_copy(origin: Session) -> list[Table]:
    """All tables of the user's databases, the largest first."""
    tables = [t for d in read_databases(origin) for t in read_tables(origin, d.name)]
    return sorted(tables, key=lambda table: (-table.data_bytes, table.database, table.name))


def prepare_round(task: CopyTask, position: Position, *, earlier: Earlier, hits: Hits) -> CopyRound:
    """Make databases and tables; the round's jobs are the tables that have no rows yet.

    Raises:
        Stopped: a table cannot be carried, the destination has one of its name already, or the
            origin ended over one too often.
        DefinitionChanged: definitions changed while they were read.
    """
    reader = open_origin_session(task.origin)
    try:
        with state_session(task.destination) as writer:
            return _Preparation(task, position, reader, writer).run(earlier, hits)
    finally:
        close_sessions([reader])


class _Preparation:
    """One round's, with a session on each side."""

    def __init__(
        self, task: CopyTask, position: Position, reader: Session, writer: Session
    ) -> None:
        self._task, self._position = task, position
        self._reader, self._writer = reader, writer
        self._groups = groups_of(read_ties(reader))
        self._tied = frozenset(map(lowered, self._groups))

    def run(self, earlier: Earlier, hits: Hits) -> CopyRound:
        """Clear away, then make and plan."""
        if earlier.position is None:
            require_readable(self._writer)
        else:
            forget_broken(self._writer)
        self._forget_changed(earlier.position, hits)
        ranges = read_ranges(self._writer)
        given_up = self._with_tied(hits.given_up)
        present = plan_copy(self._reader)
        planned = [t for t in present if (t.database, t.name) not in given_up]
        finished = self._forget_unfinished(planned, set(ranges), earlier.untouched)
        self._task.report(list_planned(present, read_states(self._writer), ranges))
        made, objects = self._make(planned, ranges)
        late = self._late()
        known = {(t.database, t.name) for t in planned} & finished | given_up
        harmless = {*map(lowered, known), *passing(late, self._tied, objects)}
        jobs = self._in_order(self._without_late(made, late, hits), hits)
        hits.is_closing = all(job.name in hits.names for job in jobs)
        return CopyRound(
            self._task,
            self._position,
            self._pieces(jobs),
            hits,
            objects,
            is_settled=all(_is_harmless(change, harmless) for change in late),
            tied=self._tied,
            read_at=late[-1].position if late else self._position,
        )

    def _pieces(self, jobs: list[Job]) -> Pieces:
        """The forecast begins anew with what is left."""
        task, left = self._task, {job.name for job in jobs}
        done = [each for name, each in read_states(self._writer).items() if name not in left]
        rows, octets = sum(s.rows_copied for s in done), sum(s.bytes_copied for s in done)
        task.forecast.begin_round(task.pace.workers, rows=rows, octets=octets)
        return Pieces(jobs, task.report, task.epoch_seconds, forecast=task.forecast)

    def _make(
        self, planned: list[Table], ranges: Mapping[TableName, tuple[KeyRange, ...]]
    ) -> tuple[list[Job], Sequence[StoredObject]]:
        """Jobs and objects; what goes wrong because DDL comes in between is a DefinitionChanged."""
        sessions, task = (self._reader, self._writer), self._task
        maker = Maker(*sessions, position=self._position, pace=task.pace, report=task.report)
        try:
            return maker.make(planned, ranges), read_objects(self._task.origin)
        except (Stopped, ServerError) as error:
            late = self._late()
            if not late:
                raise
            raise DefinitionChanged(f"{late[0].sentence} came in between: {error}") from error

    def _late(self) -> Sequence[Change]:
        """DDL behind the snapshot, until now."""
        return self._task.changes.between(self._position, read_position(self._reader))

    def _forget_changed(self, since: Position | None, hits: Hits) -> None:
        """What DDL behind its start position has hit, up to this round's snapshot."""
        starts = read_begun(self._writer)
        after = min([*starts.values(), self._position]) if since is None else since
        found: dict[TableName, Change] = {}
        for change in self._task.changes.between(after, self._position):
            if change.is_about_rows:
                found |= dict.fromkeys(self._hit_by(change, starts), change)
        for name, change in found.items():
            forget_table(self._writer, name)
            hits.add(name, change.sentence)

    def _hit_by(self, change: Change, starts: Mapping[TableName, Position]) -> set[TableName]:
        """Also tables tied to one that is gone: its cascades ended with it."""
        before = {name for name, start in starts.items() if start < change.position}
        gone = {n for n in self._groups if n not in starts and change.concerns(n)}
        return {n for n in before if change.concerns(n)} | (self._with_tied(gone) & before)

    def _with_tied(self, names: Iterable[TableName]) -> set[TableName]:
        """These tables and all that a cascade from or to them may reach."""
        return {tied for name in names for tied in self._groups.get(name, {name})}

    def _forget_unfinished(
        self, planned: list[Table], begun: set[TableName], untouched: Set[TableName]
    ) -> set[TableName]:
        """Drop what an earlier round left half copied, and what the origin has dropped since;
        the tables that are copied already.

        Tables copied in ranges stay, if they are as they were, and those that nobody has touched.
        Copied tables that are tied to one that is to be copied are dropped as well.
        """
        states = read_states(self._writer)
        present = {(table.database, table.name): table for table in planned}
        finished = {name for name, each in states.items() if each.state not in (CREATED, COPYING)}
        again = self._with_tied(set(present) - finished) if states else set()
        for name, state in states.items():
            if name in present and state.state == CREATED and name in untouched:
                continue
            if name in present and state.state == COPYING and name in begun:
                now = current_definition(self._reader, present[name])
                if same_definition(state.definition, now):
                    continue
            if name not in present or name not in finished or name in again:
                forget_table(self._writer, name)
        return finished - again

    def _without_late(self, jobs: list[Job], late: Sequence[Change], hits: Hits) -> list[Job]:
        """Forget tables whose definition may be newer than the snapshot."""
        left = []
        for job in jobs:
            change = next((each for each in late if each.concerns(job.name)), None)
            if change is None:
                left.append(self._grouped(job))
                continue
            forget_table(self._writer, job.name)
            hits.add(job.name, change.sentence)
        return left

    def _grouped(self, job: Job) -> Job:
        """Tables tied by foreign keys have one start position: no ranges with their own."""
        group = self._groups.get(job.name, frozenset())
        own = job.has_own_starts and not group
        ranges = job.ranges
        if not own and any(part.start is not None for part in ranges):
            ranges = tuple(replace(part, start=None) for part in ranges)
            write_ranges(self._writer, job.name, ranges)
        return replace(job, group=group, has_own_starts=own, ranges=ranges)

    def _in_order(self, jobs: list[Job], hits: Hits) -> list[Job]:
        """What DDL has hit comes last; tables that belong together come together."""
        order: dict[frozenset[TableName], int] = {}
        for job in jobs:
            order.setdefault(job.unit, len(order))
        return sorted(jobs, key=lambda job: (job.name in hits.names, order[job.unit]))


def _is_harmless(change: Change, known: Set[TableName]) -> bool:
    """Whether it is about tables only that are copied already, and are still there, or that came
    or went since the snapshot."""
    return bool(change.tables) and not change.is_unclear and change.tables <= known
