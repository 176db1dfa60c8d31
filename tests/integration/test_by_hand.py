"""What somebody has done by hand on a destination, and what must not depend on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sterna.dataplane import definitions
from sterna.errors import Stopped
from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link
from tests.integration.test_follow import SCHEMA, run, sides

__all__ = ["sides"]

BY_HAND = """
USE shop
;; CREATE TABLE fired (n INT)
;; CREATE TRIGGER by_hand_1 AFTER INSERT ON parents FOR EACH ROW INSERT INTO fired VALUES (1)
;; CREATE TRIGGER by_hand_2 AFTER DELETE ON keyless FOR EACH ROW INSERT INTO fired VALUES (2)
;; CREATE TRIGGER by_hand_3 BEFORE UPDATE ON parents FOR EACH ROW SET NEW.name = 'fired'
"""
CHANGES = """
INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c')
;; INSERT INTO keyless VALUES (1, 'x'), (1, 'x')
;; UPDATE parents SET name = 'new' WHERE id < 3
;; DELETE FROM keyless LIMIT 1
"""


@pytest.mark.parametrize(
    "sides",
    [("mysql57", "mysql97"), ("mysql97", "mysql56"), ("mysql97", "mariadb1011")],
    indirect=True,
    ids="-".join,
)
def test_triggers_made_by_hand_stay_silent(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """They do not fire for what arrives; a MariaDB that would let them is not written to."""
    origin, destination = sides
    with (
        Link(origin, destination, tmp_path) as link,
        open_session(origin) as session,
        open_session(destination) as there,
    ):
        run(session, SCHEMA)
        link.caught_up()
        run(there, BY_HAND)
        run(session, CHANGES)
        link.caught_up()
        assert query(there, "SELECT * FROM fired") == []
        execute(there, "DROP TABLE fired")
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize(
    ("sides", "setting", "wanted", "code"),
    [
        (("mysql97", "mariadb1011"), "slave_run_triggers_for_rbr = YES", "NO", "TriggersRun"),
        (("mysql97", "mariadb1011"), "slave_exec_mode = IDEMPOTENT", "STRICT", "RowsNotStrict"),
        (("mysql97", "mysql56"), "slave_exec_mode = IDEMPOTENT", "STRICT", "RowsNotStrict"),
    ],
    indirect=["sides"],
)
def test_a_server_that_makes_something_else_of_rows_is_not_written_to(
    sides: tuple[Server, Server], setting: str, wanted: str, code: str, tmp_path: Path
) -> None:
    """Where triggers would run for rows, or rows that are missing would be passed over, the task
    stops before the first row, and goes on when the server is told otherwise."""
    origin, destination = sides
    name = setting.partition(" ")[0]
    with open_session(origin) as session, open_session(destination) as there:
        run(session, SCHEMA)
        execute(there, f"SET GLOBAL {setting}")
        try:
            with Link(origin, destination, tmp_path) as link:
                error = link.stopped()
            assert error.code == code and f"{name}={wanted}" in error.remedy
        finally:
            execute(there, f"SET GLOBAL {name} = {wanted}")
        run(session, CHANGES)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


COLUMNS = """
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci
;; USE shop
;; CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, v VARCHAR(300) CHARACTER SET latin1)
;; CREATE TABLE other (id INT PRIMARY KEY)
;; CREATE TABLE Twin (a INT, b INT)
;; CREATE TABLE twin (b INT, a INT)
"""
# What is done, what it is called, what undoes it. Nearly all of it would let rows in.
ALTERED = [
    ("ADD z INT", "`z` int", "DROP z"),
    ("DROP v", "`v` varchar(300)", "ADD v VARCHAR(300) CHARACTER SET latin1"),
    ("MODIFY b INT AFTER id", "`b` int", "MODIFY b INT AFTER a"),
    ("MODIFY a BIGINT", "`a` bigint", "MODIFY a INT"),
    ("MODIFY v VARCHAR(300) CHARACTER SET utf8mb4", "utf8mb4",
     "MODIFY v VARCHAR(300) CHARACTER SET latin1"),
    ("MODIFY b INT UNSIGNED", "unsigned", "MODIFY b INT"),
]  # fmt: skip


@pytest.mark.parametrize(
    "sides", [("mysql57", "mysql97"), ("mysql97", "mysql56")], indirect=True, ids="-".join
)
def test_columns_changed_by_hand_stop_the_stream(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """Whoever alters a table of the destination while nobody looks, or just then, is found before
    the next row, or the table's next DDL; undone, the stream goes on."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        with Link(origin, destination, tmp_path) as link:
            run(session, COLUMNS)
            run(session, "INSERT INTO t VALUES (0, 1, 2, 'x')")
            link.caught_up()
        execute(there, "SET SESSION sql_log_bin = 0")
        for change, what, undo in ALTERED:
            execute(there, f"ALTER TABLE shop.t {change}")
            with pytest.raises(Stopped, match=rf"shop\.t .*{re.escape(what)}"):
                definitions.compare(destination, TASK)
            execute(there, f"ALTER TABLE shop.t {undo}")
        of_server = "UPDATE sterna.definitions SET columns = {} WHERE table_name = ''"
        execute(there, of_server.format("CONCAT(columns, '2')"))
        with pytest.raises(Stopped, match=r"lower_case_table_names=0, and had .*=02 before"):
            definitions.compare(destination, TASK)
        execute(there, of_server.format("LEFT(columns, LENGTH(columns) - 1)"))
        with Link(origin, destination, tmp_path) as link:
            run(session, "INSERT INTO t VALUES (1, 1, 2, 'y');; DROP DATABASE IF EXISTS e")
            link.caught_up()
            execute(there, "ALTER TABLE shop.t ADD z INT")
            execute(there, "DROP TABLE shop.other")
            link.altered.set()
            assert "`z` int" in link.stopped().message
        run(there, "ALTER TABLE shop.t DROP z;; CREATE TABLE shop.other (id INT PRIMARY KEY)")
        with Link(origin, destination, tmp_path) as link:
            run(session, "ALTER TABLE t ADD c INT;; ALTER TABLE other RENAME TO another")
            run(session, "SET NAMES latin1;; CREATE TABLE `ö` (id INT);; DROP TABLE `ö`")
            run(session, "SET NAMES utf8mb4")
            link.caught_up()
            execute(there, "ALTER TABLE shop.t ADD z INT")
            run(session, "ALTER TABLE t ADD d INT")
            assert "`z` int" in link.stopped().message
            execute(there, "ALTER TABLE shop.t DROP z")
        with Link(origin, destination, tmp_path) as link:
            run(session, "INSERT INTO t VALUES (99, 1, 2, 'z', 3, 4);; DROP DATABASE shop")
            run(session, COLUMNS)
            run(session, "INSERT INTO t VALUES (0, 1, 2, 'x')")
            link.caught_up()
        with Link(origin, destination, tmp_path) as link:
            link.caught_up()
    assert_equal(origin, destination, ["shop"])
