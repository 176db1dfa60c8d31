"""A cluster with MyRocks beside InnoDB: its tables follow, there and back."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pymysql
import pytest

from sterna.clusters.engines import choose_engine, find_engines
from sterna.settings import read_settings
from tests.acceptance.stage import Stage, ask, open_stage
from tests.fixtures.running import ServerFarm, eventually

GIB = 1024**3
MARIADB = "mariadb 10.11"
HAS_MYROCKS = choose_engine(find_engines(read_settings().servers), MARIADB).myrocks is not None


@pytest.fixture
def stage(farm: ServerFarm) -> Generator[Stage]:
    """A MariaDB with a small bank."""
    with open_stage(farm, "10.11", scale=0.005) as stage:
        yield stage


@pytest.mark.skipif(not HAS_MYROCKS, reason="tools/servers has found no plugin for this MariaDB")
def test_a_myrocks_table_follows_there_and_back(stage: Stage) -> None:
    """A table that becomes MyRocks' on the cluster is followed by the source as InnoDB's, and
    follows it after a rollback; the nodes have what was asked for."""
    wish = ("--storage-engine", "InnoDB & MyRocks", "--myrocks-memory-percent", "40")
    refused = stage.product.run("upgrade", stage.instance_id, "--version", "9.7", *wish, "--json")
    assert refused.problem["code"] == "StorageEngineNotSupported"
    stage.upgrade(MARIADB, *wish)
    source, cluster = stage.source.server, stage.cluster
    sizes = "SELECT @@rocksdb_block_cache_size, @@innodb_buffer_pool_size"
    ((cache, pool),) = ask(cluster, sizes)
    assert (cache, pool) == (GIB * 5 // 8 * 40 // 100, 3 * 128 * 1024**2)
    stage.do("switch-over", "--with-endpoints", "--yes")

    ask(cluster, "CREATE DATABASE notes")
    ask(cluster, "CREATE TABLE notes.fresh (id INT PRIMARY KEY, text VARCHAR(80)) ENGINE=ROCKSDB")
    ask(cluster, "CREATE TABLE notes.turned (id INT PRIMARY KEY, text VARCHAR(80), KEY (text))")
    for table in ("fresh", "turned"):
        ask(cluster, f"INSERT INTO notes.{table} VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    ask(cluster, "ALTER TABLE notes.turned ENGINE=ROCKSDB")
    ask(cluster, "UPDATE notes.turned SET text = 'drei' WHERE id = 3")
    ask(cluster, "DELETE FROM notes.fresh WHERE id = 1")
    eventually(lambda: have_the_same(source, cluster), within_seconds=60)
    assert engines_of(source) == {("fresh", "InnoDB"), ("turned", "InnoDB")}

    stage.do("roll-back", "--yes")
    for table in ("fresh", "turned"):
        ask(source, f"INSERT INTO notes.{table} VALUES (4, 'four')")
        ask(source, f"UPDATE notes.{table} SET text = 'zwei' WHERE id = 2")
        ask(source, f"DELETE FROM notes.{table} WHERE id = 3")
    eventually(lambda: have_the_same(source, cluster), within_seconds=60)
    assert rows_of(cluster)["turned"] == ((1, "one"), (2, "zwei"), (4, "four"))
    assert engines_of(cluster) == {("fresh", "ROCKSDB"), ("turned", "ROCKSDB")}
    stage.verify()
    stage.assert_sides_equal()


def have_the_same(source: Any, cluster: Any) -> bool:
    """Whether both sides have both tables with the same rows."""
    try:
        return rows_of(source) == rows_of(cluster)
    except pymysql.MySQLError as error:
        raise AssertionError from error


def rows_of(login: Any) -> dict[str, tuple[tuple[Any, ...], ...]]:
    """Table → what is in it."""
    return {
        name: ask(login, f"SELECT * FROM notes.{name} ORDER BY id") for name in ("fresh", "turned")
    }


def engines_of(login: Any) -> set[tuple[Any, ...]]:
    """(table, the engine that keeps it)."""
    sql = "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = 'notes'"
    return set(ask(login, sql))
