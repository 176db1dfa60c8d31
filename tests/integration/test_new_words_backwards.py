"""What only a 9.7 can say, on its way back to a 5.7: carried, or named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link
from tests.integration.test_follow import run, sides

__all__ = ["sides"]

BEGINNING = """
CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;; USE d
;; CREATE TABLE t (a INT PRIMARY KEY);; INSERT INTO t VALUES (1)
"""
CARRIED = """
CREATE TABLE keys_down (a INT, b INT, PRIMARY KEY (a DESC), KEY (b DESC))
;; CREATE TABLE checked (a INT PRIMARY KEY CHECK (a > 0), CONSTRAINT c CHECK (a < 9))
;; INSERT INTO checked VALUES (1), (2);; INSERT INTO keys_down VALUES (1, 1), (2, 2)
;; ALTER TABLE t ADD COLUMN b INT NOT NULL DEFAULT 7, ALGORITHM = INSTANT
;; INSERT INTO t VALUES (2, 2);; UPDATE t SET b = 8 WHERE a = 1
;; ANALYZE TABLE t UPDATE HISTOGRAM ON b WITH 2 BUCKETS
;; CREATE TABLE selected SELECT a, b FROM t
;; ALTER TABLE checked DROP CHECK c
;; DELETE FROM selected LIMIT 1
"""
ENDS = {
    "CREATE TABLE x (a INT PRIMARY KEY, v VECTOR(3))": "DdlFailed",
    "CREATE TABLE x (a INT PRIMARY KEY, p POINT NOT NULL SRID 4326)": "DdlFailed",
    "CREATE TABLE x (a INT PRIMARY KEY, j JSON, KEY ((CAST(j->'$[*]' AS UNSIGNED ARRAY))))": "",
    "CREATE TABLE x (a INT PRIMARY KEY, b INT INVISIBLE)": "",
    "CREATE TABLE x (a INT)": "",  # with a hidden primary key
    "CREATE TABLE x (a VARCHAR(9) CHARACTER SET utf8mb4 PRIMARY KEY,"
    " b VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)": "",
    "CREATE VIEW x AS SELECT a FROM t INTERSECT SELECT 1": "DdlFailed",
    "CREATE VIEW x AS WITH c AS (SELECT 1 AS a) SELECT a FROM c": "DdlFailed",
    "CREATE PROCEDURE IF NOT EXISTS x() SELECT 1": "DdlFailed",
    "CREATE TABLESPACE x ADD DATAFILE 'x.ibd'": "DdlFailed",
}


@pytest.mark.parametrize("sides", [("mysql97", "mysql57")], indirect=True, ids="-".join)
def test_all_of_it_is_carried_or_named(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Rows and manners arrive; each statement that 5.7 has no words for stops the task, is named,
    and leaves the destination as it was."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        with Link(origin, destination, tmp_path / "carried") as link:
            run(session, BEGINNING)
            run(session, CARRIED)
            link.caught_up()
        assert_equal(origin, destination, ["d"])
        before = query(there, "SHOW TABLES FROM d")
        execute(session, "SET default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci")
        execute(session, "SET sql_generate_invisible_primary_key = ON")
        for number, (statement, code) in enumerate(ENDS.items()):
            with Link(origin, destination, tmp_path / str(number)) as link:
                execute(session, statement)
                error = link.stopped()
            assert error.code == (code or "Unrepresentable"), (statement, error)
            assert statement.split()[1] in error.message and error.remedy, error
            assert query(there, "SHOW TABLES FROM d") == before
            checkpoint.resolve_pending(there, TASK, 1, was_applied=True)
            kind = statement.split()[1]
            name = "x" if kind == "TABLESPACE" else "d.x"
            execute(session, "SET sql_log_bin = 0")
            execute(session, f"DROP {kind} {name}")
            execute(session, "SET sql_log_bin = 1")
        with Link(origin, destination, tmp_path / "on") as link:
            execute(session, "INSERT INTO d.t VALUES (9, 9)")
            link.caught_up()
    assert_equal(origin, destination, ["d"])
