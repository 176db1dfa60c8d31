"""Transactions and statements that are in the log in another way than they were done."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.dataplane import checkpoint
from sterna.mysql.connection import Server, ServerError, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link, applied
from tests.integration.test_follow import SCHEMA, run, sides
from tests.integration.test_rogue import watching

__all__ = ["sides"]

TEMPORARY = """
BEGIN
;; INSERT INTO keyless VALUES (1, 'undone')
;; CREATE TEMPORARY TABLE t (id INT)
;; INSERT INTO parents VALUES (1, 'undone')
;; DROP TEMPORARY TABLE t
;; ROLLBACK
;; BEGIN
;; CREATE TEMPORARY TABLE t (id INT)
;; INSERT INTO parents VALUES (2, 'stays')
;; DROP TEMPORARY TABLE t
;; COMMIT
;; INSERT INTO parents VALUES (1, 'stays')
"""
WITHOUT_TRANSACTIONS = """
CREATE TABLE plain (id INT PRIMARY KEY) ENGINE=MyISAM
;; BEGIN
;; INSERT INTO parents VALUES (10, 'stays')
;; SAVEPOINT `One`
;; INSERT INTO parents VALUES (11, 'undone')
;; SAVEPOINT two
;; INSERT INTO parents VALUES (12, 'undone')
;; INSERT INTO plain VALUES (1)
;; ROLLBACK TO one
;; INSERT INTO parents VALUES (13, 'stays')
;; SAVEPOINT two
;; INSERT INTO plain VALUES (2)
;; INSERT INTO parents VALUES (14, 'undone')
;; ROLLBACK TO two
;; COMMIT
;; BEGIN
;; INSERT INTO parents VALUES (15, 'undone')
;; INSERT INTO plain VALUES (3)
;; ROLLBACK
;; INSERT INTO parents VALUES (11, 'stays')
"""
REPLACED = """
INSERT INTO parents VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')
;; INSERT INTO children VALUES (1, 1), (2, 2), (3, 3), (4, 4)
;; REPLACE INTO parents VALUES (1, 'one'), (2, 'another')
;; UPDATE parents SET id = 30 WHERE id = 3
;; DELETE FROM parents WHERE id = 4
;; REPLACE INTO children VALUES (2, 30)
"""
ODD_ORIGINS = [("mysql56", "mysql97"), ("mariadb1011", "mysql97")]


@pytest.mark.parametrize("sides", ODD_ORIGINS, indirect=True, ids="-".join)
def test_rolled_back_rows_of_the_log_are_left_out(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """Rows the log has with a ROLLBACK or ROLLBACK TO behind them are not on the destination."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, TEMPORARY)
        run(session, WITHOUT_TRANSACTIONS)
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize(
    "sides", [("mysql97", "mysql57"), ("mysql57", "mysql97")], indirect=True, ids="-".join
)
def test_replaced_parents_keep_their_children(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What a REPLACE does to the rows that refer to it is what it did on the origin.

    9.7 leaves them alone, and its own replica does not.
    """
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, REPLACED)
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize(
    "sides", [("mysql57", "mysql97"), ("mariadb1011", "mysql97")], indirect=True, ids="-".join
)
def test_half_a_drop_is_half_a_drop(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A DROP of a list of which one was not there drops the others, as on the origin."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, "CREATE VIEW seen AS SELECT 1;; CREATE TABLE other (id INT PRIMARY KEY)")
        for sql in ("DROP TABLE keyless, missing, children", "DROP VIEW seen, missing"):
            with pytest.raises(ServerError):
                execute(session, sql)
        link.caught_up()
    assert_equal(origin, destination, ["shop"])
    with open_session(destination) as session:
        assert query(session, "SHOW TABLES FROM shop") == [("kinds",), ("other",), ("parents",)]


def test_what_is_not_known_can_be_made_by_hand(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """A statement that is on no list stops before it, with its place; a person goes on behind."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        link.caught_up()
        before = applied(destination)
        execute(session, "CREATE TABLE gone (id INT PRIMARY KEY) ENGINE=BLACKHOLE")
        error = link.stopped()
        execute(session, "INSERT INTO parents VALUES (1, 'behind')")
        assert error.code == "DdlFailed" and "--statement-applied" in error.remedy
        assert "BLACKHOLE" in error.message and f"{before.file}:" in error.message
        assert applied(destination) == before
    with open_session(destination) as other:
        execute(other, "CREATE TABLE shop.gone (id INT PRIMARY KEY)")
        checkpoint.resolve_pending(other, TASK, 1, was_applied=True)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()


MARIADB = """
CREATE OR REPLACE TABLE parents (id INT PRIMARY KEY, doc JSON NOT NULL, json JSON)
;; INSERT INTO parents VALUES (1, '{"a": 1}', NULL)
;; CREATE OR REPLACE TABLE chosen AS SELECT id FROM parents
;; ALTER TABLE chosen WAIT 3 ADD COLUMN IF NOT EXISTS v INT, ADD w INT
;; ALTER ONLINE TABLE chosen DROP COLUMN IF EXISTS w
;; INSERT INTO chosen VALUES (2, 2)
;; CREATE TABLE crashsafe (id INT PRIMARY KEY) ENGINE=Aria TRANSACTIONAL=1 PAGE_CHECKSUM=1
;; RENAME TABLE crashsafe NOWAIT TO renamed
;; INSERT INTO renamed VALUES (1)
;; CREATE OR REPLACE PROCEDURE p() SELECT 1
;; CREATE OR REPLACE PROCEDURE p() SELECT 2
"""


@pytest.mark.parametrize("sides", [("mariadb1011", "mysql97")], indirect=True, ids="-".join)
def test_words_of_mariadb_are_said_in_mysqls(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What only MariaDB says becomes what MySQL says; what it says of a change is told; and a
    condition that did not hold is left to a person."""
    origin, destination = sides
    with (
        watching(destination, tmp_path) as (_, rogues),
        Link(origin, destination, tmp_path) as link,
        open_session(origin) as session,
    ):
        run(session, "CREATE DATABASE shop CHARACTER SET utf8mb4;; USE shop")
        run(session, MARIADB)
        link.caught_up()
        assert_equal(origin, destination, ["shop"])
        assert any("OR REPLACE became" in sentence for sentence in link.sentences)
        execute(session, "ALTER TABLE chosen ADD COLUMN IF NOT EXISTS v INT")
        assert link.stopped().code == "DdlFailed"
    assert rogues == []
