"""Windows on a real destination: as a whole or not at all."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.dataplane.apply import Applier
from sterna.dataplane.receive import receive
from sterna.dataplane.spool import Spool
from sterna.dataplane.spool_reader import SpoolReader
from sterna.dataplane.transactions import Assembler, Boundary, RowPiece
from sterna.errors import Refused, SternaError, Stopped
from sterna.mysql.connection import Server, ServerError, execute, open_session, query, scalar
from sterna.mysql.position import Position
from tests.fixtures.link import TASK, applied, begin, current_position
from tests.fixtures.running import RunningServer, eventually, wipe

TABLE = "CREATE TABLE win.t (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1)"


@pytest.fixture
def spooled(
    mysql57: RunningServer, mysql97: RunningServer, tmp_path: Path
) -> Iterator[tuple[Server, SpoolReader, Position]]:
    """Three transactions from 5.7 in a spool, their table on 9.7: destination, reader, end."""
    for running in (mysql57, mysql97):
        wipe(running.server)
        with open_session(running.server) as session:
            execute(session, "CREATE DATABASE win")
            execute(session, TABLE)
    start = begin(mysql57.server, mysql97.server)
    with open_session(mysql57.server) as session:
        for number in (1, 2, 3):
            execute(session, "INSERT INTO win.t VALUES (%s, 'x')", [number])
    end = current_position(mysql57.server)
    spool, stop = Spool(tmp_path), threading.Event()
    thread = threading.Thread(
        target=receive,
        args=(mysql57.server, spool),
        kwargs={"start": start, "server_id": 7008, "stop": stop, "report": print},
        daemon=True,
    )
    thread.start()
    eventually(lambda: spool.end is not None and spool.end >= end)
    stop.set()
    thread.join(10)
    reader = SpoolReader(spool, start)
    yield mysql97.server, reader, end
    reader.close()


def fill(applier: Applier, reader: SpoolReader) -> None:
    """Put everything the spool holds into one window."""
    assembler = Assembler({}, None)
    while (raw := reader.next(0)) is not None:
        if applier.needs_format(reader.log_format):
            applier.use_format(reader.log_format)
        step = assembler.feed(raw, reader)
        assert step is None or isinstance(step, RowPiece | Boundary)
        if isinstance(step, RowPiece):
            applier.add(step)


def rows(server: Server) -> list[int]:
    """What is in the table."""
    with open_session(server) as session:
        return [number for (number,) in query(session, "SELECT id FROM win.t ORDER BY id")]


def test_window_and_checkpoint_commit_together(
    spooled: tuple[Server, SpoolReader, Position],
) -> None:
    """Before commit nothing is seen, after it rows and checkpoint are."""
    destination, reader, end = spooled
    before = applied(destination)
    with contextlib.closing(Applier(destination, TASK, 1, is_careful=False)) as applier:
        assert applier.read_checkpoint().position == before
        fill(applier, reader)
        assert rows(destination) == [] and applied(destination) == before
        applier.commit(end)
    assert rows(destination) == [1, 2, 3] and applied(destination) == end


def test_cut_window_leaves_nothing(spooled: tuple[Server, SpoolReader, Position]) -> None:
    """A connection that is cut before the commit leaves neither rows nor a moved checkpoint."""
    destination, reader, _ = spooled
    before = applied(destination)
    applier = Applier(destination, TASK, 1, is_careful=True)
    fill(applier, reader)
    applier.close()
    assert rows(destination) == [] and applied(destination) == before


@pytest.mark.parametrize("is_careful", [False, True])
def test_refused_window_leaves_nothing(
    spooled: tuple[Server, SpoolReader, Position], *, is_careful: bool
) -> None:
    """A duplicate in the middle of a window: no row of it stays, also not those behind it."""
    destination, reader, end = spooled
    with open_session(destination) as session:
        execute(session, "INSERT INTO win.t VALUES (2, 'in the way')")
    with contextlib.closing(Applier(destination, TASK, 1, is_careful=is_careful)) as applier:
        with pytest.raises(ServerError) as refused:
            fill(applier, reader)
            applier.commit(end)
        assert refused.value.number == 1062
        if is_careful:
            assert "win.t" in applier.blame(refused.value, end).message
    assert rows(destination) == [2]


def test_fenced_window_leaves_nothing(spooled: tuple[Server, SpoolReader, Position]) -> None:
    """The epoch was raised while the window was open: it is not committed."""
    destination, reader, end = spooled
    with contextlib.closing(Applier(destination, TASK, 1, is_careful=False)) as applier:
        fill(applier, reader)
        with open_session(destination) as session:
            checkpoint.take_over(session, TASK, 5)
        with pytest.raises(Stopped) as fenced:
            applier.commit(end)
        assert fenced.value.code == "Fenced"
    assert rows(destination) == []
    with (
        pytest.raises(SternaError),
        contextlib.closing(Applier(destination, TASK, 1, is_careful=False)) as applier,
    ):
        applier.read_checkpoint()


def test_change_too_large_for_a_packet_stops(
    spooled: tuple[Server, SpoolReader, Position],
) -> None:
    """A destination that takes only small packets is told by which size to grow."""
    destination, reader, end = spooled
    applier = Applier(destination, TASK, 1, is_careful=False)
    applier._packet_bytes = 1024
    with contextlib.closing(applier), pytest.raises(Stopped) as stopped:
        fill(applier, reader)
        applier.commit(end)
    assert stopped.value.code == "PacketTooLarge" and "win.t" in stopped.value.message


@pytest.mark.parametrize("name", ["mysql56", "mysql57", "mysql97", "mariadb1011"])
def test_relay_is_proven(request: pytest.FixtureRequest, name: str) -> None:
    """An account that may relay passes on every version, one that may not is refused."""
    running = request.getfixturevalue(name)
    wipe(running.server)
    with open_session(running.server) as session:
        checkpoint.create(session)
        checkpoint.create(session)
        checkpoint.prove_relay(session)
        execute(session, "CREATE USER weak IDENTIFIED BY 'weak-But-Long-9'")
        execute(session, "GRANT ALL ON sterna.* TO weak")
    server = running.server
    weak = Server(server.host, server.port, "weak", "weak-But-Long-9")
    with open_session(weak) as session, pytest.raises(Refused) as refused:
        checkpoint.prove_relay(session)
    assert refused.value.code == "RelayNotAllowed"
    with open_session(server) as session:
        checkpoint.write_start(session, TASK, 1, Position.parse("b.000001:4"))
        checkpoint.remove(session, TASK)
        databases = scalar(
            session, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'sterna'"
        )
    assert databases == 0
