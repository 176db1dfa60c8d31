"""What a server holds: databases, tables, columns, keys, views, routines, triggers, events.

Read from information_schema, one query per kind and database, on every version from 5.6 on.
Names keep the server's spelling. Everything is in a stable order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from sterna.mysql.connection import Session, greeting_version, query

SYSTEM_DATABASES = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
OWN_DATABASE = "sterna"

TableName = tuple[str, str]  # database, table

T = TypeVar("T")


@dataclass(frozen=True)
class Database:
    """A database and what its new tables get by default."""

    name: str
    charset: str
    collation: str


@dataclass(frozen=True)
class Table:
    """A base table. `kind` is BASE TABLE, or MariaDB's SEQUENCE and SYSTEM VERSIONED.

    `rows_estimated`, `data_bytes` and `index_bytes` are the engine's estimates.
    """

    database: str
    name: str
    kind: str
    engine: str
    collation: str
    row_format: str
    rows_estimated: int
    data_bytes: int
    index_bytes: int


@dataclass(frozen=True)
class Column:
    """A column. `data_type` is the bare type (lower case), `column_type` the whole one.

    `charset` and `collation` are "" where the type has none. `generated` is "", VIRTUAL or
    STORED. `default` is what information_schema says, None without a default.
    """

    table: str
    name: str
    data_type: str
    column_type: str
    charset: str
    collation: str
    nullable: bool
    default: str | None
    generated: str
    invisible: bool
    auto_increment: bool


@dataclass(frozen=True)
class KeyPart:
    """One part of a key: a column, or "" for an expression; prefix length in characters."""

    column: str
    prefix_characters: int | None


@dataclass(frozen=True)
class Key:
    """An index. `kind` is BTREE, HASH, FULLTEXT, SPATIAL…; the primary key is named PRIMARY."""

    table: str
    name: str
    unique: bool
    kind: str
    parts: tuple[KeyPart, ...]

    @property
    def is_primary(self) -> bool:
        """True for the primary key."""
        return self.name == "PRIMARY"


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key; `columns` and `referenced_columns` pair up."""

    table: str
    name: str
    columns: tuple[str, ...]
    referenced_database: str
    referenced_table: str
    referenced_columns: tuple[str, ...]
    on_update: str
    on_delete: str


@dataclass(frozen=True)
class View:
    """A view and the account it runs as."""

    name: str
    definer: str


@dataclass(frozen=True)
class Routine:
    """A stored procedure or function; `kind` is PROCEDURE or FUNCTION (others: as the server)."""

    name: str
    kind: str
    definer: str
    sql_mode: str


@dataclass(frozen=True)
class Trigger:
    """A trigger; triggers of one table, timing and event are listed in their order."""

    name: str
    table: str
    timing: str
    event: str
    definer: str
    sql_mode: str


@dataclass(frozen=True)
class Event:
    """A scheduled event; `status` is ENABLED, DISABLED or SLAVESIDE_DISABLED.

    `charset` and `collation` are those of the session that wrote it.
    """

    name: str
    status: str
    definer: str
    sql_mode: str
    time_zone: str
    charset: str
    collation: str


def read_databases(connection: Session) -> list[Database]:
    """The user's databases: neither the system's nor Sterna's own."""
    rows = query(
        connection,
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME"
        " FROM information_schema.SCHEMATA ORDER BY 1",
    )
    found = (Database(*map(str, row)) for row in rows)
    return [database for database in found if is_user_database(database.name)]


def is_user_database(name: str) -> bool:
    """True unless the database is the system's or Sterna's own."""
    return name.lower() not in SYSTEM_DATABASES and name != OWN_DATABASE


def read_tables(connection: Session, database: str) -> list[Table]:
    """The database's tables, views left out."""
    rows = query(
        connection,
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COLLATION, ROW_FORMAT,"
        " TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')"
        " ORDER BY TABLE_NAME",
        [database],
    )
    return [_table(*row) for row in rows]


def _table(*row: Any) -> Table:
    database, name, kind, engine, collation, row_format = map(_text, row[:6])
    rows_estimated, data_bytes, index_bytes = (int(value or 0) for value in row[6:])
    return Table(
        database,
        name,
        kind=kind,
        engine=engine,
        collation=collation,
        row_format=row_format,
        rows_estimated=rows_estimated,
        data_bytes=data_bytes,
        index_bytes=index_bytes,
    )


def read_columns(connection: Session, database: str) -> dict[str, list[Column]]:
    """The columns of every table and view, by table, in their order."""
    rows = query(
        connection,
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME,"
        " COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
        [database],
    )
    no_default = "NULL" if greeting_version(connection).is_mariadb else None
    columns = [_column(*row, no_default=no_default) for row in rows]
    return _by_table(columns, lambda column: column.table)


def _column(*row: Any, no_default: str | None) -> Column:
    table, name, data_type, column_type, charset, collation, nullable, default, extra = row
    words = str(extra).upper()
    return Column(
        table=str(table),
        name=str(name),
        data_type=_text(data_type).lower(),
        column_type=_text(column_type),
        charset=_text(charset),
        collation=_text(collation),
        nullable=nullable == "YES",
        default=None if default in (None, no_default) else _text(default),
        generated=_generated(words.split()),
        invisible="INVISIBLE" in words.split(),
        auto_increment="AUTO_INCREMENT" in words,
    )


def _generated(words: list[str]) -> str:
    if "STORED" in words or "PERSISTENT" in words:
        return "STORED"
    return "VIRTUAL" if "VIRTUAL" in words else ""


def read_keys(connection: Session, database: str) -> dict[str, list[Key]]:
    """The indexes of every table, by table: the primary key first, then by name."""
    rows = query(
        connection,
        "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, COLUMN_NAME, SUB_PART"
        " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s"
        " ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
        [database],
    )
    keys = []
    for (table, name), parts in groupby(rows, lambda row: (str(row[0]), str(row[1]))):
        listed = list(parts)
        columns = tuple(KeyPart(_text(row[4]), row[5] and int(row[5])) for row in listed)
        unique = not int(listed[0][2])
        keys.append(Key(table, name, unique, str(listed[0][3]), columns))
    return _by_table(keys, lambda key: key.table)


def read_foreign_keys(connection: Session, database: str) -> dict[str, list[ForeignKey]]:
    """The foreign keys of every table, by table."""
    rows = query(
        connection,
        "SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA,"
        " k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.UPDATE_RULE, r.DELETE_RULE"
        " FROM information_schema.KEY_COLUMN_USAGE k"
        " JOIN information_schema.REFERENTIAL_CONSTRAINTS r"
        "   ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME"
        "  AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME"
        " WHERE k.TABLE_SCHEMA = %s AND r.CONSTRAINT_SCHEMA = %s"
        "   AND k.REFERENCED_TABLE_NAME IS NOT NULL"
        " ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
        [database, database],
    )
    found = []
    for (table, name), parts in groupby(rows, lambda row: (str(row[0]), str(row[1]))):
        listed = list(parts)
        columns, referenced = zip(*((str(row[2]), str(row[5])) for row in listed), strict=True)
        parent_database, parent = str(listed[0][3]), str(listed[0][4])
        rules = str(listed[0][6]), str(listed[0][7])
        found.append(ForeignKey(table, name, columns, parent_database, parent, referenced, *rules))
    return _by_table(found, lambda key: key.table)


def read_views(connection: Session, database: str) -> list[View]:
    """The database's views."""
    rows = query(
        connection,
        "SELECT TABLE_NAME, DEFINER FROM information_schema.VIEWS"
        " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME",
        [database],
    )
    return [View(*map(_text, row)) for row in rows]


def read_routines(connection: Session, database: str) -> list[Routine]:
    """The database's functions and procedures (and whatever else the server calls a routine)."""
    rows = query(
        connection,
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, DEFINER, SQL_MODE FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = %s ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
        [database],
    )
    return [Routine(*map(_text, row)) for row in rows]


def read_triggers(connection: Session, database: str) -> list[Trigger]:
    """The database's triggers, each table's in the order in which they fire."""
    rows = query(
        connection,
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, DEFINER,"
        " SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
        " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        [database],
    )
    return [Trigger(*map(_text, row)) for row in rows]


def read_events(connection: Session, database: str) -> list[Event]:
    """The database's scheduled events."""
    rows = query(
        connection,
        "SELECT EVENT_NAME, STATUS, DEFINER, SQL_MODE, TIME_ZONE, CHARACTER_SET_CLIENT,"
        " COLLATION_CONNECTION FROM information_schema.EVENTS"
        " WHERE EVENT_SCHEMA = %s ORDER BY EVENT_NAME",
        [database],
    )
    return [Event(*map(_text, row)) for row in rows]


def _by_table(found: list[T], table_of: Callable[[T], str]) -> dict[str, list[T]]:
    tables: dict[str, list[T]] = {}
    for entry in found:
        tables.setdefault(table_of(entry), []).append(entry)
    return tables


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "" if value is None else str(value)
