"""Nodes from their first to their last day, by command, on real servers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import pytest

from sterna.clusters.classes import CLASSES, NodeClass
from sterna.clusters.engines import choose_engine
from sterna.clusters.local import LocalProvisioner
from sterna.clusters.process import signal_process
from sterna.errors import Refused, SternaError
from sterna.migration.scaling import Serverless
from sterna.mysql.connection import Server, execute, open_session, scalar
from sterna.store.cluster_records import NO_BINLOG
from sterna.store.records import Cluster, Node
from sterna.workflow import joining, node_life
from sterna.workflow.binlog_off import refuse_binlog_off
from sterna.workflow.health import INTERVAL_SECONDS, Probe, avoided, judge
from sterna.workflow.node_life import NodeKeeper
from sterna.workflow.ticker import Ticker
from sterna.workflow.tools import NODE_CLASSES
from tests.fixtures.desk import Desk, looking_after, open_desk
from tests.fixtures.product import node_argument
from tests.fixtures.running import RunningServer, ServerFarm, eventually

PASSWORD = "app-secret"


@pytest.fixture
def desk(server_farm: ServerFarm) -> Iterator[Desk]:
    """With its keeper and its look at health at work."""
    home = Path(mkdtemp(prefix="node-life-", dir=server_farm.folder))
    with open_desk(home) as desk:
        hands = (
            Ticker("keeper", NodeKeeper(desk.tools).tick, interval_seconds=0.2),
            Ticker("health", desk.service.health.tick, interval_seconds=INTERVAL_SECONDS),
        )
        with looking_after(*hands):
            yield desk


def app_at(port: int) -> Server:
    """The application behind this port."""
    return Server("127.0.0.1", port, "app", PASSWORD, "Disabled")


def answer_of(endpoint: dict[str, Any], sql: str = "SELECT @@port") -> Any:
    with open_session(app_at(endpoint["port"])) as session:
        return scalar(session, sql)


def who_answers(endpoint: dict[str, Any], times: int = 6) -> set[int]:
    """Ports of the nodes that new connections reach."""
    return {int(answer_of(endpoint)) for _ in range(times)}


def tell(desk: Desk, cluster: Cluster, node: Node, number: signal.Signals) -> None:
    """Send a signal to a node's server."""
    config = desk.tools.node_spec(cluster.id, node).folder / "my.cnf"
    assert signal_process(node_argument(config), number)


@contextmanager
def writing(endpoint: dict[str, Any]) -> Iterator[list[int]]:
    """New sessions that write one row after the other; what was acknowledged."""
    acknowledged: list[int] = []
    is_over = threading.Event()

    def write() -> None:
        number = 0
        while not is_over.wait(0.02):
            number += 1
            with suppress(SternaError), open_session(app_at(endpoint["port"])) as session:
                execute(session, "INSERT INTO shop.t VALUES (%s)", [number])
                acknowledged.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    yield acknowledged
    is_over.set()
    thread.join()


def test_nodes_come_fail_change_and_go(desk: Desk, mysql57: RunningServer) -> None:
    """Added, failing, hanging, killed, given another class, removed: reads go where it is well."""
    made = desk.make_cluster()
    with open_session(desk.tools.node_server(made.id, made.nodes[0])) as session:
        execute(session, f"CREATE USER app@'%%' IDENTIFIED BY '{PASSWORD}'")
        execute(session, "GRANT ALL ON *.* TO app@'%%'")
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    primary = desk.ask("endpoint", "create", made.id, "--type", "Primary")
    reads = desk.ask("endpoint", "create", made.id, "--type", "Cluster")
    plan = desk.ask("cluster", "add-nodes", made.id, "--count", "2", "--dry-run")
    assert plan["allowed"] and len(plan["actions"]) == 3
    same = ("cluster", "change-class", made.id, "sterna.small", "--dry-run")
    assert desk.refusal(*same) == "NotAllowed"
    added = desk.ask("cluster", "add-nodes", made.id, "--count", "2")
    assert [n["status"] for n in added["nodes"]] == ["Running"] * 3
    cluster = desk.tools.inventory.cluster(made.id)
    writer, one, other = cluster.nodes
    eventually(lambda: who_answers(reads) == {one.port, other.port})
    assert "ready for connections" in "".join(desk.ask("cluster", "logs", made.id))

    assert_dry_runs_tell(desk, cluster)
    with writing(primary) as acknowledged:
        assert_failing_is_left_out(desk, cluster, reads)
        same = ("cluster", "change-class", made.id, "sterna.small", "--yes")
        assert desk.refusal(*same) == "NothingToDo"
        desk.ask("cluster", "change-class", made.id, "sterna.medium", "--yes")
    for node in cluster.nodes:
        pool = answer_of({"port": node.port}, "SELECT @@innodb_buffer_pool_size")
        assert int(pool) == 5 * 2**28
    count = int(answer_of(primary, "SELECT COUNT(*) FROM shop.t"))
    assert count >= len(acknowledged) > 0
    eventually(lambda: who_answers(reads) == {one.port, other.port})
    eventually(lambda: int(answer_of(reads, "SELECT COUNT(*) FROM shop.t")) == count)

    assert desk.refusal("cluster", "remove-node", made.id, writer.id, "--yes") == "PrimaryNeeded"
    desk.ask("cluster", "remove-node", made.id, one.id, "--yes")
    assert who_answers(reads) == {other.port}
    assert not (desk.tools.settings.home / "clusters" / made.id / one.id).exists()
    assert_deleted(desk, cluster, mysql57)


def assert_dry_runs_tell(desk: Desk, cluster: Cluster) -> None:
    """In the order it would be done, the primary last; and nothing of it is done."""
    writer, one, other = cluster.nodes
    restart = desk.ask("cluster", "restart", cluster.id, "--dry-run")
    ids = [action.split()[0] for action in restart["actions"]]
    assert ids == [one.id, other.id, writer.id]
    assert "connections at their endpoints" in restart["figures"]
    (only,) = desk.ask("cluster", "restart", cluster.id, "--node", one.id, "--dry-run")["actions"]
    assert "leaves the rotation" in only
    larger = desk.ask("cluster", "change-class", cluster.id, "sterna.large", "--dry-run")
    assert all("sterna.large" in action for action in larger["actions"])
    gone = desk.ask("cluster", "remove-node", cluster.id, one.id, "--dry-run")
    assert any("leads to others: 1" in action for action in gone["actions"])
    assert (
        desk.refusal("cluster", "remove-node", cluster.id, writer.id, "--dry-run") == "NotAllowed"
    )
    assert desk.tools.inventory.cluster(cluster.id) == cluster


def assert_failing_is_left_out(desk: Desk, cluster: Cluster, reads: dict[str, Any]) -> None:
    """One that hangs, then dies, gets no connection until it has everything again."""
    _, one, other = cluster.nodes
    both = {one.port, other.port}
    for broken, mended in (
        (signal.SIGSTOP, lambda: tell(desk, cluster, one, signal.SIGCONT)),
        (
            signal.SIGKILL,
            lambda: desk.tools.provisioner.start_node(desk.tools.node_spec(cluster.id, one)),
        ),
    ):
        tell(desk, cluster, one, broken)
        began = time.monotonic()
        eventually(lambda: not rotation(desk, cluster)[one.id], every_seconds=0.05)
        # 2 s on a machine of one's own; this one is shared.
        assert time.monotonic() - began < 5.0
        assert who_answers(reads) == {other.port}
        mended()
        eventually(lambda: rotation(desk, cluster)[one.id], within_seconds=30)
        eventually(lambda: who_answers(reads) == both)


TINY = NodeClass("test.tiny", 256 * 1024**2, 100, 1000)  # little has to be copied
CANNOT_CLONE = ("mariadb 10.11", "mysql 5.7")


@pytest.mark.parametrize("engine", CANNOT_CLONE)
def test_nodes_of_servers_that_cannot_clone(
    desk: Desk, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get all the primary has, what no log has too, under writes; and follow it."""
    monkeypatch.setitem(CLASSES, TINY.name, TINY)  # type: ignore[arg-type]
    monkeypatch.setitem(NODE_CLASSES, TINY.name, TINY.memory_bytes)
    found = choose_engine(desk.tools.engines, engine)
    if found.version.is_mariadb and found.backup is None:
        pytest.skip("mariadb-backup is not on this machine: make servers")
    percent = 40 if found.myrocks else 0
    made = desk.make_cluster(engine=engine, node_class=TINY.name, myrocks_memory_percent=percent)
    with open_session(desk.tools.node_server(made.id, made.nodes[0])) as session:
        execute(session, "SET SESSION sql_log_bin = 0")
        execute(session, "CREATE USER app@'%%' IDENTIFIED BY 'app-secret'")
        execute(session, "GRANT ALL ON *.* TO app@'%%'")
        execute(session, "CREATE DATABASE shop")
        other = "ROCKSDB" if percent else "InnoDB"
        execute(session, f"CREATE TABLE shop.kept (id INT PRIMARY KEY, f FLOAT) ENGINE={other}")
        execute(session, "INSERT INTO shop.kept VALUES (1, 16777216.0), (2, 0.1)")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    primary = desk.ask("endpoint", "create", made.id, "--type", "Primary")
    reads = desk.ask("endpoint", "create", made.id, "--type", "Cluster")
    desk.tools.keep_cluster_mode(made.id, writable=True, event_scheduler="ON")
    stands_still = "5.7" in engine
    if stands_still:
        assert_stands_still_for_nothing(desk, made, monkeypatch)
    with writing(primary) as acknowledged:
        plan = desk.ask("cluster", "add-nodes", made.id, "--dry-run")
        assert bool(plan["warnings"]) == stands_still
        desk.ask("cluster", "add-nodes", made.id, "--yes")
        first = desk.tools.readers(made.id)[0]
        eventually(lambda: who_answers(reads) == {first.port})
        assert not desk.ask("cluster", "add-nodes", made.id, "--dry-run")["warnings"]
        desk.ask("cluster", "add-nodes", made.id)
    one, two = desk.tools.readers(made.id)
    eventually(lambda: who_answers(reads) == {one.port, two.port})
    count = int(answer_of(primary, "SELECT COUNT(*) FROM shop.t"))
    assert count >= len(acknowledged) > 0
    for node in (one, two):
        here = {"port": node.port}
        eventually(lambda n=here: int(answer_of(n, "SELECT COUNT(*) FROM shop.t")) == count)
        assert answer_of(here, "SELECT SUM(id) FROM shop.kept") == 3
        assert int(answer_of(here, "SELECT @@GLOBAL.read_only")) == 1
        assert answer_of(here, "SELECT @@GLOBAL.event_scheduler") == "OFF"
    assert len({answer_of({"port": n.port}, "SELECT @@server_id") for n in (one, two)}) == 2
    change = ("cluster", "semi-sync", made.id)
    if stands_still:
        assert desk.refusal(*change, "on", "--yes") == "SemiSyncNotSupported"
        tell(desk, made, one, signal.SIGKILL)
        desk.tools.provisioner.start_node(desk.tools.node_spec(made.id, one))
    else:
        assert desk.refusal(*change, "off", "--yes") == "NothingToDo"
        assert len(desk.ask(*change, "on", "--dry-run")["actions"]) == 3
        desk.ask(*change, "on", "--yes")
        eventually(lambda: commits_wait_for(desk, made) == {one.id, two.id}, within_seconds=30)
        assert_goes_in_the_middle(desk, made, two, monkeypatch)
    eventually(lambda: rotation(desk, made)[one.id], within_seconds=30)


def assert_goes_in_the_middle(
    desk: Desk, cluster: Cluster, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose replication has stopped keeps a restart from its end, and can be removed."""
    monkeypatch.setattr(node_life, "FRESH_SECONDS_MAX", 1.0)
    for where in (node, cluster.nodes[0]):
        with open_session(desk.tools.node_server(cluster.id, where)) as session:
            if where is node:
                execute(session, "SET SESSION sql_log_bin = 0")
            execute(session, "INSERT INTO shop.t VALUES (-1)")
    shown = lambda: {n["id"]: n for n in desk.ask("cluster", "show", cluster.id)["nodes"]}  # noqa: E731
    desk.ask("cluster", "restart", cluster.id, "--yes", "--no-wait")
    eventually(lambda: "Duplicate entry '-1'" in shown()[node.id]["progress"], within_seconds=30)
    left = desk.ask("cluster", "remove-node", cluster.id, node.id, "--yes")
    assert (left["status"], len(left["nodes"])) == ("Running", 2)


def assert_stands_still_for_nothing(
    desk: Desk, made: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a new node has no room the primary is not ended, and whoever waits sees why."""
    with monkeypatch.context() as patch:
        patch.setattr(joining, "disk_usage", lambda _: SimpleNamespace(free=1000))
        node = desk.ask("cluster", "add-nodes", made.id, "--yes", "--no-wait")["nodes"][1]
        shown = lambda: desk.ask("cluster", "show", made.id)["nodes"]  # noqa: E731
        eventually(lambda: "and 0.0 GB are free there" in shown()[1]["progress"])
        assert shown()[0]["status"] == "Running"
        assert int(answer_of({"port": made.nodes[0].port}, "SELECT @@GLOBAL.read_only")) == 0
        desk.ask("cluster", "remove-node", made.id, node["id"], "--yes")
    desk.tools.inventory.set_node_status(made.nodes[0].id, "ClassChanging")
    assert not desk.ask("cluster", "add-nodes", made.id, "--dry-run")["warnings"]
    desk.tools.inventory.set_node_status(made.nodes[0].id, "Running")


def commits_wait_for(desk: Desk, cluster: Cluster) -> set[str]:
    """The read-only nodes that answer for commits."""
    return {n["node_id"] for n in desk.ask("cluster", "health", cluster.id) if n["semi_sync"]}


def rotation(desk: Desk, cluster: Cluster) -> dict[str, bool]:
    """Which read-only nodes are sent connections."""
    return {n["node_id"]: n["in_rotation"] for n in desk.ask("cluster", "health", cluster.id)}


def assert_deleted(desk: Desk, cluster: Cluster, mysql57: RunningServer) -> None:
    """Not during a migration and not without saying what goes; then all of it is gone."""
    server = mysql57.server
    instance = desk.service.instances.add(server.host, server.port, server.user, server.password)
    desk.add_migration(instance.id, cluster.id)
    for command in (("restart", cluster.id), ("add-nodes", cluster.id), ("delete", cluster.id)):
        yes = () if command[0] == "add-nodes" else ("--yes",)
        assert desk.refusal("cluster", *command, *yes) in ("MigrationExists", "NotAllowed")
    desk.tools.journal.change_migration(cluster.id, status="NO_MIGRATION", operation="open_cluster")
    assert desk.refusal("cluster", "restart", cluster.id, "--yes") == "MigrationExists"
    desk.tools.journal.change_migration(cluster.id, operation="")
    plan = desk.ask("cluster", "delete", cluster.id, "--dry-run")
    assert len(plan["actions"]) == 4 and plan["warnings"]
    desk.ask("cluster", "delete", cluster.id, "--yes")
    assert desk.refusal("cluster", "show", cluster.id) == "NotFound"
    assert desk.ask("endpoint", "list", cluster.id) == []
    assert not (desk.tools.settings.home / "clusters" / cluster.id).exists()


def test_what_is_asked_for_meanwhile_is_not_forgotten(
    server_farm: ServerFarm, mysql57: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion during a restart is done after it; of two who ask at once one is refused."""
    home = server_farm.folder / "node-meanwhile"
    home.mkdir()
    with open_desk(home) as desk:
        cluster, nodes = desk.add_cluster(mysql57), desk.service.nodes
        nodes.restart(cluster.id)
        with pytest.raises(Refused, match="is Rebooting"):
            desk.service.nodes.refuse_busy(cluster.id)
        keeper = NodeKeeper(desk.tools)
        monkeypatch.setattr(keeper, "_restart", lambda *_: nodes.delete(cluster.id))
        keeper.work(cluster.id)
        assert desk.tools.inventory.cluster(cluster.id).status == "Deleting"
        with monkeypatch.context() as patch:
            patch.setattr(nodes, "_idle", lambda *_, **__: cluster)
            with pytest.raises(Refused, match="is no longer Running"):
                nodes.add(cluster.id, 1)
        assert len(desk.tools.inventory.nodes(cluster.id)) == 1
        source = desk.add_cluster(mysql57)
        server = mysql57.server
        instance = desk.service.instances.add(
            server.host, server.port, server.user, server.password
        )
        desk.add_migration(instance.id, "pc-next")
        assert desk.refusal("cluster", "restart", source.id, "--yes") == "MigrationExists"


def test_without_a_binary_log_there_are_no_readers(
    server_farm: ServerFarm, mysql57: RunningServer
) -> None:
    """None are added to a cluster without it; one that may get any keeps it; and it comes back."""
    home = server_farm.folder / "node-binlog"
    home.mkdir()
    with open_desk(home) as desk:
        name, inventory = desk.add_cluster(mysql57).id, desk.tools.inventory
        assert desk.refusal("cluster", "enable-binlog", name, "--yes") == "NothingToDo"
        limits = Serverless("sterna.small", "sterna.large", 0, 1)
        inventory.change_cluster(name, serverless=asdict(limits))
        with pytest.raises(Refused, match="when its load asks for them"):
            refuse_binlog_off(desk.tools, name)
        inventory.change_cluster(name, serverless=asdict(replace(limits, nodes_max=0)))
        refuse_binlog_off(desk.tools, name)
        inventory.set_cluster_parameters(name, {**NO_BINLOG, "read_only": "OFF"})
        assert desk.refusal("cluster", "add-nodes", name) == "BinaryLogNeeded"
        assert desk.refusal("cluster", "serverless", name, "--nodes", "0:1") == "BinaryLogNeeded"
        planned = desk.ask("cluster", "enable-binlog", name, "--dry-run")
        assert "restarts with its binary log" in planned["actions"][0]
        begun = desk.ask("cluster", "enable-binlog", name, "--yes", "--no-wait")
        assert (begun["status"], begun["nodes"][0]["status"]) == ("Rebooting", "Rebooting")
        assert inventory.cluster_parameters(name) == {"read_only": "OFF"}


def test_a_node_that_does_not_come_to_life_may_be_removed(
    desk: Desk, mysql97: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cluster is not busy with it for ever; nothing else may be done until then."""

    def full(*_: object) -> None:
        raise Refused("The disk is full.", code="NodeNotCreated", remedy="Make room.")

    monkeypatch.setattr(LocalProvisioner, "create_node", full)
    cluster = desk.add_cluster(mysql97)
    desk.ask("cluster", "add-nodes", cluster.id, "--no-wait")
    (node,) = desk.tools.readers(cluster.id)
    assert desk.refusal("cluster", "restart", cluster.id, "--yes") == "ClusterNotRunning"
    left = desk.ask("cluster", "remove-node", cluster.id, node.id, "--yes")
    assert (left["status"], len(left["nodes"])) == ("Running", 1)


def test_who_comes_to_life_too_late_is_removed(
    server_farm: ServerFarm, mysql97: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that was being made when its removal was asked for does not serve."""
    home = server_farm.folder / "node-late"
    home.mkdir()
    with open_desk(home) as desk:
        cluster = desk.add_cluster(mysql97)
        desk.service.nodes.add(cluster.id, 1)
        (node,) = desk.tools.readers(cluster.id)
        keeper = NodeKeeper(desk.tools)
        removes = lambda *_, **__: desk.service.nodes.remove(cluster.id, node.id)  # noqa: E731
        monkeypatch.setattr(node_life, "make_reader", removes)
        monkeypatch.setattr(keeper, "_wait_until_fresh", lambda *_: None)
        keeper.work(cluster.id)
        assert desk.tools.inventory.cluster(cluster.id).status == "DBNodeDeleting"
        keeper.work(cluster.id)
        assert desk.tools.inventory.cluster(cluster.id).status == "Running"
        assert not desk.tools.readers(cluster.id)


def test_judgement() -> None:
    """No answer is out, a lag is stale, and back comes only who has what the primary has."""
    fine, behind = Probe(10.0, 0.0, "", True), Probe(10.0, 60.0, "", False)
    catching_up, stopped = Probe(10.0, 0.0, "", False), Probe(10.0, None, "stopped", None)
    assert judge(None, fine, 10.5) == "fresh"
    assert judge("fresh", None, 10.5) == judge("fresh", fine, 20.0) == "out"
    assert judge("fresh", behind, 10.5) == judge("fresh", stopped, 10.5) == "stale"
    assert judge("out", catching_up, 10.5) == judge("out", behind, 10.5) == "out"
    assert judge("stale", catching_up, 10.5) == "stale"
    assert judge("fresh", catching_up, 10.5) == judge("out", fine, 10.5) == "fresh"
    assert avoided({"a": "stale", "b": "out"}) == {"b"}
    assert avoided({"a": "stale", "b": "out", "c": "fresh"}) == {"a", "b"}
