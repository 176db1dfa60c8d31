"""Tables of the destination without transactions, on the way back: exactly, or said aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.errors import Ambiguous
from sterna.mysql.connection import Server, execute, open_session
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link
from tests.integration.test_follow import run, sides
from tests.integration.test_rogue import watching

__all__ = ["sides"]

SCHEMA = """
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
;; USE shop
;; CREATE TABLE safe (id INT PRIMARY KEY, v VARCHAR(20))
;; CREATE TABLE plain (id INT PRIMARY KEY, v VARCHAR(20))
;; CREATE TABLE keyless (a INT)
;; CREATE TABLE loose (a INT)
"""
MIXED = """
BEGIN
;; INSERT INTO safe VALUES ({0}, 'a')
;; INSERT INTO plain VALUES ({0}, 'a')
;; UPDATE safe JOIN plain USING (id) SET safe.v = 'b' WHERE id = {0}
;; UPDATE plain SET v = 'c' WHERE id = {0}
;; INSERT INTO keyless VALUES ({0}), ({0})
;; DELETE FROM safe WHERE id = {0} - 1
;; COMMIT
;; INSERT INTO safe VALUES (-{0}, 'alone')
;; XA START 'x{0}'
;; INSERT INTO plain VALUES ({0} + 100, 'x')
;; UPDATE safe JOIN plain USING (id) SET safe.v = 'd', plain.v = 'd' WHERE id = {0}
;; INSERT INTO loose VALUES ({0})
;; XA END 'x{0}'
;; XA PREPARE 'x{0}'
;; XA COMMIT 'x{0}'
"""


@pytest.mark.parametrize(
    "sides", [("mysql97", "mysql57"), ("mysql97", "mariadb1011")], indirect=True, ids="-".join
)
def test_tables_without_transactions_are_followed(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """However a transaction mixes them with others, near or far behind, where GTIDs are enforced
    too; nobody is called a rogue for it. What may be there in part stops until a person has
    looked."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        with Link(origin, destination, tmp_path) as link:
            run(session, SCHEMA)
            link.caught_up()
        run(there, "SET SESSION sql_log_bin = 0;; USE shop")
        run(there, "ALTER TABLE plain ENGINE = MyISAM;; ALTER TABLE keyless ENGINE = MyISAM")
        with watching(destination, tmp_path) as (_, rogues):
            for number in range(1, 40):
                run(session, MIXED.format(number))
            with Link(origin, destination, tmp_path) as link:
                link.caught_up(60)
                run(session, MIXED.format(40))
                link.caught_up()
                execute(there, "DELETE FROM plain WHERE id = 7")
                run(session, "BEGIN;; INSERT INTO loose VALUES (0);; UPDATE plain SET v = 'z'")
                run(session, "INSERT INTO loose VALUES (1);; COMMIT")
                error = link.stopped()
        assert rogues == []
        assert error.code == "ApplyFailed" and "shop.plain" in error.message
        with Link(origin, destination, tmp_path) as link:
            assert isinstance(link.stopped(), Ambiguous)
        run(
            there, "UPDATE plain SET v = IF(id > 100, 'x', 'd');; INSERT INTO plain VALUES (7, 'd')"
        )
        checkpoint.resolve_pending(there, TASK, 1, was_applied=False)
        with Link(origin, destination, tmp_path) as link:
            run(session, "INSERT INTO plain VALUES (0, 'on')")
            link.caught_up()
    assert_equal(origin, destination, ["shop"])
