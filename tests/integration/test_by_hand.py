"""What somebody has done by hand on a destination, and what must not depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link
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


@pytest.mark.parametrize("sides", [("mysql97", "mariadb1011")], indirect=True, ids="-".join)
def test_a_mariadb_that_runs_triggers_for_rows_is_not_written_to(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """The task stops before the first row, and goes on when the server is told otherwise."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        run(session, SCHEMA)
        execute(there, "SET GLOBAL slave_run_triggers_for_rbr = YES")
        try:
            with Link(origin, destination, tmp_path) as link:
                error = link.stopped()
            assert error.code == "TriggersRun" and "slave_run_triggers_for_rbr" in error.remedy
        finally:
            execute(there, "SET GLOBAL slave_run_triggers_for_rbr = NO")
        run(session, CHANGES)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])
