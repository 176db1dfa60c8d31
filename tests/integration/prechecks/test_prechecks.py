"""Every precheck on real servers: it finds its cause, and its own remedy makes it silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sterna.clusters.account_reading import read_accounts
from sterna.clusters.accounts import Decision, plan_accounts
from sterna.mysql.connection import ServerError, Session, execute, open_session, query
from sterna.mysql.version import Version
from sterna.prechecks import PRECHECKS, Context, run_prechecks
from sterna.prechecks.base import CATEGORIES
from sterna.prechecks.reserved_names import newly_reserved
from sterna.prechecks.source_privileges import needed_privileges
from tests.fixtures.precheck_source import (
    MYSQL_97,
    OLD,
    Source,
    finds_and_heals,
    heal,
    is_advice,
    prepared,
    serious,
)
from tests.fixtures.running import RunningServer, eventually
from tests.fixtures.servers import SourceFactory


def test_healthy_source_has_no_errors(source: Source) -> None:
    """A source as it should be passes, at whatever version."""
    execute(source.session, "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)")
    assert serious(source.context()) == []


def test_read_only(source: Source) -> None:
    """A read-only source is an error, unless a migration made it so."""
    execute(source.session, "SET GLOBAL read_only = ON")
    assert serious(replace(source.context(), migrating=True)) == []
    finds_and_heals(source, "read_write_status", "read_only")


@pytest.mark.parametrize(
    ("name", "value"),
    [("binlog_format", "STATEMENT"), ("binlog_format", "MIXED"), ("binlog_row_image", "MINIMAL")],
)
def test_binary_log_settings(source57: Source, name: str, value: str) -> None:
    """Changes that are not logged as whole rows are an error."""
    execute(source57.session, f"SET GLOBAL {name} = '{value}'")
    finds_and_heals(source57, "binary_log", name)


def test_partial_json(mysql97: RunningServer) -> None:
    """JSON changes logged in part are an error."""
    with prepared(mysql97.server) as source:
        execute(source.session, "SET GLOBAL binlog_row_value_options = 'PARTIAL_JSON'")
        finds_and_heals(source, "binary_log", "binlog_row_value_options")


def test_binary_log_off_and_filtered(source_factory: SourceFactory) -> None:
    """No binary log, or one that leaves databases out, is an error with advice."""
    running = source_factory("mysql 5.7", binlog_ignore_db="secret")
    with prepared(running.server) as source:
        (finding,) = source.findings("binary_log")
        assert finding.object == "binlog_ignore_db"
        is_advice(finding)
        assert "secret" in finding.message
    off = running.restart(skip_log_bin="ON")
    with open_session(off.server) as session:
        (finding,) = Source(off.server, session).findings("binary_log")
        assert finding.object == "log_bin"
        assert "restart" in finding.remedy
        is_advice(finding)
    off.stop()


def test_retention(mariadb: Source, mysql97: RunningServer) -> None:
    """A binary log kept for less than a day is a warning."""
    execute(mariadb.session, "SET GLOBAL binlog_expire_logs_seconds = 3600")
    finds_and_heals(mariadb, "binary_log_retention", "binlog_expire_logs_seconds", "warning")
    with prepared(mysql97.server) as source:
        execute(source.session, "SET GLOBAL binlog_expire_logs_seconds = 3600")
        finds_and_heals(source, "binary_log_retention", "binlog_expire_logs_seconds", "warning")


def test_server_id(source57: Source) -> None:
    """A server without an id lets no replica in."""
    before = query(source57.session, "SELECT @@GLOBAL.server_id")[0][0]
    try:
        execute(source57.session, "SET GLOBAL server_id = 0")
        finds_and_heals(source57, "binary_log", "server_id")
    finally:
        execute(source57.session, f"SET GLOBAL server_id = {before}")


def test_replica(source: Source) -> None:
    """A stopped replica is a warning, a running one an error; the remedy ends it."""
    for sql in connect_replica(source.context().version):
        execute(source.session, sql)
    (finding,) = source.findings("replica")
    assert finding.severity == "warning"
    new = source.context().version.at_least(8, 4) and not source.context().version.is_mariadb
    execute(source.session, "START REPLICA SQL_THREAD" if new else "START SLAVE SQL_THREAD")
    finds_and_heals(source, "replica", "replication")


def connect_replica(version: Version) -> list[str]:
    """Statements that make a server a replica of a server that is not there."""
    if version.is_mariadb or not version.at_least(8, 4):
        return ["CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x'"]
    return [
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 1, SOURCE_USER = 'x'"
    ]


def test_missing_privileges(source: Source) -> None:
    """Each missing privilege is named with the GRANT that adds it; after them all is well."""
    version = source.context().version
    execute(source.session, "CREATE USER 'few'@'%' IDENTIFIED BY 'pw-1'")
    few = replace(source.server, user="few", password="pw-1")
    with open_session(few) as session:
        found = Source(few, session).findings("source_privileges")
        assert [f.object for f in found] == [entry["name"] for entry in needed_privileges(version)]
        heal(source.session, found)
    with open_session(few) as session:
        assert serious(Source(few, session).context()) == []
        assert read_accounts(session)


def test_version_pairs(source57: Source) -> None:
    """Older, of another flavor, or not installed: each is refused with a reason."""
    context = source57.context()
    for target, installed, word in (
        (Version("mysql", 5, 6), True, "older"),
        (Version("mariadb", 10, 11), True, "no upgrade"),
        (MYSQL_97, False, "can be started"),
    ):
        asked = replace(context, target=target, target_installed=installed)
        (finding,) = [f for f in run_prechecks(asked) if f.check == "version_pair"]
        assert finding.severity == "error"
        assert word in finding.message
        is_advice(finding)
    assert serious(replace(context, target=Version("mysql", 5, 7, 1))) == []


def test_empty_instance(source: Source) -> None:
    """A server without databases is an error that may be ignored."""
    execute(source.session, "DROP DATABASE shop")
    (finding,) = source.findings("empty_instance")
    assert finding.ignorable
    is_advice(finding)
    execute(source.session, "CREATE DATABASE shop")
    assert source.findings("empty_instance") == []


def test_convertible_engines_are_notes(source: Source) -> None:
    """MyISAM and MEMORY are converted; that is said and stops nothing."""
    for engine in ("MyISAM", "MEMORY"):
        execute(
            source.session, f"CREATE TABLE {engine} (a INT NOT NULL PRIMARY KEY) ENGINE={engine}"
        )
    found = source.findings("table_engines")
    assert [(f.object, f.severity) for f in found] == [("MEMORY", "note"), ("MyISAM", "note")]
    assert "shop.MyISAM" in found[1].message


def test_merge_table(source: Source) -> None:
    """A table whose rows are elsewhere is an error."""
    execute(source.session, "CREATE TABLE m1 (a INT NOT NULL PRIMARY KEY) ENGINE = MyISAM")
    execute(
        source.session, "CREATE TABLE m (a INT NOT NULL, KEY (a)) ENGINE = MRG_MYISAM UNION = (m1)"
    )
    found = [f for f in source.findings("table_engines") if f.severity == "error"]
    assert [finding.object for finding in found] == ["shop.m"]
    heal(source.session, found)
    assert "error" not in {f.severity for f in source.findings("table_engines")}


def test_notes(source: Source) -> None:
    """Events, triggers and tables without a key are told and stop nothing."""
    for sql in (
        "CREATE TABLE heap (a INT)",
        "CREATE TRIGGER tr BEFORE INSERT ON heap FOR EACH ROW SET NEW.a = 1",
        "CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
    ):
        execute(source.session, sql)
    found = run_prechecks(source.context())
    told = {f.check: f for f in found if f.severity == "note"}
    assert set(told) >= {"events", "triggers", "primary_keys"}
    assert "tr" in told["triggers"].message
    assert "heap" in told["primary_keys"].message
    assert serious(source.context()) == []


def test_own_database(source: Source) -> None:
    """What an earlier upgrade left is dropped by the remedy; somebody else's is not touched."""
    execute(source.session, "CREATE DATABASE sterna")
    execute(source.session, "CREATE TABLE sterna.checkpoint (a INT)")
    assert serious(replace(source.context(), migrating=True)) == []
    finds_and_heals(source, "own_database", "sterna")
    execute(source.session, "CREATE DATABASE sterna")
    execute(source.session, "CREATE TABLE sterna.birds (a INT)")
    (finding,) = source.findings("own_database")
    assert "DROP" not in finding.remedy
    heal(source.session, [finding])  # its table has moved
    finds_and_heals(source, "own_database", "sterna")
    assert query(source.session, "SHOW TABLES FROM sterna_data") == [("birds",)]


@pytest.mark.parametrize("source", OLD, indirect=True)
def test_accounts(source: Source) -> None:
    """An account nobody decided on is an error with the commands that decide."""
    execute(source.session, "CREATE USER 'app'@'%' IDENTIFIED BY 'pw'")
    execute(source.session, "CREATE USER 'open'@'%'")
    found = {f.object: f for f in run_prechecks(account_context(source, {}), "accounts")}
    assert found["'app'@'%'"].severity == "error"
    assert not found["'app'@'%'"].ignorable
    assert "sterna account set-password INSTANCE" in found["'app'@'%'"].remedy
    is_advice(found["'app'@'%'"])
    assert found["'open'@'%'"].severity == "warning"
    for decision in (Decision("pw"), Decision()):
        context = account_context(source, {"'app'@'%'": decision})
        assert "error" not in {f.severity for f in run_prechecks(context, "accounts")}
    execute(source.session, "CREATE USER 'job'@'10.1.2.3' IDENTIFIED BY 'pw'")
    for decided, found_hosts in (
        ({}, ["'job'@'10.1.2.3'"]),
        ({"'job'@'10.1.2.3'": Decision()}, []),
    ):
        context = replace(account_context(source, decided), endpoint_addresses=("127.0.0.1",))
        assert [f.object for f in run_prechecks(context, "account_hosts")] == found_hosts


def account_context(source: Source, decisions: dict[str, Decision]) -> Context:
    """A look at the source after these decisions."""
    plans = plan_accounts(
        read_accounts(source.session), MYSQL_97, decisions=decisions, existing={"'root'@'%'"}
    )
    return replace(source.context(), accounts=plans)


@pytest.mark.parametrize(
    ("create", "about"),
    [
        ("CREATE SEQUENCE s", "shop.s"),
        ("CREATE TABLE v (a INT NOT NULL PRIMARY KEY) WITH SYSTEM VERSIONING", "shop.v"),
        ("CREATE TABLE u (a INT NOT NULL PRIMARY KEY, b INET6 NOT NULL)", "shop.u.b"),
        ("CREATE TABLE u (a UUID NOT NULL PRIMARY KEY)", "shop.u.a"),
        ("CREATE TABLE u (a INT NOT NULL PRIMARY KEY, b DECIMAL(60,38) UNSIGNED)", "shop.u.b"),
    ],
)
def test_mariadb_only(mariadb: Source, create: str, about: str) -> None:
    """What MySQL has not got is an error; to another MariaDB it may go."""
    execute(mariadb.session, create)
    to_mariadb = replace(mariadb.context(), target=Version("mariadb", 11, 8))
    assert serious(to_mariadb) == []
    finds_and_heals(mariadb, "mariadb_only", about)


def test_old_temporal_columns(mariadb: Source) -> None:
    """A column in the format of MariaDB 5.3 is found and rebuilt by the remedy."""
    execute(mariadb.session, "SET GLOBAL mysql56_temporal_format = OFF")
    execute(mariadb.session, "CREATE TABLE old (a INT NOT NULL PRIMARY KEY, b DATETIME(3))")
    finds_and_heals(mariadb, "old_temporal_columns", "shop.old")


def test_invalid_views(source: Source) -> None:
    """A view whose table is gone is a warning."""
    execute(source.session, "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)")
    execute(source.session, "CREATE VIEW v AS SELECT a FROM t")
    assert source.findings("invalid_views") == []
    execute(source.session, "DROP TABLE t")
    finds_and_heals(source, "invalid_views", "shop.v", "warning")


def test_prepared_transactions(source57: Source) -> None:
    """A forgotten XA transaction is a warning."""
    execute(source57.session, "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)")
    with open_session(source57.server) as other:
        for sql in (
            "XA START 'order', 'b1', 7",
            "INSERT INTO shop.t VALUES (1)",
            "XA END 'order', 'b1', 7",
            "XA PREPARE 'order', 'b1', 7",
        ):
            execute(other, sql)
        number = other.thread_id()
    still_there = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number}"
    eventually(lambda: not query(source57.session, still_there))
    finds_and_heals(source57, "prepared_transactions", "x'6f72646572', x'6231', 7", "warning")


def test_name_case(source57: Source) -> None:
    """A server that keeps names as spelled but ignores their case is an error that may be ignored;
    one that keeps them in lower case is not."""
    context = source57.context()
    for value, severities in (("2", ["error"]), ("1", ["note"]), ("0", [])):
        context.variables["lower_case_table_names"] = value
        found = run_prechecks(context, "name_case")
        assert [finding.severity for finding in found] == severities
        assert all(finding.ignorable for finding in found)
        for finding in found if severities == ["error"] else ():
            is_advice(finding)


@pytest.mark.parametrize("source", OLD, indirect=True)
def test_reserved_names(source: Source) -> None:
    """Names the target reserves are warnings, wherever they are."""
    execute(source.session, "CREATE TABLE `groups` (a INT NOT NULL PRIMARY KEY, `rank` INT)")
    execute(source.session, "CREATE PROCEDURE `window`() SELECT 1")
    found = source.findings("reserved_names")
    assert [finding.object for finding in found] == [
        "shop.groups",
        "shop.groups.rank",
        "shop.window",
    ]
    for finding in found:
        is_advice(finding)
    execute(source.session, "RENAME TABLE `groups` TO people")
    execute(source.session, "ALTER TABLE people CHANGE `rank` place INT")
    execute(source.session, "DROP PROCEDURE `window`")
    assert source.findings("reserved_names") == []
    execute(source.session, "CREATE TABLE `groups` (a INT NOT NULL PRIMARY KEY)")
    same = replace(source.context(), target=source.context().version)
    assert "reserved_names" not in {finding.check for finding in run_prechecks(same)}


def test_reserved_words_are_the_servers(mysql97: RunningServer, mysql57: RunningServer) -> None:
    """The list is what 9.7 says of itself, less what 5.7 reserved already."""
    with open_session(mysql97.server) as session:
        rows = query(session, "SELECT WORD FROM information_schema.KEYWORDS WHERE RESERVED = 1")
    with open_session(mysql57.server) as session:
        new = {str(word) for (word,) in rows if is_free(session, str(word))}
    assert newly_reserved(mysql57.version, mysql97.version) == new


def is_free(session: Session, word: str) -> bool:
    """Whether a server takes the word as a name."""
    try:
        query(session, f"SELECT 1 AS {word}")
    except ServerError:
        return False
    return True


def test_one_broken_check_hides_no_other(source57: Source) -> None:
    """A check that cannot look says so, and the others still speak."""
    execute(source57.session, "CREATE USER 'few'@'%' IDENTIFIED BY 'pw-1'")
    few = replace(source57.server, user="few", password="pw-1")
    with open_session(few) as session:
        found = {f.check: f for f in run_prechecks(Source(few, session).context())}
    assert "could not be made" in found["binary_log"].message
    assert found["binary_log"].severity == "error"
    assert "source_privileges" in found


def test_order_and_completeness() -> None:
    """Checks stand in the vendor's order of categories, one class per file, each described."""
    order = [list(CATEGORIES).index(check.category) for check in PRECHECKS]
    assert order == sorted(order)
    names = [check.name for check in PRECHECKS]
    assert len(set(names)) == len(names)
    folder = Path(__file__).parents[3] / "src/sterna/prechecks"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert files == set(names)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in readme] == []
