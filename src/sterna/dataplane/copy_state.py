"""What the copy has done, kept on the destination in `sterna.tables`, so it survives any crash.

State of a table: created (named here, perhaps made) → copying (rows arrive) → loaded (all rows
are there, indexes missing) → done. A row is written before its table is made, so a table without
a row is never Sterna's and is never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sterna.dataplane.copied_objects import create_object_table
from sterna.dataplane.copy_broken import CREATE_BROKEN
from sterna.dataplane.copy_ranges import CREATE_RANGES, forget_ranges
from sterna.dataplane.schema import open_destination_session
from sterna.dataplane.snapshot import close_sessions
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, Session, execute, query
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position

CREATED, COPYING, LOADED, DONE = "created", "copying", "loaded", "done"

_CREATE = (
    "CREATE DATABASE IF NOT EXISTS sterna",
    """CREATE TABLE IF NOT EXISTS sterna.tables (
        database_name VARCHAR(64) NOT NULL,
        table_name VARCHAR(64) NOT NULL,
        state VARCHAR(16) NOT NULL,
        start_position VARCHAR(255) NOT NULL,
        deferred_indexes MEDIUMTEXT NOT NULL,
        deferred_foreign_keys MEDIUMTEXT NOT NULL,
        rows_copied BIGINT UNSIGNED NOT NULL,
        bytes_copied BIGINT UNSIGNED NOT NULL,
        definition MEDIUMTEXT NOT NULL,
        PRIMARY KEY (database_name, table_name)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",
    CREATE_RANGES,
    CREATE_BROKEN,
    """CREATE TABLE IF NOT EXISTS sterna.copied (
        number INT NOT NULL PRIMARY KEY,
        complete_at VARCHAR(255) NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",
)


@dataclass(frozen=True)
class TableState:
    """One table's row. The deferred statements are "" where there is nothing to add.

    `definition` is the origin's SHOW CREATE TABLE when the table was made.
    """

    name: TableName
    state: str
    start_position: Position
    deferred_indexes: str
    deferred_foreign_keys: str
    rows_copied: int
    bytes_copied: int
    definition: str


def create_state_tables(destination: Session) -> None:
    """Make the `sterna` database and its tables of the copy; keeps what is there."""
    for sql in _CREATE:
        execute(destination, sql)
    create_object_table(destination)


def read_states(destination: Session) -> dict[TableName, TableState]:
    """All tables the copy knows of."""
    rows = query(
        destination,
        "SELECT database_name, table_name, state, start_position, deferred_indexes,"
        " deferred_foreign_keys, rows_copied, bytes_copied, definition FROM sterna.tables"
        " ORDER BY 1, 2",
    )
    states = {}
    for database, table, state, position, *rest in rows:
        name = (str(database), str(table))
        states[name] = TableState(name, str(state), Position.parse(str(position)), *rest)
    return states


def write_state(destination: Session, *entries: TableState) -> None:
    """Store tables' rows at once, whether there were any or not."""
    row = "(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    values = ", ".join([row] * len(entries))
    execute(
        destination,
        f"REPLACE INTO sterna.tables VALUES {values}",
        [value for entry in entries for value in _stored(entry)],
    )


def _stored(entry: TableState) -> list[str | int]:
    return [
        *entry.name,
        entry.state,
        str(entry.start_position),
        entry.deferred_indexes,
        entry.deferred_foreign_keys,
        entry.rows_copied,
        entry.bytes_copied,
        entry.definition,
    ]


def write_complete(destination: Session, complete_at: Position) -> None:
    """Keep the position that all copied definitions are as of."""
    execute(destination, "REPLACE INTO sterna.copied VALUES (1, %s)", [str(complete_at)])


def read_complete(destination: Session) -> Position | None:
    """The position that all copied definitions are as of; None before a copy was complete."""
    rows = query(destination, "SELECT complete_at FROM sterna.copied")
    return Position.parse(str(rows[0][0])) if rows else None


def forget_table(destination: Session, name: TableName) -> None:
    """Drop a table that the copy made, then its rows here."""
    execute(destination, f"DROP TABLE IF EXISTS {quote(*name)}")
    forget_ranges(destination, name)
    execute(
        destination,
        "DELETE FROM sterna.tables WHERE database_name = %s AND table_name = %s",
        name,
    )


@contextmanager
def state_session(server: Server) -> Iterator[Session]:
    """A destination session for the length of a block."""
    session = open_destination_session(server)
    try:
        yield session
    finally:
        close_sessions([session])
