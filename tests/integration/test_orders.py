"""Orders of clusters: what the API makes of them, and servers that became somebody's meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest

from sterna.clusters.engines import to_data
from sterna.errors import Refused
from sterna.migration.scaling import Serverless
from sterna.mysql.connection import execute, open_session, scalar
from sterna.prechecks import Finding
from sterna.store.database import now
from sterna.store.host_records import Host
from sterna.workflow import evaluation, placing
from sterna.workflow.wishes import ClusterWish
from tests.faults.cast import PlainEngine
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.pretend_service import CLUSTER, INSTANCE
from tests.fixtures.running import RunningServer, ServerFarm

THERE = "ho-9"


@pytest.fixture
def desk(server_farm: ServerFarm, mysql97: RunningServer) -> Iterator[Desk]:
    """With a server that was empty when it was added."""
    home = Path(mkdtemp(prefix="orders-", dir=server_farm.folder))
    with open_desk(home) as desk:
        engine = next(each for each in desk.tools.engines if each.version.series == "9.7")
        server, versions = mysql97.server, (str(engine.version),)
        host = Host(
            THERE, "there", "existing", server.host, server.port, server.user, versions, now()
        )
        data = [to_data(engine)]
        desk.tools.hosts.add(host, secret=server.password, host_key="", engines=data)
        yield desk
        desk.tools.hosts.remove(THERE)


def test_a_serverless_cluster_is_ordered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limits arrive as what they are, and are kept."""
    monkeypatch.setattr(evaluation, "run", lambda *_, **__: ())
    monkeypatch.setattr(PlainEngine, "enqueue", lambda *_: None)
    desk.tools.inventory.add_instance(INSTANCE, "any")
    order = ("upgrade", INSTANCE.id, "--version", "9.7", "--pay-type", "Serverless")
    limits = ("--serverless-classes", "sterna.small:sterna.large", "--serverless-nodes", "1:2")
    ordered = desk.ask(*order, *limits, "--no-wait")
    cluster = desk.tools.inventory.cluster(ordered["cluster_id"])
    assert cluster.serverless == Serverless("sterna.small", "sterna.large", 1, 2)
    assert (cluster.node_class, len(cluster.nodes)) == ("sterna.large", 2)


def test_a_server_that_is_in_use_is_not_touched(desk: Desk, mysql97: RunningServer) -> None:
    """It may have got databases since it was added, or kept those of a cluster that is deleted."""
    node = desk.add_cluster(mysql97)
    desk.tools.inventory.change_cluster(node.id, hosts=[THERE])
    plan = desk.ask("cluster", "delete", node.id, "--dry-run")
    assert "stays as it is" in plan["actions"][-1] and not plan["warnings"]
    desk.tools.inventory.remove_cluster(node.id)
    with open_session(mysql97.server) as session:
        execute(session, "CREATE DATABASE somebodys")
        code, _, said = desk.run("upgrade", "rm-none", "--version", "9.7", "--existing", "there")
        assert code and "somebodys" in said
        assert scalar(session, "SELECT @@GLOBAL.read_only") == 0
        execute(session, "DROP DATABASE somebodys")


def test_a_server_becomes_one_primary(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that order it at once, while prechecks run, one is refused."""
    tools = desk.tools
    monkeypatch.setattr(placing, "refuse_unfit", lambda *_: None)
    tools.inventory.add_instance(INSTANCE, "any")

    def meanwhile(*_: object, **__: object) -> tuple[Finding, ...]:
        other = replace(CLUSTER, hosts=(THERE,), nodes=())
        tools.inventory.add_cluster(other, admin_user="any", admin_password="any")
        return ()

    monkeypatch.setattr(evaluation, "run", meanwhile)
    with pytest.raises(Refused) as refused:
        desk.service.upgrade(ClusterWish(INSTANCE.id, "9.7", existing="there"))
    assert refused.value.code == "BadPlace"
    assert [each.id for each in tools.inventory.clusters()] == [CLUSTER.id]
