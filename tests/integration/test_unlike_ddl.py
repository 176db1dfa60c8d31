"""Statements that make something else of the same rows elsewhere, and words that change meaning."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sterna.dataplane.receive import receive
from sterna.dataplane.spool import Spool
from sterna.errors import SternaError
from sterna.mysql.connection import Server, execute, open_session, query
from sterna.mysql.position import Position
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link, begin, current_position
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.integration.test_follow import run, sides

__all__ = ["sides"]

MARIADB = ("mariadb1011", "mysql97")
TABLES = """
CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;; USE d
;; CREATE TABLE keyless (v INT);; INSERT INTO keyless VALUES (3), (1), (2), (1)
;; CREATE TABLE keyed (id INT PRIMARY KEY, v INT);; INSERT INTO keyed VALUES (3, 1), (1, 1)
;; CREATE TABLE none (v INT)
;; CREATE TABLE ranked (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=MyISAM
;; INSERT INTO ranked VALUES (2, 0), (1, 0)
;; CREATE TABLE texts (id INT PRIMARY KEY, s VARCHAR(9));; INSERT INTO texts VALUES (1, '1e3')
;; CREATE TABLE times (id INT PRIMARY KEY, at DATETIME(6), t TIME(3), day DATE)
;; INSERT INTO times VALUES (1, '2020-12-31 23:59:59.999999', '-10:11:12.5', '2020-02-29')
"""
SET_STATEMENTS = """
INSERT INTO keyless VALUES (300)
;; SET sql_mode = 'STRICT_ALL_TABLES'
;; SET STATEMENT max_statement_time = (10 * 10), sql_mode = '' FOR
     ALTER TABLE keyless MODIFY v TINYINT
;; SET STATEMENT foreign_key_checks = 0 FOR
     CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES not_there (id))
;; SET STATEMENT lock_wait_timeout=3 FOR ALTER TABLE keyed ADD w INT
;; /*M!100100 ALTER TABLE keyed MODIFY w BIGINT */
;; ALTER TABLE keyed /*!100000 ADD KEY w (w), */ ADD KEY v (v) /*!999999 nonsense */
;; INSERT INTO keyed VALUES (9, 9, 9)
;; ALTER TABLE times MODIFY at DATETIME, MODIFY COLUMN t TIME, CHANGE day at_day DATETIME
"""
UNLIKE = [
    ("mysql57", "ALTER TABLE keyless ADD id INT NOT NULL AUTO_INCREMENT PRIMARY KEY"),
    ("mysql56", "ALTER IGNORE TABLE keyed ADD UNIQUE KEY (v)"),
    ("mariadb1011", "ALTER IGNORE TABLE keyed ADD UNIQUE KEY (v)"),
    ("mariadb1011", "ALTER TABLE keyed ADD u CHAR(36) DEFAULT (UUID())"),
    ("mariadb1011", "ALTER TABLE keyless WAIT 5 ADD (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY)"),
    ("mariadb1011", "ALTER TABLE texts CHANGE COLUMN s number INT"),
    ("mysql57", "ALTER TABLE ranked MODIFY COLUMN n INT NOT NULL AUTO_INCREMENT, ADD KEY (n)"),
]


@pytest.mark.parametrize("sides", [MARIADB], indirect=True, ids="-".join)
def test_set_statement_is_what_it_is_for(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Limits and what the log says anyway are left out; anything else is not run."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, TABLES)
        run(session, SET_STATEMENTS)
        link.caught_up()
        assert_equal(origin, destination, ["d"])
        execute(session, "SET STATEMENT default_storage_engine=Aria FOR CREATE TABLE o (v INT)")
        assert link.stopped().code == "DdlFailed"


UTF8 = """
CREATE DATABASE u CHARACTER SET utf8 COLLATE utf8_bin;; USE u
;; CREATE TABLE t (id INT PRIMARY KEY, a TEXT CHARACTER SET 'utf8', b TEXT COLLATE utf8_bin, c TEXT,
   d VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) CHARSET=utf8 COMMENT 'CHARSET utf8'
;; ALTER TABLE t ADD e CHAR(9) CHARSET utf8 COLLATE utf8_general_ci DEFAULT _utf8'x'
;; INSERT INTO t (id, a, b, c) VALUES (1, 'ä', 'ö', 'ü')
"""


def test_utf8_is_what_it_was_on_the_origin(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Three bytes or four, whatever either side makes of it by itself; where a session of MariaDB's
    chose for itself, which the log does not say, nothing more is applied."""
    mariadb = request.getfixturevalue("mariadb1011").server
    with open_session(mariadb) as there:
        execute(there, "SET GLOBAL old_mode = ''")
        try:
            for number, names in enumerate([MARIADB, MARIADB[::-1]]):
                origin, destination = _sides(request, names)
                folder = tmp_path / str(number)
                with Link(origin, destination, folder) as link, open_session(origin) as session:
                    if number == 0:
                        run(session, "SET old_mode = ''")
                    run(session, UTF8)
                    link.caught_up()
                    if number == 0:
                        execute(session, "INSERT INTO t (id, a, c) VALUES (2, '😀', '😀')")
                        link.caught_up()
                assert _charsets(origin) == _charsets(destination)
                assert_equal(origin, destination, ["u"])
        finally:
            execute(there, "SET GLOBAL old_mode = DEFAULT")
        origin, destination = _sides(request, MARIADB)
        with Link(origin, destination, tmp_path / "own") as link, open_session(origin) as session:
            run(session, f"SET old_mode = '';; {UTF8}")
            error = link.stopped()
        assert error.code == "DdlFailed" and "says utf8, which is utf8mb4" in error.message


def _charsets(server: Server) -> list[tuple[object, ...]]:
    """Of each column and database, by the name that is the same everywhere."""
    with open_session(server) as session:
        return query(
            session,
            "SELECT COLUMN_NAME, REPLACE(COLLATION_NAME, 'utf8_', 'utf8mb3_')"
            " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'u' UNION ALL"
            " SELECT 'u', DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
            " WHERE SCHEMA_NAME = 'u' ORDER BY 1",
        )


@pytest.mark.parametrize("sides", [MARIADB], indirect=True, ids="-".join)
def test_an_alter_in_two_phases_is_one(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """It is run where it was committed; one that was taken back is not."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, TABLES)
        execute(session, "SET binlog_alter_two_phase = ON")
        run(session, "ALTER TABLE keyed ADD w INT DEFAULT 5;; INSERT INTO keyed VALUES (9, 9, 9)")
        with pytest.raises(SternaError):
            execute(session, "ALTER TABLE keyed ADD UNIQUE KEY (w), ALGORITHM=INPLACE")
        run(session, "ALTER TABLE keyed DROP v, ALGORITHM=COPY;; UPDATE keyed SET w = 1")
        link.caught_up()
    assert_equal(origin, destination, ["d"])
    assert sum("ALTER TABLE" in sentence for sentence in link.sentences) == 2


def test_what_would_not_be_the_same_is_not_run(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """ALTER IGNORE, numbers for rows without an order, a default that is never the same twice,
    values that are converted in another way."""
    for number, (name, statement) in enumerate(UNLIKE):
        origin, destination = _sides(request, (name, "mysql97"))
        with (
            Link(origin, destination, tmp_path / str(number)) as link,
            open_session(origin) as session,
        ):
            run(session, TABLES)
            run(session, "ALTER TABLE none ADD id INT NOT NULL AUTO_INCREMENT PRIMARY KEY")
            run(session, "ALTER TABLE texts MODIFY s TEXT")
            run(session, "SET auto_increment_increment = 10, auto_increment_offset = 3")
            run(session, "ALTER TABLE keyed ADD n INT NOT NULL AUTO_INCREMENT UNIQUE")
            link.caught_up()
            assert_equal(origin, destination, ["d"])
            run(session, f"ALTER TABLE keyed DROP n;; {statement}")
            error = link.stopped()
        assert error.code == "DdlFailed" and "same on both sides" in error.message, error
        assert "new copy" in error.remedy
        with open_session(destination) as there:
            assert query(there, "SELECT * FROM d.keyed") == [(1, 1), (3, 1)]


def test_rows_just_before_a_statement_count(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What was read with the statement is on the destination when it is looked at: two rows that
    the log has in another order than their table are not numbered, by whatever name."""
    origin, destination = sides
    start = current_position(origin)
    with open_session(origin) as session, open_session(origin) as other:
        run(session, f"{TABLES};; BEGIN;; INSERT INTO none VALUES (1)")
        execute(other, "INSERT INTO d.none VALUES (2)")
        run(session, "COMMIT;; ALTER TABLE none ADD id SERIAL")
    _fill(Spool(tmp_path), origin, start)
    with Link(origin, destination, tmp_path) as link:
        assert "An AUTO_INCREMENT column" in link.stopped().message
    with open_session(destination) as session:
        assert query(session, "SELECT * FROM d.none") == [(2,), (1,)]


def _fill(spool: Spool, origin: Server, start: Position) -> None:
    """All that the origin has behind a position, before anybody reads it."""
    wanted, stop = current_position(origin), threading.Event()

    def work() -> None:
        receive(origin, spool, start=start, server_id=7001, report=lambda _: None, stop=stop)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        eventually(lambda: spool.end is not None and spool.end >= wanted)
    finally:
        stop.set()
        thread.join()


def _sides(request: pytest.FixtureRequest, names: tuple[str, str]) -> tuple[Server, Server]:
    origin, destination = (request.getfixturevalue(name) for name in names)
    assert isinstance(origin, RunningServer) and isinstance(destination, RunningServer)
    wipe(origin.server)
    wipe(destination.server)
    begin(origin.server, destination.server)
    return origin.server, destination.server
