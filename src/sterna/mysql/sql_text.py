"""Just enough lexing of SQL to see what kind of statement it is and which objects it names.

Statements are looked at as latin-1, which keeps every byte and every ASCII character of the
character sets a client may use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from itertools import islice

_ANSI_QUOTES, _NO_BACKSLASH_ESCAPES = 1 << 2, 1 << 20  # in an sql_mode


def text_pattern(sql_mode: int) -> str:
    """A regular expression, to be read as VERBOSE and DOTALL, of a text in quotes as a session
    with this sql_mode (bits, as the binary log has them) reads it."""
    plain, escaped = r"{0}(?:[^{0}]|{0}{0})*{0}", r"{0}(?:[^{0}\\]|\\.|{0}{0})*{0}"
    single = plain if sql_mode & _NO_BACKSLASH_ESCAPES else escaped
    double = plain if sql_mode & (_NO_BACKSLASH_ESCAPES | _ANSI_QUOTES) else escaped
    return f"{single.format(chr(39))} | {double.format(chr(34))}"


@lru_cache(maxsize=64)
def _token(sql_mode: int) -> re.Pattern[str]:
    return re.compile(
        rf"""
        (?P<space>\s+
            | /\*M?![0-9]*      # opens a comment the server executes: its content counts
            | \*/
            | /\*.*?\*/
            | --(?=\s|$)[^\n]*
            | \#[^\n]*)
        | (?P<quoted>`(?:[^`]|``)*`)
        | (?P<text>{text_pattern(sql_mode)})
        | (?P<word>[0-9A-Za-z_$\x80-\xff]+)
        | (?P<sign>.)
        """,
        re.VERBOSE | re.DOTALL,
    )


Change = tuple[int, int, bytes]  # from, to, what stands there instead


@dataclass(frozen=True)
class Token:
    """A word (upper case in `upper`), a quoted name, a text or a sign, and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The word in upper case; "" for a quoted name or a text."""
        return self.text.upper() if self.kind in ("word", "sign") else ""

    @property
    def name(self) -> str | None:
        """The name this token can stand for."""
        if self.kind == "word":
            return _decoded(self.text)
        if self.kind == "quoted":
            return _decoded(self.text[1:-1].replace("``", "`"))
        if self.kind == "text" and self.text[0] == '"':
            return _decoded(self.text[1:-1].replace('""', '"'))
        return None


class Kind(Enum):
    """What a statement in the binary log is to a sync task."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    ROLLBACK_TO = auto()
    SAVEPOINT = auto()
    DDL = auto()
    ACCOUNT = auto()
    IGNORED = auto()
    DML = auto()
    XA = auto()
    UNKNOWN = auto()


_FIRST_WORDS = {
    "BEGIN": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "SAVEPOINT": Kind.SAVEPOINT,
    "RELEASE": Kind.SAVEPOINT,
    "XA": Kind.XA,
    "TRUNCATE": Kind.DDL,
    "GRANT": Kind.ACCOUNT,
    "REVOKE": Kind.ACCOUNT,
    **dict.fromkeys(
        ["INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "DO", "SELECT", "WITH", "("],
        Kind.DML,
    ),
    **dict.fromkeys(
        ["FLUSH", "ANALYZE", "OPTIMIZE", "REPAIR", "CHECK", "CHECKSUM", "CACHE", ""], Kind.IGNORED
    ),
}
_OBJECTS = {
    **dict.fromkeys(
        ["TABLE", "TABLES", "DATABASE", "SCHEMA", "INDEX", "VIEW", "PROCEDURE", "FUNCTION"],
        Kind.DDL,
    ),
    **dict.fromkeys(["TRIGGER", "EVENT"], Kind.DDL),
    **dict.fromkeys(["USER", "ROLE"], Kind.ACCOUNT),
    **dict.fromkeys(
        ["SERVER", "TABLESPACE", "SEQUENCE", "PACKAGE", "LOGFILE", "INSTANCE", "RESOURCE"],
        Kind.UNKNOWN,
    ),
    **dict.fromkeys(["REFERENCE", "LIBRARY", "MATERIALIZED", "BODY"], Kind.UNKNOWN),
}


# What MariaDB's SET STATEMENT may set for a statement without changing what it makes, or that an
# event says of its statement in any case.
_SET_IN_VAIN = frozenset(
    {"max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout", "alter_algorithm"}
    | {"old_alter_table", "sort_buffer_size", "binlog_format", "gtid_domain_id", "server_id"}
    | {"skip_replication", "binlog_alter_two_phase", "wsrep_on", "wsrep_osu_method"}
    | {"sql_mode", "foreign_key_checks", "unique_checks", "time_zone", "lc_time_names"}
)


_ANALYZED = frozenset({"TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"})


def tokens(sql: bytes, sql_mode: int = 0) -> Iterator[Token]:
    """The tokens of a statement as a session with this sql_mode (bits, as the binary log has
    them) reads it; comments and white space left out."""
    for match in _token(sql_mode & (_ANSI_QUOTES | _NO_BACKSLASH_ESCAPES)).finditer(
        sql.decode("latin-1")
    ):
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), match.start(), match.end())


def without_set_statement(sql: bytes, sql_mode: int = 0) -> bytes:
    """The statement behind MariaDB's SET STATEMENT … FOR, where that is all there is to it."""
    if [token.upper for token in islice(tokens(sql, sql_mode), 2)] != ["SET", "STATEMENT"]:
        return sql
    depth, before = 0, ","
    for token in islice(tokens(sql, sql_mode), 2, None):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.upper == "FOR":
            return sql[token.end :].lstrip()
        if depth == 0 and before == "," and token.text.lower() not in _SET_IN_VAIN:
            break
        before = token.text if depth == 0 else ""
    return sql


@dataclass(frozen=True)
class Statement:
    """A statement seen from outside.

    Attributes:
        verb: its first word, e.g. "CREATE".
        object_type: "TABLE", "EVENT", … of a DDL statement, "" else.
        names: objects it names, as (database or None, name); of some kinds only the first.
        sql_mode: under which it was read.
    """

    kind: Kind
    verb: str
    object_type: str = ""
    names: tuple[tuple[str | None, str], ...] = ()
    sql_mode: int = 0


def classify(sql: bytes, sql_mode: int = 0) -> Statement:
    """What kind of statement this is; Kind.UNKNOWN for what is not on the allow-list."""
    return replace(_classify(list(tokens(sql, sql_mode))), sql_mode=sql_mode)


def _classify(found: list[Token]) -> Statement:
    verb = found[0].upper if found else ""
    second = found[1].upper if len(found) > 1 else ""
    if verb == "START" and second == "TRANSACTION":
        return Statement(Kind.BEGIN, verb)
    if verb == "ROLLBACK":
        to_savepoint = any(token.upper == "TO" for token in found)
        return Statement(Kind.ROLLBACK_TO if to_savepoint else Kind.ROLLBACK, verb)
    if verb == "SET" and second in ("PASSWORD", "DEFAULT"):
        return Statement(Kind.ACCOUNT, verb)
    if verb in ("CREATE", "ALTER", "DROP", "RENAME"):
        return _classify_ddl(verb, found)
    if verb == "ANALYZE" and second not in _ANALYZED:  # MariaDB runs the statement behind it
        return Statement(Kind.DML, verb)
    if verb == "TRUNCATE":
        at = 2 if second == "TABLE" else 1
        return Statement(Kind.DDL, verb, "TABLE", tuple(_names(found, at)))
    return Statement(_FIRST_WORDS.get(verb, Kind.UNKNOWN), verb)


def _classify_ddl(verb: str, found: list[Token]) -> Statement:
    for at, token in enumerate(found[1:], 1):
        kind = _OBJECTS.get(token.upper)
        if kind is None:
            continue
        words = {before.upper for before in found[1:at]}
        if "TEMPORARY" in words:
            return Statement(Kind.IGNORED, verb, token.upper)
        if token.upper == "FUNCTION" and any(later.upper == "SONAME" for later in found):
            return Statement(Kind.UNKNOWN, verb)
        if kind is not Kind.DDL:
            return Statement(kind, verb, token.upper)
        if token.upper == "INDEX":
            at = next((n for n, later in enumerate(found) if later.upper == "ON"), at)
        return Statement(kind, verb, token.upper, tuple(_names(found, at + 1)))
    return Statement(Kind.UNKNOWN, verb)


def _names(found: list[Token], at: int) -> Iterator[tuple[str | None, str]]:
    """Names in a list: `a`, `b`.`c` TO `d`, …; ends at the first thing that is neither."""
    while at < len(found) and found[at].upper in ("IF", "NOT", "EXISTS"):
        at += 1
    while at < len(found) and (name := found[at].name) is not None:
        database = None
        if at + 2 < len(found) and found[at + 1].text == ".":
            database, name = name, found[at + 2].name or ""
            at += 2
        yield database, name
        if at + 2 >= len(found) or found[at + 1].upper not in (",", "TO"):
            return
        at += 2


def _decoded(name: str) -> str:
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


def changed(sql: bytes, changes: Iterable[Change]) -> bytes:
    """The statement with all the changes made; none lies in another one."""
    for start, end, text in sorted(changes, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
