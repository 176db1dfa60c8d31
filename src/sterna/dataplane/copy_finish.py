"""After the rows: secondary indexes, then foreign keys, from the definitions kept for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sterna.dataplane.copy_state import (
    DONE,
    LOADED,
    TableState,
    read_states,
    write_state,
)
from sterna.errors import Stopped
from sterna.mysql.catalog import TableName, read_foreign_keys, read_keys
from sterna.mysql.connection import ServerError, Session, execute
from sterna.mysql.identifiers import quote


def add_missing_indexes(session: Session) -> None:
    """For tables that a crash left loaded but without their indexes."""
    for state in read_states(session).values():
        if state.state == LOADED:
            add_indexes(session, state)


def add_indexes(session: Session, state: TableState) -> None:
    """One ALTER TABLE for all of them."""
    database, table = state.name

    def are_there() -> bool:
        present = {key.name for key in read_keys(session, database).get(table, [])}
        return any(f"KEY {quote(name)}" in state.deferred_indexes for name in present)

    _alter_once(session, state, state.deferred_indexes, are_there)
    write_state(session, replace(state, state=DONE, deferred_indexes=""))


def add_foreign_keys(session: Session) -> None:
    """When all tables and their indexes are there; the rows are known to satisfy them."""
    for state in read_states(session).values():
        if state.deferred_foreign_keys:
            are_there = partial(_has_foreign_keys, session, state.name)
            _alter_once(session, state, state.deferred_foreign_keys, are_there)
            write_state(session, replace(state, deferred_foreign_keys=""))


def _has_foreign_keys(session: Session, name: TableName) -> bool:
    database, table = name
    return bool(read_foreign_keys(session, database).get(table))


def _alter_once(
    session: Session, state: TableState, sql: str, are_there: Callable[[], bool]
) -> None:
    """Run it, unless it ran before a crash: a server ends the statement of a killed process, and
    refuses to add the same keys again, because all of them have names."""
    try:
        _alter(session, state, sql)
    except Stopped:
        if not are_there():
            raise


def _alter(session: Session, state: TableState, sql: str) -> None:
    try:
        execute(session, f"USE {quote(state.name[0])}")
        execute(session, sql)
    except ServerError as error:
        raise Stopped(
            f"{quote(*state.name)} is loaded, but {sql} was refused: {error.message}",
            code="DefinitionRefused",
            remedy="Change the key on the origin (or the rows that break it), then go on.",
        ) from error
