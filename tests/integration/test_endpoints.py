"""Endpoints made, altered and closed by command, served by a real proxy."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pymysql
import pytest

from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.connection import Server, open_session, scalar
from sterna.wiring import PROXY_SECONDS
from sterna.workflow.ticker import Ticker
from sterna.workflow.watch import Watch
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.running import RunningServer, ServerFarm, eventually
from tests.integration.test_haproxy import free_port, worker_pids


@pytest.fixture(scope="module")
def desk(server_farm: ServerFarm) -> Iterator[Desk]:
    """One for all tests here."""
    home = server_farm.folder / "endpoints"
    home.mkdir()
    with open_desk(home) as desk:
        yield desk


@pytest.fixture(scope="module")
def instance(desk: Desk, mysql57: RunningServer) -> str:
    """The id of an instance."""
    server = mysql57.server
    return desk.service.instances.add(server.host, server.port, server.user, server.password).id


def who_answers(endpoint: dict[str, Any], *candidates: RunningServer) -> set[int]:
    """Ports of the servers that new connections reach; those of the others are let in nowhere."""
    found = set()
    for candidate in candidates * 4:
        password = candidate.server.password
        server = Server(endpoint["host"], endpoint["port"], "root", password, "Disabled")
        with suppress(SternaError), open_session(server) as session:
            found.add(int(scalar(session, "SELECT @@port")))
    return found


def test_a_cluster_has_endpoints_of_every_kind(
    desk: Desk, mysql57: RunningServer, mariadb1011: RunningServer
) -> None:
    """Primary, balanced, read-write with a read-only port, custom: each leads where it says."""
    cluster = desk.add_cluster(mysql57, mariadb1011)
    servers, (writer, reader) = (mysql57, mariadb1011), cluster.nodes
    primary = desk.ask("endpoint", "create", cluster.id, "--type", "Primary", "--name", "orders")
    assert primary["read_write_mode"] == "ReadWrite" and primary["name"] == "orders"
    assert who_answers(primary, *servers) == {writer.port}
    balanced = desk.ask("endpoint", "create", cluster.id, "--type", "Cluster")
    assert who_answers(balanced, *servers) == {reader.port}
    shown = " ".join(desk.run("endpoint", "show", balanced["id"])[1].split())
    assert f"127.0.0.1:{reader.port} (gets none now:" in shown, "nobody looks after it here"
    port = str(free_port())
    create = ("endpoint", "create", cluster.id, "--type")
    both = desk.ask(*create, "Cluster", "--mode", "ReadWrite", "--read-only-port", port)
    assert who_answers(both, *servers) == {writer.port}
    assert who_answers({**both, "port": int(port)}, *servers) == {reader.port}
    nodes = ("--node", f"{writer.id}=1", "--node", f"{reader.id}=3")
    custom = desk.ask(*create, "Custom", *nodes)
    assert custom["routes_to"].count(f"127.0.0.1:{reader.port}") == 3
    assert who_answers(custom, *servers) == {writer.port, reader.port}
    custom = desk.ask("endpoint", "alter", custom["id"], "--node", reader.id)
    assert custom["read_write_mode"] == "ReadOnly"
    assert who_answers(custom, *servers) == {reader.port}
    assert len(desk.ask("endpoint", "list", cluster.id)) == 5
    other = free_port()
    moved = desk.ask("endpoint", "alter", both["id"], "--port", str(other), "--name", "shop")
    assert desk.ask("endpoint", "show", both["id"]) == moved and moved["name"] == "shop"
    assert who_answers(moved, *servers) == {writer.port}
    assert not who_answers(both, *servers)
    part = next(e for e in desk.ask("endpoint", "list", cluster.id) if e["part_of"])
    assert desk.refusal("endpoint", "delete", part["id"], "--yes") == "EndpointNeeded"
    plan = desk.ask("endpoint", "delete", both["id"], "--dry-run")
    assert plan["allowed"] and len(plan["actions"]) == 2, "its port for reads is closed as well"
    for endpoint in (both, custom, balanced):
        desk.ask("endpoint", "delete", endpoint["id"], "--yes")
        assert not who_answers(endpoint, *servers)
    assert [e["id"] for e in desk.ask("endpoint", "list", cluster.id)] == [primary["id"]]
    assert desk.refusal("endpoint", "delete", primary["id"], "--yes") == "EndpointNeeded"
    assert desk.refusal("endpoint", "delete", primary["id"], "--dry-run") == "NotAllowed"
    refused = {(primary["id"], "delete"): "EndpointNeeded"}
    assert refusals(desk, cluster.id) == refused


def refusals(desk: Desk, owner_id: str) -> dict[tuple[str, str], str]:
    """(endpoint, action) → code, of what may not be done now."""
    return {
        (each["endpoint_id"], asked["action"]): asked["refusals"][0]["code"]
        for each in desk.ask("endpoint", "actions", owner_id)
        for asked in each["actions"]
        if not asked["allowed"]
    }


def test_an_altered_whitelist_cuts_by_command(
    desk: Desk, instance: str, mysql57: RunningServer
) -> None:
    """The command returns when whoever is no longer named is out."""
    (endpoint,) = desk.ask("endpoint", "list", instance)
    server = Server(endpoint["host"], endpoint["port"], "root", mysql57.server.password, "Disabled")
    session = open_session(server)
    desk.ask("endpoint", "alter", endpoint["id"], "--allow", "127.0.0.2")
    with pytest.raises(pymysql.err.OperationalError):
        session.ping(reconnect=False)
    assert not who_answers(endpoint, mysql57)
    shown = desk.ask(
        "endpoint", "alter", endpoint["id"], "--allow", "127.0.0.1/8", "--allow", "::1"
    )
    assert shown["allowed_networks"] == ["127.0.0.0/8", "::1/128"]
    assert who_answers(endpoint, mysql57) == {mysql57.server.port}
    session.cut()


def test_a_killed_proxy_is_back_at_once(desk: Desk, instance: str, mysql57: RunningServer) -> None:
    """Whoever looks after it starts it again, with the same addresses and the same whitelist."""
    watch = Watch(desk.tools, lambda _: None)
    hand = Ticker("proxy", watch.look_after_proxy, interval_seconds=PROXY_SECONDS)
    endpoint = desk.ask("endpoint", "list", instance)[0]
    before = worker_pids(desk.tools.proxy)  # type: ignore[arg-type]
    hand.start()
    try:
        os.kill(before[0], signal.SIGKILL)
        began = time.monotonic()

        def is_another() -> bool:
            with suppress(Transient):  # while there is none
                return before != worker_pids(desk.tools.proxy)  # type: ignore[arg-type]
            return False

        eventually(is_another)
        eventually(lambda: who_answers(endpoint, mysql57) == {mysql57.server.port})
        # Under 1 s on a machine of one's own; this one is shared.
        assert time.monotonic() - began < 8.0
    finally:
        hand.stop()
        hand.join()


def test_what_cannot_be_served_is_refused_and_changes_nothing(
    desk: Desk, instance: str, mysql57: RunningServer, mariadb1011: RunningServer
) -> None:
    """Wrong types, nodes, networks, ports and names; the proxy and the list stay as they were."""
    cluster = desk.add_cluster(mariadb1011)
    create = ("endpoint", "create", cluster.id, "--type")
    before = desk.ask("endpoint", "list")
    taken = str(before[0]["port"])
    refused = {
        "BadEndpoint": [
            (*create, "ReadOnly", "--node", "127.0.0.1:1"),
            (*create, "Custom"),
            (*create, "Custom", "--node", "pi-nobody"),
            (*create, "Primary", "--allow", "everybody"),
            (*create, "Primary", "--allow", "fe80::1%x; show info/128"),
            (*create, "Primary", "--node", cluster.nodes[0].id),
            (*create, "Cluster", "--read-only-port", "4711"),
            ("endpoint", "create", instance, "--type", "Custom", "--node", "x"),
            ("endpoint", "create", instance, "--type", "ReadOnly", "--node", "nowhere"),
        ],
        "PortTaken": [
            (*create, "Primary", "--port", taken),
            (*create, "Primary", "--port", str(mysql57.server.port)),
        ],
        "InvalidRequest": [
            (*create, "Router"),
            (*create, "Primary", "--host", "localhost"),
            (*create, "Primary", "--host", "::1%x"),
            (*create, "Primary", "--network", "not a label"),
            (*create, "Primary", "--name", "a\nb"),
            (*create, "Custom", "--node", f"{cluster.nodes[0].id}=11"),
        ],
        "NotFound": [
            ("endpoint", "create", "pc-nobody", "--type", "Primary"),
            ("endpoint", "show", "pe-nobody"),
            ("endpoint", "alter", "pe-nobody", "--name", "x"),
            ("endpoint", "delete", "pe-nobody", "--yes"),
        ],
    }
    for code, commands in refused.items():
        for command in commands:
            assert desk.refusal(*command) == code, command
    server = mariadb1011.server
    with pytest.raises(Refused, match="cannot listen on port 80"):
        desk.service.instances.add(
            server.host, server.port, server.user, server.password, endpoint_port=80
        )
    assert [each.id for each in desk.service.instances.all()] == [instance]
    assert desk.ask("endpoint", "list") == before
    assert desk.tools.proxy.is_running()


def test_operations_keep_endpoints_to_themselves(
    desk: Desk, instance: str, mariadb1011: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While writes move nothing is made, altered or closed, not even by who began just before."""
    cluster = desk.add_cluster(mariadb1011)
    made = desk.ask("endpoint", "create", cluster.id, "--type", "Cluster")
    desk.add_migration(instance, cluster.id, operation="switch_over", status="SWITCHING")
    create = ("endpoint", "create", instance, "--type", "Proxy")
    for command in (
        create,
        ("endpoint", "alter", made["id"], "--name", "x"),
        ("endpoint", "delete", made["id"], "--yes"),
    ):
        assert desk.refusal(*command) == "OperationUnderWay"
    every = [("", "create"), *((made["id"], name) for name in ("alter", "route", "delete"))]
    assert refusals(desk, cluster.id) == dict.fromkeys(every, "OperationUnderWay")
    journal, before = desk.tools.journal, desk.ask("endpoint", "list")
    change = {"status": "RDS2POLARDB_SYNCING", "operation": ""}
    journal.change_migration(cluster.id, **change)
    keep = desk.tools.inventory.add_endpoint

    def begin_meanwhile(endpoint: Any) -> None:
        keep(endpoint)
        journal.change_migration(cluster.id, operation="switch_over", status="SWITCHING")

    monkeypatch.setattr(desk.tools.inventory, "add_endpoint", begin_meanwhile)
    assert desk.refusal(*create) == "OperationUnderWay"
    assert desk.ask("endpoint", "list") == before
    journal.change_migration(
        cluster.id, operation="", status="POLARDB2RDS_SYNCING", with_endpoints=True
    )
    assert desk.refusal("endpoint", "delete", made["id"], "--yes") == "EndpointExchanged"
    alter = ("endpoint", "alter", made["id"], "--mode", "ReadWrite")
    assert desk.refusal(*alter) == "EndpointExchanged"
    both = ((made["id"], name) for name in ("route", "delete"))
    assert refusals(desk, cluster.id) == dict.fromkeys(both, "EndpointExchanged")
    assert desk.ask("endpoint", "alter", made["id"], "--name", "still")["name"] == "still"
    journal.change_migration(cluster.id, status="NO_MIGRATION")
