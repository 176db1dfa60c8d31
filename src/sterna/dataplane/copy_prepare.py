"""Before the rows: what an earlier round left is cleared away, missing tables are made.

Definitions are read after the snapshot was taken. One that changed in between shows itself when
the snapshot is read, and ends the round.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sterna.dataplane.copy_keys import range_key
from sterna.dataplane.copy_pieces import Job, Pieces
from sterna.dataplane.copy_ranges import (
    KeyRange,
    cut_table,
    is_large,
    read_ranges,
    write_ranges,
)
from sterna.dataplane.copy_state import (
    COPYING,
    CREATED,
    TableState,
    forget_table,
    read_states,
    state_session,
    write_state,
)
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.schema import (
    create_databases,
    create_table,
    open_origin_session,
    read_facts,
    require_same_columns,
    show_create_table,
)
from sterna.dataplane.schema_tables import Facts, TableScript, convert_table, same_definition
from sterna.dataplane.snapshot import close_sessions
from sterna.errors import SternaError, Stopped
from sterna.mysql.catalog import (
    Column,
    Table,
    TableName,
    read_columns,
    read_databases,
    read_foreign_keys,
    read_keys,
    read_tables,
)
from sterna.mysql.connection import Server, ServerError, Session
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

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
class CopyRound:
    """What the workers of one round share. `pieces` is a queue, the largest table first."""

    origin: Server
    destination: Server
    position: Position
    report: ReportTo
    stop: threading.Event
    pieces: Pieces


def plan_copy(origin: Session) -> list[Table]:
    """All tables of the user's databases, the largest first."""
    tables = [t for d in read_databases(origin) for t in read_tables(origin, d.name)]
    return sorted(tables, key=lambda table: (-table.data_bytes, table.database, table.name))


def prepare_round(
    origin: Server,
    destination: Server,
    *,
    position: Position,
    report: ReportTo,
    stop: threading.Event,
) -> CopyRound:
    """Make databases and tables; the round's jobs are the tables that have no rows yet.

    Raises:
        Stopped: a table cannot be carried, or the destination has one of its name already.
        DefinitionChanged: a table went away while its definition was read.
    """
    reader = open_origin_session(origin)
    try:
        with state_session(destination) as writer:
            planned = plan_copy(reader)
            ranges = read_ranges(writer)
            _forget_unfinished(reader, writer, planned, begun=set(ranges))
            maker = _Maker(reader, writer, position=position, report=report)
            jobs = maker.make(planned, ranges)
    finally:
        close_sessions([reader])
    return CopyRound(origin, destination, position, report, stop, Pieces(jobs, report))


def _forget_unfinished(
    reader: Session, writer: Session, planned: list[Table], *, begun: set[TableName]
) -> None:
    """Drop what an earlier round left half copied, and what the origin has dropped since.

    Tables copied in ranges stay, if they are as they were. Tables tied to one that is to be
    copied are dropped as well. What a cascade does is in no binary log: it is right only where
    both tables begin at the same position.
    """
    states = read_states(writer)
    present = {(table.database, table.name): table for table in planned}
    finished = {name for name, each in states.items() if each.state not in (CREATED, COPYING)}
    unfinished = set(present) - finished
    again = _tied_by_foreign_keys(reader, unfinished) if states and unfinished else set()
    for name, state in states.items():
        is_begun = name in begun and name in present and state.state == COPYING
        if is_begun and same_definition(
            state.definition, current_definition(reader, present[name])
        ):
            continue
        if name not in present or name not in finished or name in again:
            forget_table(writer, name)


def _tied_by_foreign_keys(reader: Session, tables: set[TableName]) -> set[TableName]:
    """These tables and all that a cascade from or to them may reach."""
    ties: list[tuple[TableName, TableName]] = [
        ((database.name, key.table), (key.referenced_database, key.referenced_table))
        for database in read_databases(reader)
        for keys in read_foreign_keys(reader, database.name).values()
        for key in keys
    ]
    found = set(tables)
    while more := {name for tie in ties if found.intersection(tie) for name in tie} - found:
        found |= more
    return found


class _Maker:
    """Makes the tables of one round, database by database."""

    def __init__(
        self, reader: Session, writer: Session, *, position: Position, report: ReportTo
    ) -> None:
        self._reader, self._writer = reader, writer
        self._position, self._report = position, report
        self._facts: Facts = read_facts(reader, writer)

    def make(
        self, planned: list[Table], begun: Mapping[TableName, tuple[KeyRange, ...]]
    ) -> list[Job]:
        """The jobs, in the order of `planned`; `begun` are the ranges of an earlier round."""
        databases = read_databases(self._reader)
        create_databases(databases, destination=self._writer, facts=self._facts)
        known = read_states(self._writer)
        jobs: dict[TableName, Job] = {}
        for database in databases:
            tables = [t for t in planned if t.database == database.name]
            for job in self._make_database(database.name, tables, known):
                jobs[job.name] = self._cut(job, begun.get(job.name, ()))
        order = [(table.database, table.name) for table in planned]
        return [jobs[name] for name in order if name in jobs]

    def _make_database(
        self, database: str, tables: list[Table], known: Mapping[TableName, TableState]
    ) -> list[Job]:
        columns = read_columns(self._reader, database)
        taken = {table.name for table in read_tables(self._writer, database)}
        jobs, missing = [], []
        for table in tables:
            state = known.get((database, table.name))
            if state is None:
                if table.name in taken:
                    raise _name_taken(table)
                missing.append(table)
            elif state.state == COPYING:
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
        planned = [self._plan_table(table, columns.get(table.name, [])) for table in tables]
        write_state(self._writer, *(job.state for job, _ in planned))
        for job, script in planned:
            create_table(script, job.table, destination=self._writer)
            if script.notes:
                notes = "; ".join(script.notes)
                self._report(LogReport("WARN", f"Table {quote(*job.name)}: {notes}."))
        return [job for job, _ in planned]

    def _plan_table(self, table: Table, columns: list[Column]) -> tuple[Job, TableScript]:
        definition = current_definition(self._reader, table)
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
        if not begun and not is_large(job.table):
            return job
        keys = read_keys(self._reader, job.table.database).get(job.table.name, [])
        same = self._facts.origin.is_mariadb == self._facts.destination.is_mariadb
        key = range_key(job.columns, keys, same_server_kind=same)
        if key is None:
            return job
        if begun:
            width = max(each.width for each in begun) or len(key.columns)
            return replace(job, key=key.leading(width), ranges=begun)
        key, ranges = cut_table(self._reader, job.table, key)
        job = replace(job, key=key, ranges=ranges)
        if job.is_resumable:
            write_ranges(self._writer, job.name, ranges)
        return job


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
    """DefinitionChanged where the error means that, else the error itself."""
    if error.number in _DEFINITION_CHANGED:
        name = quote(table.database, table.name)
        return DefinitionChanged(f"DDL on the origin hit {name} during the copy ({error.text}).")
    return error
