"""What the copy itself would say of a source's tables, and whom the cluster's endpoints let in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sterna.mysql.connection import execute, query
from sterna.mysql.replication import BinlogStream, read_current_position
from sterna.prechecks import Context, run_prechecks, running_status
from sterna.workflow.evaluation import outgoing_address, table_converter
from tests.fixtures.precheck_source import MYSQL_97, Source, heal, is_advice
from tests.fixtures.running import eventually

KEY = "a INT NOT NULL PRIMARY KEY"


def converting(source: Source) -> Context:
    """A fresh look with the copy's own conversion."""
    return replace(source.context(), convert=table_converter(source.session, MYSQL_97))


@pytest.mark.parametrize("source", ["mysql56", "mysql57", "mysql97", "mariadb1011"], indirect=True)
def test_what_is_carried_as_it_is(source: Source) -> None:
    """Ordinary tables, with the oddest names, are no finding."""
    for name in ("t", "with space", "do.t", "quo'te", "ba``ck", "größe", "n" * 64):
        execute(source.session, f"CREATE TABLE `{name}` ({KEY}, `b.``c` VARCHAR(9) DEFAULT 'x')")
    assert run_prechecks(converting(source), "definitions") == ()


@pytest.mark.parametrize("source", ["mysql56", "mysql57", "mariadb1011"], indirect=True)
def test_what_innodb_does_not_take(source: Source) -> None:
    """Names that InnoDB keeps for itself and members that are bytes are errors; ordinary tables
    beside them are none."""
    bad = {
        "a": "DB_ROW_ID INT",
        "b": "FTS_DOC_ID INT, x TEXT, FULLTEXT (x)",
        "c": "x INT, KEY GEN_CLUST_INDEX (x)",
        "d": "x ENUM('a', 'b') CHARACTER SET binary",
        "FTS_0000000000000123_CONFIG": "x INT",
    }
    good = {
        "e": "FTS_DOC_ID BIGINT UNSIGNED NOT NULL, x TEXT, FULLTEXT (x)",
        "f": "FTS_DOC_ID INT, x ENUM('DB_ROW_ID') DEFAULT 'DB_ROW_ID' COMMENT 'GEN_CLUST_INDEX'",
    }
    if source.session.server_version.find("MariaDB") >= 0:
        bad["g"] = "x INT CHECK (y > 0), y INT"
        bad["h"] = "x INT AUTO_INCREMENT PRIMARY KEY, y INT AS (x + 1) VIRTUAL"
        good["i"] = "x INT CHECK (`X` > 0), y INT CHECK (y IN (1, 2)), CHECK (x > y), z INT AS (y)"
    for name, columns in (bad | good).items():
        execute(source.session, f"CREATE TABLE {name} ({columns}) ENGINE = MyISAM")
    said = run_prechecks(converting(source), "definitions")
    errors = {finding.object: finding for finding in said if finding.severity == "error"}
    assert errors.keys() == {f"shop.{name}" for name in bad}
    is_advice(errors["shop.a"])


def test_options_that_stay_behind(mariadb: Source) -> None:
    """Encryption that ends is a warning, what only MariaDB has an error."""
    execute(mariadb.session, "SET SESSION sql_mode = 'IGNORE_BAD_TABLE_OPTIONS'")
    for sql in (
        f"CREATE TABLE secret ({KEY}) ENGINE = MyISAM ENCRYPTED = YES",
        f"CREATE TABLE pages ({KEY}) PAGE_COMPRESSED = 1",
        "CREATE TABLE grouped (g INT NOT NULL, a INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (g, a))"
        " ENGINE = MyISAM DELAY_KEY_WRITE = 1",
        f"CREATE TABLE lasting ({KEY}, since DATE, until DATE, PERIOD FOR while_ (since, until))",
    ):
        execute(mariadb.session, sql)
    said = {f.object: f for f in run_prechecks(converting(mariadb), "definitions")}
    assert "PERIOD FOR" in said.pop("shop.lasting").message
    execute(mariadb.session, "DROP TABLE lasting")
    assert {about: finding.severity for about, finding in said.items()} == {
        "shop.pages": "error",
        "encryption": "warning",
        "option DELAY_KEY_WRITE": "note",
        "an index was added for its AUTO_INCREMENT column, which InnoDB demands": "note",
    }
    assert "PAGE_COMPRESSED" in said["shop.pages"].message
    assert "shop.secret" in said["encryption"].message
    heal(mariadb.session, [said["shop.pages"]])
    is_advice(said["encryption"])
    execute(mariadb.session, "ALTER TABLE secret ENCRYPTED = DEFAULT")
    left = run_prechecks(converting(mariadb), "definitions")
    assert {finding.severity for finding in left} == {"note"}


EVERYBODY = ("0.0.0.0/0", "::/0")


@pytest.mark.parametrize(
    ("endpoints", "told", "wider"),
    [
        ([("Primary", EVERYBODY), ("ReadOnly", ("10.0.0.0/8",))], "everybody", []),
        ([("Primary", ("10.0.0.0/8",)), ("ReadOnly", ("10.1.0.0/16",))], "10.0.0.0/8", []),
        (
            [("Primary", ("10.0.0.0/9", "10.128.0.0/9")), ("Proxy", ("10.0.0.0/8", "fd00::/8"))],
            "10.0.0.0/8, fd00::/8",
            ["fd00::/8"],
        ),
        ([], None, []),
    ],
)
def test_whitelists(
    source57: Source,
    endpoints: list[tuple[str, tuple[str, ...]]],
    told: str | None,
    wider: list[str],
) -> None:
    """The merged list is told, and which networks could only read until now."""
    context = replace(source57.context(), whitelists=endpoints)
    said = run_prechecks(context, "whitelists")
    notes = [finding.message for finding in said if finding.severity == "note"]
    assert notes == ([f"The cluster's endpoints will let in: {told}."] if told else [])
    warnings = [finding for finding in said if finding.severity == "warning"]
    assert [finding.object for finding in warnings] == wider
    for finding in warnings:
        is_advice(finding)
    assert run_prechecks(source57.context(), "whitelists") == ()


def test_address_of_the_proxy() -> None:
    """Towards a server on this machine it is that server's own address; nothing is sent."""
    assert outgoing_address("127.0.0.1", 3306) == "127.0.0.1"
    assert outgoing_address("127.0.0.2", 3306).startswith("127.")
    assert outgoing_address("192.0.2.1", 3306) != "127.0.0.1"
    assert outgoing_address("no..name", 3306) == ""


def test_two_way_synchronization(source57: Source) -> None:
    """A server that is read from and reads in turn is told apart from a mere replica."""
    execute(source57.session, "CREATE USER 'other'@'%' IDENTIFIED BY 'x'")
    execute(source57.session, "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'other'@'%'")
    host = "SELECT SUBSTRING_INDEX(HOST, ':', 1) FROM information_schema.PROCESSLIST"
    (here,) = query(source57.session, f"{host} WHERE ID = CONNECTION_ID()")
    execute(source57.session, f"CHANGE MASTER TO MASTER_HOST = '{here[0]}', MASTER_USER = 'x'")
    (alone,) = source57.findings("replica")
    assert "two-way" not in alone.message
    other = replace(source57.server, user="other", password="x")
    reader = BinlogStream(other, read_current_position(source57.session), 4711)
    try:
        both = eventually(lambda: len(said := source57.findings("replica")) == 2 and said)
        assert ("two-way" in both[0].message, both[1].severity) == (True, "note")
        assert str(here[0]) in both[1].message
    finally:
        reader.close()
        heal(source57.session, [alone])


def test_just_started(source57: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has just been started is told, and is no obstacle."""
    monkeypatch.setattr(running_status, "UPTIME_SECONDS_MIN", 10**9)
    (note,) = source57.findings("running_status")
    assert (note.object, note.severity) == ("Uptime", "note")
    monkeypatch.setattr(running_status, "UPTIME_SECONDS_MIN", 0)
    assert source57.findings("running_status") == []
