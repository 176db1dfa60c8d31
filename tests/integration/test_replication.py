"""The dump stream of real servers."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from sterna.errors import Stopped, Transient
from sterna.mysql.binlog.events import Format, Heartbeat, Rows
from sterna.mysql.binlog.parse import parse, parse_format, verify_checksum
from sterna.mysql.binlog.types import EventType
from sterna.mysql.connection import execute, open_session
from sterna.mysql.position import Position
from sterna.mysql.replication import BinlogStream, read_format_description
from tests.fixtures.link import current_position
from tests.fixtures.running import RunningServer, wipe

SERVERS = ("mysql56", "mysql57", "mysql97", "mariadb1011")


@pytest.fixture(params=SERVERS)
def running(request: pytest.FixtureRequest) -> RunningServer:
    """Each server in turn, empty."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, RunningServer)
    wipe(found.server)
    return found


def until_heartbeat(running: RunningServer, start: Position) -> list[bytes]:
    """All events behind `start`, checksums verified."""
    found: list[bytes] = []
    log_format: Format | None = None
    with contextlib.closing(BinlogStream(running.server, start, 7004)) as stream:
        for raw in stream:
            if raw[4] == EventType.FORMAT_DESCRIPTION:
                log_format = parse_format(raw)
            if log_format is not None:
                verify_checksum(raw, log_format)
                found.append(raw)
                if isinstance(parse(raw, log_format), Heartbeat):
                    return found
    raise AssertionError("the stream ended")


def test_stream_brings_everything(running: RunningServer) -> None:
    """Rows written before and after the stream began come; a heartbeat within two seconds."""
    start = current_position(running.server)
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE streamed")
        execute(session, "CREATE TABLE streamed.t (a INT, b LONGBLOB)")
        execute(session, "INSERT INTO streamed.t VALUES (1, 'x')")
    began = time.monotonic()
    events = until_heartbeat(running, start)
    log_format = parse_format(events[0])
    assert sum(isinstance(parse(raw, log_format), Rows) for raw in events) == 1
    assert time.monotonic() - began < 3


def test_events_over_16_megabytes_are_whole(running: RunningServer) -> None:
    """An event larger than a packet comes in one piece with a correct checksum."""
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE streamed")
        execute(session, "CREATE TABLE streamed.t (b LONGBLOB)")
    with open_session(running.server) as session:
        start = current_position(running.server)
        execute(session, "INSERT INTO streamed.t VALUES (REPEAT('x', 2200000))")
        execute(session, "UPDATE streamed.t SET b = CONCAT(b, b)")
        execute(session, "UPDATE streamed.t SET b = CONCAT(b, b)")
        execute(session, "UPDATE streamed.t SET b = INSERT(b, 1, 1, 'y')")
    events = until_heartbeat(running, start)
    assert max(map(len, events)) > 16 << 20


def test_format_description_is_the_servers_own(running: RunningServer) -> None:
    """The format of a server says its own version."""
    log_format = read_format_description(running.server, 7005)
    assert running.version.series in log_format.server_version
    assert log_format.is_mariadb == running.version.is_mariadb
    assert log_format.has_checksum


def test_purged_position_stops(running: RunningServer) -> None:
    """A position in a file that is gone stops with what to do; it is not retried."""
    start = Position("mysql-bin.000000", 4)
    with contextlib.closing(BinlogStream(running.server, start, 7006)) as stream:
        with pytest.raises(Stopped) as stopped:
            list(stream)
        assert stopped.value.code == "BinlogUnreadable" and stopped.value.remedy


def test_closing_ends_a_waiting_iteration(mysql57: RunningServer) -> None:
    """A thread that waits for events ends at once when another closes the stream."""
    stream = BinlogStream(mysql57.server, current_position(mysql57.server), 7007)
    ended: list[BaseException] = []

    def drain() -> None:
        try:
            for _ in stream:
                pass
        except Transient as error:
            ended.append(error)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    stream.close()
    thread.join(3)
    assert ended
