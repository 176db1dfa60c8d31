"""The other ends of a migration, each while a bank is at work on the source."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import Login, connect, rows
from demo.judge import compare
from tests.acceptance.stage import (
    Stage,
    ask,
    assert_untouched,
    databases_of,
    enabled_events,
    is_read_only,
    open_stage,
    state_of,
)
from tests.fixtures.prober import Prober
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


def test_continue_after_a_failed_precheck(stage: Stage) -> None:
    """With its cause removed the upgrade goes on as if nothing had been. Cancelled, the source is
    untouched, and the cluster is open and on its own."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        fail_the_upgrade(stage)
        assert stage.product.run("switch-over", stage.cluster_id, "--with-endpoints").code == 3
        allow_replication(stage, "Y")
        stage.do("continue", "--wait")
        stage.wait_until_verified()
        stage.do("cancel", "--yes")
        assert_cancelled(stage)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    assert_untouched(stage.source.server, before)


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
    assert_untouched(stage.source.server, before)


def test_switch_over_without_endpoints(stage: Stage) -> None:
    """The endpoint still leads to the source, which takes no writes and has no sessions.
    Rolled back and cancelled, it has what was written on the cluster, and nothing of ours."""
    before = state_of(stage.source.server)
    with stage.open_hours():
        stage.upgrade(TARGET)
        endpoints = stage.endpoints(stage.instance_id)
        source, cluster = stage.source.server, stage.cluster
        with connect(stage.address) as left_behind:
            stage.do("switch-over", "--without-endpoints", "--yes")
            assert (is_read_only(source), is_read_only(cluster)) == (True, False)
            assert stage.endpoints(stage.instance_id) == endpoints
            assert_cut(left_behind)
        (cut,) = [e["sentence"] for e in history_of(stage) if e["step"] == "block_leaving_side"]
        assert "cut " in cut and "app@" in cut
        stage.assert_promises_kept(cluster)
        stage.do("roll-back", "--yes")
        assert (is_read_only(source), is_read_only(cluster)) == (False, True)
        stage.wait_for_writes()
        stage.wait_until_in_step()
        stage.do("cancel", "--yes")
        assert_cancelled(stage)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.source)
    assert_untouched(stage.source.server, before)


def test_a_read_only_node_follows(stage: Stage) -> None:
    """The cluster endpoint leads to the reader, which has what the primary has, and is closed.
    Commits wait for it."""
    with stage.open_hours():
        stage.upgrade("9.7", "--nodes", "1", "--semi-sync")
    stage.assert_sides_equal()
    health = ("cluster", "health", stage.cluster_id)
    eventually(lambda: stage.product.ask(*health)[0]["semi_sync"], within_seconds=30)
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
    before = routes_of(stage)
    pairs = name_pairs(stage, endpoints)
    exchanged = routes_of(stage)
    stage.do("switch-over", "--with-endpoints", *pairs, "--yes")
    for one, _, other in (pair.partition("=") for pair in pairs[1::2]):
        exchanged[one], exchanged[other] = exchanged[other], exchanged[one]
    assert routes_of(stage) == exchanged
    needed = stage.product.run("complete", stage.cluster_id, "--disable-binlog", "--yes", "--json")
    assert (needed.code, needed.problem["code"]) == (3, "BinaryLogNeeded")
    assert "1 read-only nodes" in needed.problem["message"]
    stage.do("roll-back", "--yes")
    assert routes_of(stage).items() > before.items()
    stage.do("cancel", "--yes")
    assert not is_read_only(stage.cluster)
    assert is_read_only(through)


def routes_of(stage: Stage) -> dict[str, list[str]]:
    """Where each endpoint of both sides leads."""
    endpoints = [*stage.endpoints(stage.instance_id), *stage.endpoints(stage.cluster_id)]
    return {endpoint["id"]: endpoint["routes_to"] for endpoint in endpoints}


def name_pairs(stage: Stage, theirs: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Options that name a pair for writes and one for reads; leaving one out is said aloud."""
    (ours,) = stage.endpoints(stage.instance_id)
    command = ("endpoint", "create", stage.instance_id, "--type", "ReadOnly")
    reads = stage.product.ask(*command, "--node", stage.source_address)
    writes = ("--pair", f"{ours['id']}={theirs['Primary']['id']}")
    dry_run = ("switch-over", stage.cluster_id, "--with-endpoints", "--dry-run")
    (warning,) = stage.product.ask(*dry_run, *writes)["warnings"]
    assert reads["id"] in warning and f"--pair {reads['id']}={theirs['Cluster']['id']}" in warning
    assert stage.product.ask(*dry_run)["warnings"] == []
    wrong = ("--pair", f"{ours['id']}={theirs['Cluster']['id']}")
    refused = stage.product.run(*dry_run, *wrong, "--json")
    assert refused.code == 3 and "takes no writes" in refused.err
    return (*writes, "--pair", f"{reads['id']}={theirs['Cluster']['id']}")


def fail_the_upgrade(stage: Stage) -> None:
    """Begin an upgrade and take a privilege it needs away, once its prechecks are over."""
    stage.begin_upgrade(TARGET)
    eventually(lambda: "check_before_creating" in steps_of(stage), every_seconds=0)
    allow_replication(stage, "N")
    migration = stage.wait_until_idle()
    assert migration["status"] == "PRE_CHECK_FAIL"
    assert "Access denied for user 'root'@'%'" in migration["comment"]
    assert (migration["source_mode"], migration["cluster_mode"]) == ("rw", "ro")
    assert stage.product.see(f"/clusters/{stage.cluster_id}")["nodes"]


def steps_of(stage: Stage) -> set[str]:
    """What the history tells of so far."""
    return {entry["step"] for entry in stage.migration["history"]}


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


def test_an_old_store_is_noticed(stage: Stage) -> None:
    """A store from a backup leaves the servers alone; a person leads the applications back."""
    with stage.open_hours():
        stage.upgrade(TARGET)
        stage.product.stop()
        backup = keep_store(stage.product.home)
        stage.product.start()
        stage.wait_until_in_step()
        stage.do("switch-over", "--with-endpoints", "--yes")
        stage.wait_for_writes()
        stage.product.kill9()
        put_back(stage.product.home, backup)
        stage.product.start()
        assert stage.migration["status"] == "AMBIGUOUS"
        assert (is_read_only(stage.source.server), is_read_only(stage.cluster)) == (True, False)
        assert stage.product.run("switch-over", stage.cluster_id, "--with-endpoints").code == 3
        found = stage.product.ask("migration", "resolve", stage.cluster_id)
        assert (found["journal_says"], found["checkpoint_says"]) == ("source", "cluster")
        assert (found["recommended"], found["resumable"]) == ("cluster", ["cluster"])
        stage.product.ask(
            *("migration", "resolve", stage.cluster_id, "--writes-are-on", "cluster", "--yes")
        )
        assert stage.migration["status"] == "POLARDB2RDS_SYNCING"
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.cluster)
    stage.assert_sides_equal()
    stage.do("roll-back", "--yes")
    stage.do("cancel", "--yes")


def test_without_anybody_there(stage: Stage) -> None:
    """Scheduled, killed, switched, told; completed without binary log; released. The last test."""
    before = state_of(stage.source.server)
    told = install_hook(stage)
    with stage.open_hours():
        stage.upgrade(TARGET)
        at = datetime.now().astimezone() + timedelta(seconds=4)
        command = ("switch-over", "--with-endpoints", "--at", at.isoformat(), "--yes")
        schedule = stage.do(*command)
        assert schedule["state"] == "waiting"
        stage.product.kill9()
        stage.product.start()
        eventually(lambda: stage.migration["status"] == "POLARDB2RDS_SYNCING", within_seconds=60)
        stage.wait_until_idle()
        stage.wait_for_writes()
        refused = stage.product.run("instance", "release", stage.instance_id, "--yes", "--json")
        assert (refused.code, refused.problem["code"]) == (3, "NotAllowed")
        with Prober(stage.address) as prober:
            stage.do("complete", "--disable-binlog", "--yes")
        assert (prober.refused, prober.connected > 0) == ([], True)
        assert ask(stage.cluster, "SELECT @@GLOBAL.log_bin, @@GLOBAL.read_only") == ((0, 0),)
        stage.wait_for_writes()
        stage.assert_promises_kept(stage.cluster)
    stage.product.ask("cluster", "enable-binlog", stage.cluster_id, "--yes")
    assert ask(stage.cluster, "SELECT @@GLOBAL.log_bin, @@GLOBAL.read_only") == ((1, 0),)
    (waited,) = [e["sentence"] for e in history_of(stage) if e["step"] == "release_primary"]
    assert "connections waited for" in waited
    eventually(lambda: told_of(told) >= 4, within_seconds=20)
    events = [(each["event"], each["operation"]) for each in map(json.loads, open_lines(told))]
    both = [("before", "switch_over"), ("after", "switch_over")]
    # Killed in the middle of one, a hook may be told of it twice.
    assert list(dict.fromkeys(events)) == [*both, ("before", "complete"), ("after", "complete")]
    assert_closed_and_nothing_else(stage, before)
    assert_released(stage)


def keep_store(home: Path) -> dict[str, bytes]:
    """A backup of the store, made while no server runs."""
    return {file.name: file.read_bytes() for file in home.glob("sterna.db*")}


def put_back(home: Path, backup: dict[str, bytes]) -> None:
    """The store as it was then."""
    for file in home.glob("sterna.db*"):
        file.unlink()
    for name, content in backup.items():
        (home / name).write_bytes(content)


def install_hook(stage: Stage) -> Path:
    """A program that appends what it is told to a file, one line each."""
    folder = stage.product.home / "hooks"
    folder.mkdir(mode=0o700)
    told = folder / "told.jsonl"
    program = folder / "tell"
    program.write_text(f"#!/bin/sh\n{{ cat; echo; }} >> {told}\n")
    program.chmod(0o700)
    stage.product.ask("hook", "add", "--on", "before", "--on", "after", "tell")
    told.unlink(missing_ok=True)
    return told


def open_lines(file: Path) -> list[str]:
    """The lines about operations that matter here; the upgrade is another story."""
    return [each for each in file.read_text().splitlines() if '"operation": "upgrade"' not in each]


def told_of(file: Path) -> int:
    """How many lines there are."""
    return len(open_lines(file)) if file.exists() else 0


def history_of(stage: Stage) -> list[dict[str, Any]]:
    """Everything that happened to the migration."""
    entries: list[dict[str, Any]] = stage.migration["history"]
    return entries


def assert_closed_and_nothing_else(stage: Stage, before: dict[str, Any]) -> None:
    """After completing the source is read-only and its events are silent; the rest is as it was."""
    source = stage.source.server
    after = state_of(source)
    changed = {
        name: after["variables"][name]
        for name in before["variables"]
        if after["variables"].get(name) != before["variables"][name]
    }
    assert changed == {"read_only": "ON"}
    assert {event[:3] for event in after["events"]} == {event[:3] for event in before["events"]}
    assert enabled_events(source) == set()
    untouched = {name: before[name] for name in before if name not in ("variables", "events")}
    assert_untouched(source, untouched)


def assert_released(stage: Stage) -> None:
    """A dry run changes nothing; then the address stays and is the cluster's, the server runs."""
    plan = stage.product.ask("instance", "release", stage.instance_id, "--dry-run")
    assert plan["allowed"]
    assert f"becomes a custom endpoint of {stage.cluster_id}" in plan["actions"][0]
    assert stage.endpoints(stage.instance_id)
    stage.product.ask("instance", "release", stage.instance_id, "--yes")
    assert stage.endpoints(stage.instance_id) == []
    address = (stage.address.host, stage.address.port)
    assert address in {(e["host"], e["port"]) for e in stage.endpoints(stage.cluster_id)}
    assert ask(stage.address, "SELECT @@port") == ((stage.cluster.port,),)
    assert "bank" in databases_of(stage.source.server)
    gone = stage.product.run("instance", "show", stage.instance_id, "--json")
    assert gone.problem["code"] == "NotFound"
