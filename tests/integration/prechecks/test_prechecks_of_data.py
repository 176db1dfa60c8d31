"""Prechecks of what is stored: each finds what the target cannot hold, on real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sterna.clusters.process import give_away
from sterna.mysql.connection import ServerError, execute, open_session, query
from sterna.mysql.version import Version
from sterna.prechecks import Finding, run_prechecks
from sterna.prechecks.compressed_columns import percona_columns
from sterna.prechecks.removed_functions import removed_functions
from tests.fixtures.precheck_source import (
    MYSQL_97,
    OLD,
    Source,
    finds_and_heals,
    heal,
    is_advice,
)
from tests.fixtures.running import RunningServer, eventually

JSON_KINDS = """INSERT INTO documents VALUES (1, '{"a": [1, 2.5, "x", null]}'), (2, NULL),
  (3, JSON_OBJECT('d', CAST('2020-01-02' AS DATE)))"""


@pytest.mark.parametrize("source", ["mysql57", "mysql97"], indirect=True)
def test_json_kinds(source: Source) -> None:
    """A date in a document is a warning, a DECIMAL that prints differently an error to accept."""
    execute(source.session, "CREATE TABLE documents (id INT PRIMARY KEY, j JSON)")
    execute(source.session, JSON_KINDS)
    (finding,) = source.findings("json_kinds")
    assert (finding.object, finding.severity) == ("shop.documents.j", "warning")
    assert finding.message.startswith("1 of the first 2 documents")
    execute(
        source.session, "INSERT INTO documents VALUES (4, JSON_ARRAY(CAST(1.10 AS DECIMAL(3,2))))"
    )
    (finding,) = source.findings("json_kinds")
    assert (finding.severity, finding.ignorable) == ("error", True)
    execute(source.session, "DELETE FROM documents WHERE id > 2")
    assert source.findings("json_kinds") == []


def test_json_decimal_that_prints_alike(source57: Source) -> None:
    """DECIMAL 52.0 becomes DOUBLE 52.0, which 9.7 prints as 5.7 printed the DECIMAL."""
    execute(source57.session, "CREATE TABLE documents (id INT PRIMARY KEY, j JSON)")
    execute(source57.session, "INSERT INTO documents VALUES (1, JSON_OBJECT('ratio', 52.0))")
    (finding,) = source57.findings("json_kinds")
    assert finding.severity == "warning"


def test_json_remedy_keeps_every_document(source57: Source) -> None:
    """The statements for later change no document, and only write what the check found."""
    execute(source57.session, "CREATE TABLE documents (id INT PRIMARY KEY, j JSON)")
    execute(source57.session, JSON_KINDS)
    before = "SELECT id, j, JSON_TYPE(j->'$.d') FROM documents"
    rows = query(source57.session, before)
    (finding,) = source57.findings("json_kinds")
    for line in finding.remedy.splitlines():
        if line.endswith(";"):
            execute(source57.session, line.removeprefix("-- "))
    assert query(source57.session, before) == rows


def test_json_without_a_key(source57: Source) -> None:
    """Where rows are found by all their columns, the advice is a primary key."""
    execute(source57.session, "CREATE TABLE heap (j JSON)")
    assert source57.findings("json_kinds") == []
    execute(source57.session, "INSERT INTO heap VALUES ('52')")
    (finding,) = source57.findings("json_kinds")
    assert finding.severity == "warning"
    is_advice(finding)
    execute(source57.session, "INSERT INTO heap VALUES ('52.0')")
    (finding,) = source57.findings("json_kinds")
    assert (finding.severity, "primary key" in finding.remedy) == ("error", True)


def test_compressed_columns(mariadb: Source) -> None:
    """A compressed column of MariaDB is found and rebuilt with all its attributes."""
    execute(
        mariadb.session,
        "CREATE TABLE t (a INT NOT NULL PRIMARY KEY, b TEXT COMPRESSED COMMENT 'it''s',"
        " c VARCHAR(200) CHARACTER SET latin1 COMPRESSED NOT NULL DEFAULT 'x')",
    )
    found = mariadb.findings("compressed_columns")
    assert [finding.object for finding in found] == ["shop.t.b", "shop.t.c"]
    heal(mariadb.session, found)
    assert mariadb.findings("compressed_columns") == []
    (shown,) = query(mariadb.session, "SHOW CREATE TABLE t")
    assert "CHARACTER SET latin1" in shown[1] and "DEFAULT 'x'" in shown[1]
    assert "COMMENT 'it''s'" in shown[1] and "COMPRESSED" not in shown[1]


def test_compressed_columns_of_percona() -> None:
    """Percona Server's way of printing such a column, and what is left of it."""
    definition = """CREATE TABLE `t` (
  `a` int NOT NULL,
  `b``c` blob /*!50633 COLUMN_FORMAT COMPRESSED WITH COMPRESSION_DICTIONARY `d` */ NOT NULL,
  PRIMARY KEY (`a`)
) ENGINE=InnoDB"""
    assert percona_columns(definition) == [("b`c", "`b``c` blob NOT NULL")]


def test_violated_checks(mariadb: Source) -> None:
    """Rows written past a CHECK are an error; the remedy deletes them."""
    execute(mariadb.session, "CREATE TABLE t (a INT NOT NULL PRIMARY KEY CHECK (a % 2 = 0))")
    execute(mariadb.session, "INSERT INTO t VALUES (2)")
    assert mariadb.findings("violated_checks") == []
    execute(mariadb.session, "SET check_constraint_checks = OFF")
    execute(mariadb.session, "INSERT INTO t VALUES (3)")
    finds_and_heals(mariadb, "violated_checks", "shop.t")


@pytest.mark.parametrize("source", OLD, indirect=True)
def test_removed_functions(source: Source) -> None:
    """What calls MD5 is an error; a name in a string or of a table is none."""
    for sql in (
        "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)",
        "CREATE TABLE password (a INT NOT NULL PRIMARY KEY)",
        "CREATE VIEW hashed AS SELECT SHA1(a) AS h FROM t",
        "CREATE VIEW fine AS SELECT 'MD5(a)' AS h, SHA2(a, 256) AS s FROM t",
        "CREATE PROCEDURE p() INSERT INTO password (a) SELECT a FROM t WHERE MD5(a) = 'x'",
        "CREATE PROCEDURE quiet() INSERT INTO password (a) VALUES (1) -- MD5(a)",
    ):
        execute(source.session, sql)
    found = source.findings("removed_functions")
    assert [(finding.object, finding.ignorable) for finding in found] == [
        ("shop.hashed", False),
        ("shop.p", True),
    ]
    heal(source.session, found)
    assert source.findings("removed_functions") == []
    older = replace(source.context(), target=Version("mysql", 9, 5))
    assert "removed_functions" not in {finding.check for finding in run_prechecks(older)}


def test_removed_functions_in_columns(source57: Source) -> None:
    """A generated column that calls MD5 is an error that cannot be accepted."""
    execute(source57.session, "CREATE TABLE t (a INT PRIMARY KEY, b CHAR(32) AS (MD5(a)) VIRTUAL)")
    (finding,) = source57.findings("removed_functions")
    assert (finding.object, finding.ignorable) == ("shop.t.b", False)
    heal(source57.session, [finding])
    assert source57.findings("removed_functions") == []


def test_removed_functions_are_the_servers(mysql97: RunningServer) -> None:
    """9.7 knows none of the functions that are listed."""
    with open_session(mysql97.server) as session:
        for name in removed_functions(Version("mariadb", 10, 11), MYSQL_97):
            with pytest.raises(ServerError):
                query(session, f"SELECT {name}(1, 1)")


@pytest.mark.parametrize("source", OLD, indirect=True)
def test_removed_syntax(source: Source) -> None:
    """GROUP BY with a direction is an error, ORDER BY is none."""
    for sql in (
        "CREATE TABLE t (a INT NOT NULL PRIMARY KEY, b INT)",
        "CREATE VIEW sorted AS SELECT b, COUNT(*) FROM t GROUP BY b DESC",
        "CREATE VIEW fine AS SELECT b FROM t GROUP BY ABS(b), b HAVING b > 1 ORDER BY b DESC",
        "CREATE PROCEDURE p() SELECT SQL_NO_CACHE 1; ",
        "CREATE PROCEDURE q() SELECT SQL_CACHE a FROM t",
        "CREATE PROCEDURE r() SELECT b FROM t GROUP BY IF(a, 1, 2), b ASC LIMIT 1",
    ):
        execute(source.session, sql)
    found = source.findings("removed_syntax")
    assert [finding.object for finding in found] == ["shop.sorted", "shop.q", "shop.r"]
    heal(source.session, found)
    assert source.findings("removed_syntax") == []


def test_sql_modes(mariadb: Source) -> None:
    """A routine written for Oracle's grammar is an error."""
    execute(mariadb.session, "SET sql_mode = 'ORACLE'")
    execute(mariadb.session, "CREATE PROCEDURE p AS BEGIN NULL; END")
    (finding,) = mariadb.findings("sql_modes")
    assert (finding.object, "ORACLE" in finding.message) == ("shop.p", True)
    heal(mariadb.session, [finding])
    assert mariadb.findings("sql_modes") == []


@pytest.mark.parametrize("source", OLD, indirect=True)
def test_long_members(source: Source) -> None:
    """A member of 256 characters is an error."""
    members = f"'{'ä' * 255}', 'it''s'"
    execute(source.session, f"CREATE TABLE t (a INT PRIMARY KEY, e ENUM({members}))")
    assert source.findings("long_members") == []
    execute(source.session, f"ALTER TABLE t MODIFY e ENUM({members}, '{'x' * 256}')")
    (finding,) = source.findings("long_members")
    assert (finding.object, "256" in finding.message) == ("shop.t.e", True)
    execute(source.session, f"INSERT INTO t VALUES (1, '{'x' * 256}'), (2, 'it''s'), (3, NULL)")
    heal(source.session, [finding])
    assert source.findings("long_members") == []
    rows = query(source.session, "SELECT e FROM t ORDER BY a")
    assert rows == [("x" * 256,), ("it's",), (None,)]


def test_missing_definers(source: Source) -> None:
    """A view that runs as nobody is a warning, by its definer."""
    execute(source.session, "CREATE DEFINER = 'nobody'@'nowhere' VIEW v AS SELECT 1 AS a")
    (finding,) = source.findings("missing_definers")
    assert (finding.object, finding.severity) == ("nobody@nowhere", "warning")
    heal(source.session, [finding])
    assert source.findings("missing_definers") == []


def test_system_tables(source57: Source) -> None:
    """A table of one's own in the system's database is a warning."""
    execute(source57.session, "CREATE TABLE mysql.mine (a INT PRIMARY KEY)")
    try:
        (finding,) = source57.findings("system_tables")
        assert (finding.object, finding.severity) == ("mysql.mine", "warning")
        heal(source57.session, [finding])
        assert source57.findings("system_tables") == []
    finally:
        execute(source57.session, "DROP TABLE IF EXISTS mysql.mine")


def test_own_code_in_the_servers_databases(source: Source) -> None:
    """Routines of one's own in `mysql` are a warning; what the server has there is none."""
    assert source.findings("system_tables") == []
    execute(source.session, "CREATE PROCEDURE mysql.mine() SELECT 1")
    try:
        (finding,) = source.findings("system_tables")
        assert (finding.object, finding.severity) == ("routines", "warning")
        assert "1 routine will not be copied: mysql.mine." in finding.message
        is_advice(finding)
    finally:
        execute(source.session, "DROP PROCEDURE mysql.mine")
    assert source.findings("system_tables") == []


def test_event_whose_time_is_over(source: Source) -> None:
    """An event that no server would create any more is a warning; one to come is none."""
    execute(source.session, "SET time_zone = '+05:00'")
    execute(source.session, "CREATE EVENT late ON SCHEDULE AT NOW() + INTERVAL 1 HOUR DO SELECT 1")
    soon = "ON SCHEDULE AT NOW() + INTERVAL 1 SECOND"
    execute(source.session, f"CREATE EVENT kept {soon} ON COMPLETION PRESERVE DO SELECT 1")
    execute(source.session, f"CREATE EVENT ended {soon} DO SELECT 1")

    def told() -> list[Finding]:
        return [f for f in source.findings("events") if f.severity != "note"]

    found = eventually(told)
    assert [finding.object for finding in found] == ["shop.ended"]
    heal(source.session, found)
    assert told() == []


def test_damaged_table(mysql57: RunningServer, source57: Source) -> None:
    """A damaged MyISAM table is an error, and REPAIR TABLE mends it."""
    execute(source57.session, "CREATE TABLE damaged (a INT PRIMARY KEY) ENGINE = MyISAM")
    execute(source57.session, "INSERT INTO damaged VALUES (1)")
    execute(source57.session, "FLUSH TABLES")
    rows = mysql57.data / "shop" / "damaged.MYD"
    rows.write_bytes(b"")
    finds_and_heals(source57, "unreadable_tables", "shop.damaged")


def test_table_without_data(mysql57: RunningServer, source57: Source) -> None:
    """A table of which only the definition is left is an error, though hardly listed anywhere."""
    execute(source57.session, "CREATE TABLE whole (a INT PRIMARY KEY)")
    definition = mysql57.data / "shop" / "whole.frm"
    ghost = definition.with_name("ghost.frm")
    ghost.write_bytes(definition.read_bytes())
    give_away(ghost)
    (finding,) = source57.findings("unreadable_tables")
    assert (finding.object, "1146" in finding.message) == ("shop.ghost", True)
    heal(source57.session, [finding])
    assert source57.findings("unreadable_tables") == []
