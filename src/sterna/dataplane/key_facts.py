"""Which tables of the destination may be regrouped, and by which key.

Read from the destination because DDL is a barrier: when rows of a table are gathered, its
definition there is the one they were written under. What is not known for sure is not regrouped.

A table asked for alone costs as much as dozens read together, so once many of a database were asked
for it is read as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from sterna.mysql.binlog.columns import MappedColumns
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, Session, open_session, query

AS_IT_STANDS, UNSIGNED, SIGNED = 0, 1, 2  # how the bytes of a key column are ordered
_INTEGERS = frozenset({1, 2, 3, 8, 9})
# Two images of one stored row have the same bytes in columns of these types. Reals are left out:
# zero and minus zero are one key.
_KEY_TYPES = _INTEGERS | {7, 10, 11, 12, 13, 15, 16, 17, 18, 19, 246, 247, 248, 253, 254}

_SEES_ALL = (
    "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'UPDATE' AND"
    " GRANTEE = CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@',"
    " QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))"
)
_FOREIGN_KEYS = (
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME"
    " FROM information_schema.REFERENTIAL_CONSTRAINTS"
)
_TABLES = (
    "SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s{}"
)
_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, EXTRA FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = %s{} ORDER BY ORDINAL_POSITION"
)
_UNIQUE_KEYS = (
    "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s{} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX"
)
_COUNT = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
MANY = 32  # so many tables read together cost less than one alone


@dataclass
class _Definition:
    """A table as information_schema has it."""

    kinds: list[tuple[str, ...]] = field(default_factory=list)
    columns: list[tuple[str, ...]] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True)
class KeyFacts:
    """How the rows of a table are told apart.

    Attributes:
        key: number and order of bytes of each column of the primary key.
        unique: numbers of the columns of its other unique keys.
        counts: its key begins with an AUTO_INCREMENT column.
    """

    key: tuple[tuple[int, int], ...]
    unique: frozenset[int]
    counts: bool


class KeyReader:
    """Asks the destination about tables, on a session of its own."""

    def __init__(self, destination: Server) -> None:
        self._destination = destination
        self._session: Session | None = None
        self._tied: frozenset[TableName] | None = None
        self._alone: Counter[str] = Counter()  # tables asked for, by database
        self._counts: dict[str, int] = {}
        self._whole: dict[str, dict[str, _Definition]] = {}

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.cut()
            self._session = None

    def forget(self) -> None:
        """Definitions may have changed."""
        self._tied = None
        self._alone.clear()
        self._counts.clear()
        self._whole.clear()

    def read(self, name: TableName, mapped: MappedColumns) -> KeyFacts | None:
        """None for a table that must not be regrouped."""
        if self._session is None:
            self._session = open_session(self._destination)
        session = self._session
        if self._tied is None:
            self._tied = _tied_tables(session)
        if self._tied is _ALL_TIED or _folded(name) in self._tied:
            return None
        definition = self._definition(session, name)
        if definition.kinds != [("BASE TABLE", "InnoDB")]:
            return None
        return _facts(definition.columns, definition.keys, mapped)

    def _definition(self, session: Session, name: TableName) -> _Definition:
        database, table = name
        if database not in self._whole and self._is_worthwhile(session, database):
            self._whole[database] = _read(session, "", [database])
        whole = self._whole.get(database, {})
        if table not in whole:  # or it is spelled in another way
            self._alone[database] += 1
            found = _read(session, " AND TABLE_NAME = %s", [*name]).values()
            return next(iter(found)) if len(found) == 1 else _Definition()
        return whole[table]

    def _is_worthwhile(self, session: Session, database: str) -> bool:
        if database not in self._counts:
            self._counts[database] = int(query(session, _COUNT, [database])[0][0])
        return self._alone[database] * MANY > self._counts[database]


def _read(session: Session, condition: str, args: list[str]) -> dict[str, _Definition]:
    """Definitions by their tables' names."""
    found: defaultdict[str, _Definition] = defaultdict(_Definition)
    for row in query(session, _TABLES.format(condition), args):
        table, *values = _texts(row)
        found[table].kinds.append(tuple(values))
    for row in query(session, _COLUMNS.format(condition), args):
        table, *values = _texts(row)
        found[table].columns.append(tuple(values))
    for row in query(session, _UNIQUE_KEYS.format(condition), args):
        table, *values = _texts(row)
        found[table].keys.append(tuple(values))
    return found


_ALL_TIED: frozenset[TableName] = frozenset({("", "")})


def _tied_tables(session: Session) -> frozenset[TableName]:
    """Tables on either end of a foreign key; `_ALL_TIED` where not all of them can be seen."""
    if not query(session, _SEES_ALL)[0][0]:
        return _ALL_TIED
    tied = set()
    for row in query(session, _FOREIGN_KEYS):
        child_database, child, parent_database, parent = _texts(row)
        tied |= {_folded((child_database, child)), _folded((parent_database, parent))}
    return frozenset(tied)


def _facts(
    columns: list[tuple[str, ...]], keys: list[tuple[str, ...]], mapped: MappedColumns
) -> KeyFacts | None:
    numbers = {name: number for number, (name, _, _) in enumerate(columns)}
    primary = [column for index, column in keys if index == "PRIMARY"]
    used = {column for _, column in keys}
    if not primary or len(columns) != len(mapped.types) or not used <= numbers.keys():
        return None  # no key, another layout, or a unique key on an expression
    if any("GENERATED" in columns[numbers[n]][2].upper().split() for n in used):
        return None
    if any(mapped.types[numbers[n]] not in _KEY_TYPES for n in primary):
        return None
    counting = [name for name, _, extra in columns if "auto_increment" in extra.lower()]
    if counting not in ([], primary[:1]):
        return None
    key = tuple((numbers[n], _order(mapped, numbers[n], columns[numbers[n]][1])) for n in primary)
    unique = frozenset(numbers[column] for index, column in keys if index != "PRIMARY")
    return KeyFacts(key, unique, bool(counting))


def _order(mapped: MappedColumns, number: int, column_type: str) -> int:
    if mapped.types[number] not in _INTEGERS:
        return AS_IT_STANDS
    return UNSIGNED if "unsigned" in column_type.lower() else SIGNED


def _folded(name: TableName) -> TableName:
    return name[0].lower(), name[1].lower()


def _texts(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(intern(_text(value)) for value in row)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "" if value is None else str(value)
