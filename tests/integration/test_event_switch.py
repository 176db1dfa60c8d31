"""Events are put to sleep and woken on servers whose scheduler is not ours to choose."""

from __future__ import annotations

from sterna.dataplane.event_switch import (
    EventsState,
    read_events_state,
    restore_events,
    silence_events,
)
from sterna.mysql.connection import execute, open_session
from tests.fixtures.running import ServerFarm


def test_a_scheduler_that_was_disabled_at_the_start(server_farm: ServerFarm) -> None:
    """Whatever ran on the other side, it cannot be switched on here: the events are enabled, and
    nothing fails for it."""
    server = server_farm.start("5.7", event_scheduler="DISABLED").server
    with open_session(server) as session:
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE EVENT shop.rare ON SCHEDULE EVERY 1 DAY DO DO 1")
    rare = (("shop", "rare"),)
    assert read_events_state(server) == EventsState("DISABLED", rare)
    silence_events(server, read_events_state(server))
    assert read_events_state(server) == EventsState("DISABLED", ())
    restore_events(server, EventsState("ON", rare))
    assert read_events_state(server) == EventsState("DISABLED", rare)
