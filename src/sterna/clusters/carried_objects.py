"""Whether two servers have the same views, routines, triggers and events, each with its context.

Texts of views are each server's own rendering; those of routines, triggers and events are compared
word by word. Events are compared without whether they run: that follows the writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sterna.clusters.parameters import dropped_modes
from sterna.mysql.catalog import read_databases
from sterna.mysql.connection import Session, query

_SPACE = re.compile(r"\s+")
_LONG_NAMES = re.compile(r"\butf8(?=_|$)")
_OLD_MODES = {"INVALID_DATES": "ALLOW_INVALID_DATES"}  # as the table mysql.proc had it
# Collations only MariaDB has; on MySQL they are others.
_MARIADBS = ("uca1400", "nopad")

_WRITTEN_UNDER = {
    "character set": "CHARACTER_SET_CLIENT",
    "connection's collation": "COLLATION_CONNECTION",
}
_STORED = {"database's collation": "DATABASE_COLLATION", "sql_mode": "SQL_MODE"}
# information_schema's table, the column of the database, of the kind (or the kind itself), of the
# name; and what has to be the same, in the order in which differences are told.
_KINDS: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    (
        "VIEWS",
        "TABLE_SCHEMA",
        "'view'",
        "TABLE_NAME",
        {"definer": "DEFINER", "security": "SECURITY_TYPE", "check option": "CHECK_OPTION"}
        | _WRITTEN_UNDER,
    ),
    (
        "ROUTINES",
        "ROUTINE_SCHEMA",
        "LOWER(ROUTINE_TYPE)",
        "ROUTINE_NAME",
        {"definer": "DEFINER", "text": "ROUTINE_DEFINITION", "security": "SECURITY_TYPE"}
        | {"data access": "SQL_DATA_ACCESS", "deterministic": "IS_DETERMINISTIC"}
        | {"comment": "ROUTINE_COMMENT"}
        | _STORED
        | _WRITTEN_UNDER,
    ),
    (
        "TRIGGERS",
        "TRIGGER_SCHEMA",
        "'trigger'",
        "TRIGGER_NAME",
        {"definer": "DEFINER", "text": "ACTION_STATEMENT", "table": "EVENT_OBJECT_TABLE"}
        | {"moment": "CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION)"}
        | _STORED
        | _WRITTEN_UNDER,
    ),
    (
        "EVENTS",
        "EVENT_SCHEMA",
        "'event'",
        "EVENT_NAME",
        {"definer": "DEFINER", "text": "EVENT_DEFINITION", "time zone": "TIME_ZONE"}
        | {"time": "EXECUTE_AT", "start": "STARTS", "end": "ENDS", "sql_mode": "SQL_MODE"}
        | {"interval": "CONCAT(INTERVAL_VALUE, ' ', INTERVAL_FIELD)", "comment": "EVENT_COMMENT"}
        | {"completion": "ON_COMPLETION", "database's collation": "DATABASE_COLLATION"}
        | _WRITTEN_UNDER,
    ),
)
_PARAMETERS = (
    "SELECT LOWER(ROUTINE_TYPE), SPECIFIC_NAME,"
    " CONCAT_WS(' ', PARAMETER_MODE, PARAMETER_NAME, DATA_TYPE) FROM information_schema.PARAMETERS"
    " WHERE SPECIFIC_SCHEMA = %s ORDER BY SPECIFIC_NAME, ORDINAL_POSITION"
)

Key = tuple[str, str, str]  # kind, database, name
Facts = dict[str, str]


def compare_objects(source: Session, target: Session) -> tuple[str, ...]:
    """A sentence for each database and object that is not the same on both; empty when all are."""
    return tuple(_compare(read_carried(source), read_carried(target)))


def count_objects(session: Session) -> dict[str, int]:
    """Kind → how many of it there are: view, procedure, function, trigger, event, database."""
    counts: dict[str, int] = {}
    for kind, _, _ in read_carried(session):
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def read_carried(session: Session) -> dict[Key, Facts]:
    """What there is, and of each what has to be the same, in the words of the newer servers."""
    found: dict[Key, Facts] = {}
    for database in read_databases(session):
        facts = {"character set": database.charset, "collation": database.collation}
        found["database", database.name, ""] = _leveled(facts)
        found.update(_objects(session, database.name))
    return found


def _objects(session: Session, database: str) -> Iterator[tuple[Key, Facts]]:
    parameters: dict[tuple[str, str], list[str]] = {}
    for kind, name, text in query(session, _PARAMETERS, [database]):
        parameters.setdefault((str(kind), str(name)), []).append(str(text))
    for table, schema, kind, name, facts in _KINDS:
        rows = query(
            session,
            f"SELECT {kind}, {name}, {', '.join(facts.values())}"
            f" FROM information_schema.{table} WHERE {schema} = %s ORDER BY 1, 2",
            [database],
        )
        for kind_found, name_found, *values in rows:
            own = parameters.get((str(kind_found), str(name_found)))
            read = dict(zip(facts, values, strict=True)) | ({"parameters": own} if own else {})
            yield (str(kind_found), database, str(name_found)), _leveled(read)


def _leveled(facts: Mapping[str, Any]) -> Facts:
    """Spelled alike for all versions."""
    leveled = {name: "" if value is None else str(value) for name, value in facts.items()}
    for name, text in leveled.items():
        if "collation" in name or name == "character set":
            leveled[name] = _LONG_NAMES.sub("utf8mb3", text)
        elif name == "sql_mode":
            modes = {_OLD_MODES.get(mode, mode) for mode in text.split(",")}
            leveled[name] = ",".join(sorted(modes - dropped_modes()))
        elif name in ("text", "parameters"):
            leveled[name] = _SPACE.sub(" ", text).strip()
    return leveled


def _compare(source: Mapping[Key, Facts], target: Mapping[Key, Facts]) -> Iterator[str]:
    for key, facts in source.items():
        if key not in target:
            yield f"The {_named(key)} is missing on the cluster."
        elif different := [name for name in facts if _differs(name, facts, target[key])]:
            yield f"The {_named(key)} {_told(different[0], facts, target[key])}"
    for key in target:
        if key not in source:
            yield f"The {_named(key)} is on the cluster only."


def _named(key: Key) -> str:
    kind, database, name = key
    return f"{kind} {database}{f'.{name}' if name else ''}"


def _differs(name: str, before: Facts, now: Facts) -> bool:
    if "collation" in name and any(word in before[name] for word in _MARIADBS):
        return False
    return before[name] != now.get(name, "")


def _told(name: str, before: Facts, now: Facts) -> str:
    if name in ("text", "parameters"):
        return "does not read the same on both."
    return f"has the {name} {now.get(name, '')} and had {before[name]}."
