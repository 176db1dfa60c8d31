"""Clusters elsewhere: on another machine, or in a server that was there; writes are under way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sterna.clusters.process import find_process
from sterna.clusters.ssh_host import SshHost, fingerprint
from sterna.mysql.connection import execute, open_session
from tests.acceptance.stage import Stage, databases_of, is_read_only, open_stage
from tests.fixtures.product import end_servers, node_argument
from tests.fixtures.running import RunningServer, ServerFarm, eventually
from tests.fixtures.sshd import Cable, make_home, running_sshd, sshd_binary

TARGET = "9.7"

needs_sshd = pytest.mark.skipif(
    os.geteuid() != 0 or sshd_binary() is None, reason="needs root and an SSH server: tools/sshd"
)


@pytest.fixture
def machine(farm: ServerFarm) -> Iterator[SshHost]:
    """Another machine, with an address of its own."""
    with running_sshd(farm.folder / "sshd", Cable.new()) as host:
        yield host


@pytest.fixture
def folder(farm: ServerFarm) -> Iterator[Path]:
    """Where the machine keeps its nodes."""
    folder = farm.folder / "far"
    make_home(folder)
    yield folder
    for cluster in folder.glob("pc-*"):
        end_servers(cluster)


@needs_sshd
def test_a_cluster_on_another_machine(farm: ServerFarm, machine: SshHost, folder: Path) -> None:
    """Upgrade, switch, complete, come back after a crash, and go without a trace."""
    with open_stage(farm, "5.7") as stage, stage.open_hours():
        host = add_machine(stage, machine, folder)
        stage.supply_passwords()
        stage.upgrade(TARGET, "--host", "far", "--nodes", "1", "--description", "moved")
        nodes = nodes_of(stage)
        assert {(n["host"], n["host_id"]) for n in nodes} == {(machine.host, host["id"])}
        assert stage.product.run("host", "remove", "far", "--yes").code == 3
        move_for_good(stage)
        config = folder / stage.cluster_id / nodes[0]["id"] / "my.cnf"
        crashed = find_process(node_argument(config))
        assert crashed is not None
        os.kill(crashed, signal.SIGKILL)
        eventually(
            lambda: find_process(node_argument(config)) not in (None, crashed), within_seconds=60
        )
        stage.open_bank()
        stage.wait_for_writes()
        stage.close_bank()
        stage.assert_promises_kept(stage.cluster)
        product, cluster_id = stage.product, stage.cluster_id
        assert "ready for connections" in "\n".join(product.ask("cluster", "logs", cluster_id))
        product.ask("instance", "release", stage.instance_id, "--yes")
        # The address the bank knows leads there and stays: it has become the cluster's.
        product.ask("cluster", "delete", cluster_id, "--yes")
        assert not list(folder.glob("pc-*"))
        product.ask("host", "remove", "far", "--yes")


def test_a_server_that_was_there(farm: ServerFarm) -> None:
    """An empty server of the user's becomes the primary; it is never restarted nor deleted."""
    there = farm.start(TARGET)
    with open_session(there.server) as session:
        execute(session, "RENAME USER root@'%' TO keeper@'%'")
    started = process_of(there)
    with open_stage(farm, "5.7") as stage, stage.open_hours():
        add_server(stage, there)
        stage.supply_passwords()
        stage.upgrade(TARGET, "--existing", "there")
        (node,) = nodes_of(stage)
        assert (node["host"], node["port"]) == (there.server.host, there.server.port)
        move_for_good(stage)
        assert "sterna" not in databases_of(stage.cluster)
        owner = stage.cluster
        stage.product.ask("instance", "release", stage.instance_id, "--yes")
        stage.product.ask("cluster", "delete", stage.cluster_id, "--yes")
        assert process_of(there) == started
        stage.assert_promises_kept(owner)


def add_machine(stage: Stage, machine: SshHost, folder: Path) -> dict[str, Any]:
    """A host that is there; its key is pinned, and another one is refused."""
    where = ("--address", machine.host, "--user", machine.user, "--port", str(machine.port))
    keys = folder.parent / "sshd"
    command = ("host", "add", "far", *where, "--key-file", str(keys / "key"))
    command += ("--folder", str(folder))
    wrong = fingerprint((keys / "stranger.pub").read_text())
    refused = stage.product.run(*command, "--fingerprint", wrong, "--json")
    assert refused.problem["code"] == "HostKeyChanged"
    host: dict[str, Any] = stage.product.ask(*command)
    assert host["fingerprint"] == fingerprint(machine.host_key)
    assert any(version.startswith(f"MySQL {TARGET}.") for version in host["versions"])
    tested = stage.product.ask("host", "test", host["id"])
    assert tested["free_bytes"] > 0 and tested["nodes"] == []
    return host


def add_server(stage: Stage, there: RunningServer) -> None:
    """A server of the user's; one that is not empty is refused."""
    server = replace(there.server, user="keeper")
    command = ("host", "add", "there", "--kind", "existing", "--address", server.host)
    command += ("--port", str(server.port), "--user", "keeper")
    password = {"STERNA_PASSWORD": server.password}
    with open_session(server) as session:
        execute(session, "CREATE DATABASE somebodys")
        execute(session, "CREATE USER somebody")
        refused = stage.product.run(*command, "--json", extra=password).problem
        assert refused["code"] == "NodeNotSuitable"
        assert "it has somebodys" in refused["message"] and "'somebody'@'%'" in refused["message"]
        execute(session, "DROP DATABASE somebodys")
        execute(session, "DROP USER somebody")
    stage.product.ask(*command, extra=password)
    assert stage.product.ask("host", "test", "there")["warnings"] == []


def move_for_good(stage: Stage) -> None:
    """The writes go to the cluster and stay there; every promise is kept."""
    stage.do("switch-over", "--with-endpoints", "--yes")
    assert (is_read_only(stage.source.server), is_read_only(stage.cluster)) == (True, False)
    stage.wait_for_writes()
    stage.wait_until_in_step()
    stage.close_bank()
    stage.assert_sides_equal()
    stage.do("complete", "--yes")
    stage.assert_promises_kept(stage.cluster)


def nodes_of(stage: Stage) -> list[dict[str, Any]]:
    """The nodes of the cluster, the primary first."""
    cluster = stage.product.see(f"/clusters/{stage.cluster_id}")
    nodes: list[dict[str, Any]] = cluster["nodes"]
    return nodes


def process_of(server: RunningServer) -> int | None:
    """The server's process."""
    return find_process(node_argument(server.spec.folder / "my.cnf"))
