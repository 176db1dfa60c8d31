"""An origin whose log is another one than before: nothing of it is taken for what it is not."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest

from sterna.dataplane.receive import receive
from sterna.dataplane.spool import Spool
from sterna.errors import SternaError
from sterna.mysql.connection import Server, ServerError, execute, open_session, query
from tests.fixtures.link import Link, applied, begin, current_position
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.integration.test_follow import run, sides

__all__ = ["sides"]

ORIGINS = [("mysql56", "mysql97"), ("mysql57", "mysql97"), ("mariadb1011", "mysql97")]
ORIGINS += [("mysql97", "mysql57")]
ENDS = {"BinlogReplaced", "BinlogUnreadable"}
TABLE = """CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;; USE d
;; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)"""


def reset_log(server: Server) -> None:
    """Begin the server's log anew, in another second than before."""
    until = int(time.time()) + 1
    eventually(lambda: time.time() > until)
    with open_session(server) as session:
        try:
            execute(session, "RESET BINARY LOGS AND GTIDS")
        except ServerError:
            execute(session, "RESET MASTER")


def write(server: Server, count: int) -> None:
    """So many transactions."""
    with open_session(server) as session:
        for number in range(count):
            execute(session, "INSERT INTO d.t (n) VALUES (%s)", [number])


@pytest.mark.parametrize("sides", ORIGINS, indirect=True, ids="-".join)
def test_a_log_that_begins_anew_while_it_is_followed(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """The task ends within seconds, whatever the server itself makes of it; what it wrote meanwhile
    is on no side for something else."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, TABLE)
        write(origin, 20)
        link.caught_up()
        before = applied(destination)
        reset_log(origin)
        write(origin, 5)
        error = link.stopped(30)
    assert error.code in ENDS and "new copy" in error.remedy, error
    assert applied(destination) == before
    with open_session(destination) as session:
        assert query(session, "SELECT COUNT(*), MAX(id) FROM d.t") == [(20, 20)]


@pytest.mark.parametrize("sides", ORIGINS[1:3], indirect=True, ids="-".join)
def test_a_log_that_began_anew_while_nobody_looked(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """The new log has the same name and is longer than the old one was: its file is another one."""
    origin, destination = sides
    reset_log(origin)
    begin(origin, destination)
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, TABLE)
        write(origin, 3)
        link.caught_up()
    before = applied(destination)
    reset_log(origin)
    while current_position(origin) <= before:
        write(origin, 10)
    with Link(origin, destination, tmp_path) as link:
        error = link.stopped(30)
    assert error.code == "BinlogReplaced" and "another making" in error.message, error
    assert applied(destination) == before


@pytest.mark.parametrize(("name", "count"), [("mysql56", 3), ("mariadb1011", 60)])
def test_a_receiver_alone_notices_it(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, count: int
) -> None:
    """These servers go on sending heartbeats when their log is gone, as if nothing was written;
    a copy has only the receiver. Whether the new log is shorter or longer does not matter."""
    origin = request.getfixturevalue(name).server
    wipe(origin)
    reset_log(origin)
    failures: list[SternaError] = []

    def work() -> None:
        try:
            receive(origin, spool, start=start, server_id=7009, report=lambda _: None)
        except SternaError as error:
            failures.append(error)

    with open_session(origin) as session:
        run(session, TABLE)
    start, spool = current_position(origin), Spool(tmp_path)
    receiver = threading.Thread(target=work, daemon=True)
    receiver.start()
    write(origin, 20)
    end = current_position(origin)
    eventually(lambda: spool.end == end)
    reset_log(origin)
    write(origin, count)
    assert (current_position(origin) > end) == (count > 20)
    receiver.join(30)
    assert [error.code for error in failures] == ["BinlogReplaced"], failures
    assert spool.end == end


def test_an_address_that_leads_to_another_server(
    sides: tuple[Server, Server], mysql56: RunningServer, tmp_path: Path
) -> None:
    """Its log is not read as if it were that of the server followed before."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, TABLE)
        link.caught_up()
    before = applied(destination)
    with contextlib.suppress(ServerError), open_session(mysql56.server) as session:
        run(session, TABLE)
    while current_position(mysql56.server) <= before:
        write(mysql56.server, 50)
    with Link(mysql56.server, destination, tmp_path) as link:
        error = link.stopped(30)
    assert error.code in ENDS, error
    assert applied(destination) == before
