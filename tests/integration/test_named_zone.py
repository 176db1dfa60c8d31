"""A cluster of a source whose time zone is known by name runs in that zone, on all its nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sterna.clusters.engines import choose_engine
from sterna.mysql.connection import execute, open_session, query
from sterna.store.records import Node
from sterna.workflow.steps import preparing
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.pretend_service import CLUSTER
from tests.fixtures.running import RunningServer, ServerFarm, wipe

ZONE = (
    "INSERT INTO mysql.time_zone_name VALUES ('Test/Zone', 990)",
    "INSERT INTO mysql.time_zone VALUES (990, 'N')",
    "INSERT INTO mysql.time_zone_transition_type VALUES (990, 0, 3600, 0, 'TST')",
    "SET GLOBAL time_zone = 'Test/Zone'",
)
SHOWN = "SELECT @@GLOBAL.time_zone, CONVERT_TZ('2026-07-01 10:00:00', '+00:00', 'Test/Zone')"


def test_a_cluster_runs_in_a_zone_known_by_name(
    server_farm: ServerFarm, mysql57: RunningServer
) -> None:
    """A new server cannot start in such a zone; the primary learns it, a read-only node is its
    clone, and both are in it from then on, after a restart too."""
    home = server_farm.folder / "named-zone"
    home.mkdir()
    with open_desk(home) as desk, in_a_zone(mysql57):
        run: Any = SimpleNamespace(tools=desk.tools, cluster_id=on_paper(desk, mysql57))
        told = preparing.create_nodes.do(run)
        assert told.endswith("read-only; it knows 1 time zones by name")
        assert preparing.create_nodes.do(run) == told
        preparing.add_read_only_nodes.do(run)
        tools = desk.tools
        for node in tools.inventory.nodes(run.cluster_id):
            for restarted in (False, True):
                if restarted:
                    tools.provisioner.restart_node(tools.node_spec(run.cluster_id, node))
                with open_session(tools.node_server(run.cluster_id, node)) as session:
                    ((zone, later),) = query(session, SHOWN)
                assert (zone, str(later)) == ("Test/Zone", "2026-07-01 11:00:00"), node


@contextmanager
def in_a_zone(running: RunningServer) -> Iterator[None]:
    """The source knows one zone by name and runs in it; not afterwards."""
    wipe(running.server)
    with open_session(running.server) as session:
        execute(session, "SET sql_log_bin = 0")
        try:
            for sql in ZONE:
                execute(session, sql)
            yield
        finally:
            execute(session, "SET GLOBAL time_zone = 'SYSTEM'")
            for table in ("time_zone_name", "time_zone", "time_zone_transition_type"):
                execute(session, f"DELETE FROM mysql.{table} WHERE Time_zone_id = 990")


def on_paper(desk: Desk, source: RunningServer) -> str:
    """A cluster that is to be made of the source, with one read-only node."""
    tools, admin = desk.tools, source.spec.admin
    instance = desk.service.instances.add(
        source.server.host, source.server.port, admin.user, admin.password
    )
    version = choose_engine(tools.engines, "mysql 9.7").version
    cluster_id = f"pc-{secrets.token_hex(4)}"
    engine = f"mysql {version.series}.{version.patch}"
    cluster = replace(CLUSTER, id=cluster_id, engine=engine, node_class="sterna.small")
    tools.inventory.add_cluster(cluster, admin_user="sterna", admin_password="secret")
    for role in ("Writer", "Reader"):
        node = Node(f"{cluster_id}-{role}", role, "127.0.0.1", tools.free_port(), "Creating")
        tools.inventory.add_node(cluster_id, node, server_id=secrets.randbelow(2**30))
    desk.add_migration(instance.id, cluster_id)
    return cluster_id
