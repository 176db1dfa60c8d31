"""Tables made on the destination for a round, as jobs: their definitions, in ranges where worth it.

Each table is named in the state tables before it is made: what is there under an origin's name and
is not ours stops the copy, whatever happened to us in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sterna.dataplane.copied_objects import (
    DATABASE,
    CopiedObject,
    forget_object,
    read_objects_made,
    remember_object,
)
from sterna.dataplane.copy_keys import RangeKey, range_key
from sterna.dataplane.copy_pieces import Job
from sterna.dataplane.copy_ranges import KeyRange, cut_table, is_large, row_bytes, write_ranges
from sterna.dataplane.copy_state import COPYING, CREATED, TableState, read_states, write_state
from sterna.dataplane.copy_steps import PIECE_SECONDS
from sterna.dataplane.pace import Pace
from sterna.dataplane.range_starts import key_column
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.schema import (
    create_databases,
    create_table,
    read_facts,
    require_same_columns,
    show_create_table,
)
from sterna.dataplane.schema_tables import Facts, TableScript, convert_table
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
from sterna.mysql.connection import ServerError, Session, execute
from sterna.mysql.identifiers import quote
from sterna.mysql.misplaced import misplaced_partition
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


class Maker:
    """Makes the tables of one round, database by database."""

    def __init__(
        self, reader: Session, writer: Session, *, position: Position, pace: Pace, report: ReportTo
    ) -> None:
        self._reader, self._writer = reader, writer
        self._position, self._pace, self._report = position, pace, report
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
        if key is not None and "PARTITION BY " in job.definition:
            self._require_placed(job.table, key.columns[0].name)
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

    def _require_placed(self, table: Table, column: str) -> None:
        """Rows that cannot be found by their key would be left out without a word."""
        name = misplaced_partition(self._reader, table.database, table.name, column)
        if name:
            raise _misplaced(table, name)

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


def _misplaced(table: Table, partition: str) -> Stopped:
    name = quote(table.database, table.name)
    return Stopped(
        f"Partition {quote(partition)} of {name} has rows that belong to another partition, where"
        " the origin does not find them by their key.",
        code="TableUnreadable",
        remedy=f"See them with CHECK TABLE {name}; move them where they belong with REPAIR TABLE"
        f" {name}. Then resume the sync task; what is copied stays.",
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
