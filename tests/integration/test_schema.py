"""Objects and definitions on real servers: what was written under one context means the same."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sterna.dataplane.copy import copy_tables
from sterna.dataplane.event_switch import (
    enable_copied_events,
    read_events_state,
    restore_events,
    silence_events,
)
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import LogReport, Report
from sterna.dataplane.schema_objects import create_objects
from sterna.errors import Stopped
from sterna.mysql.connection import Session, execute, open_session, query, query_dicts, scalar
from tests.fixtures.running import RunningServer, wipe

OBJECTS = """
SET GLOBAL log_bin_trust_function_creators = ON
;; CREATE DATABASE obj CHARACTER SET latin1 COLLATE latin1_german1_ci
;; USE obj
;; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))
;; CREATE TABLE log (what VARCHAR(50))
;; INSERT INTO t VALUES (1, 'one'), (2, 'two')
;; SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'
;; CREATE FUNCTION joined(a VARCHAR(20)) RETURNS VARCHAR(50) RETURN a || '\\' || "a"
;; SET sql_mode = ''
;; CREATE DEFINER=`no one`@`%` PROCEDURE hello(OUT x TEXT) SQL SECURITY DEFINER
   SET x = CONCAT('grüße; `', '\\\\', "x")
;; SET NAMES latin1
;; CREATE PROCEDURE old_text() SELECT 'plain'
;; SET NAMES utf8
;; CREATE VIEW c AS SELECT id, joined(v) AS j FROM t
;; CREATE ALGORITHM=MERGE DEFINER=`no one`@`%` SQL SECURITY INVOKER VIEW b AS SELECT * FROM t
   WHERE id > 0 WITH CASCADED CHECK OPTION
;; CREATE VIEW a AS SELECT b.v, c.j FROM b JOIN c ON b.id = c.id
;; CREATE TABLE gone (id INT)
;; CREATE VIEW broken AS SELECT * FROM gone
;; DROP TABLE gone
;; CREATE TRIGGER first BEFORE INSERT ON t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '!')
;; CREATE TRIGGER later AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (NEW.v)
;; SET time_zone = '+03:00', sql_mode = 'STRICT_ALL_TABLES'
;; CREATE EVENT `ON COMPLETION NOT PRESERVE ENABLE` ON SCHEDULE EVERY 1 DAY
   STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE COMMENT 'PRESERVE DISABLE'
   DO INSERT INTO log VALUES ('PRESERVE ENABLE')
;; CREATE DEFINER=`no one`@`%` EVENT off ON SCHEDULE AT '2035-05-05 05:05:05' DISABLE
   DO INSERT INTO log VALUES ('off')
"""


OLD_TIME = """SET GLOBAL mysql56_temporal_format = OFF
;; CREATE TABLE odd.o (t TIMESTAMP(3))
;; SET GLOBAL mysql56_temporal_format = ON"""


@pytest.fixture(params=["mysql56", "mysql57", "mariadb1011"])
def origin(request: pytest.FixtureRequest) -> RunningServer:
    """Each server that people leave, with objects of every kind."""
    server: RunningServer = request.getfixturevalue(request.param)
    wipe(server.server)
    with open_session(server.server) as session:
        for statement in OBJECTS.split("\n;; "):
            execute(session, statement)
    return server


@pytest.fixture
def destination(mysql97: RunningServer) -> RunningServer:
    """The server that people go to, empty."""
    wipe(mysql97.server)
    return mysql97


def carry(origin: RunningServer, destination: RunningServer) -> list[Report]:
    reports: list[Report] = []
    copy_tables(
        origin.server,
        destination.server,
        pace=Pace(1),
        report=reports.append,
        stop=threading.Event(),
    )
    create_objects(origin.server, destination.server, reports.append)
    return reports


def shown(session: Session, kind: str, name: str) -> dict[str, Any]:
    """SHOW CREATE, with what only the version spells differently made alike."""
    row = query_dicts(session, f"SHOW CREATE {kind} obj.`{name}`")[0]
    row.pop("Created", None)
    for key in row.keys() & {"SQL Original Statement"}:  # newer servers quote its names
        row[key] = row[key].replace("`", "")
    return {
        key: str(value)
        .replace("utf8mb3", "utf8")
        .replace("NO_AUTO_CREATE_USER", "")
        .strip(",")
        .replace(",,", ",")
        for key, value in row.items()
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("FUNCTION", "joined"),
        ("PROCEDURE", "hello"),
        ("PROCEDURE", "old_text"),
        ("TRIGGER", "first"),
        ("TRIGGER", "later"),
    ],
)
def test_an_object_is_shown_alike_on_both_sides(
    mysql57: RunningServer, destination: RunningServer, kind: str, name: str
) -> None:
    """Body, definer, sql_mode, character sets and database collation are the origin's."""
    if scalar_of(mysql57, "SELECT COUNT(*) FROM information_schema.routines"
                 " WHERE routine_schema = 'obj'") != 3:  # fmt: skip
        wipe(mysql57.server)
        with open_session(mysql57.server) as session:
            for statement in OBJECTS.split("\n;; "):
                execute(session, statement)
    carry(mysql57, destination)
    with open_session(mysql57.server) as one, open_session(destination.server) as other:
        assert shown(one, kind, name) == shown(other, kind, name)


def scalar_of(server: RunningServer, sql: str) -> Any:
    with open_session(server.server) as session:
        return scalar(session, sql)


def test_objects_work_as_on_the_origin(origin: RunningServer, destination: RunningServer) -> None:
    """Views on views, functions, triggers give the same answers; orphans are reported."""
    reports = carry(origin, destination)
    with open_session(origin.server) as one, open_session(destination.server) as other:
        view = "SELECT v, j FROM obj.a ORDER BY v"
        assert query(one, view) == query(other, view)
        assert [row[1] for row in query(other, view)] == ["one\\one", "two\\two"]
        execute(other, "INSERT INTO obj.t VALUES (3, 'x')")
        assert query(other, "SELECT what FROM obj.log") == [("x!",)]
        definers = "SELECT DEFINER FROM information_schema.views WHERE table_schema = 'obj'"
        names = f"{definers} AND table_name <> 'broken' ORDER BY table_name"
        assert query(one, names) == query(other, names)
    said = [report.sentence for report in reports if isinstance(report, LogReport)]
    assert any("broken" in sentence and "left out" in sentence for sentence in said)
    assert any("no one@%" in sentence for sentence in said)


def test_creating_objects_again_changes_nothing(
    origin: RunningServer, destination: RunningServer
) -> None:
    """After a crash between two objects all are created again."""
    carry(origin, destination)
    create_objects(origin.server, destination.server, lambda report: None)
    assert scalar_of(destination, "SELECT COUNT(*) FROM obj.a") == 2


def test_events_run_only_where_they_are_enabled(
    origin: RunningServer, destination: RunningServer
) -> None:
    """Carried disabled with their time zone; enabled at the switch; the origin's put back."""
    carry(origin, destination)
    name = "ON COMPLETION NOT PRESERVE ENABLE"
    statuses = "SELECT event_name, status FROM information_schema.events WHERE event_schema='obj'"
    with open_session(origin.server) as one, open_session(destination.server) as other:
        assert {status for _, status in query(other, statuses)} == {"DISABLED"}
        before = shown(one, "EVENT", name)
        silenced = shown(other, "EVENT", name)
        assert silenced == {
            **before,
            "Create Event": before["Create Event"].replace(
                "ON COMPLETION PRESERVE ENABLE", "ON COMPLETION PRESERVE DISABLE"
            ),
        }
        execute(one, "SET GLOBAL event_scheduler = ON")
        state = read_events_state(origin.server)
        assert state.enabled == (("obj", name),)
        for _ in range(2):
            silence_events(origin.server, state)
            assert {status for _, status in query(one, statuses)} == {"DISABLED"}
        for _ in range(2):
            restore_events(origin.server, state)
        assert shown(one, "EVENT", name) == before
        execute(one, "SET GLOBAL event_scheduler = OFF")
        assert enable_copied_events(destination.server) == (("obj", name),)
        enabled = dict(query(other, statuses))
        assert enabled == {name: "ENABLED", "off": "DISABLED"}
        assert shown(other, "EVENT", name) == before


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("CREATE SEQUENCE odd.s", "sequence"),
        ("CREATE TABLE odd.v (id INT) WITH SYSTEM VERSIONING", "system versioned"),
        ("CREATE TABLE odd.u (id UUID)", "type uuid"),
        ("CREATE TABLE odd.c (t TEXT COMPRESSED)", "format of its own"),
        ("CREATE TABLE odd.m (id INT) ENGINE=MERGE", "MRG_MyISAM"),
        (OLD_TIME, "format of its own"),
    ],
)
def test_what_mysql_does_not_have_stops_the_task(
    mariadb1011: RunningServer, destination: RunningServer, make: str, said: str
) -> None:
    """Nothing MariaDB alone knows is carried as something else; the error says what to do."""
    wipe(mariadb1011.server)
    with open_session(mariadb1011.server) as session:
        execute(session, "CREATE DATABASE odd")
        for statement in make.split("\n;; "):
            execute(session, statement)
    with pytest.raises(Stopped) as caught:
        carry(mariadb1011, destination)
    assert said in caught.value.message
    assert caught.value.remedy
