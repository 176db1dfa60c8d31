"""What is broken is named with what to do; once mended, the copy goes on where it stopped."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.clusters.process import give_away
from sterna.dataplane import copy_broken
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.copy_state import DONE, read_states, state_session
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import LogReport, Report
from sterna.dataplane.schema_objects import create_objects
from sterna.dataplane.verify import Sides, verify_tables
from sterna.errors import Stopped, Transient
from sterna.mysql.connection import execute, open_session, scalar
from sterna.mysql.replication import read_current_position
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link, begin
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.servers import SourceFactory

PAGE_BYTES = 16384
PLENTY = "CREATE TABLE bad.plenty (id INT NOT NULL PRIMARY KEY, v VARCHAR(2000))"


@pytest.fixture
def origin(mysql57: RunningServer) -> RunningServer:
    """A 5.7 with a database `bad` that has one good table."""
    wipe(mysql57.server)
    run(mysql57, "CREATE DATABASE bad", "CREATE TABLE bad.good (id INT NOT NULL PRIMARY KEY)")
    run(mysql57, "INSERT INTO bad.good VALUES (1), (2)")
    return mysql57


@pytest.fixture
def destination(mysql97: RunningServer) -> RunningServer:
    """A 9.7, empty."""
    wipe(mysql97.server)
    return mysql97


def run(server: RunningServer, *statements: str) -> None:
    with open_session(server.server) as session:
        for sql in statements:
            execute(session, sql)


def copy(origin: RunningServer, destination: RunningServer) -> list[str]:
    """Copy all; the sentences that were logged."""
    reports: list[Report] = []
    there, stop = destination.server, threading.Event()
    copy_tables(origin.server, there, pace=Pace(2), report=reports.append, stop=stop)
    create_objects(origin.server, there, reports.append)
    return [report.sentence for report in reports if isinstance(report, LogReport)]


def refused(origin: RunningServer, destination: RunningServer, code: str) -> Stopped:
    """What stops the copy; it says what to do."""
    with pytest.raises(Stopped) as caught:
        copy(origin, destination)
    assert caught.value.code == code, caught.value
    assert caught.value.remedy
    return caught.value


def copied(destination: RunningServer) -> set[str]:
    """The tables that are there, whole."""
    with state_session(destination.server) as session:
        return {name for (_, name), each in read_states(session).items() if each.state == DONE}


def is_mended(origin: RunningServer, destination: RunningServer) -> None:
    """The copy ends now, and both sides are equal."""
    copy(origin, destination)
    assert_equal(origin.server, destination.server, ["bad"])


def test_damaged_table(origin: RunningServer, destination: RunningServer) -> None:
    """A damaged MyISAM table is named, with REPAIR TABLE; repaired, it is copied."""
    run(origin, "CREATE TABLE bad.damaged (id INT PRIMARY KEY, v TEXT) ENGINE=MyISAM")
    run(origin, "INSERT INTO bad.damaged VALUES (1, 'a'), (2, 'b')", "FLUSH TABLES")
    index = origin.data / "bad" / "damaged.MYI"
    index.write_bytes(index.read_bytes()[:100])
    error = refused(origin, destination, "TableUnreadable")
    assert "`bad`.`damaged`" in error.message and "REPAIR TABLE" in error.remedy
    run(origin, "REPAIR TABLE bad.damaged USE_FRM")
    is_mended(origin, destination)


def test_lost_tablespace(origin: RunningServer, destination: RunningServer) -> None:
    """An InnoDB table whose file is gone is named; dropped, the others are all there."""
    run(origin, "CREATE TABLE bad.lost (id INT PRIMARY KEY)", "INSERT INTO bad.lost VALUES (1)")
    run(origin, "ALTER TABLE bad.lost DISCARD TABLESPACE")
    error = refused(origin, destination, "TableUnreadable")
    assert "`bad`.`lost`" in error.message and "backup" in error.remedy
    run(origin, "DROP TABLE bad.lost")
    is_mended(origin, destination)


@pytest.mark.parametrize(
    ("column", "by", "bound", "row"),
    [
        ("id DATE", "RANGE (TO_DAYS(id))", "(TO_DAYS('2020-01-01'))", "'2020-06-01'"),
        ("id DATETIME", "RANGE COLUMNS (id)", "('2020-01-01')", "'2020-06-01'"),
        ("id VARCHAR(9)", "LIST COLUMNS (id)", "('a','b c')", "'high'"),
    ],
)
def test_rows_in_another_partition(
    origin: RunningServer, destination: RunningServer, column: str, by: str, bound: str, row: str
) -> None:
    """Rows that no range of a key finds, because they are in a partition that is not theirs, are
    not left out without a word; moved, they are copied."""
    low, high = f"LESS THAN {bound}", "LESS THAN MAXVALUE"
    if "LIST" in by:
        low, high = f"IN {bound}", f"IN ({row})"
    place = f"PARTITION BY {by} (PARTITION low VALUES {low}, PARTITION high VALUES {high})"
    run(origin, f"CREATE TABLE bad.parts ({column} NOT NULL, n INT, PRIMARY KEY (id, n))")
    run(origin, "CREATE TABLE bad.other LIKE bad.parts", f"INSERT INTO bad.other VALUES ({row}, 1)")
    run(origin, f"ALTER TABLE bad.parts {place}")
    rows = ", ".join(f"({row}, {number})" for number in range(2, 1500))
    run(origin, f"INSERT INTO bad.parts VALUES {rows}", "ANALYZE TABLE bad.parts")
    run(origin, "ALTER TABLE bad.parts EXCHANGE PARTITION low WITH TABLE bad.other"
        " WITHOUT VALIDATION")  # fmt: skip
    error = refused(origin, destination, "TableUnreadable")
    assert "`low` of `bad`.`parts`" in error.message and "REPAIR TABLE" in error.remedy
    run(origin, "REPAIR TABLE bad.parts")
    is_mended(origin, destination)


def test_damaged_page_that_ends_its_server(
    source_factory: SourceFactory, destination: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 5.7 that ends whenever a page is read is not ended for ever: after some times the table is
    named; dropped, the others are all there."""
    monkeypatch.setattr(copy_broken, "TIMES_MAX", 2)
    origin = source_factory("mysql 5.7", innodb_buffer_pool_load_at_startup="OFF")
    run(origin, "CREATE DATABASE bad", "CREATE TABLE bad.good (id INT PRIMARY KEY)", PLENTY)
    fill(origin)
    origin.stop()
    file = origin.data / "bad" / "plenty.ibd"
    pages = bytearray(file.read_bytes())
    middle = len(pages) // PAGE_BYTES // 2 * PAGE_BYTES
    pages[middle + 2000 : middle + 6000] = b"\xee" * 4000
    file.write_bytes(pages)
    for _ in range(2):
        origin.start()
        with pytest.raises(Transient, match=r"`bad`\.`plenty`"):
            copy(origin, destination)
        eventually(lambda: not origin.is_running, within_seconds=60)
    origin.start()
    error = refused(origin, destination, "TableUnreadable")
    assert "`bad`.`plenty`" in error.message and "CHECK TABLE" in error.remedy
    assert origin.is_running
    run(origin, "DROP TABLE bad.plenty")
    is_mended(origin, destination)
    origin.stop()


def test_bytes_that_are_no_text(origin: RunningServer, destination: RunningServer) -> None:
    """A utf8 column with bytes that are no UTF-8, which no statement can put there, is named;
    corrected, it is copied."""
    definition = "CREATE TABLE bad.{} (id INT PRIMARY KEY, v {}) ENGINE=MyISAM"
    run(origin, definition.format("texts", "VARCHAR(30) CHARACTER SET latin1"))
    run(origin, definition.format("model", "VARCHAR(10) CHARACTER SET utf8"))
    run(origin, "INSERT INTO bad.texts VALUES (1, 0x41E4FF), (2, 'good')", "FLUSH TABLES")
    folder = origin.data / "bad"
    (folder / "texts.frm").write_bytes((folder / "model.frm").read_bytes())
    run(origin, "FLUSH TABLES")
    error = refused(origin, destination, "RowsDiffer")
    assert "`bad`.`texts`" in error.message and "column 'v'" in error.message
    run(origin, "UPDATE bad.texts SET v = 'A' WHERE id = 1")
    is_mended(origin, destination)


def test_row_beyond_the_origins_packets(origin: RunningServer, destination: RunningServer) -> None:
    """A row, and a value, longer than the origin's own limit arrive."""
    with open_session(origin.server) as session:
        limit = scalar(session, "SELECT @@GLOBAL.max_allowed_packet")
    run(origin, "CREATE TABLE bad.wide (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT)")
    run(origin, "INSERT INTO bad.wide VALUES (1, REPEAT('a', 900000), REPEAT('b', 900000))")
    run(origin, "INSERT INTO bad.wide VALUES (2, REPEAT('a', 3000000), '')")
    try:
        run(origin, "SET GLOBAL max_allowed_packet = 1048576")
        copy(origin, destination)
    finally:
        run(origin, f"SET GLOBAL max_allowed_packet = {limit}")
    assert_equal(origin.server, destination.server, ["bad"])


def test_packets_of_the_destination_are_made_large(
    origin: RunningServer, destination: RunningServer
) -> None:
    """A row beyond the destination's limit arrives: the limit is raised before, and said."""
    run(origin, "CREATE TABLE bad.wide (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT)")
    run(origin, "INSERT INTO bad.wide VALUES (1, REPEAT('a', 900000), REPEAT('b', 900000))")
    run(destination, "SET GLOBAL max_allowed_packet = 1048576")
    assert any("max_allowed_packet" in sentence for sentence in copy(origin, destination))
    assert_equal(origin.server, destination.server, ["bad"])


def test_row_beyond_a_page(origin: RunningServer, destination: RunningServer) -> None:
    """A row of MyISAM that no InnoDB page holds is named; with TEXT it is copied."""
    columns = ", ".join(f"c{n} CHAR(255) CHARACTER SET latin1" for n in range(40))
    run(origin, f"CREATE TABLE bad.long_rows (id INT PRIMARY KEY, {columns}) ENGINE=MyISAM")
    values = ", ".join(["REPEAT('x', 255)"] * 40)
    run(origin, f"INSERT INTO bad.long_rows VALUES (1, {values})")
    error = refused(origin, destination, "RowsRefused")
    assert "`bad`.`long_rows`" in error.message and "TEXT" in error.remedy
    changed = ", ".join(f"MODIFY c{n} TEXT CHARACTER SET latin1" for n in range(40))
    run(origin, f"ALTER TABLE bad.long_rows {changed}")
    is_mended(origin, destination)


@pytest.fixture
def small_disk(destination: RunningServer) -> Iterator[Path]:
    """A disk of 8 MB below the destination's database `bad`."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    run(destination, "CREATE DATABASE bad")
    folder = destination.data / "bad"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    try:
        give_away(folder)
        yield folder
    finally:
        run(destination, "DROP TABLE IF EXISTS bad.plenty, bad.good")
        subprocess.run(["umount", str(folder)], check=True)


def fill(origin: RunningServer) -> None:
    """16 MB into `plenty`."""
    run(origin, "INSERT INTO bad.plenty VALUES (1, REPEAT('x', 2000))")
    for rows in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        run(origin, f"INSERT INTO bad.plenty SELECT id + {rows}, v FROM bad.plenty")


def grow(disk: Path) -> None:
    """Make room."""
    subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)


def test_full_disk(origin: RunningServer, destination: RunningServer, small_disk: Path) -> None:
    """A full disk on the destination is named with the table; with room again the copy goes on,
    and what was there stays."""
    run(origin, PLENTY)
    fill(origin)
    error = refused(origin, destination, "RowsRefused")
    assert "`bad`.`plenty`" in error.message and "room" in error.remedy
    grow(small_disk)
    is_mended(origin, destination)


def test_full_disk_while_following(
    origin: RunningServer, destination: RunningServer, small_disk: Path, tmp_path: Path
) -> None:
    """What no longer fits stops the sync task with the table's name; with room it goes on."""
    run(origin, PLENTY)
    copy(origin, destination)
    begin(origin.server, destination.server)
    with Link(origin.server, destination.server, tmp_path / "spool") as link:
        fill(origin)
        error = link.stopped(30)
    assert error.code == "ApplyFailed"
    assert "bad.plenty" in error.message and "room" in error.remedy
    grow(small_disk)
    with Link(origin.server, destination.server, tmp_path / "spool") as link:
        link.caught_up(30)
    assert_equal(origin.server, destination.server, ["bad"])


def test_unreadable_views_are_left_out(origin: RunningServer, destination: RunningServer) -> None:
    """A view without its table, its column or its definer stops nothing; each is named."""
    for name in ("no_table", "no_column"):
        run(origin, f"CREATE TABLE bad.{name}_below (id INT PRIMARY KEY, v INT)")
        run(origin, f"CREATE VIEW bad.{name} AS SELECT id, v FROM bad.{name}_below")
    run(origin, "CREATE DEFINER = 'nobody'@'here' VIEW bad.no_definer AS SELECT id FROM bad.good")
    run(origin, "DROP TABLE bad.no_table_below", "ALTER TABLE bad.no_column_below DROP COLUMN v")
    said = copy(origin, destination)
    for name in ("no_table", "no_column"):
        assert any(f"`bad`.`{name}`" in line and "left out" in line for line in said), said
    assert any("nobody@here" in line for line in said), said
    with open_session(destination.server) as session:
        shown = scalar(session, "SHOW CREATE VIEW bad.no_definer")
    assert shown == "no_definer"


@pytest.mark.parametrize(
    ("create", "drop"),
    [
        ("PROCEDURE bad.old() SELECT id FROM bad.good GROUP BY id DESC", "PROCEDURE bad.old"),
        ("VIEW bad.old AS SELECT MD5(id) AS m FROM bad.good", "VIEW bad.old"),
        (
            "TRIGGER bad.old BEFORE INSERT ON bad.good FOR EACH ROW"
            " SET @a = (SELECT id FROM bad.good GROUP BY id DESC LIMIT 1)",
            "TRIGGER bad.old",
        ),
        ("EVENT bad.old ON SCHEDULE EVERY 1 DAY DO SELECT SQL_CACHE 1", "EVENT bad.old"),
    ],
)
def test_object_the_destination_refuses(
    origin: RunningServer, destination: RunningServer, create: str, drop: str
) -> None:
    """It is named, with the server's words; the rows are there, and without it the copy ends."""
    run(origin, f"CREATE {create}")
    error = refused(origin, destination, "DefinitionRefused")
    assert "`bad`.`old`" in error.message
    assert copied(destination) == {"good"}
    run(origin, f"DROP {drop}")
    is_mended(origin, destination)


def test_text_that_the_origin_does_not_show(
    origin: RunningServer, destination: RunningServer
) -> None:
    """A view with bytes of another character set stops the copy, for the origin shows a question
    mark instead; real question marks and stored code of any character set are carried."""
    for charset in ("utf8", "utf8mb4"):
        view = "CREATE OR REPLACE VIEW bad.v AS SELECT _latin1 0xE9 AS x, '?' AS y"
        with open_session(origin.server) as session:
            execute(session, f"SET NAMES {charset}")
            execute(session, view)
        assert "`bad`.`v`" in refused(origin, destination, "UnknownDefinition").message
    run(origin, "CREATE OR REPLACE VIEW bad.v AS SELECT CONVERT(0xE9 USING latin1) AS x, '?' AS y")
    with open_session(origin.server) as session:
        execute(session, "SET NAMES binary")
        execute(session, "CREATE PROCEDURE bad.p() SELECT '?'")
        execute(session, "SET NAMES latin1")
        session.query(b"CREATE FUNCTION bad.f() RETURNS CHAR(3) NO SQL RETURN '?\xe9\x81'")
    is_mended(origin, destination)
    with open_session(destination.server) as session:
        assert scalar(session, "SELECT CONCAT(HEX(x), y) FROM bad.v") == "E9?"
        assert scalar(session, "SELECT bad.f()") == "?é\x81"


def test_unlogged_write_is_found(origin: RunningServer, destination: RunningServer) -> None:
    """A row written with SQL_LOG_BIN = 0 is in no log; the verification names it."""
    copy(origin, destination)
    run(origin, "SET sql_log_bin = 0", "INSERT INTO bad.good VALUES (3)")
    with open_session(origin.server) as session:
        now = read_current_position(session)
    sides = Sides(origin.server, destination.server, lambda: now)
    found = verify_tables(sides, report=lambda _: None, stop=threading.Event())
    assert found.details == ("bad.good: the row with id = 3 is missing on the destination.",)
