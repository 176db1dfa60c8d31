"""What a new server process takes up, when not all of it is there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from sterna.settings import Settings, read_settings
from sterna.store.records import Node
from sterna.wiring import make_tools, take_up
from tests.fixtures.pretend_service import CLUSTER


def test_a_node_that_does_not_start_stops_nobody(tmp_path: Path) -> None:
    """A cluster whose folder is gone is said to be so; the proxy and everything else start."""
    tools = make_tools(Settings(home=tmp_path, servers=read_settings().servers))
    engine = next(each for each in tools.engines if each.version.series == "9.7")
    version = f"mysql {engine.version.series}.{engine.version.patch}"
    cluster = dataclasses.replace(CLUSTER, engine=version, node_class="sterna.small")
    tools.inventory.add_cluster(cluster, admin_user="sterna", admin_password="any")
    node = Node("pi-1", "Writer", "127.0.0.1", tools.free_port(), "Running")
    tools.inventory.add_node(cluster.id, node, server_id=7)
    try:
        take_up(tools)
        assert tools.proxy.is_running()
    finally:
        tools.proxy.stop()
