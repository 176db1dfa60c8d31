"""What a cluster inherits besides rows: parameters it can start with, and objects compared."""

from __future__ import annotations

import pytest

from sterna.clusters.carried_objects import compare_objects, count_objects
from sterna.clusters.parameters import Parameter, plan_parameters, read_inherited
from sterna.mysql.connection import execute, open_session
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version
from tests.fixtures.running import RunningServer, wipe
from tests.fixtures.servers import SourceFactory

UNUSUAL = {
    "sql_mode": "STRICT_ALL_TABLES,NO_AUTO_CREATE_USER,ANSI_QUOTES",
    "character_set_server": "utf8mb3",
    "collation_server": "utf8mb3_unicode_ci",
    "default_time_zone": "+02:00",
    "max_statement_time": "7.5",
    "lc_time_names": "de_DE",
    "default_week_format": "3",
    "completion_type": "CHAIN",
    "group_concat_max_len": "4096",
    "div_precision_increment": "9",
    "max_user_connections": "77",
    "innodb_ft_min_token_size": "2",
    "auto_increment_increment": "5",
    "lock_wait_timeout": "33",
    "transaction_isolation": "READ-COMMITTED",
    "init_connect": "SET @a = 1",
}


def test_a_cluster_starts_with_what_it_inherits(source_factory: SourceFactory) -> None:
    """Every parameter of a MariaDB set to something unusual holds on the 9.7 made after it."""
    source = source_factory("mariadb 10.11", **UNUSUAL)
    with open_session(source.server) as session:  # under STRICT_ALL_TABLES, as others find it
        inherited = read_inherited(session, Version("mysql", 9, 7, 4))
        planned = {p.name: p for p in plan_parameters(session, Version("mysql", 9, 7, 4))}
    source.stop()
    cluster = source_factory("mysql 9.7", **inherited)
    with open_session(cluster.server) as session:
        found = read_variables(session, *planned)
        execute(session, "BEGIN")
        execute(session, "COMMIT")
        execute(session, "SET TRANSACTION READ ONLY")  # an error inside a transaction
    cluster.stop()
    wanted = {p.name: p.value for p in planned.values() if p.value}
    assert {name: found[name] for name in wanted} == wanted
    assert planned["sql_mode"].how == "translated"
    assert (
        found["sql_mode"] == "ANSI_QUOTES,STRICT_ALL_TABLES" or "NO_AUTO" not in found["sql_mode"]
    )
    assert found["max_execution_time"] == "7500"
    assert planned["init_connect"].how == "own"
    assert found["init_connect"] == ""


@pytest.mark.parametrize("server", ["mysql56", "mysql57"])
def test_every_parameter_says_why(server: str, request: pytest.FixtureRequest) -> None:
    """Each known parameter is there once, with what becomes of it and the reason."""
    running: RunningServer = request.getfixturevalue(server)
    with open_session(running.server) as session:
        planned = plan_parameters(session, Version("mysql", 5, 7, 29))
    assert len({p.name for p in planned}) == len(planned)
    assert all(p.why for p in planned)
    assert {p.how for p in planned} >= {"carried", "own"}
    assert _named(planned, "time_zone").how == "dropped"  # SYSTEM: the cluster has its machine's


def _named(planned: tuple[Parameter, ...], name: str) -> Parameter:
    return next(p for p in planned if p.name == name)


OBJECTS = [
    "CREATE DATABASE shop CHARACTER SET latin1",
    "CREATE TABLE shop.t (a INT NOT NULL PRIMARY KEY)",
    "CREATE DEFINER = 'root'@'%' VIEW shop.v AS SELECT a FROM shop.t",
    "CREATE DEFINER = 'root'@'%' PROCEDURE shop.p() SELECT 1",
    "CREATE DEFINER = 'root'@'%' FUNCTION shop.p() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE DEFINER = 'root'@'%' TRIGGER shop.r BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 1",
    "CREATE DEFINER = 'root'@'%' EVENT shop.e ON SCHEDULE EVERY 1 DAY STARTS '2029-01-01 00:00:00'"
    " DISABLE DO SET @a = 1",
    "CREATE DEFINER = 'root'@'%' EVENT shop.f ON SCHEDULE EVERY 1 DAY STARTS '2029-01-01 00:00:00'"
    " DISABLE DO SET @a = 1",
]


def test_objects_are_compared(mysql57: RunningServer, mysql97: RunningServer) -> None:
    """The same objects compare equal between versions; each difference is named."""
    wipe(mysql57.server)
    wipe(mysql97.server)
    with open_session(mysql57.server) as source, open_session(mysql97.server) as target:
        for session in (source, target):
            execute(session, "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci")
            for sql in OBJECTS:
                execute(session, sql)
        assert compare_objects(source, target) == ()
        kinds = ("view", "procedure", "function", "trigger", "database")
        assert count_objects(source) == {"event": 2, **dict.fromkeys(kinds, 1)}
        for sql in (
            "DROP VIEW shop.v",
            "DROP TRIGGER shop.r",
            "CREATE DEFINER = 'root'@'%' TRIGGER shop.r BEFORE INSERT ON shop.t"
            " FOR EACH ROW SET @a = 2",
            "ALTER DEFINER = 'other'@'%' EVENT shop.e COMMENT 'x'",
            "CREATE VIEW shop.w AS SELECT 1",
            "ALTER PROCEDURE shop.p SQL SECURITY INVOKER",
            "DROP FUNCTION shop.p",
            "SET SESSION sql_mode = 'ANSI_QUOTES'",
            "CREATE DEFINER = 'root'@'%' FUNCTION shop.p() RETURNS INT DETERMINISTIC RETURN 1",
            "ALTER DEFINER = 'root'@'%' EVENT shop.f ON SCHEDULE EVERY 2 DAY STARTS"
            " '2030-01-01 00:00:00'",
            "ALTER DATABASE shop CHARACTER SET utf8mb4",
        ):
            execute(target, sql)
        assert set(compare_objects(source, target)) == {
            "The database shop has the character set utf8mb4 and had latin1.",
            "The view shop.v is missing on the cluster.",
            "The trigger shop.r does not read the same on both.",
            "The procedure shop.p has the security INVOKER and had DEFINER.",
            "The function shop.p has the sql_mode ANSI_QUOTES and had"
            " ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO.",
            "The event shop.f has the start 2030-01-01 00:00:00 and had 2029-01-01 00:00:00.",
            "The event shop.e has the definer other@% and had root@%.",
            "The view shop.w is on the cluster only.",
        }
