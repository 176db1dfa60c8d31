"""Before the rows: what an earlier round left is cleared away, missing tables are made.

Definitions are read after the snapshot was taken. One that changed in between shows itself when
the snapshot is read, and ends the round.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from sterna.dataplane.copy_state import (
    COPYING,
    CREATED,
    TableName,
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
from sterna.dataplane.schema_tables import Facts, convert_table
from sterna.dataplane.snapshot import close_sessions
from sterna.errors import SternaError, Stopped
from sterna.mysql.catalog import (
    Column,
    Table,
    read_columns,
    read_databases,
    read_foreign_keys,
    read_tables,
)
from sterna.mysql.connection import Server, ServerError, Session
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

# The definition is not the one the snapshot was taken of: dropped, altered, a column unknown.
_DEFINITION_CHANGED = {1049, 1051, 1054, 1109, 1146, 1412}


class DefinitionChanged(SternaError):
    """DDL on the origin hit a table that is being copied: copy it under a new snapshot."""

    code = "DefinitionChanged"


@dataclass(frozen=True)
class Job:
    """One table whose rows are to be moved, with the definition it had when it was planned."""

    table: Table
    columns: list[Column]
    definition: str

    @property
    def name(self) -> TableName:
        """(database, table)."""
        return (self.table.database, self.table.name)


@dataclass(frozen=True)
class CopyRound:
    """What the workers of one round share. `jobs` is a queue, the largest table first."""

    origin: Server
    destination: Server
    position: Position
    report: ReportTo
    stop: threading.Event
    jobs: deque[Job]


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
            _forget_unfinished(reader, writer, {(t.database, t.name) for t in planned})
            maker = _Maker(reader, writer, position=position, report=report)
            jobs = maker.make(planned)
    finally:
        close_sessions([reader])
    return CopyRound(origin, destination, position, report, stop, deque(jobs))


def _forget_unfinished(reader: Session, writer: Session, present: set[TableName]) -> None:
    """Drop what an earlier round left half copied, and what the origin has dropped since.

    Tables tied to one that is to be copied are dropped as well. What a cascade does is in no
    binary log: it is right only where both tables begin at the same position.
    """
    states = read_states(writer)
    finished = {name for name, each in states.items() if each.state not in (CREATED, COPYING)}
    unfinished = present - finished
    again = _tied_by_foreign_keys(reader, unfinished) if states and unfinished else set()
    for name in states:
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

    def make(self, planned: list[Table]) -> list[Job]:
        """The jobs, in the order of `planned`."""
        databases = read_databases(self._reader)
        create_databases(databases, destination=self._writer, facts=self._facts)
        known = read_states(self._writer)
        jobs: dict[TableName, Job] = {}
        for database in databases:
            tables = [t for t in planned if t.database == database.name]
            fresh = [t for t in tables if (t.database, t.name) not in known]
            jobs |= {job.name: job for job in self._make_database(database.name, fresh)}
        order = [(table.database, table.name) for table in planned]
        return [jobs[name] for name in order if name in jobs]

    def _make_database(self, database: str, tables: list[Table]) -> list[Job]:
        columns = read_columns(self._reader, database)
        taken = {table.name for table in read_tables(self._writer, database)}
        jobs = []
        for table in tables:
            if table.name in taken:
                raise _name_taken(table)
            job = Job(table, columns.get(table.name, []), current_definition(self._reader, table))
            self._make_table(job)
            jobs.append(job)
        made = read_columns(self._writer, database)
        for job in jobs:
            require_same_columns(
                job.table,
                origin=job.columns,
                destination=made.get(job.table.name, []),
                facts=self._facts,
            )
        return jobs

    def _make_table(self, job: Job) -> None:
        script = convert_table(job.definition, job.table, columns=job.columns, facts=self._facts)
        state = TableState(
            name=job.name,
            state=CREATED,
            start_position=self._position,
            deferred_indexes=script.indexes,
            deferred_foreign_keys=script.foreign_keys,
            rows_copied=0,
            bytes_copied=0,
        )
        write_state(self._writer, state)
        create_table(script, job.table, destination=self._writer)
        if script.notes:
            notes = "; ".join(script.notes)
            self._report(LogReport("WARN", f"Table {quote(*job.name)}: {notes}."))


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
