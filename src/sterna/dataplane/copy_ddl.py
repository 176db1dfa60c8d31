"""DDL that the origin ran while it was being copied, read from the spool, and what it concerns.

A copy is made of several snapshots, and a table's rows are those of its start position. DDL in
between is not replayed table by table: whatever it names is copied anew, so that all of it lies
behind the statement. A statement on several tables (`RENAME TABLE a TO b, c TO d`, `DROP TABLE`
with a list, a whole database) names them all, so none of them has half of it. Names count without
regard to case, and may be too many but never too few: a table that is copied once more than needed
is still exact. What names nothing that can be understood concerns every table; so does a statement
in a character set whose names nobody knows here.

Views, routines, triggers, events and the defaults of databases hold no rows. They are made as they
were at the last snapshot, whatever happened to them before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from sterna.dataplane.ddl import is_system_only, summary
from sterna.dataplane.spool import Spool
from sterna.dataplane.spool_reader import SpoolReader
from sterna.errors import Stopped
from sterna.mysql.binlog.compressed import unpack_mariadb, unpack_payload
from sterna.mysql.binlog.events import Format, Query, TransactionPayload
from sterna.mysql.binlog.parse import is_begin, parse
from sterna.mysql.binlog.types import EventType
from sterna.mysql.catalog import TableName
from sterna.mysql.position import Position
from sterna.mysql.sql_text import Kind, Statement, Token, classify, tokens

_NEARLY_FULL = 0.9
_TABLES = ("TABLE", "TABLES", "INDEX")
_LATE_BOUND = ("PROCEDURE", "FUNCTION", "EVENT")  # they look at tables when they run
_DATABASES = ("DATABASE", "SCHEMA")
_PACKED = EventType.MARIADB_QUERY_COMPRESSED
_READ = frozenset({EventType.QUERY, EventType.TRANSACTION_PAYLOAD, _PACKED})
_WANTED = bytes(kind in _READ for kind in range(256))
_UTF8 = frozenset({33, 45, 46, 76, 83, *range(192, 248), *range(255, 400)})  # collation numbers
_LATIN1 = frozenset({5, 8, 15, 31, 47, 48, 49, 94})
# Where the second byte of a character may be a backtick or a backslash, words cannot be told apart.
_HALF_CHARACTER = re.compile(rb"[\x81-\xfe][`\\]")


@dataclass(frozen=True)
class Change:
    """A DDL statement of the origin, whose event ends at `position`.

    `tables` and `databases` (all tables in them) are those whose copies lack it, in lower case.
    `is_unclear`: they could not be made out, so it may be any. Where it concerns no table,
    it changes what has no rows. `made` and `dropped` are the tables, as they are written, that
    did not exist before it, and that exist no more behind it. `mentioned` are words, in lower case,
    of which one may be a table that it looks at: CREATE TABLE … LIKE, a view, a trigger.
    """

    position: Position
    sentence: str
    tables: frozenset[TableName] = frozenset()
    databases: frozenset[str] = frozenset()
    is_unclear: bool = False
    made: frozenset[TableName] = frozenset()
    dropped: frozenset[TableName] = frozenset()
    mentioned: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_about_rows(self) -> bool:
        """Whether it concerns tables at all."""
        return bool(self.tables or self.databases or self.is_unclear)

    def concerns(self, name: TableName) -> bool:
        """Whether a copy of this table from before does not have it."""
        database, table = name[0].lower(), name[1].lower()
        return self.is_unclear or database in self.databases or (database, table) in self.tables


class Changes(Protocol):
    """Where the DDL of the origin can be read."""

    @property
    def has_room(self) -> bool:
        """Whether the log of what comes next will find a place to be read from."""

    def between(self, after: Position, until: Position) -> Sequence[Change]:
        """All behind `after`, up to and with `until`; waits until that is known."""


class _NothingChanges:
    """For an origin whose definitions stand still."""

    has_room = True

    def between(self, after: Position, until: Position) -> Sequence[Change]:
        """None."""
        return ()


NOTHING_CHANGES: Changes = _NothingChanges()


class SpooledChanges:
    """The changes in a spool; `wait` returns when its argument is true, or raises."""

    def __init__(self, spool: Spool, wait: Callable[[Callable[[], bool]], None]) -> None:
        self._spool, self._wait = spool, wait

    @property
    def has_room(self) -> bool:
        """Whether the spool is far from full. Only following empties it."""
        return self._spool.filled < _NEARLY_FULL

    def between(self, after: Position, until: Position) -> Sequence[Change]:
        """All behind `after`, up to and with `until`, as soon as the spool holds that.

        Raises Stopped (SpoolFull) where it never will.
        """
        if after >= until:
            return ()
        self._wait(lambda: self._holds(until) or self._spool.filled >= 1)
        if not self._holds(until):
            raise Stopped(
                "The spool is full before the copy is complete.",
                code="SpoolFull",
                remedy="Give the spool more room (it holds what the source writes during the"
                " copy), or start the copy again when there is less to write.",
            )
        return list(read_changes(self._spool, after, until))

    def _holds(self, until: Position) -> bool:
        return self._spool.end is not None and self._spool.end >= until


def read_changes(spool: Spool, after: Position, until: Position) -> Iterator[Change]:
    """The DDL in a spool that holds everything behind `after`, up to and with `until`.

    Raises Stopped (SpoolGap) where it begins later.
    """
    reader = SpoolReader(spool, after)
    try:
        while reader.position < until and (raw := reader.next(0.0)) is not None:
            if raw[4] in _READ and reader.position <= until:
                yield from _changes(raw, reader)
            reader.pass_over(_WANTED)
    finally:
        reader.close()


def _changes(raw: bytes, reader: SpoolReader) -> Iterator[Change]:
    for event in _queries(raw, reader.log_format):
        if change := change_of(event, reader.position):
            yield change


def _queries(raw: bytes, log_format: Format) -> Iterator[Query]:
    if raw[4] == _PACKED:
        raw = unpack_mariadb(raw, log_format)
    if raw[4] == EventType.QUERY:
        if not is_begin(raw, log_format):
            event = parse(raw, log_format)
            assert isinstance(event, Query)
            yield event
    elif raw[4] == EventType.TRANSACTION_PAYLOAD:
        payload = parse(raw, log_format)
        assert isinstance(payload, TransactionPayload)
        for one in unpack_payload(payload, log_format):
            yield from _queries(one, log_format)


def change_of(event: Query, position: Position) -> Change | None:
    """What a statement that ends at `position` changes; None where it is no DDL of the user's."""
    statement = classify(event.sql, event.sql_mode)
    if statement.kind is not Kind.DDL or is_system_only(event, statement):
        return None
    sentence = f"{summary(event)} ({position})"
    if statement.object_type in _DATABASES:
        return _database_change(event, statement, position, sentence)
    looks = statement.object_type not in _LATE_BOUND
    mentioned = frozenset(_mentioned(event) if looks else ())
    if statement.object_type not in _TABLES:
        return Change(position, sentence, mentioned=mentioned)
    names = {
        (_in_utf8(database, event) if database else event.database, _in_utf8(name, event))
        for database, name in _all_names(event, statement)
    }
    is_unclear = not names or any(not database or not name for database, name in names)
    tables = frozenset(map(lowered, names))
    change = Change(position, sentence, tables, is_unclear=is_unclear, mentioned=mentioned)
    words = [token.upper for token in islice(tokens(event.sql, event.sql_mode), 3)]
    if words[:2] == ["DROP", "TABLE"]:
        return replace(change, dropped=frozenset(names))
    if words[:2] == ["CREATE", "TABLE"] and words[2] != "IF":
        return replace(change, made=frozenset(names))
    return change


def _mentioned(event: Query) -> Iterator[str]:
    for token in tokens(event.sql, event.sql_mode):
        if name := token.name:
            yield name.lower()


def lowered(name: TableName) -> TableName:
    """Names of changes are compared so."""
    database, table = name
    return database.lower(), table.lower()


def _database_change(
    event: Query, statement: Statement, position: Position, sentence: str
) -> Change:
    if statement.verb == "DROP":
        dropped = {_in_utf8(name, event).lower() for _, name in statement.names}
        is_unclear = not dropped or "" in dropped
        return Change(position, sentence, databases=frozenset(dropped), is_unclear=is_unclear)
    return Change(position, sentence)


def _in_utf8(name: str, event: Query) -> str:
    """A name as its table has it; "" where that cannot be known."""
    client = event.context.charset[0] if event.context.charset else 0
    if client in _UTF8:
        return name
    if name.isascii() and (client in _LATIN1 or not _HALF_CHARACTER.search(event.sql)):
        return name
    if client not in _LATIN1:
        return ""
    try:
        return name.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeDecodeError:
        return ""


def _all_names(event: Query, statement: Statement) -> Iterator[tuple[str | None, str]]:
    """The tables a statement changes: those at its beginning, and the other ends of a RENAME, an
    EXCHANGE PARTITION, a conversion between partition and table."""
    yield from statement.names
    if statement.verb not in ("ALTER", "RENAME"):
        return
    found = list(tokens(event.sql, event.sql_mode))
    for at, token in enumerate(found[2:], 2):
        if token.upper in ("RENAME", "TO", "AS", "=", "TABLE", ","):
            # without a default database a word alone names no table: it is TO, a column, an index
            names = _name_at(found, at + 1)
            yield from (name for name in names if name[0] or event.database)


def _name_at(found: list[Token], at: int) -> Iterator[tuple[str | None, str]]:
    if at >= len(found) or (name := found[at].name) is None:
        return
    if at + 2 < len(found) and found[at + 1].text == "." and found[at + 2].name is not None:
        yield name, found[at + 2].name or ""
    else:
        yield None, name
