"""Read-only nodes on real servers."""

from __future__ import annotations

import signal
import time
from dataclasses import replace

from sterna.clusters.engines import choose_engine
from sterna.clusters.process import signal_process
from sterna.clusters.readers import (
    SEMI_SYNC_MILLISECONDS,
    follows,
    is_semi_sync,
    join_reader,
    reader_lag,
    semi_sync_parameters,
)
from sterna.mysql.connection import Session, execute, open_session, query, scalar
from tests.fixtures.product import node_argument
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
        # As if whoever made it had died when it was told what to follow, and no more.
        execute(session, "STOP REPLICA")
        execute(session, "SET GLOBAL super_read_only = OFF")
        assert not follows(session, replace(writer.server, host="10.0.0.9"))
    join_reader(writer.server, spec.server, restart=lambda: None)
    with open_session(spec.server) as session:
        eventually(lambda: reader_lag(session)[1] == "")
        assert scalar(session, "SELECT @@GLOBAL.super_read_only") == 1


def test_commits_wait_for_a_reader_but_never_long(server_farm: ServerFarm) -> None:
    """With a reader that hangs or is killed one commit waits for half a second. The next one does
    not, nor does making the primary read-only; and they wait again for a reader that is back."""
    version = choose_engine(server_farm.engines, "9.7").version
    roles = {role: semi_sync_parameters(role, version) for role in ("Writer", "Reader")}
    writer = server_farm.start("9.7", role="Writer", **roles["Writer"])
    fresh = server_farm.start("9.7", role="Reader", **roles["Reader"])
    spec = replace(fresh.spec, admin=writer.spec.admin)
    restart = fresh.provisioner.restart_node
    join_reader(writer.server, fresh.server, restart=lambda: restart(spec))
    with open_session(writer.server) as session:
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT)")
        waits_again(session)
        with open_session(spec.server) as reader:
            assert is_semi_sync(reader, "Reader")
        config = node_argument(spec.folder / "my.cnf")
        for broken in (signal.SIGSTOP, signal.SIGKILL):
            signal_process(config, broken)
            assert seconds_of(session, WRITE) < LONG
            assert not is_semi_sync(session, "Writer")
            waited = commits_that_waited(session)
            execute(session, WRITE)
            execute(session, "SET GLOBAL read_only = ON")
            assert commits_that_waited(session) == waited
            signal_process(config, signal.SIGCONT)
            fresh.provisioner.start_node(spec)
            waits_again(session)


# Half a second; the rest is for a machine that is shared.
WRITE, LONG = "INSERT INTO shop.t VALUES (NULL)", SEMI_SYNC_MILLISECONDS / 1000 + 9


def waits_again(session: Session) -> None:
    """Until a reader has everything, and commits wait for it."""
    eventually(lambda: is_semi_sync(session, "Writer"), within_seconds=30)


def commits_that_waited(session: Session) -> int:
    """How many commits have waited for a reader since the primary was started."""
    ((_, count),) = query(session, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_tx_waits'")
    return int(count)


def seconds_of(session: Session, sql: str) -> float:
    """How long a statement takes."""
    began = time.monotonic()
    execute(session, sql)
    return time.monotonic() - began
