"""The spool, filled from real servers and torn apart."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest

from sterna.dataplane.copy_ddl import read_changes
from sterna.dataplane.receive import receive
from sterna.dataplane.reports import LogReport, Report
from sterna.dataplane.spool import Spool
from sterna.dataplane.spool_reader import SpoolReader
from sterna.errors import Stopped
from sterna.mysql.connection import execute, open_session
from sterna.mysql.position import Position
from tests.fixtures.link import current_position
from tests.fixtures.running import RunningServer, eventually, wipe


class Receiving:
    """`with Receiving(server, spool, start):` receives until the block ends."""

    def __init__(self, running: RunningServer, spool: Spool, start: Position) -> None:
        self.spool = spool
        self.reports: list[Report] = []
        self._server = running.server
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=receive,
            args=(running.server, spool),
            kwargs={
                "start": start,
                "server_id": 7003,
                "stop": self._stop,
                "report": self.reports.append,
            },
            daemon=True,
        )

    def __enter__(self) -> Receiving:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def caught_up(self) -> Position:
        """Wait until everything the server has now is spooled."""
        end = current_position(self._server)
        eventually(lambda: self.spool.end is not None and self.spool.end >= end)
        return end


def write_rows(running: RunningServer, count: int) -> None:
    """`count` transactions."""
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE IF NOT EXISTS spooled")
        execute(session, "CREATE TABLE IF NOT EXISTS spooled.t (a INT, b VARCHAR(200))")
        for number in range(count):
            execute(session, "INSERT INTO spooled.t VALUES (%s, REPEAT('x', 100))", [number])


def events(folder: Path, after: Position) -> list[bytes]:
    """Everything in the spool behind a position."""
    reader = SpoolReader(Spool(folder), after)
    found = []
    while (raw := reader.next(0)) is not None:
        found.append(raw)
    reader.close()
    return found


def test_torn_tail_is_cut_and_resumed(mysql57: RunningServer, tmp_path: Path) -> None:
    """Wherever the last segment was torn, reopening cuts it to whole events and goes on."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    write_rows(mysql57, 20)
    with Receiving(mysql57, Spool(tmp_path), start) as receiving:
        end = receiving.caught_up()
    whole = events(tmp_path, start)
    for torn_bytes in (1, 40, 500):
        last = sorted(tmp_path.glob("*.segment"))[-1]
        os.truncate(last, max(0, last.stat().st_size - torn_bytes))
        spool = Spool(tmp_path)
        assert spool.end is not None and spool.end < end
        with Receiving(mysql57, spool, start) as receiving:
            receiving.caught_up()
        resumed = events(tmp_path, start)
        assert [raw[13:17] for raw in resumed] == [raw[13:17] for raw in whole]


def test_damage_in_the_middle_is_noticed(mysql57: RunningServer, tmp_path: Path) -> None:
    """A byte changed in an earlier segment stops; nothing behind it is handed out."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    with Receiving(mysql57, Spool(tmp_path, segment_bytes=2000), start) as receiving:
        write_rows(mysql57, 20)
        receiving.caught_up()
    first = sorted(tmp_path.glob("*.segment"))[1]
    data = bytearray(first.read_bytes())
    data[-10] ^= 0xFF
    first.write_bytes(data)
    with pytest.raises(Stopped, match="damaged"):
        Spool(tmp_path)


def test_reader_sees_events_across_segments_and_files(
    mariadb1011: RunningServer, tmp_path: Path
) -> None:
    """A reader that waits gets every event once, in order, over segments and log files."""
    wipe(mariadb1011.server)
    start = current_position(mariadb1011.server)
    spool = Spool(tmp_path, segment_bytes=3000)
    reader = SpoolReader(spool, start)
    seen: list[Position] = []
    with Receiving(mariadb1011, spool, start) as receiving:
        for _ in range(3):
            write_rows(mariadb1011, 10)
            with open_session(mariadb1011.server) as session:
                execute(session, "FLUSH LOGS")
            end = receiving.caught_up()
            while reader.position < end:
                assert reader.next(5) is not None
                seen.append(reader.position)
    reader.close()
    assert seen == sorted(seen) and len(set(seen)) == len(seen)
    assert len(spool.segments) > 6
    middle = seen[len(seen) // 2]
    assert len(events(tmp_path, middle)) == len(seen) - len(seen) // 2 - 1


def test_applied_segments_are_removed(mysql57: RunningServer, tmp_path: Path) -> None:
    """What is applied leaves the disk; what is not stays; a position before it is refused."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    spool = Spool(tmp_path, segment_bytes=2000)
    with Receiving(mysql57, spool, start) as receiving:
        write_rows(mysql57, 20)
        end = receiving.caught_up()
        spool.remove_applied(spool.segments[3].start)
        assert spool.segments[0].path.name == "00000004.segment"
        with pytest.raises(Stopped, match="The spool begins at"):
            SpoolReader(spool, start).next(0)
        spool.remove_applied(end)
    assert len(list(tmp_path.glob("*.segment"))) == 1


def test_full_spool_holds_the_receiver_back(mysql57: RunningServer, tmp_path: Path) -> None:
    """At its size the spool makes the receiver wait and says so; freed, the stream goes on."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    told: list[int] = []
    spool = Spool(tmp_path, segment_bytes=2000, bytes_max=6000, when_full=told.append)
    with Receiving(mysql57, spool, start) as receiving:
        write_rows(mysql57, 60)
        eventually(lambda: told)
        assert spool.size_bytes < 10_000
        end = current_position(mysql57.server)

        def drained() -> bool:
            assert spool.end is not None
            spool.remove_applied(spool.end)
            return spool.end >= end

        eventually(drained)
        receiving.caught_up()


def test_lost_stream_is_taken_up_again(mysql57: RunningServer, tmp_path: Path) -> None:
    """A server that restarts interrupts the stream; it goes on by itself, without a gap."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    spool = Spool(tmp_path)
    with Receiving(mysql57, spool, start) as receiving:
        write_rows(mysql57, 5)
        receiving.caught_up()
        mysql57.stop()
        eventually(lambda: spool.interruption)
        mysql57.start()
        write_rows(mysql57, 5)
        receiving.caught_up()
        assert not spool.interruption
    levels = [report.level for report in receiving.reports if isinstance(report, LogReport)]
    assert levels == ["WARN", "NORMAL"]
    assert sum(raw[4] == 30 for raw in events(tmp_path, start)) == 10


def test_ddl_is_found_where_it_is(mysql57: RunningServer, tmp_path: Path) -> None:
    """DDL between two positions is seen, and neither rows nor accounts."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    spool = Spool(tmp_path)
    with Receiving(mysql57, spool, start) as receiving:
        write_rows(mysql57, 3)
        made = receiving.caught_up()
        write_rows(mysql57, 3)
        with open_session(mysql57.server) as session:
            execute(session, "CREATE USER nobody IDENTIFIED BY 'x'")
            execute(session, "FLUSH TABLES")
        end = receiving.caught_up()
        assert list(read_changes(spool, start, end))
        assert list(read_changes(spool, made, end))  # CREATE … IF NOT EXISTS is logged again
        assert not list(read_changes(spool, end, end))


def test_overtaken_process_writes_to_nobody(mysql57: RunningServer, tmp_path: Path) -> None:
    """A process that wakes up after another has opened the spool can add nothing to it."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    old = Spool(tmp_path)
    write_rows(mysql57, 5)
    with Receiving(mysql57, old, start) as receiving:
        end = receiving.caught_up()
        taken = Spool(tmp_path)
        assert taken.end == end
        write_rows(mysql57, 5)
        assert receiving.caught_up() > end
        with pytest.raises(Stopped, match="taken over"):
            old.begin_segment(end, old.segments[-1].log_format)
    assert Spool(tmp_path).end == end


def test_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, mysql57: RunningServer) -> None:
    """A write that the disk takes only half of ends the receiver with a clear word; readers are not
    told of it, and the spool goes on behind the last whole event once there is room."""
    wipe(mysql57.server)
    start = current_position(mysql57.server)
    write_rows(mysql57, 50)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool = Spool(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(Stopped) as caught:
            receive(mysql57.server, spool, start=start, server_id=7001, report=lambda report: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "SpoolNotWritten"
    reader = SpoolReader(spool, start)
    while reader.next(0.0) is not None:
        pass
    assert reader.position == spool.end
    reader.close()
    with Receiving(mysql57, Spool(tmp_path), start) as receiving:
        receiving.caught_up()
    assert len(events(tmp_path, start)) > 100
