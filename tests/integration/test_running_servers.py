"""The servers of the tests themselves: sources with an open root account and a whole log."""

from __future__ import annotations

import pytest

from sterna.mysql.connection import execute, open_session, query
from sterna.mysql.variables import read_variables
from tests.fixtures.running import RunningServer, ServerFarm, wipe


@pytest.mark.parametrize("name", ["mysql56", "mysql57", "mysql97", "mariadb1011"])
def test_a_wiped_server_is_as_new(name: str, request: pytest.FixtureRequest) -> None:
    """Databases, accounts and roles of a test are gone; the next test may write and log in."""
    running: RunningServer = request.getfixturevalue(name)
    wipe(running.server)
    with open_session(running.server) as session:
        fresh = everything(running)
        execute(session, "CREATE DATABASE `a``b`")
        execute(session, "CREATE TABLE `a``b`.t (id INT)")
        execute(session, "CREATE USER 'o''brien'@'%' IDENTIFIED BY 'Secret-1'")
        if running.version.at_least(8, 0):
            execute(session, "CREATE ROLE readers")
        execute(session, "SET GLOBAL read_only = ON")
        assert everything(running) != fresh
    wipe(running.server)
    assert everything(running) == fresh


def everything(running: RunningServer) -> list[tuple[object, ...]]:
    """Databases, accounts and whether anybody may write."""
    with open_session(running.server) as session:
        accounts = query(session, "SELECT user, host FROM mysql.user ORDER BY 1, 2")
        writes = query(session, "SELECT @@read_only")
        return [*query(session, "SHOW DATABASES"), *accounts, *writes]


def test_sources_of_two_tests_do_not_share_anything(server_farm: ServerFarm) -> None:
    """Each server of a farm has its own port, folder and number in replication; parameters are
    the test's own, and a restart can change them."""
    one = server_farm.start("5.7", binlog_row_image="MINIMAL")
    two = server_farm.start("5.7")
    assert one.server != two.server
    assert one.data != two.data
    with open_session(one.server) as session, open_session(two.server) as other:
        names = ("server_uuid", "server_id", "binlog_row_image")
        ours, theirs = read_variables(session, *names), read_variables(other, *names)
    assert all(ours[name] != theirs[name] for name in names)
    again = one.restart(binlog_row_image="FULL")
    with open_session(again.server) as session:
        assert read_variables(session, "binlog_row_image") == {"binlog_row_image": "FULL"}
    one.kill9()
    assert not one.is_running
    two.stop()
    assert not two.is_running
