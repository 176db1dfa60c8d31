"""A serverless cluster on real servers: it grows with its load and shrinks in the calm after it."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from sterna.clusters.classes import CLASSES, NodeClass
from sterna.clusters.process import find_process
from sterna.migration.scaling import Rules, Serverless
from sterna.mysql.connection import Server, Session, execute, open_session, query, scalar
from sterna.store.database import now
from sterna.store.records import Cluster
from sterna.workflow.node_life import NodeKeeper
from sterna.workflow.serverless import ServerlessClusters
from sterna.workflow.ticker import Ticker
from sterna.workflow.tools import NODE_CLASSES
from tests.fixtures.desk import Desk, looking_after, open_desk
from tests.fixtures.product import node_argument
from tests.fixtures.running import RunningServer, ServerFarm, eventually

MIB = 1024**2
SMALL, LARGE = (
    NodeClass("test.tiny", 256 * MIB, 100, 1000),
    NodeClass("test.little", 512 * MIB, 200, 2000),
)
SMALL_POOL, LARGE_POOL = 128 * MIB, 256 * MIB
ROWS = 3 * 2**12  # of 12 kB, so each fills a page: 192 MB in all
RULES = Rules(up_seconds=1.0, down_seconds=2.5, sessions_high=4.0)


@pytest.fixture
def desk(server_farm: ServerFarm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """With its keeper and a hasty serverless ticker; two classes that differ by a chunk."""
    for each in (SMALL, LARGE):
        monkeypatch.setitem(CLASSES, each.name, each)  # type: ignore[arg-type]
        monkeypatch.setitem(NODE_CLASSES, each.name, each.memory_bytes)
    home = server_farm.folder / "serverless"
    home.mkdir()
    with open_desk(home) as desk:
        service = desk.service
        service.serverless = ServerlessClusters(
            desk.tools, service.nodes, service.metering, rules=RULES
        )
        hands = (
            Ticker("keeper", NodeKeeper(desk.tools).tick, interval_seconds=0.2),
            Ticker("serverless", service.serverless.tick, interval_seconds=1.0),
        )
        service.metering.tick()
        with looking_after(*hands):
            yield desk


def make_serverless(desk: Desk) -> Cluster:
    """A primary of the smaller class, with a table that fills the larger one's pool."""
    made = desk.make_cluster(node_class=SMALL.name)
    limits = Serverless(SMALL.name, LARGE.name, 0, 1)
    desk.service.metering.tick()
    with open_session(desk.tools.cluster(made.id).server) as session:
        execute(session, "SET SESSION sql_log_bin = 0")
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, pad BLOB)")
        execute(session, "INSERT INTO shop.t VALUES (NULL, REPEAT('x', 12000))")
        for _ in range(13):
            execute(session, "INSERT INTO shop.t (pad) SELECT pad FROM shop.t")
        execute(session, "INSERT INTO shop.t (pad) SELECT pad FROM shop.t LIMIT 4096")
    desk.tools.inventory.change_cluster(made.id, pay_type="Serverless", serverless=asdict(limits))
    return desk.tools.inventory.cluster(made.id)


@contextmanager
def at_work(server: Server, work: Callable[[Session], object], *, threads: int) -> Iterator[None]:
    """Sessions that do it over and over again."""
    is_over = threading.Event()

    def run() -> None:
        with open_session(server) as session:
            while not is_over.is_set():
                work(session)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in running:
            thread.join()


def read_anywhere(session: Session) -> object:
    """Rows from all over the table."""
    chosen = ", ".join(str(random.randrange(ROWS)) for _ in range(200))
    return query(session, f"SELECT SUM(LENGTH(pad)) FROM shop.t WHERE id IN ({chosen})")


def pools(desk: Desk, cluster: Cluster) -> list[int]:
    """Bytes of each node's buffer pool, the primary's first."""
    found = []
    for node in desk.tools.inventory.nodes(cluster.id):
        with open_session(desk.tools.node_server(cluster.id, node)) as session:
            found.append(int(scalar(session, "SELECT @@GLOBAL.innodb_buffer_pool_size")))
    return found


def has(desk: Desk, cluster: Cluster, node_class: str, nodes: int) -> bool:
    """Whether that is what the cluster has, and nothing is under way."""
    now_ = desk.tools.inventory.cluster(cluster.id)
    classes = {node.node_class or now_.node_class for node in now_.nodes}
    statuses = {now_.status, *(node.status for node in now_.nodes)}
    return (statuses, classes, len(now_.nodes) - 1) == ({"Running"}, {node_class}, nodes)


def test_memory_and_nodes_follow_the_load(desk: Desk, mysql57: RunningServer) -> None:
    """Missing pages enlarge the pool without a restart, sessions at work bring a node, calm takes
    both away; all of it is in the history, and the usage knows each class."""
    cluster = make_serverless(desk)
    folder = desk.tools.node_spec(cluster.id, cluster.nodes[0]).folder
    process = find_process(node_argument(folder / "my.cnf"))
    primary = replace(desk.tools.cluster(cluster.id).server, user="app")
    with open_session(desk.tools.cluster(cluster.id).server) as session:
        execute(session, "CREATE USER app@'%%' IDENTIFIED BY %s", [primary.password])
        execute(session, "GRANT ALL ON *.* TO app@'%'")
    assert pools(desk, cluster) == [SMALL_POOL]
    with at_work(primary, read_anywhere, threads=1):
        eventually(lambda: has(desk, cluster, LARGE.name, 0), within_seconds=60)
    assert pools(desk, cluster) == [LARGE_POOL]
    assert f"innodb_buffer_pool_size = {LARGE_POOL}" in (folder / "my.cnf").read_text()

    with at_work(primary, lambda session: query(session, "SELECT SLEEP(0.5)"), threads=6):
        eventually(lambda: has(desk, cluster, LARGE.name, 1), within_seconds=90)
    assert pools(desk, cluster) == [LARGE_POOL] * 2

    eventually(lambda: has(desk, cluster, SMALL.name, 0), within_seconds=90)
    assert pools(desk, cluster) == [SMALL_POOL]
    assert find_process(node_argument(folder / "my.cnf")) == process  # never restarted
    assert_told(desk, cluster)
    assert_rests_during_a_migration(desk, cluster, mysql57)


def assert_told(desk: Desk, cluster: Cluster) -> None:
    """What was changed and why, newest first; what was used, by class."""
    state = desk.ask("cluster", "serverless", cluster.id)
    changed = [(event["step"], event["sentence"]) for event in reversed(state["events"])]
    assert [step for step, _ in changed[:2]] == ["memory", "nodes"]
    assert sorted(step for step, _ in changed[2:]) == ["memory", "nodes"]
    assert "from test.tiny to test.little: " in changed[0][1]
    assert "from 0 to 1 read-only nodes: " in changed[1][1]
    desk.service.metering.tick()
    today = now()
    day = ("--from", f"{today - timedelta(days=1):%Y-%m-%d}", "--to")
    used = desk.ask("usage", *day, f"{today + timedelta(days=1):%Y-%m-%d}")
    hours = {each["node_class"]: each["node_hours"] for each in used}
    assert hours.keys() == {SMALL.name, LARGE.name} and min(hours.values()) > 0


def assert_rests_during_a_migration(desk: Desk, cluster: Cluster, source: RunningServer) -> None:
    """Not even other limits change anything then; at its end they do at once."""
    server = source.server
    instance = desk.service.instances.add(server.host, server.port, server.user, server.password)
    desk.add_migration(instance.id, cluster.id)
    small, large = SMALL.name, LARGE.name
    change = ("cluster", "serverless", cluster.id, "--classes")
    assert desk.refusal(*change, f"{large}:{small}") == "BadLimits"
    assert desk.refusal(*change, "no.class:sterna.small") == "NodeClassNotFound"
    state = desk.ask(*change, f"{large}:{large}")
    assert state["limits"]["memory_min_class"] == large and state["resting_because"]
    for _ in itertools.repeat(None, 3):
        desk.service.serverless.tick()
    assert has(desk, cluster, small, 0)
    desk.tools.journal.change_migration(cluster.id, status="NO_MIGRATION")
    eventually(lambda: has(desk, cluster, large, 0), within_seconds=60)
    desk.tools.inventory.change_cluster(cluster.id, serverless=None, pay_type="Postpaid")
    assert desk.refusal("cluster", "serverless", cluster.id) == "NotServerless"
