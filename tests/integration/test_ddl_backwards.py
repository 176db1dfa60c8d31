"""DDL that users of the new cluster write, on its way back to an older source."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.dataplane.default_collation import keep_default_collation
from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link, begin
from tests.integration.test_follow import REVERSE, run, sides

__all__ = ["sides"]

FORGET = """RESET PERSIST IF EXISTS default_collation_for_utf8mb4
;; SET GLOBAL default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci"""
NEW = """CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci
;; USE d
;; CREATE TABLE t (id INT PRIMARY KEY, a INT DEFAULT (7), b VARCHAR(20) DEFAULT ('b'),
     KEY a (a) INVISIBLE)
;; ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 3, ALGORITHM=INSTANT
;; INSERT INTO t (id) VALUES (1), (2)
;; CREATE INDEX b ON t (b) ALGORITHM=INPLACE LOCK=NONE
;; ALTER TABLE t RENAME COLUMN b TO renamed, ADD COLUMN e INT, LOCK=DEFAULT
;; ALTER TABLE t ALTER INDEX a VISIBLE
;; ALTER TABLE t DROP INDEX b, ALGORITHM=INPLACE
;; CREATE TABLE u (v VARCHAR(9) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin PRIMARY KEY)
;; INSERT INTO u VALUES ('x')
;; UPDATE t SET renamed = 'changed' WHERE id = 2"""


@pytest.mark.parametrize("sides", REVERSE, indirect=True, ids="-".join)
def test_new_words_reach_old_servers(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What only says how, or can be said in older words, is carried; the log says what changed."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, NEW)
        link.caught_up()
    assert_equal(origin, destination, ["d"])
    told = " ".join(link.sentences)
    assert "ALGORITHM left out" in told and "LOCK left out" in told


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE d.x (id CHAR(36) PRIMARY KEY DEFAULT (UUID()))",
        "CREATE TABLE d.x (v VARCHAR(9)) CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci",
        "CREATE DATABASE x CHARACTER SET utf8mb4",
    ],
)
@pytest.mark.parametrize("sides", REVERSE[:1], indirect=True, ids="-".join)
def test_the_end_of_the_way_back_is_said(
    sides: tuple[Server, Server], tmp_path: Path, statement: str
) -> None:
    """The task stops at once, and goes on behind what a person made by hand."""
    origin, destination = sides
    with open_session(origin) as session:
        execute(session, "SET SESSION default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci")
        with Link(origin, destination, tmp_path / "stopped") as link:
            run(session, "CREATE DATABASE d CHARSET latin1;; CREATE TABLE d.t (a INT PRIMARY KEY)")
            run(session, f"INSERT INTO d.t VALUES (1);; {statement}")
            error = link.stopped()
            execute(session, "INSERT INTO d.t VALUES (2)")
        assert error.code == "Unrepresentable" and "no way back" in error.remedy
        assert statement.split(" (")[0] in error.message
    with open_session(destination) as there:
        assert query(there, "SELECT * FROM d.t") == [(1,)]
        checkpoint.resolve_pending(there, TASK, 1, was_applied=True)
    with Link(origin, destination, tmp_path / "resumed") as link:
        link.caught_up()
    with open_session(destination) as there:
        assert query(there, "SELECT * FROM d.t") == [(1,), (2,)]


def test_new_tables_of_the_cluster_can_follow_back(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """What utf8mb4 means without a collation is what it meant on the source, after the copy."""
    source, cluster = sides
    with open_session(source) as old, open_session(cluster) as new:
        run(new, FORGET)
        sentence = keep_default_collation(old, new)
        assert "utf8mb4_general_ci as on the origin" in sentence
        assert keep_default_collation(old, new) == keep_default_collation(new, new) == ""
        begin(cluster, source)
        with Link(cluster, source, tmp_path) as link, open_session(cluster) as session:
            run(session, "CREATE DATABASE d CHARACTER SET utf8mb4;; USE d")
            run(session, "CREATE TABLE t (v VARCHAR(9) PRIMARY KEY) CHARSET=utf8mb4")
            execute(session, "INSERT INTO t VALUES ('ä')")
            link.caught_up()
        run(new, FORGET)
    assert_equal(cluster, source, ["d"])
