"""DDL from the stream, run on the destination in the session it ran in on the origin.

A QUERY event says how its session was set: default database, sql_mode, character sets, time
zone, checks, the time itself. All of that is set again before the statement is run, so that the
destination makes of it what the origin made. What cannot be set there stops the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sterna.dataplane.ddl_defaults import out_of_reach, settings_for
from sterna.dataplane.ddl_mariadb import for_mysql
from sterna.dataplane.ddl_older import Destination, Unrepresentable, for_older
from sterna.dataplane.ddl_rewrite import (
    as_far_as_it_went,
    forgets_checks,
    rewritten,
    without_checks,
)
from sterna.dataplane.ddl_utf8 import has_four_bytes, in_full
from sterna.dataplane.schema_text import join, read_table_text
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Query
from sterna.mysql.connection import ServerError, Session, execute, query, translated_errors
from sterna.mysql.identifiers import quote, quote_text
from sterna.mysql.reserved import newly_reserved
from sterna.mysql.sql_comments import without_marks
from sterna.mysql.sql_mode import fraction_modes, mode_names
from sterna.mysql.sql_text import Kind, Statement, Token, tokens
from sterna.mysql.version import Version

SYSTEM_DATABASES = frozenset({"mysql", "sys", "performance_schema", "information_schema", "sterna"})

_AUTO_IS_NULL, _MARIADB_EXPLICIT_TIMESTAMP = 1 << 14, 1 << 24
_NO_FOREIGN_KEY_CHECKS, _RELAXED_UNIQUE_CHECKS = 1 << 26, 1 << 27
_UTF8MB3_GENERAL, _UTF8MB4_GENERAL = 33, 45
# Collations that came later, and one that every server has of their character set: of utf8mb4 with
# MySQL 8.0, of utf8mb3 and utf8mb4 with MariaDB 10.10.
_SINCE = (
    (range(255, 400), _UTF8MB4_GENERAL),
    (range(2048, 2304), _UTF8MB3_GENERAL),
    (range(2304, 2560), _UTF8MB4_GENERAL),
)

SUMMARY_CHARACTERS = 120

# What else may differ between two servers and changes what DDL makes, where the variable exists.
_FIXED = {
    "restrict_fk_on_non_standard_key": "0",
    "sql_generate_invisible_primary_key": "0",
    "sql_require_primary_key": "0",
    "sql_if_exists": "0",
    "default_storage_engine": "InnoDB",
}
_TIMESTAMP_RULE = "explicit_defaults_for_timestamp"
_FROM_ORIGIN = (_TIMESTAMP_RULE, "innodb_strict_mode")


@dataclass(frozen=True)
class Facts:
    """What the two servers are, as far as running DDL depends on it.

    Attributes:
        origin_variables: `_FROM_ORIGIN`, system_time_zone and old_mode, of the origin.
        variables: session variables of the destination.
        charsets: collation number to (character set, collation) on the destination.
    """

    origin: Version
    destination: Version
    origin_variables: Mapping[str, str]
    variables: Mapping[str, str]
    charsets: Mapping[int, tuple[str, str]]


def read_facts(origin: Session, destination: Session, versions: tuple[Version, Version]) -> Facts:
    """Ask both servers. `versions` are those of origin and destination."""
    names = ", ".join(quote_text(name) for name in (*_FROM_ORIGIN, "system_time_zone", "old_mode"))
    of_origin = query(origin, f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
    of_destination = query(destination, "SHOW SESSION VARIABLES")
    collations = query(
        destination,
        "SELECT id, character_set_name, collation_name FROM information_schema.collations"
        " WHERE id IS NOT NULL AND character_set_name IS NOT NULL",
    )
    return Facts(
        versions[0],
        versions[1],
        {str(name).lower(): str(value) for name, value in of_origin},
        {str(name).lower(): str(value) for name, value in of_destination},
        {int(number): (charset, collation) for number, charset, collation in collations},
    )


def affected_databases(event: Query, statement: Statement) -> frozenset[str]:
    """The databases a statement changes."""
    if event.context.updated_databases is not None:
        return frozenset(event.context.updated_databases)
    if statement.object_type in ("DATABASE", "SCHEMA"):
        return frozenset(name for _, name in statement.names)
    return frozenset(database or event.database for database, _ in statement.names)


def is_system_only(event: Query, statement: Statement) -> bool:
    """Whether the statement changes nothing but databases that are never relayed."""
    databases = affected_databases(event, statement)
    return bool(databases) and databases <= SYSTEM_DATABASES


def affected_tables(event: Query, statement: Statement) -> frozenset[tuple[str, str]]:
    """The tables a statement names, where it is about tables or their indexes."""
    if statement.object_type not in ("TABLE", "TABLES", "INDEX"):
        return frozenset()
    return frozenset((database or event.database, name) for database, name in statement.names)


def dropped_databases(statement: Statement) -> frozenset[str]:
    """The databases a statement drops."""
    if statement.verb != "DROP" or statement.object_type not in ("DATABASE", "SCHEMA"):
        return frozenset()
    return frozenset(name for _, name in statement.names)


def is_in_utf8(event: Query, facts: Facts) -> bool:
    """Whether the statement's names are read as they were written."""
    client = event.context.charset[0] if event.context.charset else _UTF8MB4_GENERAL
    return _collation(client, facts)[0].startswith("utf8")


def session_settings(event: Query, facts: Facts, *, is_about_rows: bool = False) -> dict[str, str]:
    """Variable to SQL expression: the session the statement has to run in."""
    context = event.context
    flags = context.flags2 or 0
    bits, sides = context.sql_mode or 0, {"origin": facts.origin, "destination": facts.destination}
    modes = mode_names(bits, **sides)
    if is_about_rows:  # nor is it kept with what has no rows
        modes += fraction_modes(bits, **sides)
    increment, offset = context.auto_increment or (1, 1)
    settings = {
        "sql_mode": quote_text(",".join(modes)),
        "foreign_key_checks": "0" if flags & _NO_FOREIGN_KEY_CHECKS else "1",
        "unique_checks": "0" if flags & _RELAXED_UNIQUE_CHECKS else "1",
        "sql_auto_is_null": "1" if flags & _AUTO_IS_NULL else "0",
        "timestamp": f"{event.header.timestamp}.{context.microseconds:06d}",
        "lc_time_names": str(context.lc_time_names or 0),
        "time_zone": quote_text(_time_zone(event, facts)),
        "auto_increment_increment": str(increment),
        "auto_increment_offset": str(offset),
    }
    settings |= _charset_settings(event, facts)
    defaults = settings_for(event.context, facts.charsets, facts.variables)
    optional = {**_FIXED, **_origin_settings(event, facts), **defaults}
    if _has_fixed_timestamp_rule(facts):
        _check_timestamp_rule(event, optional.pop(_TIMESTAMP_RULE), facts)
    for name, value in optional.items():
        if name in facts.variables and facts.variables[name] != value:
            settings[name] = value if value.isdigit() else quote_text(value)
    return settings


def _has_fixed_timestamp_rule(facts: Facts) -> bool:
    """MySQL 5.6 takes explicit_defaults_for_timestamp only from its configuration."""
    return not facts.destination.is_mariadb and not facts.destination.at_least(5, 7)


def _check_timestamp_rule(event: Query, wanted: str, facts: Facts) -> None:
    if _relies_on_timestamp_rule(event) and facts.variables[_TIMESTAMP_RULE] != wanted:
        raise Stopped(
            f"A statement with a TIMESTAMP column ran with {_TIMESTAMP_RULE}={wanted}, which"
            f" {facts.destination} cannot change in a session.",
            code="TimestampRule",
            remedy=f"Set {_TIMESTAMP_RULE}={wanted} in the destination's configuration, restart"
            " it, and resume the sync task.",
        )


def _relies_on_timestamp_rule(event: Query) -> bool:
    """Whether a TIMESTAMP column leaves open if it takes NULL, or is NOT NULL without default."""
    found = list(tokens(event.sql, event.sql_mode))
    for at, token in enumerate(found):
        if token.upper != "TIMESTAMP":
            continue
        words = set(_words_of_column(found[at + 1 :]))
        if "NULL" not in words or ("NOT" in words and "DEFAULT" not in words):
            return True
    return False


def _words_of_column(found: list[Token]) -> Iterator[str]:
    """The words up to the comma or bracket that ends a column's definition."""
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.upper, 0)
        if depth < 0 or (depth == 0 and token.upper == ","):
            return
        yield token.upper


def _time_zone(event: Query, facts: Facts) -> str:
    zone = event.context.time_zone or "+00:00"
    if zone == "SYSTEM":
        ours = facts.variables["system_time_zone"]
        theirs = facts.origin_variables["system_time_zone"]
        if ours != theirs:
            raise Stopped(
                f"A statement ran in the origin's own time zone ({theirs}); the destination's"
                f" is {ours}.",
                code="TimeZone",
                remedy="Give both servers the same time zone and resume the sync task.",
            )
    return zone


def _charset_settings(event: Query, facts: Facts) -> dict[str, str]:
    client, connection, server = event.context.charset or (_UTF8MB4_GENERAL,) * 3
    return {
        "character_set_client": quote_text(_collation(client, facts)[0]),
        "collation_connection": quote_text(_collation(connection, facts)[1]),
        "collation_server": quote_text(_collation(server, facts)[1]),
    }


def _collation(number: int, facts: Facts) -> tuple[str, str]:
    found = facts.charsets.get(number)
    if found is None:
        older = next((old for numbers, old in _SINCE if number in numbers), -1)
        found = facts.charsets.get(older)
    if found is None:
        raise Stopped(
            f"A statement ran with collation number {number}, which {facts.destination} does not"
            " have.",
            code="UnknownCollation",
            remedy="Run the statement on the destination by hand, in a collation it has.",
        )
    return found


def _origin_settings(event: Query, facts: Facts) -> dict[str, str]:
    settings = {
        name: facts.origin_variables[name]
        for name in _FROM_ORIGIN
        if name in facts.origin_variables
    }
    explicit = event.context.explicit_defaults_for_timestamp
    if facts.origin.is_mariadb and event.context.flags2 is not None:
        explicit = bool(event.context.flags2 & _MARIADB_EXPLICIT_TIMESTAMP)
    if explicit is not None:
        settings[_TIMESTAMP_RULE] = "ON" if explicit else "OFF"
    return settings


def check_representable(event: Query, facts: Facts) -> None:
    """Unrepresentable where the destination would silently make another default of it."""
    found = list(tokens(event.sql, event.sql_mode))
    words = {token.upper for token in found}
    server = event.context.charset[2] if event.context.charset else _UTF8MB4_GENERAL
    is_database = bool(words & {"DATABASE", "SCHEMA"}) and "CREATE" in words
    is_implied = is_database and not words & {"CHARSET", "CHARACTER", "COLLATE"}
    number = out_of_reach(found, event.context, facts.charsets, facts.variables)
    if is_implied and server not in facts.charsets:
        number = server
    if number is not None:
        what = f"a default collation of the origin that it does not have (number {number})"
        raise Unrepresentable(what, facts.destination)


@dataclass(frozen=True)
class Prepared:
    """A statement as the destination will run it, and what comes before it. `note` says what was
    changed about it."""

    sql: bytes
    settings: Mapping[str, str]
    database: str
    note: str
    before: tuple[bytes, ...] = ()


def prepare(event: Query, statement: Statement, facts: Facts, destination: Session) -> Prepared:
    """Decide how to run a statement; nothing is touched. Stopped when it cannot be run alike,
    Unrepresentable when the destination is too old for it."""
    if statement.kind is Kind.UNKNOWN:
        raise Stopped("This kind of statement is on no list of what is carried.")
    sql = without_marks(
        as_far_as_it_went(event, statement),
        event.sql_mode,
        origin=facts.origin,
        destination=facts.destination,
    )
    if has_four_bytes(facts.origin, facts.origin_variables.get("old_mode", "")):
        sql = in_full(sql, event.sql_mode)
    event = event._replace(sql=sql)
    check_representable(event, facts)
    there = Destination(
        facts.destination,
        frozenset(name for names in facts.charsets.values() for name in names),
        lambda database, *names: _definition(destination, database or event.database, *names),
    )
    replaced, before = list[str](), tuple[bytes, ...]()
    if facts.origin.is_mariadb and not facts.destination.is_mariadb:
        sql, before, replaced = for_mysql(sql, statement, event.database, there.definition)
    sql, notes = for_older(sql, statement, there)
    notes = [*replaced, *notes]
    reserved = newly_reserved(facts.origin, facts.destination)
    sql, note = rewritten(event._replace(sql=sql), statement, reserved)
    note = ", ".join(filter(None, [*notes, note]))
    if statement.object_type == "TABLE" and forgets_checks(facts.origin, facts.destination):
        sql = without_checks(sql, event.sql_mode)
    # a database that comes or goes is not there to be used; ALTER may leave its name out
    comes_or_goes = statement.object_type in ("DATABASE", "SCHEMA") and statement.verb != "ALTER"
    database = "" if comes_or_goes else event.database
    settings = session_settings(event, facts, is_about_rows=statement.object_type == "TABLE")
    return Prepared(sql, settings, database, note, before)


def _definition(session: Session, database: str, table: str, column: str) -> str | None:
    """A column's definition without its name, from the destination."""
    try:
        text = str(query(session, f"SHOW CREATE TABLE {quote(database, table)}")[0][1])
    except ServerError:
        return None
    columns = read_table_text(text).columns
    found = next((columns[name] for name in columns if name.lower() == column.lower()), None)
    return join(found[1:]).strip() if found else None


def run(session: Session, prepared: Prepared, announce: Callable[[], None] = lambda: None) -> None:
    """Run it in the session it ran in on the origin. ServerError when the destination refuses.

    `announce` is called before each statement: an announcement is good for one.
    """
    announce()
    settings = ", ".join(f"{name} = {value}" for name, value in prepared.settings.items())
    execute(session, f"SET {settings}")
    if prepared.database:
        execute(session, f"USE {quote(prepared.database)}")
    with translated_errors():
        for sql in prepared.before:
            session.query(sql)
            announce()
        session.query(prepared.sql)  # OPTIMIZE PARTITION and its like answer with rows


def summary(event: Query) -> str:
    """The statement's beginning for a log line, without its literals and comments."""
    text, end = "", 0
    for token in islice(tokens(event.sql, event.sql_mode), SUMMARY_CHARACTERS):
        is_literal = token.text[0] in "'\""
        shown = "'…'" if is_literal else token.text.encode("latin-1").decode(errors="replace")
        text, end = text + " " * (token.start > end) + shown, token.end
        if is_literal and token.kind == "sign":  # its end was not found
            break
    return text.strip()[:SUMMARY_CHARACTERS]
