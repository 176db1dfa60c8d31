"""DDL of a newer server for one that is older or of another flavor. Pure, on the bytes.

What says how a statement is done, and not what it makes, goes: ALGORITHM, LOCK, the visibility of
an index. What the destination spells in another way is respelled: utf8mb3, a literal default in
brackets, RENAME COLUMN. CHECKs that a server reads without looking at them lose their enforcement.
Nothing else is changed: whatever cannot be put without changing its meaning is Unrepresentable,
and where the destination is the way back that is the end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from sterna.errors import Stopped
from sterna.mysql.identifiers import quote
from sterna.mysql.sql_text import Change, Statement, Token, tokens
from sterna.mysql.version import Version

_DONE_HOW = {
    "ALGORITHM": frozenset({"DEFAULT", "INSTANT", "INPLACE", "COPY", "NOCOPY"}),
    "LOCK": frozenset({"DEFAULT", "NONE", "SHARED", "EXCLUSIVE"}),
}
_KEY_WORDS = frozenset({"PRIMARY", "KEY", "INDEX", "UNIQUE", "CONSTRAINT", "FULLTEXT", "SPATIAL"})
_VISIBILITY = frozenset({"VISIBLE", "INVISIBLE"})
_NO_DEFAULTS = frozenset(
    {"TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"}
    | {"JSON", "GEOMETRY", "POINT", "LINESTRING", "POLYGON", "VECTOR"}
)
_LOCK_WAITS = {"WAIT": 2, "NOWAIT": 1}  # and how many tokens that is
_LITERALS = frozenset({"NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP"})
_CHARSETS = frozenset({"utf8", "utf8mb3", "utf8mb4", "utf16", "utf16le", "utf32", "gb18030"})
_SAME_NAMES = (("utf8mb3_", "utf8_"), ("utf8mb3", "utf8"))
_REMEDY = (
    "There is no way back past this statement: complete the migration. Or make by hand, on the"
    " server that follows, what comes nearest, then: sterna task resume TASK --statement-applied."
)

FindColumn = Callable[[str | None, str, str], str | None]  # database, table, column


class Unrepresentable(Stopped):
    """A statement that the destination cannot be given without changing its meaning."""

    code = "Unrepresentable"

    def __init__(self, what: str, version: Version) -> None:
        super().__init__(f"{version} cannot be given {what}.", remedy=_REMEDY)


@dataclass(frozen=True)
class Destination:
    """What is known of the server that shall run the statement.

    Attributes:
        names: its character sets and collations.
        definition: of a column (table's database or None, table, column) without its name, as
            SHOW CREATE TABLE has it; None where there is no such column.
    """

    version: Version
    names: Collection[str]
    definition: FindColumn = field(repr=False)

    def knows(self, mysql: tuple[int, ...], mariadb: tuple[int, ...] | None) -> bool:
        """Whether it has what came with these versions; None: MariaDB never got it."""
        since = mariadb if self.version.is_mariadb else mysql
        return since is not None and self.version.at_least(*since)


def for_older(sql: bytes, statement: Statement, there: Destination) -> tuple[bytes, list[str]]:
    """The statement as the destination reads it, and what was changed about it."""
    found = list(tokens(sql, statement.sql_mode))
    rewrite = _Rewrite(found, statement, there)
    rewrite.respell_names()
    if statement.object_type == "INDEX":
        rewrite.leave_out_how(found)
        rewrite.item(found, is_key=True)
    elif statement.object_type == "TABLE" and statement.verb == "CREATE":
        for item in items_of(found):
            rewrite.item(item, is_key=item[0].upper in _KEY_WORDS)
        rewrite.checks(found)
    elif statement.object_type == "TABLE" and statement.verb == "ALTER":
        rewrite.clauses()
        rewrite.checks(found)
    return rewrite.apply(sql), rewrite.notes


class _Rewrite:
    """The changes of one statement."""

    def __init__(self, found: list[Token], statement: Statement, there: Destination) -> None:
        self._found, self._statement, self._there = found, statement, there
        self._changes: list[Change] = []
        self.notes: list[str] = []

    def apply(self, sql: bytes) -> bytes:
        """The statement with its changes; those inside a larger one do not count."""
        end = len(sql) + 1
        for start, stop, text in sorted(self._changes, key=lambda each: (-each[1], each[0])):
            if stop <= end:
                sql = sql[:start] + text + sql[stop:]
                end = start
        return sql

    def _cut(self, first: Token, last: Token, note: str, text: bytes = b"") -> None:
        self._changes.append((first.start, last.end, text))
        if note and note not in self.notes:
            self.notes.append(note)

    def _impossible(self, what: str) -> Unrepresentable:
        return Unrepresentable(what, self._there.version)

    # Names of character sets and collations

    def respell_names(self) -> None:
        """utf8mb3 by the name it has there. Unrepresentable for what is not there at all."""
        for at, (before, token) in enumerate(pairwise(self._found), 1):
            is_set = token.upper == "SET" and before.upper in ("CHARACTER", "CHAR")
            if is_set or token.upper in ("COLLATE", "CHARSET"):
                self._respell(at + 1)

    def _respell(self, at: int) -> None:
        if at < len(self._found) and self._found[at].text == "=":
            at += 1
        token = self._found[at] if at < len(self._found) else None
        name = _plain(token) if token else ""
        if token is None or not name or name == "default" or name in self._there.names:
            return
        for one, other in (*_SAME_NAMES, *((b, a) for a, b in _SAME_NAMES)):
            same = other + name.removeprefix(one)
            if name.startswith(one) and same in self._there.names:
                self._cut(token, token, "", same.encode())
                return
        if name.partition("_")[0] in _CHARSETS:  # `charset` may also be the name of a column
            raise self._impossible(f"the character set or collation {name}")

    # Parts of definitions

    def leave_out_how(self, found: list[Token]) -> None:
        """ALGORITHM and LOCK of CREATE INDEX and DROP INDEX."""
        for at, token in enumerate(found):
            if last := _done_how(found[at:]):
                self._cut(token, last, f"{token.upper} left out")

    def item(self, item: list[Token], *, is_key: bool) -> None:
        """A column's or key's definition."""
        if is_key:
            self._key(item)
        else:
            self._column(item)

    def _key(self, item: list[Token]) -> None:
        if not self._there.knows((8, 0), None):
            for token in _outside(item):
                if token.upper in _VISIBILITY:
                    self._cut(token, token, "its index is visible here")
        if self._there.knows((8, 0, 13), None) or {"CHECK", "FOREIGN"} & {t.upper for t in item}:
            return
        for one, other in pairwise(item):
            if one.text == other.text == "(":
                raise self._impossible("an index on an expression")

    def _column(self, item: list[Token]) -> None:
        for token in _outside(item[1:]):
            if token.upper in _VISIBILITY and not self._there.knows((8, 0, 23), (10, 3)):
                if token.upper == "INVISIBLE":
                    raise self._impossible("an invisible column")
                self._cut(token, token, "")
        if not self._there.knows((8, 0, 13), (10, 2, 1)):
            self._default(item)

    def _default(self, item: list[Token]) -> None:
        for at, (token, following) in enumerate(pairwise(item)):
            if token.upper != "DEFAULT" or following.text != "(":
                continue
            inside = _inside(item[at + 1 :])
            if len(item) > 1 and item[1].upper in _NO_DEFAULTS:
                raise self._impossible("a default of a text or JSON column")
            if not _is_literal(inside):
                raise self._impossible("a default that is an expression")
            self._cut(following, following, "")
            self._cut(item[at + 2 + len(inside)], item[at + 2 + len(inside)], "")

    def checks(self, found: list[Token]) -> None:
        """[NOT] ENFORCED behind CHECKs."""
        if self._there.knows((8, 0, 16), None):
            return
        for bracket, one, other in zip(found, found[1:], [*found[2:], found[-1]], strict=False):
            if bracket.text != ")":
                continue
            if (one.upper, other.upper) == ("NOT", "ENFORCED"):
                if self._there.version.is_mariadb:
                    raise self._impossible("a CHECK that is not enforced")
                self._cut(one, other, "")
            elif one.upper == "ENFORCED":
                self._cut(one, one, "")

    # ALTER TABLE

    def clauses(self) -> None:
        """What stands between the commas of an ALTER TABLE."""
        kept = False
        clauses, commas = _clauses(self._found)
        for number, clause in enumerate(clauses):
            is_kept = not self._leave_out(clause)
            if number and not (is_kept and kept):
                self._cut(commas[number - 1], commas[number - 1], "")
            kept = kept or is_kept

    def _leave_out(self, clause: list[Token]) -> bool:
        """Whether the clause goes; if not, it is as the destination reads it."""
        words = [token.upper for token in clause]
        note = self._note_without(clause, words)
        if note is not None:
            self._cut(clause[0], clause[-1], note)
            return True
        if words[:2] == ["RENAME", "COLUMN"]:
            self._rename_column(clause)
        elif words[:1] in (["ADD"], ["MODIFY"], ["CHANGE"]):
            self._added(clause, words)
        elif words[:2] == ["ALTER", "COLUMN"] or words[:1] == ["ALTER"]:
            self._altered_column(words)
        return False

    def _note_without(self, clause: list[Token], words: list[str]) -> str | None:
        """Why the clause is of no use there; None where it is."""
        if _done_how(clause) is clause[-1]:
            return f"{words[0]} left out"
        is_visibility = words[-1] in _VISIBILITY
        if words[:2] == ["ALTER", "INDEX"] and is_visibility and not self._there.knows((8,), None):
            return "all indexes are visible here"
        forgets_checks = not self._there.version.is_mariadb and not self._there.knows(
            (8, 0, 16), None
        )
        is_about_check = words[:2] in (["DROP", "CHECK"], ["ALTER", "CHECK"])
        is_about_check |= words[:2] == ["ALTER", "CONSTRAINT"] and words[-1] == "ENFORCED"
        return "there are no CHECKs here" if forgets_checks and is_about_check else None

    def _added(self, clause: list[Token], words: list[str]) -> None:
        rest = clause[1:]
        if words[0] == "ADD" and len(words) > 1 and words[1] in _KEY_WORDS:
            self._key(rest)
            return
        skip = 1 if len(words) > 1 and words[1] == "COLUMN" else 0
        skip += words[0] == "CHANGE"
        rest = rest[skip:]
        if rest and rest[0].text == "(":
            for item in items_of(rest):
                self.item(item, is_key=item[0].upper in _KEY_WORDS)
        elif rest:
            self._column(rest)

    def _altered_column(self, words: list[str]) -> None:
        if words[-1] in _VISIBILITY and not self._there.knows((8, 0, 23), None):
            raise self._impossible("a column that becomes visible or invisible")
        if "DEFAULT" in words and "(" in words and not self._there.knows((8, 0, 13), (10, 2, 1)):
            raise self._impossible("a default that is an expression")

    def _rename_column(self, clause: list[Token]) -> None:
        if self._there.knows((8, 0), (10, 5, 2)):
            return
        names = [clause[n].name for n in (2, 4) if n < len(clause)]
        database, table = self._statement.names[0]
        if len(clause) != 5 or None in names:
            raise self._impossible("this RENAME COLUMN")
        definition = self._there.definition(database, table, str(names[0]))
        if definition is None or not definition.isascii() or "\\" in definition:
            raise self._impossible("this RENAME COLUMN")
        text = f"CHANGE {quote(str(names[0]))} {quote(str(names[1]))} {definition}"
        self._cut(clause[0], clause[-1], "RENAME COLUMN became CHANGE", text.encode())


def clauses_of(found: list[Token]) -> list[list[Token]]:
    """What stands between the commas of an ALTER TABLE."""
    return _clauses(found)[0]


def _plain(token: Token) -> str:
    """A word, quoted name or text in lower case."""
    return token.text.strip("`'\"").lower() if token.kind in ("word", "quoted", "text") else ""


def _done_how(found: list[Token]) -> Token | None:
    """The last token of `ALGORITHM [=] x` or `LOCK [=] x` where that stands first."""
    if not found or found[0].upper not in _DONE_HOW:
        return None
    at = 2 if len(found) > 1 and found[1].text == "=" else 1
    is_known = at < len(found) and found[at].upper in _DONE_HOW[found[0].upper]
    return found[at] if is_known else None


def _inside(found: list[Token]) -> list[Token]:
    """What the first bracket holds, up to the one that closes it."""
    depth = 0
    for number, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return found[1:number]
    return []


def _outside(found: list[Token]) -> Iterator[Token]:
    """The tokens that stand in no bracket."""
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            yield token


def _is_literal(inside: list[Token]) -> bool:
    signless = inside[1:] if inside and inside[0].text in ("-", "+") else inside
    numbers = [token for token in signless if token.text != "."]
    if len(signless) > 1:
        return len(numbers) == 2 and all(token.text.isdigit() for token in numbers)
    return bool(numbers) and (
        numbers[0].kind == "text" or numbers[0].text.isdigit() or numbers[0].upper in _LITERALS
    )


def items_of(found: list[Token]) -> Iterator[list[Token]]:
    """What stands between the commas in the first bracket."""
    begin = next((n for n, token in enumerate(found) if token.text == "("), len(found))
    parts, _ = _split(_inside(found[begin:]))
    return (part for part in parts if part)


def _clauses(found: list[Token]) -> tuple[list[list[Token]], list[Token]]:
    """The clauses of an ALTER TABLE behind the table's name, and the commas between them."""
    at = next(n for n, token in enumerate(found) if token.upper in ("TABLE", "TABLES")) + 1
    while at < len(found) and found[at].upper in ("IF", "EXISTS"):
        at += 1
    at += 3 if at + 1 < len(found) and found[at + 1].text == "." else 1
    if at < len(found) and found[at].upper in _LOCK_WAITS:  # of MariaDB
        at += _LOCK_WAITS[found[at].upper]
    parts, commas = _split(found[at:])
    return [part for part in parts if part], commas


def _split(found: list[Token]) -> tuple[list[list[Token]], list[Token]]:
    depth, parts, commas = 0, [list[Token]()], list[Token]()
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            commas.append(token)
            parts.append([])
        else:
            parts[-1].append(token)
    return parts, commas
