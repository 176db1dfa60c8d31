"""Whether two servers have the same views, routines, triggers and events, with their definers.

Texts of views are each server's own rendering; those of routines, triggers and events are compared
word by word. Events are compared without whether they run: that follows the writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sterna.mysql.catalog import (
    read_databases,
    read_events,
    read_routines,
    read_triggers,
    read_views,
)
from sterna.mysql.connection import Session
from sterna.mysql.stored_code import read_code

_SPACE = re.compile(r"\s+")
_WITH_TEXT = frozenset({"routine", "trigger", "event"})

Key = tuple[str, str, str]  # kind, database, name


def compare_objects(source: Session, target: Session) -> tuple[str, ...]:
    """A sentence for each database and object that is not the same on both; empty when all are."""
    return tuple(_compare(read_carried(source), read_carried(target)))


def count_objects(session: Session) -> dict[str, int]:
    """Kind → how many of it there are: view, procedure, function, trigger, event, database."""
    counts: dict[str, int] = {}
    for kind, _, _ in read_carried(session):
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def read_carried(session: Session) -> dict[Key, tuple[str, ...]]:
    """What there is, and of each what has to be the same."""
    found: dict[Key, tuple[str, ...]] = {}
    for database in read_databases(session):
        found["database", database.name, ""] = (_charset(database.charset),)
        found.update(_objects(session, database.name))
    return found


def _objects(session: Session, database: str) -> Iterator[tuple[Key, tuple[str, ...]]]:
    texts = {
        (code.kind, code.name): _SPACE.sub(" ", code.text).strip()
        for code in read_code(session, database)
        if code.kind in _WITH_TEXT
    }
    for view in read_views(session, database):
        yield ("view", database, view.name), (view.definer,)
    for routine in read_routines(session, database):
        text = texts.get(("routine", routine.name), "")
        yield (routine.kind.lower(), database, routine.name), (routine.definer, text)
    for trigger in read_triggers(session, database):
        what = f"{trigger.timing} {trigger.event} {trigger.table}"
        text = texts.get(("trigger", trigger.name), "")
        yield ("trigger", database, trigger.name), (trigger.definer, what, text)
    for event in read_events(session, database):
        text = texts.get(("event", event.name), "")
        yield ("event", database, event.name), (event.definer, event.time_zone, text)


def _compare(
    source: Mapping[Key, tuple[str, ...]], target: Mapping[Key, tuple[str, ...]]
) -> Iterator[str]:
    for key, facts in source.items():
        kind, database, name = key
        about = f"The {kind} {database}{f'.{name}' if name else ''}"
        if key not in target:
            yield f"{about} is missing on the cluster."
        elif target[key][0] != facts[0]:
            what = "character set" if kind == "database" else "definer"
            yield f"{about} has the {what} {target[key][0]} and had {facts[0]}."
        elif target[key] != facts:
            yield f"{about} does not read the same on both."
    for kind, database, name in target:
        if (kind, database, name) not in source:
            yield f"The {kind} {database}{f'.{name}' if name else ''} is on the cluster only."


def _charset(name: str) -> str:
    return "utf8mb3" if name == "utf8" else name
