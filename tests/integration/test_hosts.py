"""Hosts in the store, and a machine that is gone."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sterna.clusters.engines import to_data
from sterna.clusters.ssh_host import SshHost
from sterna.clusters.survey import survey
from sterna.errors import Refused
from sterna.settings import Settings, read_settings
from sterna.store.database import now
from sterna.store.host_records import Host
from sterna.store.records import Node
from sterna.wiring import make_tools
from sterna.workflow.hosting import Hosts, NewHost
from sterna.workflow.node_life import NodeKeeper
from sterna.workflow.steps import closing, turning
from sterna.workflow.tools import Tools
from sterna.workflow.watch import Watch
from tests.fixtures.pretend_service import CLUSTER, INSTANCE, MIGRATION
from tests.fixtures.running import RunningServer, eventually

SECRET = f"-----BEGIN {'OPENSSH'} PRIVATE KEY----- not for anybody's eyes"


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """A store with a cluster on a machine that nobody reaches; no proxy."""
    tools = make_tools(Settings(home=tmp_path, servers=read_settings().servers))
    tools.apply_routes = lambda: None  # type: ignore[method-assign]
    engine = next(each for each in tools.engines if each.version.series == "9.7")
    version = f"mysql {engine.version.series}.{engine.version.patch}"
    host = Host("ho-1", "far", "ssh", "127.0.0.1", 1, "db", (version,), now(), folder="/nowhere")
    tools.hosts.add(host, secret=SECRET, host_key="ssh-ed25519 AAAA", engines=[to_data(engine)])
    cluster = dataclasses.replace(
        CLUSTER, engine=version, node_class="sterna.small", hosts=("ho-1",), nodes=()
    )
    tools.inventory.add_cluster(cluster, admin_user="sterna_1", admin_password="any")
    node = Node("pi-1", "Writer", "127.0.0.1", 1, "Running", host_id="ho-1")
    tools.inventory.add_node(cluster.id, node, server_id=7)
    return tools


def test_a_machine_that_is_gone_keeps_nobody_waiting(tools: Tools) -> None:
    """Looks end in time; it is in use until its cluster is being deleted, and then forgotten."""
    hosts, keeper, cluster_id = Hosts(tools), NodeKeeper(tools), CLUSTER.id
    started = time.monotonic()
    Watch(tools, lambda _cluster_id: None).look_at_nodes()
    assert time.monotonic() - started < 30
    with pytest.raises(Refused) as refused:
        hosts.remove("far")
    assert refused.value.code == "HostInUse"
    tools.inventory.set_cluster_status(cluster_id, "Deleting")
    keeper.tick()
    assert [each.id for each in tools.inventory.clusters()] == [cluster_id]
    hosts.remove("far")

    def is_forgotten() -> bool:
        keeper.tick()
        return not tools.inventory.clusters()

    eventually(is_forgotten, within_seconds=60, every_seconds=0.2)


def test_a_node_is_removed_though_its_machine_is_gone(tools: Tools) -> None:
    """The machine may be forgotten once all it has for a cluster is to go; the rest stays."""
    hosts, inventory, cluster_id = Hosts(tools), tools.inventory, CLUSTER.id
    near = dataclasses.replace(tools.hosts.host("far"), id="ho-2", name="near", port=2)
    tools.hosts.add(near, secret=SECRET, host_key="", engines=tools.hosts.engines("ho-1"))
    inventory.change_node("pi-1", host_id="ho-2")
    inventory.change_cluster(cluster_id, hosts=["ho-1", "ho-2"])
    reader = Node("pi-2", "Reader", "127.0.0.1", 2, "Running", host_id="ho-1")
    inventory.add_node(cluster_id, reader, server_id=8)
    for name in ("far", "near"):
        with pytest.raises(Refused, match="is where nodes"):
            hosts.remove(name)
    inventory.set_node_status("pi-2", "Deleting")
    inventory.set_cluster_status(cluster_id, "DBNodeDeleting")
    hosts.remove("far")
    NodeKeeper(tools).work(cluster_id)
    cluster = inventory.cluster(cluster_id)
    assert (cluster.status, cluster.hosts) == ("Running", ("ho-2",))
    assert [node.id for node in cluster.nodes] == ["pi-1"]


def test_a_migration_ends_though_the_machine_is_gone(tools: Tools) -> None:
    """Nobody waits for it to open its cluster: that is a command of its own when it is back."""
    run = SimpleNamespace(tools=tools, cluster_id=CLUSTER.id)
    assert "no running primary" in closing.open_cluster.do(run)


def test_the_stream_turns_though_the_machine_is_gone(tools: Tools, mysql57: RunningServer) -> None:
    """Roles are kept where they are not asked for by hand: a node is started with them."""
    server, task = mysql57.server, "dtspaper"
    place = {"host": server.host, "port": server.port, "user": server.user, "tls": "Preferred"}
    tools.inventory.add_instance(dataclasses.replace(INSTANCE, **place), server.password)
    tools.tasks.add(task, "on paper")
    ids = {"cluster_id": CLUSTER.id, "instance_id": INSTANCE.id, "task_id": task}
    tools.journal.add_migration(dataclasses.replace(MIGRATION, **ids), ())
    tools.inventory.set_cluster_parameters(CLUSTER.id, {"read_only": "OFF"})
    run = SimpleNamespace(
        tools=tools,
        cluster_id=CLUSTER.id,
        operation=SimpleNamespace(name="roll_back"),
        facts={"events": {"scheduler": "OFF", "enabled": []}},
    )
    said = turning.keep_new_roles.do(run)
    assert "written at its next start" in said and "cannot be reached" in said
    assert tools.inventory.cluster_parameters(CLUSTER.id)["read_only"] == "ON"
    tools.sessions.close()


def test_ports_of_other_machines_are_free_here(tools: Tools) -> None:
    """An endpoint may have the port of a node elsewhere; nodes get others all the same."""
    assert 1 in tools.taken_ports()
    tools.refuse_taken(1)
    near = Node("pi-2", "Reader", "127.0.0.1", 2, "Running")
    tools.inventory.add_node(CLUSTER.id, near, server_id=8)
    with pytest.raises(Refused) as refused:
        tools.refuse_taken(2)
    assert refused.value.code == "PortTaken"


def test_a_shell_that_talks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a login prints would be taken for answers ever after."""
    said = subprocess.CompletedProcess([], 0, "Welcome!\n/home/db/sterna\n4711\n", "")
    monkeypatch.setattr(SshHost, "run", lambda *_, **__: said)
    with pytest.raises(Refused, match="Welcome!") as refused:
        survey(SshHost("10.0.0.1", "db", SECRET, ""), "sterna", Path("/srv/servers"))
    assert refused.value.code == "HostNotSuitable"


def test_secrets_of_hosts_are_not_to_be_read(tools: Tools, tmp_path: Path) -> None:
    """Neither in the database's files, nor in what is shown of a host."""
    assert tools.hosts.secret("ho-1") == SECRET
    files = b"".join(each.read_bytes() for each in tmp_path.glob("sterna.db*"))
    assert SECRET.encode() not in files
    assert SECRET not in repr(tools.hosts.host("far"))
    assert SECRET not in repr(NewHost("far", "ssh", "10.0.0.1", "db", SECRET))


@pytest.mark.parametrize(
    ("name", "address", "code"),
    [
        ("far", "10.0.0.1", "HostExists"),
        ("near", "-oProxyCommand=x", "BadHost"),
        ("-", "a", "BadHost"),
    ],
)
def test_bad_hosts_are_refused(tools: Tools, name: str, address: str, code: str) -> None:
    """A name that is taken or odd; an address that the client would take for an option."""
    with pytest.raises(Refused) as refused:
        Hosts(tools).add(NewHost(name, "ssh", address, "db", SECRET))
    assert refused.value.code == code


@pytest.mark.parametrize("given", [{"user": "a\nb"}, {"user": "-oX"}, {"servers": "srv"}])
def test_what_is_said_of_a_machine_is_looked_at(tools: Tools, given: dict[str, str]) -> None:
    """Who logs in is a name; server versions lie in a folder that is the same from everywhere."""
    new = dataclasses.replace(NewHost("near", "ssh", "10.0.0.1", "db", SECRET), **given)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        Hosts(tools).add(new)
    assert refused.value.code == "BadHost"
