"""XA transactions on real servers: applied where they commit, kept until then."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from sterna.mysql.connection import Server, execute, open_session, query, scalar
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link, begin, current_position
from tests.integration.test_follow import SCHEMA, run, sides

__all__ = ["sides"]

ALL_SIDES = [
    ("mysql56", "mysql97"),
    ("mysql57", "mysql97"),
    ("mysql97", "mysql57"),
    ("mariadb1011", "mysql97"),
]


@pytest.mark.parametrize("sides", ALL_SIDES, indirect=True, ids="-".join)
def test_xa_arrives(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Committed, rolled back, in one phase and without changes, between other transactions."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, ExitStack() as stack:
        one, other = (stack.enter_context(open_session(origin)) for _ in range(2))
        run(one, SCHEMA)
        execute(other, "USE shop")
        run(one, "INSERT INTO parents VALUES (1, 'a'), (2, 'b')")
        run(one, "XA START 'x', 'y', 7;; UPDATE parents SET name = 'xa' WHERE id = 1")
        run(one, "INSERT INTO keyless VALUES (1, 'xa'), (1, 'xa');; XA END 'x', 'y', 7")
        run(one, "XA PREPARE 'x', 'y', 7")
        run(other, "UPDATE parents SET name = 'between' WHERE id = 2")
        run(one, "XA COMMIT 'x', 'y', 7")
        run(one, "XA START 'r';; INSERT INTO keyless VALUES (2, 'undone');; XA END 'r'")
        run(one, "XA PREPARE 'r';; XA ROLLBACK 'r'")
        run(one, "XA START 'o';; INSERT INTO keyless VALUES (3, 'one');; XA END 'o'")
        run(one, "XA COMMIT 'o' ONE PHASE")
        run(one, "XA START 'e';; XA END 'e';; XA PREPARE 'e';; XA COMMIT 'e'")
        run(other, "INSERT INTO parents VALUES (3, 'after')")
        link.caught_up()
    assert_equal(origin, destination, ["shop"])
    with open_session(destination) as session:
        assert query(session, "XA RECOVER") == []
        assert scalar(session, "SELECT COUNT(*) FROM sterna.prepared") == 0


@pytest.mark.parametrize("sides", ALL_SIDES[1:], indirect=True, ids="-".join)
def test_prepared_outlives_a_restart(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What was prepared before the follower ended is applied by the next one, once."""
    origin, destination = sides
    with ExitStack() as stack:
        one, other = (stack.enter_context(open_session(origin)) for _ in range(2))
        with Link(origin, destination, tmp_path) as link:
            run(one, SCHEMA)
            execute(other, "USE shop")
            run(one, "XA START 'x';; INSERT INTO keyless VALUES (1, 'xa'), (1, 'xa');; XA END 'x'")
            run(one, "XA PREPARE 'x'")
            execute(other, "INSERT INTO parents VALUES (1, 'meanwhile')")
            link.caught_up()
            with open_session(destination) as session:
                assert scalar(session, "SELECT COUNT(*) FROM shop.keyless") == 0
        with Link(origin, destination, tmp_path) as link:
            execute(other, "FLUSH LOGS")
            run(one, "XA COMMIT 'x'")
            link.caught_up()
        with Link(origin, destination, tmp_path) as link:
            execute(other, "INSERT INTO parents VALUES (2, 'later')")
            link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_prepared_before_the_task_stops(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A commit of what was prepared before the stream began is not guessed."""
    origin, destination = sides
    with open_session(origin) as session:
        with Link(origin, destination, tmp_path / "first") as link:
            run(session, SCHEMA)
            link.caught_up()
        run(session, "XA START 'x';; INSERT INTO keyless VALUES (1, 'xa');; XA END 'x'")
        execute(session, "XA PREPARE 'x'")
        begin(origin, destination)
        with Link(origin, destination, tmp_path / "second") as link:
            execute(session, "XA COMMIT 'x'")
            error = link.stopped()
    assert error.code == "XaTransaction" and "copy" in error.remedy


def test_prepared_before_the_copy_is_applied(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Rows that were prepared when their table was copied are not in the copy: they are applied."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(one, SCHEMA)
        begin(origin, destination)
        run(session, "XA START 'x';; INSERT INTO keyless VALUES (1, 'xa');; XA END 'x'")
        execute(session, "XA PREPARE 'x'")
        starts = {("shop", "keyless"): current_position(origin)}
        execute(session, "XA COMMIT 'x'")
        with Link(origin, destination, tmp_path, start_positions=starts) as link:
            link.caught_up()
    assert_equal(origin, destination, ["shop"])
