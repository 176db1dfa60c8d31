"""Read-only nodes on real servers."""

from __future__ import annotations

from dataclasses import replace

from sterna.clusters.readers import join_reader, reader_lag
from sterna.mysql.connection import execute, open_session, scalar
from tests.fixtures.running import ServerFarm, eventually


def test_reader_has_what_the_primary_has_and_follows(server_farm: ServerFarm) -> None:
    """A reader shows the rows loaded without binary log before it joined, and those after."""
    writer, fresh = server_farm.start("9.7"), server_farm.start("9.7", role="Reader")
    spec = replace(fresh.spec, admin=writer.spec.admin)  # as in a cluster: one admin for all nodes
    with open_session(writer.server) as session:
        execute(session, "SET SESSION sql_log_bin = 0")
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
        execute(session, "INSERT INTO shop.t VALUES (1)")
        execute(session, "SET SESSION sql_log_bin = 1")
        join_reader(
            writer.server, fresh.server, restart=lambda: fresh.provisioner.restart_node(spec)
        )
        execute(session, "INSERT INTO shop.t VALUES (2)")
    with open_session(spec.server) as session:
        eventually(lambda: scalar(session, "SELECT COUNT(*) FROM shop.t") == 2)
        assert scalar(session, "SELECT @@GLOBAL.super_read_only") == 1
        assert reader_lag(session)[1] == ""
    join_reader(writer.server, spec.server, restart=lambda: None)
