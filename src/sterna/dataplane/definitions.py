"""The columns of the destination's tables, as the stream left them.

A row event says what its values are, and hardly into which columns they go: where somebody adds,
drops or moves a column of the destination by hand, values may end in another one, and no server
minds. So the columns of every table are written down in `sterna.definitions` when following
begins and again after each DDL statement of the stream, and compared whenever they may be others:
when following begins again, after a lost connection, before DDL of the table, and when the
destination's log has a statement that is not ours. Rows cost nothing.

The row without a table says of which server all that was read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from hashlib import sha256
from itertools import groupby
from typing import Any

from pymysql.cursors import SSCursor

from sterna.errors import Stopped
from sterna.mysql.catalog import TableName, read_databases
from sterna.mysql.connection import (
    Server,
    Session,
    execute,
    greeting_version,
    open_session,
    query,
    scalar,
    translated_errors,
)
from sterna.mysql.version import Version

CREATE_TABLE = """
CREATE TABLE sterna.definitions (
    task VARCHAR(64) NOT NULL,
    database_name VARCHAR(64) NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    columns MEDIUMTEXT NOT NULL,
    PRIMARY KEY (task, database_name, table_name)
) ENGINE=InnoDB
"""
COLUMNS_NAMED_MAX = 3
_OF_TASK = "SELECT table_name, SHA2(columns, 256) FROM sterna.definitions WHERE task = %s"
_STORED = (
    "SELECT columns FROM sterna.definitions"
    " WHERE task = %s AND database_name = %s AND table_name = %s"
)
_STORE = (
    "REPLACE INTO sterna.definitions (task, database_name, table_name, columns)"
    " VALUES (%s, %s, %s, %s)"
)
_FORGET = "DELETE FROM sterna.definitions WHERE task = %s"
_BASE_TABLES = (
    "SELECT TABLE_NAME FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')"
)
_LEFT_BEHIND = ("#mysql50#", "#sql")  # by a crash in the middle of an ALTER TABLE
_NO_TABLE = ("", "")


def compare(destination: Server, task: str) -> None:
    """Stopped unless all tables have the columns that the stream left them with; those that are
    seen for the first time are written down."""
    with (
        contextlib.closing(open_session(destination)) as session,
        contextlib.closing(open_session(destination)) as reading,
    ):
        _compare_server(session, task)
        for database in read_databases(session):
            _compare_database(session, reading, task, database.name)


def require_kept(session: Session, task: str, tables: Iterable[TableName]) -> None:
    """Stopped unless these tables have the columns that the stream left them with."""
    for name in _as_kept(session, tables):
        stored, now = _stored(session, task, name), _now(session, name)
        if stored and now and stored != now:
            raise _altered(name, stored, now)


def keep(session: Session, task: str, tables: Iterable[TableName]) -> None:
    """Write down what a statement of the stream made of these tables."""
    for name in _as_kept(session, tables):
        if now := _now(session, name):
            execute(session, _STORE, [task, *name, now])
        else:
            forget(session, task, *name)


def forget(session: Session, task: str, *names: str) -> None:
    """What is there when it is read again is right: of a table (its database and its name), of a
    database, or of all."""
    conditions = ("", " AND database_name = %s", " AND database_name = %s AND table_name = %s")
    execute(session, _FORGET + conditions[len(names)], [task, *names])


def forget_databases(session: Session, task: str, databases: Iterable[str]) -> None:
    """They were dropped."""
    for database, _ in _as_kept(session, [(name, "") for name in databases]):
        forget(session, task, database)


def _as_kept(session: Session, tables: Iterable[TableName]) -> Iterable[TableName]:
    """Names as the server keeps them, which may be in lower case."""
    if not int(scalar(session, "SELECT @@lower_case_table_names")):
        return tables
    return [(database.lower(), table.lower()) for database, table in tables]


def _compare_server(session: Session, task: str) -> None:
    """Another version may print definitions in other words: then they are read anew."""
    names = f"lower_case_table_names={scalar(session, 'SELECT @@lower_case_table_names')}"
    now = f"{scalar(session, 'SELECT VERSION()')} {names}"
    stored = _stored(session, task, _NO_TABLE)
    if stored and not stored.endswith(names):
        raise _names_compared(stored, names)
    if stored != now:
        forget(session, task)
        execute(session, _STORE, [task, *_NO_TABLE, now])


def _compare_database(session: Session, reading: Session, task: str, database: str) -> None:
    tables = {_text(name) for (name,) in query(session, _BASE_TABLES, [database])}
    tables = {name for name in tables if not name.startswith(_LEFT_BEHIND)}
    rows = query(session, f"{_OF_TASK} AND database_name = %s", [task, database])
    stored = {_text(name): _text(digest) for name, digest in rows}
    execute(session, "BEGIN")  # a commit for each of many tables would take minutes
    with contextlib.closing(_columns(reading, "TABLE_SCHEMA = %s", [database])) as found:
        for table, now in found:
            name = (database, table)
            if table in tables and table not in stored:
                execute(session, _STORE, [task, *name, now])
            elif table in tables and stored[table] != _digest(now):
                raise _altered(name, _stored(session, task, name), now)
    execute(session, "COMMIT")


def _columns(session: Session, where: str, args: list[str]) -> Generator[tuple[str, str]]:
    """Tables and views with their columns, one a line; they may be more than fit into memory."""
    generated = ", GENERATION_EXPRESSION" if _generates(greeting_version(session)) else ""
    sql = (
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE, EXTRA"
        f"{generated} FROM information_schema.COLUMNS"
        f" WHERE {where} ORDER BY CAST(TABLE_NAME AS BINARY), ORDINAL_POSITION"
    )
    with translated_errors(), session.cursor(SSCursor) as cursor:
        cursor.execute(sql, tuple(args))
        for table, rows in groupby(cursor, lambda row: _text(row[0])):
            yield table, "\n".join(map(_line, rows))


def _line(row: tuple[Any, ...]) -> str:
    _, name, kind, collation, nullable, extra, *generated = map(_text, row)
    null = "" if nullable == "YES" else "NOT NULL"
    return " ".join(filter(None, [f"`{name}`", kind, collation, null, extra, *generated]))


def _digest(columns: str) -> str:
    """As SHA2() of the server has it."""
    return sha256(columns.encode()).hexdigest()


def _generates(version: Version) -> bool:
    return version.at_least(*((10, 2, 5) if version.is_mariadb else (5, 7)))


def _stored(session: Session, task: str, name: TableName) -> str:
    return str(scalar(session, _STORED, [task, *name]) or "")


def _now(session: Session, name: TableName) -> str:
    found = _columns(session, "TABLE_SCHEMA = %s AND TABLE_NAME = %s", list(name))
    return dict(found).get(name[1], "")


def _altered(name: TableName, stored: str, now: str) -> Stopped:
    database, table = name
    return Stopped(
        f"The table {database}.{table} has other columns on the destination than the stream left"
        f" it with: {_difference(stored.split(chr(10)), now.split(chr(10)))}. Nothing more was"
        " applied.",
        code="TableAltered",
        remedy="Undo it on the destination, resume the sync task and verify the table. If it has"
        " to stay as it is: DELETE FROM sterna.definitions WHERE"
        f" database_name = '{database}' AND table_name = '{table}', there, and resume.",
    )


def _difference(stored: list[str], now: list[str]) -> str:
    gone = [f"{line} is gone" for line in stored if line not in now]
    new = [f"{line} is new" for line in now if line not in stored]
    pairs = zip(stored, now, strict=False)
    moved = [f"{line} stands in another place" for other, line in pairs if other != line]
    return "; ".join(([*gone, *new] or moved)[:COLUMNS_NAMED_MAX])


def _names_compared(stored: str, now: str) -> Stopped:
    before = stored.rpartition(" ")[2]
    return Stopped(
        f"The destination was started with {now}, and had {before} before: names of tables may"
        " mean other tables. Nothing more was applied.",
        code="NamesCompared",
        remedy=f"Set {before} in the destination's configuration, restart it, and resume the sync"
        " task.",
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "" if value is None else str(value)
