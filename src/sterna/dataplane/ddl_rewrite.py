"""The few changes DDL needs before the destination may run it. Pure, on the statement's bytes.

Events come disabled: they run only where the writes are. Tables of engines without transactions
become InnoDB, because a window is one transaction. The mark of a CREATE TABLE … SELECT (START
TRANSACTION) goes, because its rows follow as rows. CHECKs of an origin that never looked at them
are not enforced, because its rows may break them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sterna.errors import Stopped
from sterna.mysql.binlog.events import Query
from sterna.mysql.sql_text import Statement, Token, tokens
from sterna.mysql.version import Version

_CONVERTED_ENGINES = frozenset({"MYISAM", "ARIA", "MEMORY", "HEAP", "ARCHIVE", "CSV"})
_KEPT_ENGINES = frozenset({"INNODB"})
_KEY_WORDS = frozenset({"PRIMARY", "KEY", "INDEX", "UNIQUE", "CONSTRAINT"})
_CHECKS_SINCE = (8, 0, 16)
_OTHER_ITEMS = frozenset({"FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD"})

Change = tuple[int, int, bytes]  # from, to, what stands there instead


def rewritten(
    event: Query, statement: Statement, reserved: frozenset[str] = frozenset()
) -> tuple[bytes, str]:
    """The statement for the destination, and what was changed ("" where nothing that matters).

    Names that are in `reserved`, the words new to the destination, are quoted. Stopped
    (UnknownEngine) for a storage engine nobody knows how to replace.
    """
    found = list(tokens(event.sql))
    changes, notes = _quoted_names(found, reserved), list[str]()
    if statement.object_type == "EVENT" and statement.verb in ("CREATE", "ALTER"):
        changes += _disabled_event(statement.verb, found)
        notes.append("its event stays disabled here")
    elif statement.object_type == "TABLE" and statement.verb in ("CREATE", "ALTER"):
        engine_changes, notes = _transactional(found)
        changes += engine_changes
        if notes and statement.verb == "CREATE":
            changes += _key_for_auto_increment(found)
    return _changed(event.sql, changes), ", ".join(notes)


def forgets_checks(origin: Version, destination: Version) -> bool:
    """Whether the origin reads CHECKs without ever looking at rows, and the destination does."""
    if origin.is_mariadb or destination.is_mariadb:
        return False
    return not origin.at_least(*_CHECKS_SINCE) and destination.at_least(*_CHECKS_SINCE)


def without_checks(sql: bytes) -> bytes:
    """The statement on a table with every CHECK marked as not enforced."""
    changes: list[Change] = []
    depth, inside = 0, list[int]()
    found = list(tokens(sql))
    for token, following in pairwise([*found, Token("", "", 0, 0)]):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            if inside and inside[-1] == depth:
                inside.pop()
                changes.append((token.end, token.end, b" NOT ENFORCED"))
            depth -= 1
        elif token.upper == "CHECK" and following.text == "(":
            inside.append(depth + 1)
    return _changed(sql, changes)


def _quoted_names(found: list[Token], reserved: frozenset[str]) -> list[Change]:
    return [
        (token.start, token.end, f"`{token.text}`".encode("latin-1"))
        for token in found
        if token.kind == "word" and token.upper in reserved
    ]


def _changed(sql: bytes, changes: list[Change]) -> bytes:
    for start, end, text in sorted(changes, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _disabled_event(verb: str, found: list[Token]) -> list[Change]:
    body_at = next((n for n, token in enumerate(found) if token.upper == "DO"), len(found))
    front = found[:body_at]
    for number, token in enumerate(front):
        if token.upper == "ENABLE":
            return [(token.start, token.end, b"DISABLE")]
        if token.upper == "DISABLE":
            return _without_replica_clause(found[number : number + 3])
    if verb == "ALTER":
        return []
    before = next((token for token in front if token.upper == "COMMENT"), None)
    at = (before or found[body_at]).start
    return [(at, at, b"DISABLE ")]


def _without_replica_clause(found: list[Token]) -> list[Change]:
    """DISABLE ON SLAVE | REPLICA as plain DISABLE."""
    if len(found) == 3 and found[1].upper == "ON":
        return [(found[0].end, found[2].end, b"")]
    return []


def _transactional(found: list[Token]) -> tuple[list[Change], list[str]]:
    changes: list[Change] = []
    notes: list[str] = []
    for token, following, after in zip(found, found[1:], [*found[2:], found[-1]], strict=False):
        if token.upper == "ENGINE":
            engine = after if following.upper == "=" else following
            name = (engine.name or "").upper()
            if name in _CONVERTED_ENGINES:
                changes.append((engine.start, engine.end, b"InnoDB"))
                notes.append(f"{engine.name} became InnoDB")
            elif name not in _KEPT_ENGINES:
                raise _unknown_engine(engine)
        elif token.upper == "START" and following.upper == "TRANSACTION":
            changes.append((token.start, following.end, b""))
    return changes, notes


def _unknown_engine(engine: Token) -> Stopped:
    return Stopped(
        f"A statement makes a table with the storage engine {engine.text}.",
        code="UnknownEngine",
        remedy="Use InnoDB on the origin, then resume the sync task.",
    )


def _key_for_auto_increment(found: list[Token]) -> list[Change]:
    """A key that begins with the AUTO_INCREMENT column, where only MyISAM could do without."""
    items = list(_items(found))
    firsts = {_first_key_column(item) for item in items if item[0].upper in _KEY_WORDS}
    for item in items:
        words = {token.upper for token in item}
        is_column = item[0].upper not in _KEY_WORDS | _OTHER_ITEMS
        if not is_column or "AUTO_INCREMENT" not in words or words & {"KEY", "UNIQUE"}:
            continue
        if item[0].name not in firsts:
            at = items[-1][-1].end
            return [(at, at, f", KEY ({item[0].text})".encode("latin-1"))]
    return []


def _first_key_column(item: list[Token]) -> str | None:
    for bracket, column in pairwise(item):
        if bracket.text == "(":
            return column.name
    return None


def _items(found: list[Token]) -> Iterator[list[Token]]:
    """The column and key definitions between the first bracket and the one that closes it."""
    depth, item = 0, list[Token]()
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        is_opening = token.text == "(" and depth == 1
        if (depth == 1 and token.text == ",") or (depth == 0 and token.text == ")"):
            if item:
                yield item
            item = []
            if depth == 0:
                return
        elif depth >= 1 and not is_opening:
            item.append(token)
