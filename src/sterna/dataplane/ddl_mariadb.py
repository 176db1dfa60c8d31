"""What only MariaDB says, in words of MySQL. Pure, on the statement's tokens.

OR REPLACE becomes a DROP of its own before; how long to wait for locks, and options of engines
that MySQL does not have, are left out; JSON is what it is in MariaDB, a text that is checked.
What is not known here stays as it is, and the destination refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from sterna.dataplane.ddl_older import FindColumn
from sterna.mysql.identifiers import quote
from sterna.mysql.sql_text import Change, Statement, Token, changed, tokens

_REPLACED = frozenset({"TABLE", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "DATABASE", "SCHEMA"})
_WAITING = frozenset({"ALTER", "DROP", "RENAME", "TRUNCATE"})
_OF_COLUMNS = frozenset({"ADD", "COLUMN", "DROP", "MODIFY", "CHANGE"})
_OPTIONS = frozenset({"TRANSACTIONAL", "PAGE_CHECKSUM"})
# Behind these, or at the beginning of a list, JSON is the name of a column.
_BEFORE_A_NAME = frozenset(
    {"ADD", "COLUMN", "MODIFY", "CHANGE", "ALTER", "DROP", "EXISTS", "AFTER", "KEY", "INDEX", "TO"}
)
_JSON = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (JSON_VALID({}))"


def for_mysql(
    sql: bytes, statement: Statement, database: str, find_column: FindColumn
) -> tuple[bytes, tuple[bytes, ...], list[str]]:
    """The statement, what has to be run before it, and what was changed.

    `database` is the one that names without one are in; `find_column` tells whether the
    destination has a column.
    """
    found = list(tokens(sql, statement.sql_mode))
    words = [token.upper for token in found[:3]]
    changes, notes, before = list(_changes(found, statement)), list[str](), list[bytes]()
    if statement.verb == "ALTER" and statement.object_type == "TABLE" and statement.names:
        table = statement.names[0]
        changes += _conditions(found, lambda column: find_column(*table, column) is not None)
    if words == ["CREATE", "OR", "REPLACE"] and statement.object_type in _REPLACED:
        changes.append((found[1].start, found[2].end, b""))
        before.append(_drop(statement, database))
        notes.append("OR REPLACE became a DROP before it")
    if any(text.startswith(b"LONGTEXT") for _, _, text in changes):
        notes.append("JSON became a checked LONGTEXT, as it is in MariaDB")
    return changed(sql, changes), tuple(before), notes


def _conditions(found: list[Token], has_column: Callable[[str], bool]) -> Iterator[Change]:
    """IF [NOT] EXISTS of columns, where it holds; where not, somebody has to look at it."""
    for at, token in enumerate(found[:-2]):
        verb = found[at - 1].upper
        is_not = found[at + 1].upper == "NOT"
        exists = at + 2 if is_not else at + 1
        if token.upper != "IF" or found[exists].upper != "EXISTS" or exists + 1 >= len(found):
            continue
        name = found[exists + 1].name
        if verb in _OF_COLUMNS and name is not None and has_column(name) != is_not:
            yield token.start, found[exists].end, b""


def _drop(statement: Statement, default_database: str) -> bytes:
    database, name = statement.names[0]
    is_database = statement.object_type in ("DATABASE", "SCHEMA")
    what = quote(name) if is_database else quote(database or default_database, name)
    return f"DROP {statement.object_type} IF EXISTS {what}".encode("utf-8", "surrogateescape")


def _changes(found: list[Token], statement: Statement) -> Iterator[Change]:
    if statement.verb == "ALTER" and len(found) > 1 and found[1].upper == "ONLINE":
        yield found[1].start, found[1].end, b""
    if statement.verb in _WAITING or statement.object_type == "INDEX":
        yield from _waits(found)
    if statement.object_type == "TABLE" and statement.verb in ("CREATE", "ALTER"):
        yield from _options(found)
        yield from _json(found)


def _waits(found: list[Token]) -> Iterator[Change]:
    for token, following in pairwise([*found, Token("", "", 0, 0)]):
        if token.upper == "NOWAIT":
            yield token.start, token.end, b""
        elif token.upper == "WAIT" and following.text.isdigit():
            yield token.start, following.end, b""


def _options(found: list[Token]) -> Iterator[Change]:
    for option, sign, value in zip(found, found[1:], found[2:], strict=False):
        if option.upper in _OPTIONS and sign.text == "=" and value.text.isdigit():
            yield option.start, value.end, b""


def _json(found: list[Token]) -> Iterator[Change]:
    for name, token in pairwise(found):
        is_name = name.kind in ("word", "quoted") and name.upper not in _BEFORE_A_NAME
        if token.upper == "JSON" and is_name:
            yield token.start, token.end, _JSON.format(name.text).encode("latin-1")
