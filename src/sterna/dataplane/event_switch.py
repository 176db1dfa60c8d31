"""Scheduled events run only where the writes are: silence them on one side, restore on the other.

Before anything is silenced its state is read and, by the caller, stored; silencing and restoring
from that state are idempotent. The scheduler is turned off and every enabled event disabled as
well, because a restarted server turns its scheduler on again. Nothing of it is in the binary log.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from sterna.dataplane.copied_objects import create_object_table
from sterna.dataplane.text_context import encode_text, execute_bytes
from sterna.mysql.catalog import Event, read_databases, read_events
from sterna.mysql.connection import Server, Session, execute, open_session, query
from sterna.mysql.identifiers import quote, quote_text
from sterna.mysql.variables import read_variables

# A network that has gone deaf keeps no operation waiting for ever.
ANSWER_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class EventsState:
    """What was found: the scheduler (ON, OFF, DISABLED) and the enabled events
    as (database, event). Plain values, to be stored as JSON."""

    scheduler: str
    enabled: tuple[tuple[str, str], ...]


def read_events_state(server: Server) -> EventsState:
    """What runs on this server; changes nothing."""
    with _unlogged_session(server) as session:
        scheduler = read_variables(session, "event_scheduler")["event_scheduler"]
        enabled = tuple(
            (database.name, event.name)
            for database in read_databases(session)
            for event in read_events(session, database.name)
            if event.status == "ENABLED"
        )
        return EventsState(scheduler, enabled)


def silence_events(server: Server, state: EventsState) -> None:
    """No event of `state` starts from now on. One that is running goes on to its end."""
    with _unlogged_session(server) as session:
        if state.scheduler == "ON":
            execute(session, "SET GLOBAL event_scheduler = OFF")
        _alter_events(session, state.enabled, action="DISABLE")


def restore_events(server: Server, state: EventsState) -> None:
    """Everything is as `read_events_state` found it."""
    with _unlogged_session(server) as session:
        _alter_events(session, state.enabled, action="ENABLE")
        # DISABLED is said at the start of a server, for as long as it runs.
        may_run = read_variables(session, "event_scheduler")["event_scheduler"] != "DISABLED"
        if state.scheduler == "ON" and may_run:
            execute(session, "SET GLOBAL event_scheduler = ON")


def enable_copied_events(destination: Server) -> tuple[tuple[str, str], ...]:
    """Enable the copied events that were enabled on the origin when they were copied."""
    with _unlogged_session(destination) as session:
        create_object_table(session)
        rows = query(
            session,
            "SELECT database_name, object_name FROM sterna.objects"
            " WHERE kind = 'EVENT' AND status = 'ENABLED' ORDER BY 1, 2",
        )
        events = tuple((str(database), str(name)) for database, name in rows)
        _alter_events(session, events, action="ENABLE")
        return events


def _alter_events(session: Session, events: Iterable[tuple[str, str]], *, action: str) -> None:
    """ALTER EVENT would make us the definer, and our session the event's context."""
    present: dict[str, dict[str, Event]] = {}
    for database, name in events:
        if database not in present:
            present[database] = {e.name: e for e in read_events(session, database)}
        event = present[database].get(name)
        if event is None:
            continue  # dropped, or an event that ran once and is gone
        _alter_event(session, database, event, action=action)


def _alter_event(session: Session, database: str, event: Event, *, action: str) -> None:
    user, _, host = event.definer.rpartition("@")
    definer = f"{quote_text(user)}@{quote_text(host)}"
    sql = f"ALTER DEFINER = {definer} EVENT {quote(database, event.name)} {action}"
    execute(
        session,
        "SET sql_mode = %s, time_zone = %s, character_set_client = %s, collation_connection = %s",
        [event.sql_mode, event.time_zone, event.charset, event.collation],
    )
    try:
        execute_bytes(session, encode_text(sql, event.charset))
    finally:
        execute(session, "SET NAMES utf8mb4")


@contextmanager
def _unlogged_session(server: Server) -> Generator[Session]:
    """What is done in it is in no binary log: the other side has events of its own."""
    session = open_session(server, read_timeout_seconds=ANSWER_SECONDS_MAX)
    try:
        execute(session, "SET sql_log_bin = 0")
        yield session
    finally:
        session.close()
