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

from sterna.dataplane.copied_objects import (
    DATABASE,
    CopiedObject,
    forget_object,
    read_objects_made,
    remember_object,
)
from sterna.dataplane.copy_ddl import NOTHING_CHANGES, Change, Changes, lowered
from sterna.dataplane.copy_eta import Forecast
from sterna.dataplane.copy_hits import Hits
from sterna.dataplane.copy_keys import RangeKey, range_key
from sterna.dataplane.copy_pieces import Job, Piece, Pieces
from sterna.dataplane.copy_places import passing
from sterna.dataplane.copy_ranges import (
    KeyRange,
    cut_table,
    is_large,
    read_ranges,
    row_bytes,
    write_ranges,
)
from sterna.dataplane.copy_starts import read_begun
from sterna.dataplane.copy_state import (
    COPYING,
    CREATED,
    TableState,
    forget_table,
    read_states,
    state_session,
    write_state,
)
from sterna.dataplane.copy_steps import PIECE_SECONDS
from sterna.dataplane.pace import Pace
from sterna.dataplane.range_starts import groups_of, key_column, read_ties
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.schema import (
    create_databases,
    create_table,
    open_origin_session,
    read_facts,
    require_same_columns,
    show_create_table,
)
from sterna.dataplane.schema_objects import StoredObject, read_objects
from sterna.dataplane.schema_tables import Facts, TableScript, convert_table, same_definition
from sterna.dataplane.snapshot import close_sessions, read_position
from sterna.dataplane.trouble import unreadable
from sterna.errors import SternaError, Stopped
from sterna.mysql.catalog import (
    Column,
    Database,
    Key,
    Table,
    TableName,
    read_columns,
    read_databases,
    read_keys,
    read_tables,
)
from sterna.mysql.connection import Server, ServerError, Session, execute
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

EPOCH_SECONDS = 120.0
# The definition is not the one the snapshot was taken of: dropped, altered, a column unknown.
_DEFINITION_CHANGED = {1049, 1051, 1054, 1109, 1146, 1412}

TABLES_AT_ONCE = 50
# Indexes of tables up to this size are made with them: adding them later costs more.
SMALL_ROWS = 1000
SMALL_BYTES = 1 << 20


class DefinitionChanged(SternaError):
    """DDL on the origin hit a table that is being copied: copy it under a new snapshot."""

    code = "DefinitionChanged"


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
        Stopped: a table cannot be carried, or the destination has one of its name already.
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
        self._forget_changed(earlier.position, hits)
        ranges = read_ranges(self._writer)
        given_up = self._with_tied(hits.given_up)
        planned = [t for t in plan_copy(self._reader) if (t.database, t.name) not in given_up]
        finished = self._forget_unfinished(planned, set(ranges), earlier.untouched)
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
        maker = _Maker(self._reader, self._writer, position=self._position, task=self._task)
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


class _Maker:
    """Makes the tables of one round, database by database."""

    def __init__(
        self, reader: Session, writer: Session, *, position: Position, task: CopyTask
    ) -> None:
        self._reader, self._writer = reader, writer
        self._position, self._report, self._pace = position, task.report, task.pace
        self._keys: dict[str, dict[str, list[Key]]] = {}
        self._facts: Facts = read_facts(reader, writer)

    def make(
        self, planned: list[Table], begun: Mapping[TableName, tuple[KeyRange, ...]]
    ) -> list[Job]:
        """The jobs, in the order of `planned`; `begun` are the ranges of an earlier round."""
        databases = self._make_databases()
        known = read_states(self._writer)
        jobs: dict[TableName, Job] = {}
        for database in databases:
            tables = [t for t in planned if t.database == database.name]
            for job in self._make_database(database.name, tables, known):
                jobs[job.name] = self._cut(job, begun.get(job.name, ()))
        order = [(table.database, table.name) for table in planned]
        return [jobs[name] for name in order if name in jobs]

    def _make_databases(self) -> list[Database]:
        """As the origin has them now; one that was made here and is gone there is dropped."""
        databases = read_databases(self._reader)
        names = {database.name for database in databases}
        for name in names - {database.name for database in read_databases(self._writer)}:
            remember_object(self._writer, CopiedObject(name, DATABASE, name))
        create_databases(databases, destination=self._writer, facts=self._facts)
        for made in read_objects_made(self._writer):
            if made.kind == DATABASE and made.name not in names:
                self._drop_database(made)
        return databases

    def _drop_database(self, made: CopiedObject) -> None:
        if read_tables(self._writer, made.name):
            sentence = f"Database {quote(made.name)} is gone on the origin, but has tables here."
            self._report(LogReport("WARN", sentence))
            return
        execute(self._writer, f"DROP DATABASE IF EXISTS {quote(made.name)}")
        forget_object(self._writer, made)

    def _make_database(
        self, database: str, tables: list[Table], known: Mapping[TableName, TableState]
    ) -> list[Job]:
        columns = read_columns(self._reader, database)
        taken = {table.name for table in read_tables(self._writer, database)}
        jobs, missing = [], []
        for table in tables:
            state = known.get((database, table.name))
            if state is None and table.name in taken:
                raise _name_taken(table)
            if table.name not in taken:
                missing.append(table)
            elif state is not None and state.state in (CREATED, COPYING):
                state = replace(state, start_position=self._position)
                jobs.append(Job(table, columns.get(table.name, []), state.definition, state))
        for first in range(0, len(missing), TABLES_AT_ONCE):
            jobs += self._make_tables(missing[first : first + TABLES_AT_ONCE], columns)
        made = read_columns(self._writer, database)
        for job in jobs:
            require_same_columns(
                job.table,
                origin=job.columns,
                destination=made.get(job.table.name, []),
                facts=self._facts,
            )
        return jobs

    def _make_tables(self, tables: list[Table], columns: Mapping[str, list[Column]]) -> list[Job]:
        """The jobs of new tables, all of which are named on the destination before the first."""
        planned = [found for table in tables if (found := self._plan_table(table, columns))]
        if not planned:
            return []
        write_state(self._writer, *(job.state for job, _ in planned))
        execute(self._writer, f"USE {quote(tables[0].database)}")
        for job, script in planned:
            create_table(script, job.table, destination=self._writer)
            if script.notes:
                notes = "; ".join(script.notes)
                self._report(LogReport("WARN", f"Table {quote(*job.name)}: {notes}."))
        return [job for job, _ in planned]

    def _plan_table(
        self, table: Table, columns_of: Mapping[str, list[Column]]
    ) -> tuple[Job, TableScript] | None:
        """None where it is gone just now; the log has it."""
        columns = columns_of.get(table.name, [])
        try:
            definition = current_definition(self._reader, table)
        except DefinitionChanged:
            return None
        script = convert_table(
            definition,
            table,
            columns=columns,
            facts=self._facts,
            defer_indexes=table.rows_estimated > SMALL_ROWS or table.data_bytes > SMALL_BYTES,
        )
        state = TableState(
            name=(table.database, table.name),
            state=CREATED,
            start_position=self._position,
            deferred_indexes=script.indexes,
            deferred_foreign_keys=script.foreign_keys,
            rows_copied=0,
            bytes_copied=0,
            definition=definition,
        )
        return Job(table, columns, definition, state), script

    def _cut(self, job: Job, begun: tuple[KeyRange, ...]) -> Job:
        """The job in ranges, where that is worth it or has been begun."""
        if not begun and not self._is_worth_keys(job.table):
            return job
        keys = self._keys_of(job.table)
        same = self._facts.origin.is_mariadb == self._facts.destination.is_mariadb
        job = replace(job, walk=(key := range_key(job.columns, keys, same_server_kind=same)))
        slow_rows = self._pace.allows(PIECE_SECONDS, row_bytes(job.table))
        if key is None or (not begun and not is_large(job.table, rows_max=slow_rows)):
            return job
        if begun:
            key, ranges = key.leading(max(each.width for each in begun) or len(key.columns)), begun
        else:
            key, ranges = cut_table(self._reader, job.table, key)
        job = replace(job, key=key, ranges=ranges, has_own_starts=_tells_ranges(job, key, keys))
        if job.is_resumable and not begun:
            write_ranges(self._writer, job.name, ranges)
        return job

    def _is_worth_keys(self, table: Table) -> bool:
        """A table of a moment is read at once; one that is slow for a limit may need steps."""
        is_small = table.rows_estimated <= SMALL_ROWS and table.data_bytes <= SMALL_BYTES
        return not is_small or is_large(table) or self._pace.is_limited

    def _keys_of(self, table: Table) -> list[Key]:
        """Read once for all tables of a database."""
        if table.database not in self._keys:
            self._keys[table.database] = read_keys(self._reader, table.database)
        return self._keys[table.database].get(table.name, [])


def _tells_ranges(job: Job, key: RangeKey, keys: Iterable[Key]) -> bool:
    """Whether rows of the binary log can be told apart by the range they belong to. Parts of JSON
    documents come without the rest of their rows."""
    is_first = key.index == "PRIMARY" and len(key.columns) == 1 and key.is_alike
    has_json = any(column.data_type == "json" for column in job.columns)
    return is_first and not has_json and key_column(job.columns, keys) is not None


def _name_taken(table: Table) -> Stopped:
    name = quote(table.database, table.name)
    return Stopped(
        f"The destination has a table {name} that this copy did not make; it was not touched.",
        code="TableExists",
        remedy=f"Drop or rename it on the destination: DROP TABLE {name}.",
    )


def current_definition(reader: Session, table: Table) -> str:
    """SHOW CREATE TABLE. DefinitionChanged when the table is gone."""
    try:
        return show_create_table(reader, table)
    except ServerError as error:
        raise as_definition_change(error, table) from error


def as_definition_change(error: ServerError, table: Table) -> SternaError:
    """DefinitionChanged where the error means that, else a Stopped that names the table."""
    name = quote(table.database, table.name)
    if error.number in _DEFINITION_CHANGED:
        return DefinitionChanged(f"DDL on the origin hit {name} during the copy ({error.text}).")
    return unreadable(name, error)
