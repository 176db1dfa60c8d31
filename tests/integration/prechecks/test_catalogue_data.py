"""The data behind the catalogue of prechecks, against the servers themselves."""

from __future__ import annotations

import pytest

from sterna.mysql.connection import ServerError, execute, open_session, query
from sterna.prechecks import run_prechecks
from sterna.prechecks.account_hosts import matches
from sterna.prechecks.unknown_collations import known_collations
from tests.fixtures.precheck_source import Source, prepared
from tests.fixtures.running import RunningServer

# Bodies of procedures that only the older server takes, and some that both do.
OF_MYSQL = r"""
SELECT a FROM t GROUP BY a DESC
SELECT SQL_CACHE 1
SELECT a FROM t PROCEDURE ANALYSE()
SELECT \N
FLUSH QUERY CACHE
GRANT SELECT ON *.* TO 'x'@'y' IDENTIFIED BY 'z'
STOP SLAVE
RESET MASTER
FLUSH HOSTS
SELECT @@tx_isolation
SET SESSION tx_isolation = 'READ-COMMITTED'
SET GLOBAL max_tmp_tables = 3
SELECT * FROM information_schema.GLOBAL_STATUS
SELECT rank FROM t
BEGIN DECLARE function INT; SELECT 1; END
SELECT 1 AS of
INSERT INTO groups (a) VALUES (1)
SELECT t.rank, `rank`, @rank FROM t
SELECT ROW(1, 2) = ROW(1, 2)
SET SESSION binlog_format = ROW
SET SESSION time_zone = SYSTEM
SELECT SQL_CALC_FOUND_ROWS 1 && 2
SELECT '\N', 'SQL_CACHE' -- @@tx_isolation
SELECT 'it''s rank', 1
CREATE USER x IDENTIFIED BY PASSWORD '*0'
FLUSH LOGS
"""
OF_MARIADB = """
SET STATEMENT max_statement_time = 1 FOR SELECT 1
INSERT INTO t VALUES (1) RETURNING a
CREATE OR REPLACE TABLE x (a INT)
ALTER TABLE t ADD COLUMN IF NOT EXISTS b INT
ALTER TABLE t DROP COLUMN IF EXISTS b
CREATE INDEX IF NOT EXISTS i ON t (a)
BEGIN FOR i IN 1..3 DO SELECT i; END FOR; END
BEGIN DECLARE x ROW(a INT); SELECT 1; END
BEGIN DECLARE x TYPE OF t.a; SELECT 1; END
SELECT a FROM t LIMIT ROWS EXAMINED 9
SELECT a FROM t ORDER BY a OFFSET 1 ROW FETCH FIRST 2 ROWS ONLY
EXECUTE IMMEDIATE 'SELECT 1'
SELECT * FROM (VALUES (1), (2)) AS x
BEGIN NOT ATOMIC SELECT 1; END
SHOW EXPLAIN FOR 1
KILL SOFT QUERY 1
ANALYZE SELECT 1
DELETE HISTORY FROM t
RENAME TABLE IF EXISTS t TO u
CREATE SEQUENCE s
INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE a = VALUE(a)
SELECT CAST(1 AS INT)
CREATE USER x IDENTIFIED VIA mysql_native_password
INSERT INTO t (a) VALUES (1), (2) ON DUPLICATE KEY UPDATE a = VALUES(a)
SELECT CAST(1 AS SIGNED INTEGER), 1 AS int_, CAST('x' AS CHAR(3))
SELECT NEXT VALUE FOR s
SELECT @@tx_isolation
SELECT rank FROM t
DROP TABLE IF EXISTS t
CREATE OR REPLACE VIEW v AS SELECT 1
CREATE TABLE IF NOT EXISTS x (a INT, b INT GENERATED ALWAYS AS (a) STORED)
SELECT RANK() OVER (ORDER BY a ROWS UNBOUNDED PRECEDING) FROM t
WITH RECURSIVE c AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM c WHERE a < 3) SELECT * FROM c
SELECT 1 EXCEPT SELECT 2
"""


@pytest.mark.parametrize(
    ("source", "bodies"),
    [("mysql57", OF_MYSQL), ("mariadb1011", OF_MARIADB)],
    indirect=["source"],
    ids=["mysql", "mariadb"],
)
def test_stored_code_is_judged_as_the_target_does(
    source: Source, bodies: str, mysql97: RunningServer
) -> None:
    """What 9.7 refuses to create is an error, and what it creates is none."""
    execute(source.session, "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)")
    refused = {}
    with prepared(mysql97.server) as target:
        for number, body in enumerate(bodies.strip().splitlines()):
            create = f"CREATE PROCEDURE shop.p{number}() {body}"
            execute(source.session, create)
            try:
                execute(target.session, create)
            except ServerError:
                refused[f"shop.p{number}"] = body
    judges = ("removed_syntax", "removed_names", "reserved_names")
    found = [f for name in judges for f in run_prechecks(source.context(), name)]
    assert {f.object for f in found if f.severity == "error"} == set(refused)
    assert all(f.ignorable for f in found)


def test_collations_are_the_servers(mysql97: RunningServer) -> None:
    """The list of collations is what 9.7 says of itself."""
    with open_session(mysql97.server) as session:
        rows = query(session, "SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
    assert {str(name) for (name,) in rows} - {"binary"} == known_collations() - {"binary_"}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("%", True),
        ("127.0.0.%", True),
        ("127.0.0._", True),
        ("127.0.0.0/255.255.255.0", True),
        ("10.0.0.0/255.0.0.0", False),
        ("localhost", False),
        ("127x0x0x1", False),
        ("web1.example", False),
    ],
)
def test_host_patterns(pattern: str, fits: bool) -> None:
    """A pattern stands for an address as a server without names would see it."""
    assert matches(pattern, "127.0.0.1") is fits
