"""The other ends of a migration, each while a bank is at work on the source."""

from __future__ import annotations

from collections.abc import Generator

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import Login, connect, rows
from demo.judge import compare
from tests.acceptance.stage import (
    Stage,
    ask,
    databases_of,
    enabled_events,
    is_read_only,
    open_stage,
    state_of,
)
from tests.fixtures.running import ServerFarm, eventually

SOURCE, TARGET = "5.6", "5.7"


@pytest.fixture(scope="module")
def source(farm: ServerFarm) -> Generator[Stage]:
    """A source and a product for all tests; every test makes a cluster of its own."""
    with open_stage(farm, SOURCE) as stage:
        stage.supply_passwords()
        yield stage


@pytest.fixture
def stage(source: Stage) -> Generator[Stage]:
    """The source as it was; a test that failed leaves no migration to the next one."""
    yield source
    allow_replication(source, "Y")
    for verb in ("roll-back", "cancel", "give-up"):
        source.product.run(verb, source.cluster_id, "--yes")


def test_cancel_before_the_switch(stage: Stage) -> None:
    """The source is untouched, the cluster is open and on its own."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        stage.upgrade(TARGET)
        stage.do("cancel", "--yes")
        assert_cancelled(stage)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    assert state_of(stage.source.server) == before


def test_cancel_after_a_rollback(stage: Stage) -> None:
    """What was written on the cluster is on the source, and nothing of ours."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        stage.upgrade(TARGET)
        stage.do("switch-over", "--with-endpoints", "--yes")
        stage.wait_for_writes()
        stage.do("roll-back", "--yes")
        stage.do("cancel", "--yes")
        assert_cancelled(stage)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    assert state_of(stage.source.server) == before


def test_continue_after_a_failed_precheck(stage: Stage) -> None:
    """With its cause removed the upgrade goes on and ends as if nothing had been."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        fail_the_upgrade(stage)
        assert stage.product.run("switch-over", stage.cluster_id, "--with-endpoints").code == 3
        allow_replication(stage, "Y")
        stage.do("continue", "--wait")
        stage.wait_until_verified()
        stage.assert_promises_kept(stage.source)
    stage.assert_sides_equal()
    stage.do("cancel", "--yes")
    assert state_of(stage.source.server) == before


def test_give_up_after_a_failed_precheck(stage: Stage) -> None:
    """The cluster stays, open and on its own; the next upgrade may begin."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        fail_the_upgrade(stage)
        allow_replication(stage, "Y")
        stage.do("give-up", "--yes")
        assert_cancelled(stage)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    assert state_of(stage.source.server) == before


def test_switch_over_without_endpoints(stage: Stage) -> None:
    """The endpoint still leads to the source, which takes no writes and has no sessions."""
    with stage.open_hours():
        stage.upgrade(TARGET)
        endpoints = stage.endpoints(stage.instance_id)
        source, cluster = stage.source.server, stage.cluster
        with connect(stage.address) as left_behind:
            stage.do("switch-over", "--without-endpoints", "--yes")
            assert (is_read_only(source), is_read_only(cluster)) == (True, False)
            assert stage.endpoints(stage.instance_id) == endpoints
            assert_cut(left_behind)
        stage.assert_promises_kept(cluster)
        stage.do("roll-back", "--yes")
        assert (is_read_only(source), is_read_only(cluster)) == (False, True)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    stage.assert_sides_equal()
    stage.do("cancel", "--yes")


def test_a_read_only_node_follows(stage: Stage) -> None:
    """The cluster endpoint leads to the reader, which has what the primary has, and is closed."""
    with stage.open_hours():
        stage.upgrade("9.7", "--nodes", "1")
    stage.assert_sides_equal()
    writer, reader = stage.product.see(f"/clusters/{stage.cluster_id}")["nodes"]
    assert (writer["role"], reader["role"]) == ("Writer", "Reader")
    endpoints = {e["type"]: e for e in stage.endpoints(stage.cluster_id)}
    assert endpoints["Cluster"]["routes_to"] == [f"{reader['host']}:{reader['port']}"]
    root = stage.source.server
    through = Login(
        endpoints["Cluster"]["host"], endpoints["Cluster"]["port"], root.user, root.password
    )
    assert ask(through, "SELECT @@port") == ((reader["port"],),)
    assert is_read_only(through)
    eventually(lambda: compare(stage.cluster, through) == [], within_seconds=30)
    stage.do("cancel", "--yes")
    assert not is_read_only(stage.cluster)
    assert is_read_only(through)


def fail_the_upgrade(stage: Stage) -> None:
    """Begin an upgrade and take a privilege it needs away, once its prechecks are over."""
    stage.begin_upgrade(TARGET)
    eventually(lambda: stage.migration["history"], every_seconds=0)
    allow_replication(stage, "N")
    migration = stage.wait_until_idle()
    assert migration["status"] == "PRE_CHECK_FAIL"
    assert "Access denied for user 'root'@'%'" in migration["comment"]
    assert (migration["source_mode"], migration["cluster_mode"]) == ("rw", "ro")
    assert stage.product.see(f"/clusters/{stage.cluster_id}")["nodes"]


def allow_replication(stage: Stage, answer: str) -> None:
    """Give or take the privilege of the account Sterna uses: nobody can grant what he has not."""
    server = stage.source.server
    ask(server, "UPDATE mysql.user SET Repl_slave_priv = %s WHERE user = 'root'", answer)
    ask(server, "FLUSH PRIVILEGES")


def assert_cancelled(stage: Stage) -> None:
    """No link, nothing of ours on either side, both open, events only on the source."""
    source, cluster = stage.source.server, stage.cluster
    migration = stage.migration
    assert (migration["status"], migration["topology"]) == ("NO_MIGRATION", "")
    assert (migration["source_mode"], migration["cluster_mode"]) == ("rw", "rw")
    assert (is_read_only(source), is_read_only(cluster)) == (False, False)
    assert "sterna" not in databases_of(source) | databases_of(cluster)
    assert (enabled_events(source), enabled_events(cluster)) == ({"nightly"}, set())
    assert stage.product.task_pid(stage.task_id) is None
    (endpoint,) = stage.endpoints(stage.instance_id)
    assert (endpoint["state"], endpoint["routes_to"]) == ("Open", [stage.source_address])


def assert_cut(session: Connection[Cursor]) -> None:
    """A session that was there before the switch is not there any more."""
    with pytest.raises(pymysql.OperationalError):
        rows(session, "SELECT 1")
