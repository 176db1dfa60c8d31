"""Following real servers: what is written on the origin is on the destination, exactly."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sterna.clusters.process import signal_process
from sterna.dataplane import checkpoint
from sterna.errors import Ambiguous, Stopped
from sterna.mysql.connection import (
    Server,
    Session,
    execute,
    open_session,
    query,
    scalar,
    server_version,
)
from sterna.mysql.position import Position
from sterna.mysql.replication import SILENCE_SECONDS_MAX
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link, applied, begin, current_position
from tests.fixtures.nasty import DATABASES, make_nasty
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.servers import SourceFactory

FORWARD = [("mysql56", "mysql97"), ("mysql57", "mysql97"), ("mariadb1011", "mysql97")]
REVERSE = [("mysql97", "mysql57"), ("mysql97", "mysql56"), ("mysql97", "mariadb1011")]

SCHEMA = """
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci
;; USE shop
;; CREATE TABLE kinds (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(40,10), m MEDIUMINT,
  e ENUM('2','1'), s SET('a','b','c'), b BIT(9), fixed BINARY(8), bl BLOB, tx TEXT,
  v VARCHAR(30) CHARACTER SET latin1, u VARCHAR(30), day DATE, at DATETIME(6), t TIME(2), y YEAR,
  ts TIMESTAMP(3) NULL DEFAULT NULL)
;; CREATE TABLE parents (id INT PRIMARY KEY, name VARCHAR(20))
;; CREATE TABLE children (
  id INT PRIMARY KEY, parent INT,
  FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE)
;; CREATE TABLE keyless (a INT, b VARCHAR(20))
"""
WRITES = """
INSERT INTO kinds VALUES
  (18446744073709551615, 16777216, 5e-324, -99999.5, -8388608, '1', 'a,c', b'101', 0x0100,
   REPEAT(0x00FF, 5000), 'ü😀', 'ü', 'ü😀', '0000-00-00', '1000-01-01 00:00:00.000001',
   '-838:59:59', 2155, '2010-10-31 01:30:00.5'),
  (1, 1.1, 0.1, 0, 0, '2', '', 0, '', '', '', '', '', '2023-00-00', NULL, NULL, 1901, NULL),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL)
;; UPDATE kinds SET f = f * 2, tx = REPEAT('long ', 20000), u = 'again' WHERE id < 3
;; DELETE FROM kinds WHERE id = 2
;; INSERT INTO parents VALUES (1, 'one'), (2, 'two'), (3, 'three')
;; INSERT INTO children VALUES (1, 1), (2, 2), (3, 2), (4, 3)
;; INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (1, 'x'), (NULL, NULL), (2, 'y')
;; BEGIN
;; INSERT INTO keyless VALUES (3, 'kept')
;; SAVEPOINT here
;; INSERT INTO keyless VALUES (4, 'undone')
;; ROLLBACK TO here
;; DELETE FROM keyless WHERE a = 1 LIMIT 1
;; DELETE FROM parents WHERE id = 2
;; UPDATE parents SET id = 30 WHERE id = 3
;; COMMIT
;; BEGIN
;; INSERT INTO parents VALUES (9, 'rolled back')
;; ROLLBACK
;; ALTER TABLE keyless ADD COLUMN c INT NOT NULL DEFAULT 7, ADD KEY (a)
;; UPDATE keyless SET c = 8 WHERE a = 2
;; CREATE TABLE selected LIKE parents
;; INSERT INTO selected SELECT * FROM parents
;; CREATE VIEW seen AS SELECT * FROM parents
;; CREATE TRIGGER doubled AFTER INSERT ON parents FOR EACH ROW
     INSERT INTO keyless VALUES (0, 't', 1)
;; INSERT INTO parents VALUES (50, 'fires once')
;; CREATE EVENT ticking ON SCHEDULE EVERY 1 SECOND COMMENT 'DO'
     DO INSERT INTO keyless VALUES (0, 'e', 1)
;; DROP EVENT ticking
;; RENAME TABLE selected TO chosen
;; INSERT INTO chosen VALUES (7, 'after the rename')
;; FLUSH LOGS
;; INSERT INTO chosen VALUES (8, 'in another file')
"""


def run(session: Session, script: str) -> None:
    """Run statements separated by `;;`."""
    for statement in script.split(";;"):
        execute(session, statement.strip())


@pytest.fixture
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """Two empty servers, by default 5.7 and 9.7, with a checkpoint between them."""
    names = getattr(request, "param", ("mysql57", "mysql97"))
    origin, destination = (request.getfixturevalue(name) for name in names)
    assert isinstance(origin, RunningServer) and isinstance(destination, RunningServer)
    wipe(origin.server)
    wipe(destination.server)
    begin(origin.server, destination.server)
    yield origin.server, destination.server
    wipe(origin.server)
    wipe(destination.server)


@pytest.mark.parametrize("sides", FORWARD + REVERSE, indirect=True, ids="-".join)
def test_everything_written_arrives(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Rows, DDL, cascades, savepoints and a new log file arrive alike, between all versions."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, WRITES)
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize("sides", FORWARD[:2], indirect=True, ids="-".join)
def test_nasty_values_arrive(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Databases full of hazards, made and filled while following, are equal in every byte."""
    origin, destination = sides
    with open_session(origin) as session:
        version = server_version(session)
    with Link(origin, destination, tmp_path) as link:
        make_nasty(origin, version)
        link.caught_up(60)
    # 5.7 and 9.7 print the same stored JSON number differently: 52 and 52.0
    assert_equal(origin, destination, DATABASES, columns_only={"nasty.documents": ["id"]})


@pytest.mark.parametrize(
    "sides", [("mysql97", "mysql57"), ("mariadb1011", "mysql97")], indirect=True, ids="-".join
)
def test_create_select_arrives(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """CREATE TABLE … SELECT, in the log a statement and rows in one transaction, arrives."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "INSERT INTO parents VALUES (1, 'one'), (2, 'two')")
        execute(
            session,
            "CREATE TABLE selected CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
            " AS SELECT id, name FROM parents",
        )
        execute(session, "UPDATE selected SET name = 'changed' WHERE id = 2")
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_created_events_stay_disabled(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """An event that comes through the stream does not run on the destination."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "CREATE EVENT e ON SCHEDULE EVERY 1 HOUR ENABLE DO SELECT 1")
        execute(session, "CREATE EVENT f ON SCHEDULE EVERY 1 HOUR DO SELECT 'ENABLE'")
        execute(session, "ALTER EVENT f ENABLE")
        link.caught_up()
    with open_session(destination) as session:
        states = query(session, "SELECT DISTINCT status FROM information_schema.events")
    assert states == [("DISABLED",)]


def test_lone_transaction_arrives_at_once(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """On an idle stream a transaction is applied within 50 ms, the median of 20; lag is 0 then."""
    origin, destination = sides
    seconds = []
    with Link(origin, destination, tmp_path) as link, ExitStack() as stack:
        here = stack.enter_context(open_session(origin))
        there = stack.enter_context(open_session(destination))
        run(here, SCHEMA)
        link.caught_up()
        for number in range(20):
            execute(here, "INSERT INTO parents VALUES (%s, 'p')", [number])
            seconds.append(_seconds_until(there, number + 1))
        eventually(lambda: link.lags[-1].lag_seconds == 0.0, within_seconds=3)
    assert sorted(seconds)[10] < 0.05


def _seconds_until(session: Session, rows: int) -> float:
    began = time.monotonic()
    eventually(
        lambda: scalar(session, "SELECT COUNT(*) FROM shop.parents") == rows, every_seconds=0.001
    )
    return time.monotonic() - began


def test_killed_follower_loses_and_doubles_nothing(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """Followers that end anywhere, again and again: the next goes on from the checkpoint."""
    origin, destination = sides
    with open_session(origin) as session:
        with Link(origin, destination, tmp_path) as link:
            run(session, SCHEMA)
            link.caught_up()
        for number in range(6):
            with Link(origin, destination, tmp_path):
                for row in range(number * 100, number * 100 + 100):
                    execute(session, "INSERT INTO keyless VALUES (%s, 'k')", [row])
        with Link(origin, destination, tmp_path) as link:
            link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_lost_connections_are_taken_up_again(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """When both servers cut all our connections under load, nothing is lost or doubled."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        link.caught_up()
        for number in range(300):
            execute(session, "INSERT INTO keyless VALUES (%s, 'k')", [number])
            if number % 100 == 50:
                _cut_everybody(origin, session.thread_id())
                _cut_everybody(destination, 0)
        link.caught_up(30)
    assert_equal(origin, destination, ["shop"])


def _cut_everybody(server: Server, kept: int) -> None:
    with open_session(server) as session:
        rows = query(
            session,
            "SELECT id FROM information_schema.processlist WHERE user = 'root'"
            " AND id NOT IN (%s, CONNECTION_ID())",
            [kept],
        )
        for (number,) in rows:
            try:
                execute(session, f"KILL {number}")
            except Exception as error:  # noqa: BLE001
                assert "1094" in str(error)  # gone already


def test_fenced_follower_changes_nothing(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A follower whose epoch was overtaken stops at its next window; that window is not there."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        link.caught_up()
        with open_session(destination) as other:
            checkpoint.take_over(other, TASK, 2)
        before = applied(destination)
        execute(session, "INSERT INTO parents VALUES (1, 'too late')")
        error = link.stopped()
    assert isinstance(error, Stopped) and error.code == "Fenced"
    assert applied(destination) == before
    with open_session(destination) as other:
        assert scalar(other, "SELECT COUNT(*) FROM shop.parents") == 0
        with pytest.raises(Stopped, match="taken over"):
            checkpoint.take_over(other, TASK, 1)


def test_missing_row_stops_with_table_and_position(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """A row that is not where it should be stops the task with its key; nothing after it is
    applied, and all of it once the row is there again."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "INSERT INTO parents VALUES (1, 'one'), (2, 'two'), (3, 'three')")
        link.caught_up()
        with open_session(destination) as other:
            execute(other, "DELETE FROM shop.parents WHERE id = 1")
        before = current_position(origin)
        execute(session, "UPDATE parents SET name = 'new' WHERE id IN (1, 3) ORDER BY id DESC")
        execute(session, "UPDATE parents SET name = 'new' WHERE id = 2")
        error = link.stopped()
    assert error.code == "ApplyFailed"
    assert "shop.parents (id = 1)" in error.message and str(before) in error.message
    assert error.remedy and applied(destination) == before
    with open_session(destination) as other:
        execute(other, "INSERT INTO shop.parents VALUES (1, 'one')")
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_statement_format_stops(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """DML logged as a statement stops the task with the advice to use ROW."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "SET SESSION binlog_format = 'STATEMENT'")
        execute(session, "INSERT INTO parents VALUES (1, 'one')")
        error = link.stopped()
    assert error.code == "StatementFormat" and "binlog_format=ROW" in error.remedy


def test_partial_row_image_stops(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Rows logged without all columns stop the task, naming the table."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "INSERT INTO parents VALUES (1, 'one')")
        execute(session, "SET SESSION binlog_row_image = 'MINIMAL'")
        execute(session, "UPDATE parents SET name = 'x'")
        error = link.stopped()
    assert error.code == "RowImageNotFull" and "shop.parents" in error.message


def test_refused_ddl_can_be_resumed(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """DDL the destination refuses stops before it; with the cause removed it is run again."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        link.caught_up()
        with open_session(destination) as other:
            execute(other, "CREATE TABLE shop.extra (wrong INT)")
        execute(session, "CREATE TABLE extra (id INT PRIMARY KEY)")
        execute(session, "INSERT INTO extra VALUES (1)")
        error = link.stopped()
        assert error.code == "DdlFailed" and "extra" in error.message
    with open_session(destination) as other:
        execute(other, "DROP TABLE shop.extra")
        checkpoint.resolve_pending(other, TASK, 1, was_applied=False)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_pending_ddl_is_ambiguous(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A follower that died while DDL ran does not guess; a person says what happened."""
    origin, destination = sides
    with open_session(destination) as session:
        pending = Position.parse("binlog.000099:1")
        execute(session, checkpoint.move_sql(TASK, 1, applied(destination), pending).decode())
    with Link(origin, destination, tmp_path) as link:
        error = link.stopped()
    assert isinstance(error, Ambiguous) and str(pending) in error.message
    with open_session(destination) as session:
        checkpoint.resolve_pending(session, TASK, 1, was_applied=False)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()


def test_rows_in_the_copy_are_not_applied_again(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """Events up to a table's own start position are left out; those behind are applied."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as other:
        for one in (session, other):
            run(one, SCHEMA)
        begin(origin, destination)
        execute(session, "INSERT INTO parents VALUES (1, 'copied')")
        execute(session, "INSERT INTO keyless VALUES (1, 'streamed')")
        starts = {("shop", "parents"): current_position(origin)}
        execute(other, "INSERT INTO parents VALUES (1, 'copied')")
        execute(session, "BEGIN")
        execute(session, "INSERT INTO parents VALUES (2, 'behind')")
        execute(session, "INSERT INTO keyless VALUES (2, 'behind')")
        execute(session, "COMMIT")
        with Link(origin, destination, tmp_path, start_positions=starts) as link:
            link.caught_up()
    assert_equal(origin, destination, ["shop"])


def test_big_statement_is_cut_into_pieces(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A statement with many megabytes of rows passes a destination that takes small packets."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        for number in range(6):
            execute(session, "INSERT INTO keyless VALUES (%s, REPEAT('x', 20))", [number])
        for _ in range(12):
            execute(session, "INSERT INTO keyless SELECT a + 1, b FROM keyless")
        execute(session, "UPDATE keyless SET b = REPEAT('y', 20)")
        execute(session, "DELETE FROM keyless WHERE a > 3")
        link.caught_up(60)
    assert_equal(origin, destination, ["shop"])


def test_account_statements_are_told(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """What becomes of an account statement is told, and none of its text is repeated."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        execute(session, "CREATE USER newcomer IDENTIFIED BY 'sEcret-1234'")
        execute(session, "INSERT INTO parents VALUES (1, 'goes on')")
        link.caught_up()
    told = [sentence for sentence in link.sentences if "account" in sentence]
    assert told and "sEcret" not in str(link.reports)
    assert_equal(origin, destination, ["shop"])


PARTIAL_JSON = """
CREATE TABLE documents (id INT PRIMARY KEY, doc JSON)
;; INSERT INTO documents VALUES (1, '{"a": "long enough to be worth it", "b": [1, 2, 3]}')
;; SET SESSION binlog_row_value_options = 'PARTIAL_JSON'
;; UPDATE documents SET doc = JSON_SET(doc, '$.b[1]', 7)
;; UPDATE documents SET doc = JSON_REPLACE(doc, '$.a', 'short'), id = 2
"""


def test_partial_json_arrives(
    mysql97: RunningServer, source_factory: SourceFactory, tmp_path: Path
) -> None:
    """Updates logged as parts of documents are applied where they are known."""
    origin, destination = source_factory("mysql 9.7").server, mysql97.server
    wipe(destination)
    begin(origin, destination)
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, PARTIAL_JSON)
        link.caught_up()
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize("sides", [("mysql97", "mysql57")], indirect=True, ids="-".join)
def test_partial_json_stops_elsewhere(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A destination that does not know parts of documents stops the task, with advice."""
    origin, destination = sides
    with Link(origin, destination, tmp_path) as link, open_session(origin) as session:
        run(session, SCHEMA)
        run(session, PARTIAL_JSON)
        error = link.stopped()
    assert error.code == "PartialJson" and "shop.documents" in error.message


def test_half_open_stream_is_stalled_with_its_reason(
    mysql57: RunningServer, mysql97: RunningServer, tmp_path: Path
) -> None:
    """A server that is there but says nothing is noticed within three heartbeats, and said so."""
    for running in (mysql57, mysql97):
        wipe(running.server)
    begin(mysql57.server, mysql97.server)
    process = f"--defaults-file={mysql57.spec.folder / 'my.cnf'}"
    with Link(mysql57.server, mysql97.server, tmp_path) as link:
        with open_session(mysql57.server) as session:
            run(session, SCHEMA)
        link.caught_up()
        assert link.lags[-1].stalled_because == ""
        signal_process(process, signal.SIGSTOP)
        try:
            began = time.monotonic()
            eventually(lambda: link.spool.interruption)
            noticed_after_seconds = time.monotonic() - began
            eventually(lambda: link.lags[-1].stalled_because)
        finally:
            signal_process(process, signal.SIGCONT)
        assert noticed_after_seconds < SILENCE_SECONDS_MAX + 2  # the machine may be slow
        assert link.lags[-1].lag_seconds is None and "broke" in link.lags[-1].stalled_because
        with open_session(mysql57.server) as session:
            execute(session, "INSERT INTO shop.parents VALUES (1, 'goes on')")
        link.caught_up(30)
        eventually(lambda: link.lags[-1].stalled_because == "")
    assert_equal(mysql57.server, mysql97.server, ["shop"])
