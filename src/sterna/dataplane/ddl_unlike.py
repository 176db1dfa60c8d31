"""ALTER TABLE that makes something else of the same rows on another server.

Such a statement is in the log as a statement, and what it made of the rows is not: which of two
duplicates ALTER IGNORE kept, in which order an AUTO_INCREMENT column numbered rows that have no
key, what a default like UUID() gave to each row, what MariaDB makes of '1e3' as an INT. Nobody
notices before the rows are compared; so it is not run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, pairwise

from sterna.dataplane.ddl_older import clauses_of, items_of
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Query
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    greeting_version,
    open_session,
    query,
)
from sterna.mysql.identifiers import quote
from sterna.mysql.sql_text import Statement, Token, tokens

_NEVER_TWICE = frozenset(
    {"UUID", "UUID_SHORT", "UUID_V4", "UUID_V7", "SYS_GUID", "RAND", "RANDOM_BYTES", "SYSDATE"}
    | {"USER", "SESSION_USER", "SYSTEM_USER", "CURRENT_USER", "CURRENT_ROLE", "CONNECTION_ID"}
    | {"VERSION", "LAST_INSERT_ID", "ROW_COUNT", "FOUND_ROWS", "NEXTVAL", "LASTVAL", "SETVAL"}
    | {"GET_LOCK", "RELEASE_LOCK", "IS_FREE_LOCK", "IS_USED_LOCK", "SLEEP"}
)
_PRIMARY_KEY = (
    "SELECT 1 FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_NAME = 'PRIMARY'"
)
_ALSO = frozenset({"COLUMN", "IF", "NOT", "EXISTS"})
_ENGINE = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"

_TYPE = (
    "SELECT DATA_TYPE FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_NAME = %s"
)
# Of several names for one type, and of types between which values stay what they are.
_KINDS = {
    **dict.fromkeys(["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT"], "INTEGER"),
    **dict.fromkeys(["BOOL", "BOOLEAN"], "INTEGER"),
    **dict.fromkeys(["DECIMAL", "DEC", "NUMERIC", "FIXED"], "DECIMAL"),
    **dict.fromkeys(["FLOAT", "DOUBLE", "REAL"], "REAL"),
    **dict.fromkeys(["CHAR", "CHARACTER", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT"], "TEXT"),
    **dict.fromkeys(["LONGTEXT", "NCHAR", "NVARCHAR", "NATIONAL"], "TEXT"),
    **dict.fromkeys(["BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"], "BYTES"),
}
# What MySQL and MariaDB convert in the same way.
_ALIKE = {
    **dict.fromkeys(["DECIMAL", "REAL"], frozenset({"INTEGER"})),
    "TEXT": frozenset({"INTEGER", "DECIMAL", "ENUM", "SET", "DATE", "DATETIME", "TIMESTAMP"})
    | {"TIME", "YEAR"},
    "BYTES": frozenset({"TEXT"}),
    "DATETIME": frozenset({"DATE"}),
}


def require_alike(event: Query, statement: Statement, destination: Session, origin: Server) -> None:
    """Stopped where the destination may make something else of its rows than the origin did."""
    if statement.verb != "ALTER" or statement.object_type != "TABLE" or not statement.names:
        return
    database, table = statement.names[0]
    altered = _Altered((database or event.database, table), destination, origin)
    why = _why_not(list(tokens(event.sql, event.sql_mode)), altered)
    if why and altered.has_rows:
        raise Stopped(
            f"{why}, so the rows of {'.'.join(altered.name)} would not be the same on both sides.",
            remedy="Start the sync task again from a new copy, which has what the statement made.",
        )


@dataclass(frozen=True)
class _Altered:
    """The table that a statement is about, as it is before it."""

    name: TableName
    destination: Session
    origin: Server

    @property
    def has_rows(self) -> bool:
        return bool(query(self.destination, f"SELECT 1 FROM {quote(*self.name)} LIMIT 1"))

    @property
    def has_primary_key(self) -> bool:
        return bool(query(self.destination, _PRIMARY_KEY, self.name))

    def has_rows_without(self, number: str) -> bool:
        """Whether rows would be given one in this column."""
        column, table = quote(number), quote(*self.name)
        sql = f"SELECT 1 FROM {table} WHERE ROUND(COALESCE({column}, 0)) = 0 LIMIT 1"
        try:
            return bool(query(self.destination, sql))
        except ServerError:  # another column than is known here
            return True

    def is_converted_unlike(self, column: str, words: list[str]) -> bool:
        """Whether servers of the two kinds may make other values of what this column holds."""
        with contextlib.closing(open_session(self.origin)) as session:
            one, other = greeting_version(session), greeting_version(self.destination)
        found = query(self.destination, _TYPE, [*self.name, column])
        before = _kind(str(found[0][0]).upper() if found else "")
        after = _kind(words[0] if words else "")
        is_alike = before == after or before in _ALIKE.get(after, ())
        return one.is_mariadb != other.is_mariadb and not is_alike

    @property
    def is_ordered(self) -> bool:
        """Both sides read it by its primary key; other engines read rows as they were written."""
        if not self.has_primary_key:
            return False
        with contextlib.closing(open_session(self.origin)) as session:
            return [str(engine) for (engine,) in query(session, _ENGINE, self.name)] == ["InnoDB"]


def _why_not(found: list[Token], altered: _Altered) -> str:
    if "IGNORE" in {token.upper for token in found[1:3]}:
        return "ALTER IGNORE TABLE keeps one of several duplicates, and the log does not say which"
    for clause in clauses_of(found):
        verb = clause[0].upper
        for name, words in _columns(clause):
            if _is_numbered(words) and _numbers_rows(verb, name, altered):
                return "An AUTO_INCREMENT column numbers rows in an order of its own"
            if verb == "ADD" and _is_another_every_time(words):
                return "A default that is another one every time is given to rows that are there"
            if verb != "ADD" and altered.is_converted_unlike(name, words):
                return "MySQL and MariaDB convert values to another type in ways of their own"
    return ""


def _columns(clause: list[Token]) -> Iterator[tuple[str, list[str]]]:
    """The columns that a clause defines: the name before it, and the words of the definition."""
    verb, rest = clause[0].upper, list(dropwhile(lambda t: t.upper in _ALSO, clause[1:]))
    if verb not in ("ADD", "MODIFY", "CHANGE") or not rest:
        return
    for item in items_of(rest) if rest[0].text == "(" else [rest]:
        definition = item[2 if verb == "CHANGE" else 1 :]
        yield item[0].name or "", [token.upper for token in definition]


def _numbers_rows(verb: str, column: str, altered: _Altered) -> bool:
    """Whether rows without a number get one, and in which order is not sure."""
    return not altered.is_ordered and (verb == "ADD" or altered.has_rows_without(column))


def _is_numbered(words: list[str]) -> bool:
    """AUTO_INCREMENT, also by its other names."""
    is_serial = words[:1] == ["SERIAL"] or ("SERIAL", "DEFAULT") in pairwise(words)
    return is_serial or "AUTO_INCREMENT" in words


def _kind(data_type: str) -> str:
    return _KINDS.get(data_type, data_type)


def _is_another_every_time(words: list[str]) -> bool:
    default = words[words.index("DEFAULT") :] if "DEFAULT" in words else []
    return bool(_NEVER_TWICE & set(default)) or ("NEXT", "VALUE") in pairwise(default)
