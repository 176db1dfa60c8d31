"""Tables that came or went between the last snapshot and the moment they would have been read.

Such a table keeps nobody from being copied. One that was made after the snapshot is new behind it:
following makes it. One that was dropped after it cannot be read any more, and need not be: whatever
was done to it up to the DROP is for nobody. An empty table takes its place on the destination, and
its start position lies just before the DROP, which following runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from sterna.dataplane.copy_ddl import Change, lowered
from sterna.dataplane.copy_state import (
    DONE,
    LOADED,
    TableState,
    forget_table,
    read_states,
    write_state,
)
from sterna.dataplane.schema_objects import StoredObject
from sterna.mysql.catalog import TableName, read_databases
from sterna.mysql.connection import Session, execute
from sterna.mysql.identifiers import quote


def passing(
    changes: Iterable[Change], tied: Set[TableName], objects: Iterable[StoredObject]
) -> dict[TableName, Change]:
    """Tables, in lower case, that came or went: the first of all these changes that concerns them
    makes or drops them. One that was made first was not there before; nothing that was done to one
    that was dropped first matters any more. Those that foreign keys tie to others, or that a view
    or a trigger needs, are not among them."""
    needed_by = [each.text.lower() for each in objects if each.kind in ("VIEW", "TRIGGER")]
    return {
        name: change
        for name, change in _first(changes).items()
        if name in set(map(lowered, change.made | change.dropped)) - tied
        and not any(name[1] in text for text in needed_by)
    }


def _first(changes: Iterable[Change]) -> dict[TableName, Change]:
    """For each table the first change that concerns it, but for those of which it is not sure to
    be the first, and those dropped that another statement may have looked at before: an empty one
    is no model for CREATE TABLE … LIKE."""
    first: dict[TableName, Change | None] = {}
    databases: set[str] = set()
    looked_at: set[str] = set()
    for change in changes:
        if change.is_unclear:
            break
        gone = set(map(lowered, change.dropped))
        for name in change.tables:
            is_model = name in gone and (name[1] in looked_at or not name[1].isascii())
            first.setdefault(name, None if is_model or name[0] in databases else change)
        databases |= change.databases
        looked_at |= change.mentioned
    return {name: change for name, change in first.items() if change is not None}


def keep_places(
    session: Session, spoiled: Set[TableName], came_or_went: Mapping[TableName, Change]
) -> bool:
    """Whether all tables of a round's snapshot are there but those that came or went since, which
    are as following expects them then. Nothing is done where it is False."""
    states = read_states(session)
    there = {name for name, state in states.items() if state.state in (LOADED, DONE)} - spoiled
    missing = spoiled | (set(states) - there)
    if not all(lowered(name) in came_or_went for name in missing):
        return False
    for name in missing:
        forget_table(session, name)
    databases = {database.name for database in read_databases(session)}
    for change in came_or_went.values():
        for name in change.dropped - there:
            if came_or_went.get(lowered(name)) is change and name[0] in databases:
                _keep_place(session, name, change)
    return True


def _keep_place(session: Session, name: TableName, dropped: Change) -> None:
    before = dropped.position.in_same_file(dropped.position.offset_bytes - 1)
    write_state(session, TableState(name, DONE, before, "", "", 0, 0, ""))
    execute(session, f"CREATE TABLE IF NOT EXISTS {quote(*name)} (gone INT)")
