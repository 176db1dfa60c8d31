"""What `utf8` means in a statement of MariaDB's: characters of three bytes, or of four.

From 10.6 on every session chooses by its old_mode, and the log does not tell. Sessions of Sterna's
choose three. Where the origin as a whole chooses four, statements say so in full; whether a session
chose for itself is seen by what the statement made there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from sterna.errors import Stopped
from sterna.mysql.binlog.events import Query
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, Session, greeting_version, open_session, query
from sterna.mysql.sql_text import Change, Statement, Token, changed, tokens
from sterna.mysql.version import Version

_THREE_BYTES = "UTF8_IS_UTF8MB3"
_CHOOSES_SINCE = (10, 6, 1)
_COLUMNS = (
    "SELECT COLUMN_NAME, CHARACTER_SET_NAME FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CHARACTER_SET_NAME IN {0}"
    " UNION ALL SELECT '', CHARACTER_SET_NAME FROM information_schema.TABLES JOIN"
    " information_schema.COLLATIONS ON COLLATION_NAME = TABLE_COLLATION"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CHARACTER_SET_NAME IN {0}"
).format("('utf8', 'utf8mb3', 'utf8mb4')")
_DATABASE = (
    "SELECT '', DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
)


def has_four_bytes(origin: Version, old_mode: str) -> bool:
    """Whether `utf8` is utf8mb4 in sessions of this server that do not choose for themselves."""
    return _may_choose(origin) and _THREE_BYTES not in old_mode.upper()


def in_full(sql: bytes, sql_mode: int) -> bytes:
    """The statement with utf8mb4 where it says utf8."""
    return changed(sql, _unclear(list(tokens(sql, sql_mode))))


def require_same(event: Query, statement: Statement, destination: Session, origin: Server) -> None:
    """Stopped where the statement said utf8 and what it made has another one on both sides."""
    if not any(_unclear(list(tokens(event.sql, event.sql_mode)))):
        return
    with contextlib.closing(open_session(origin)) as session:
        if not _may_choose(greeting_version(session)):
            return
        for database, name in statement.names:
            where = (database or event.database, name)
            here, there = (
                _charsets(session, statement, where),
                _charsets(destination, statement, where),
            )
            unlike = [column for column in here if here[column] != there.get(column, here[column])]
            if unlike:
                raise _not_the_same(where, here[unlike[0]], there[unlike[0]])


def _may_choose(origin: Version) -> bool:
    return origin.is_mariadb and origin.at_least(*_CHOOSES_SINCE)


def _unclear(found: Sequence[Token]) -> Iterator[Change]:
    """Where `mb4` may be missing."""
    words = ["", "", *(token.upper for token in found), ""]
    for at, token in enumerate(found, 2):
        name = token.text.strip("`'\"").lower()
        before = words[at - 2] if words[at - 1] == "=" else words[at - 1]
        is_charset = name == "utf8" and before in ("SET", "CHARSET", "USING")
        is_collation = name.startswith("utf8_") and before == "COLLATE"
        if is_charset or is_collation or token.upper == "_UTF8":
            behind = token.start + token.text.lower().index("utf8") + len("utf8")
            yield behind, behind, b"mb4"


def _charsets(session: Session, statement: Statement, name: TableName) -> dict[str, str]:
    """By column, "" for what others get; only those of interest."""
    is_database = statement.object_type in ("DATABASE", "SCHEMA")
    found = (
        query(session, _DATABASE, name[1:]) if is_database else query(session, _COLUMNS, name * 2)
    )
    return {str(column): str(charset).replace("utf8mb3", "utf8") for column, charset in found}


def _not_the_same(name: TableName, here: str, there: str) -> Stopped:
    what = ".".join(filter(None, name))
    return Stopped(
        f"A statement on {what} says utf8, which is {here} on the origin and {there} on the"
        " destination: the session that ran it had an old_mode of its own, or it was altered since."
        " It was run; what comes behind it was not applied.",
        code="DdlFailed",
        remedy=f"Make the character sets of {what} on the destination those of the origin, then:"
        " sterna task resume TASK --statement-applied.",
    )
