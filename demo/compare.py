"""Do two servers hold the same, row by row? Hashes made by each server, compared here.

Every value is turned into text that prints alike on every version, every row into a hash, every
table into the number and the sum of these, so order does not matter and duplicates count. Where
the sums differ, the first rows that differ are named. For servers nobody writes to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import ConnectionParameters, Row, connect, rows

NAMED_MAX = 3  # rows named for each table
SHOWN_MAX = 60  # characters of a value

_TEXT = "CAST({} AS CHAR)"
_BYTES = "HEX({})"
_ORDINAL = "CONCAT({0} + 0, ':', HEX({0}))"
# Versions lay out small and large numbers differently, and cut digits off. Scaled by a power of
# two, which is exact, into 1 to 2^50, all 17 digits are printed alike.
_FIFTIES = "COALESCE(FLOOR(LOG2(ABS({0})) / 50), 0)"
_HALF = f"POW(2, -25 * {_FIFTIES})"  # the whole power may lie beyond the largest number
_FORMS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"), _TEXT),
    **dict.fromkeys(("date", "time", "datetime", "timestamp", "year"), _TEXT),
    **dict.fromkeys(("float", "double"), f"CONCAT({{0}} * {_HALF} * {_HALF}, 'p', {_FIFTIES})"),
    **dict.fromkeys(("char", "varchar", "binary", "varbinary"), _BYTES),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), _BYTES),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), _BYTES),
    **dict.fromkeys(("enum", "set"), _ORDINAL),
    "bit": "CAST({} + 0 AS CHAR)",
    "json": "HEX(CONVERT({} USING utf8mb4))",
}
_OBJECTS = {
    "view": "SELECT table_name FROM information_schema.views WHERE table_schema = %s",
    "trigger": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
    "routine": "SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s",
    "event": "SELECT event_name FROM information_schema.events WHERE event_schema = %s",
}

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Table:
    """A table and the SQL that turns its rows into text.

    Attributes:
        columns: names and data types.
        key: names of the primary key's columns; empty where there is none.
    """

    database: str
    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    @property
    def shape(self) -> str:
        columns = ", ".join(f"{name} {data_type}" for name, data_type in self.columns)
        return f"({columns}; key {', '.join(self.key) or 'none'})"

    @property
    def sql_name(self) -> str:
        return f"{_quote(self.database)}.{_quote(self.name)}"

    @property
    def forms(self) -> list[str]:
        """An expression for each column; NULL is '~'."""
        forms = [_FORMS[data_type].format(_quote(name)) for name, data_type in self.columns]
        return [f"IFNULL({form}, '~')" for form in forms]

    @property
    def row_hash(self) -> str:
        # Not MD5 nor SHA1: MySQL 9.7 has no such functions any more.
        return f"SHA2(CONCAT_WS(',', {', '.join(self.forms)}), 256)"

    @property
    def row_key(self) -> str:
        """What names a row: its primary key, else its hash."""
        if not self.key:
            return self.row_hash
        data_types = dict(self.columns)
        forms = ", ".join(_FORMS[data_types[name]].format(_quote(name)) for name in self.key)
        return f"CONCAT_WS(',', {forms})"


class _Sides:
    """Two sessions, asked at the same time."""

    def __init__(self, sessions: Sequence[Connection[Cursor]]) -> None:
        self._sessions = sessions

    def ask(self, question: Callable[[Connection[Cursor]], Result]) -> tuple[Result, Result]:
        """The answers of both."""
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(question, self._sessions)
        return one, other


def compare(
    params_a: ConnectionParameters,
    params_b: ConnectionParameters,
    databases: Sequence[str] = ("bank",),
) -> list[str]:
    """Every difference between two servers, a sentence each; empty when they hold the same.

    Compared are tables, columns and rows, and the names of views, triggers, routines and events.

    Raises:
        ValueError: a column has a type this judge does not know.
        pymysql.MySQLError: a server cannot be read.
    """
    with connect(params_a) as one, connect(params_b) as other:
        sides = _Sides((one, other))
        return [each for database in databases for each in _compare_database(sides, database)]


def _compare_database(sides: _Sides, database: str) -> Iterator[str]:
    ours_named, theirs_named = sides.ask(lambda session: _objects(session, database))
    yield from _only(ours_named, theirs_named)
    ours, theirs = sides.ask(lambda session: _tables(session, database))
    yield from _only({f"table {table}" for table in ours}, {f"table {table}" for table in theirs})
    by_name = {table.name: table for table in theirs}
    for table in ours:
        twin = by_name.get(table.name)
        if twin is not None and twin != table:
            yield f"{table}: columns or key differ: {table.shape} against {twin.shape}"
        elif twin is not None:
            yield from _compare_rows(sides, table)


def _objects(session: Connection[Cursor], database: str) -> set[str]:
    return {
        f"{kind} {database}.{name}"
        for kind, sql in _OBJECTS.items()
        for (name,) in rows(session, sql, database)
    }


def _only(ours: set[str], theirs: set[str]) -> Iterator[str]:
    yield from (f"{name} is only in the first" for name in sorted(ours - theirs))
    yield from (f"{name} is only in the second" for name in sorted(theirs - ours))


def _compare_rows(sides: _Sides, table: _Table) -> Iterator[str]:
    # 60 bits of each hash: their sum stays exact in a DECIMAL.
    number = f"CAST(CONV(LEFT({table.row_hash}, 15), 16, 10) AS UNSIGNED)"
    total = f"SELECT COUNT(*), SUM({number}) FROM {table.sql_name}"
    (ours,), (theirs,) = sides.ask(lambda session: rows(session, total))
    if ours == theirs:
        return
    hashes = f"SELECT {table.row_key}, {table.row_hash} FROM {table.sql_name}"
    one, other = sides.ask(lambda session: Counter(rows(session, hashes)))
    keys = sorted({str(key) for key, _ in [*(one - other), *(other - one)]})
    if not keys:
        yield f"{table}: it was written to while it was compared"
        return
    yield f"{table}: {len(keys)} keys differ; {ours[0]} rows against {theirs[0]}"
    named = keys[:NAMED_MAX]
    first, second = sides.ask(lambda session: _rows_of(session, table, named))
    for key in named:
        yield _describe(table, key, first.get(key, []), second.get(key, []))


def _rows_of(
    session: Connection[Cursor], table: _Table, keys: Sequence[str]
) -> dict[str, list[Row]]:
    """Values in their text form, by key."""
    sql = f"SELECT {table.row_key}, {', '.join(table.forms)} FROM {table.sql_name}"
    sql = f"{sql} WHERE {table.row_key} IN".replace("%", "%%") + " %s"
    found: dict[str, list[Row]] = {}
    for key, *values in rows(session, sql, tuple(keys)):
        found.setdefault(str(key), []).append(tuple(values))
    return found


def _describe(table: _Table, key: str, ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    if not ours and not theirs:
        return f"{table.name}: a row differed and was deleted while it was looked at"
    if len(ours) != 1 or len(theirs) != 1:
        row = ", ".join(str(value)[:SHOWN_MAX] for value in (*ours, *theirs)[0])
        return f"{table} [{key}]: {len(ours)} times against {len(theirs)}: {row}"
    values = zip(table.columns, ours[0], theirs[0], strict=True)
    differing = [
        f"{name} is {str(one)[:SHOWN_MAX]} against {str(other)[:SHOWN_MAX]}"
        for (name, _), one, other in values
        if one != other
    ]
    return f"{table} [{key}]: {'; '.join(differing)}"


def _tables(session: Connection[Cursor], database: str) -> list[_Table]:
    sql = (
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = %s AND table_type = 'BASE TABLE'"
    )
    names = sorted(str(name) for (name,) in rows(session, sql, database))
    return [_read_table(session, database, name) for name in names]


def _read_table(session: Connection[Cursor], database: str, name: str) -> _Table:
    sql = (
        "SELECT column_name, data_type, column_key FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
    )
    found = rows(session, sql, database, name)
    columns = tuple((str(column), str(data_type).lower()) for column, data_type, _ in found)
    for column, data_type in columns:
        if data_type not in _FORMS:
            raise ValueError(f"{database}.{name}.{column} is a {data_type}, unknown to the judge")
    key = tuple(str(column) for column, _, part in found if part == "PRI")
    return _Table(database, name, columns, key)


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
