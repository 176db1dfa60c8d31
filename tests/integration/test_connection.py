"""Sessions on real servers."""

from __future__ import annotations

import socket

import pytest

from sterna.errors import Refused, Transient
from sterna.mysql import connection
from sterna.mysql.connection import (
    Server,
    ServerError,
    execute,
    open_session,
    query,
    query_dicts,
    scalar,
    server_version,
)
from sterna.mysql.variables import read_variables
from tests.fixtures.running import RunningServer, free_port

SERVERS = ("mysql56", "mysql57", "mysql97", "mariadb1011")


@pytest.fixture(params=SERVERS)
def running(request: pytest.FixtureRequest) -> RunningServer:
    """Each server in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, RunningServer)
    return found


def test_session_is_set_on_purpose(running: RunningServer) -> None:
    """Mode, time zone, character set and isolation are ours, whatever the server's defaults."""
    with open_session(running.server) as session:
        assert server_version(session).series == running.version.series
        (row,) = query(
            session,
            "SELECT @@sql_mode, @@time_zone, @@character_set_client, @@autocommit",
        )
    assert set(row[0].split(",")) == {"NO_AUTO_VALUE_ON_ZERO", "ALLOW_INVALID_DATES"}
    assert row[1:] == ("+00:00", "utf8mb4", 1)


def test_updates_count_rows_found(running: RunningServer) -> None:
    """An update that changes nothing still counts the row it found; fencing depends on it."""
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE IF NOT EXISTS found")
        execute(session, "CREATE TABLE found.t (a INT)")
        execute(session, "INSERT INTO found.t VALUES (1)")
        assert execute(session, "UPDATE found.t SET a = 1") == 1
        assert query_dicts(session, "SELECT a FROM found.t") == [{"a": 1}]
        execute(session, "DROP DATABASE found")


def test_errors_are_translated(running: RunningServer) -> None:
    """Wrong passwords, closed ports, bad statements and cut connections each have their error."""
    server = running.server
    with pytest.raises(Refused) as refused:
        open_session(Server(server.host, server.port, server.user, "wrong"))
    assert refused.value.code == "AccessDenied" and "wrong" not in str(refused.value)
    with pytest.raises(Refused) as refused:
        open_session(Server(server.host, free_port(server.host, first=19000, last=19999), "u", ""))
    assert refused.value.code == "Unreachable"
    with open_session(server) as session, open_session(server) as other:
        with pytest.raises(ServerError) as failed:
            query(session, "SELECT * FROM nowhere.nothing")
        assert failed.value.number in (1146, 1049)
        execute(other, f"KILL {session.thread_id()}")
        with pytest.raises(Transient):
            scalar(session, "SELECT 1")


def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel takes the connection, and then nobody says anything."""
    monkeypatch.setattr(connection, "GREETING_SECONDS_MAX", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Transient):
            open_session(Server("127.0.0.1", port, "root", "any"))


def test_answers_come_in_order(running: RunningServer) -> None:
    """Statements written ahead are answered one by one, an error among them included."""
    with open_session(running.server) as session:
        session.send(b"SET @a = 1")
        session.send(b"SET @b = nonsense()")
        session.send(b"SET @a = @a + 1")
        session.receive()
        with pytest.raises(ServerError):
            session.receive()
        session.receive()
        assert scalar(session, "SELECT @a") == 2


def test_unknown_variables_are_left_out(running: RunningServer) -> None:
    """Variables come by name; one no server has is not there."""
    with open_session(running.server) as session:
        found = read_variables(session, "server_id", "no_such_variable")
    assert list(found) == ["server_id"]


def test_required_tls_is_tls(mysql57: RunningServer) -> None:
    """`Required` gives an encrypted connection, `Disabled` a plain one."""
    server = mysql57.server
    for tls, encrypted in (("Required", True), ("Disabled", False)):
        asked = Server(server.host, server.port, server.user, server.password, tls)
        with open_session(asked) as session:
            (row,) = query(session, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert bool(row[1]) is encrypted


def test_repr_hides_the_password() -> None:
    """A server can be printed without its password."""
    assert "secret" not in repr(Server("h", 1, "u", "secret"))
