"""The catalogue of prechecks on real servers: each finds its cause, its own remedy silences it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sterna.clusters.process import give_away
from sterna.mysql.connection import execute, open_session, query
from sterna.mysql.version import Version
from sterna.prechecks import Finding, base, history_list, long_transactions, run_prechecks
from sterna.prechecks.base import Context, Sampling
from sterna.prechecks.invalid_bytes import InvalidBytes
from tests.fixtures.precheck_causes import CAUSES, M56, M57, M97, MARIADB, Cause, T
from tests.fixtures.precheck_source import Source, heal, is_advice, prepared
from tests.fixtures.running import RunningServer, ServerFarm, eventually


@contextmanager
def caused(cause: Cause, request: pytest.FixtureRequest) -> Iterator[tuple[Source, Context]]:
    """The source after the statements; what they set for the whole server is set back."""
    running: RunningServer = request.getfixturevalue(cause.server)
    with prepared(running.server) as source:
        before = query(source.session, "SELECT @@GLOBAL.server_id")[0][0]
        try:
            for sql in cause.statements:
                execute(source.session, sql)
            yield source, replace(source.context(), **dict(cause.with_context))
        finally:
            for sql in (*cause.undo, f"SET GLOBAL server_id = {before}"):
                execute(source.session, sql)


def said(context: Context, check: str, severity: str) -> list[Finding]:
    """What a check says, of one severity, on a fresh look."""
    fresh = replace(context)
    return [finding for finding in run_prechecks(fresh, check) if finding.severity == severity]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_found_and_healed(cause: Cause, request: pytest.FixtureRequest) -> None:
    """What a check finds is gone after its own remedy, run as it stands there."""
    with caused(cause, request) as (source, context):
        found = said(context, cause.check, cause.severity)
        assert tuple(finding.object for finding in found) == cause.objects
        heal(source.session, found)
        assert said(context, cause.check, cause.severity) == []


def test_sessions_in_the_way(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old transaction and a running ALTER are warnings; ending them as advised is enough."""
    monkeypatch.setattr(long_transactions, "SECONDS_MAX", -1)
    execute(source.session, T)
    with open_session(source.server) as holder, open_session(source.server) as altering:
        execute(holder, "START TRANSACTION")
        execute(holder, "INSERT INTO shop.t VALUES (1)")
        altering.send(b"ALTER TABLE shop.t ADD b INT")
        (old,) = source.findings("long_transactions")
        (ddl,) = eventually(lambda: source.findings("running_ddl"))
        assert (old.object, ddl.object) == (
            f"session {holder.thread_id()}",
            f"session {altering.thread_id()}",
        )
        assert "ALTER TABLE shop.t" in ddl.message
        heal(source.session, [ddl, old])
    # InnoDB looks anew only after it has not been asked for a tenth of a second.
    eventually(lambda: not source.findings("long_transactions"), every_seconds=0.3)
    eventually(lambda: not source.findings("running_ddl"))


def test_history_list(source57: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an old snapshot keeps alive is a warning; when it is over, it is cleared away."""
    often = "SET GLOBAL innodb_purge_rseg_truncate_frequency = "
    execute(source57.session, f"{often}1")
    execute(source57.session, T)
    monkeypatch.setattr(history_list, "LENGTH_MAX", history_length(source57) + 200)
    execute(source57.session, "INSERT INTO t VALUES (0)")
    with open_session(source57.server) as reader:
        execute(reader, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        values = itertools.count(1)

        def is_found() -> list[Finding]:
            for number in itertools.islice(values, 100):
                execute(source57.session, f"UPDATE t SET a = {number}")
            return source57.findings("history_list")

        # What other tests have left may be cleared away meanwhile.
        (finding,) = eventually(is_found, within_seconds=60)
        assert (finding.object, finding.severity) == ("trx_rseg_history_len", "warning")
        is_advice(finding)
    number = iter(range(-10_000, 0))

    def is_cleared() -> bool:
        execute(source57.session, f"INSERT INTO t VALUES ({next(number)})")  # wakes the purge
        return not source57.findings("history_list")

    eventually(is_cleared, within_seconds=60)
    execute(source57.session, f"{often}128")


def history_length(source: Source) -> int:
    """Transactions whose old rows are still kept, among them those of other tests."""
    (row,) = query(
        source.session,
        "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'",
    )
    return int(row[0])


def test_disk_space(source57: Source) -> None:
    """Too little room is an error that may be ignored; enough room, or none known, is silence."""
    execute(source57.session, T)
    for free_bytes, expected in ((10**6, [("STERNA_HOME", True)]), (10**12, []), (None, [])):
        context = replace(source57.context(), free_bytes=free_bytes)
        found = said(context, "disk_space", "error")
        assert [(finding.object, finding.ignorable) for finding in found] == expected
        for finding in found:
            is_advice(finding)


@pytest.mark.parametrize("source", [M56, M57], indirect=True)
def test_expired_accounts(source: Source) -> None:
    """An expired password is a warning until there is a new one."""
    execute(source.session, "CREATE USER 'late'@'%' IDENTIFIED BY 'x'")
    assert source.findings("expired_accounts") == []
    execute(source.session, "ALTER USER 'late'@'%' PASSWORD EXPIRE")
    (finding,) = source.findings("expired_accounts")
    assert (finding.object, finding.severity) == ("'late'@'%'", "warning")
    heal(source.session, [finding])
    assert source.findings("expired_accounts") == []


def test_folder_that_is_no_database(mysql57: RunningServer, source57: Source) -> None:
    """A folder the server did not name is renamed; one it cannot name has to go."""
    named, other = mysql57.data / "old-backup", mysql57.data / "old-backup.d"
    for folder in (named, other):
        folder.mkdir()
    give_away(named)
    try:
        found = source57.findings("odd_names")
        assert [(finding.object, finding.severity) for finding in found] == [
            ("#mysql50#old-backup", "error"),
            ("#mysql50#old-backup.d", "error"),
        ]
        heal(source57.session, found[:1])
        is_advice(found[1])
    finally:
        other.rmdir()
    assert source57.findings("odd_names") == []
    assert query(source57.session, "SHOW DATABASES LIKE 'old-backup'")


def test_innodb_limits(source57: Source) -> None:
    """A MyISAM table with rows longer than InnoDB takes is an error, one with VARCHAR is none."""
    columns = ", ".join(f"c{number} CHAR(255) NOT NULL" for number in range(33))
    tail = "ENGINE = MyISAM CHARSET = latin1"
    execute(source57.session, f"CREATE TABLE t (a INT PRIMARY KEY, {columns}) {tail}")
    many = ", ".join(f"c{number} BIT" for number in range(1018))
    execute(source57.session, f"CREATE TABLE u ({many}) {tail}")
    found = said(source57.context(), "innodb_limits", "error")
    assert [finding.object for finding in found] == ["shop.t", "shop.u"]
    heal(source57.session, found[:1])
    is_advice(found[1])
    execute(source57.session, "DROP TABLE u")
    assert source57.findings("innodb_limits") == []


def test_invalid_bytes(mysql57: RunningServer, source57: Source) -> None:
    """Bytes that are no text are a warning; the remedy leaves text."""
    execute(
        source57.session,
        "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20) CHARSET utf8mb4, c TEXT CHARSET gbk)"
        " ENGINE = MyISAM",
    )
    execute(source57.session, "INSERT INTO t VALUES (1, 'marker', 'ok'), (2, 'ä€😀', NULL)")
    assert source57.findings("invalid_bytes") == []
    execute(source57.session, "FLUSH TABLES")
    rows = mysql57.data / "shop" / "t.MYD"  # as a crash, or a server of long ago, leaves it
    rows.write_bytes(rows.read_bytes().replace(b"marker", b"mark\xff\xfe"))
    (finding,) = source57.findings("invalid_bytes")
    assert (finding.object, finding.severity) == ("shop.t.b", "warning")
    heal(source57.session, [finding])
    assert source57.findings("invalid_bytes") == []


def test_time_for_sampling_is_bounded(source57: Source) -> None:
    """When the time for looking at rows is over, that is said, and the rest still is looked at."""
    execute(source57.session, "CREATE TABLE t (a VARCHAR(9) PRIMARY KEY) CHARSET utf8mb4")
    late = replace(source57.context(), sampling=Sampling(seconds_max=0.0))
    (note,) = said(late, "invalid_bytes", "note")
    assert "shop.t" in note.message
    assert said(late, "spatial_references", "note") == []
    slow = replace(source57.context(), opening=Sampling(seconds_max=0.0))
    (note,) = run_prechecks(slow, "unreadable_tables")
    assert "shop.t" in note.message


@pytest.mark.parametrize("source", [M57, M97, MARIADB], indirect=True)
def test_a_look_ends_by_itself(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that takes too long is told as one that was not looked at."""
    monkeypatch.setattr(base, "SAMPLE_SECONDS_MAX", 1)
    context = source.context()
    every = "information_schema.COLLATIONS"
    assert context.sample("shop.short", f"COUNT(*) > 0 FROM {every}") == [(1,)]
    endless = ", ".join(f"{every} AS {name}" for name in "abcde")
    assert context.sample("shop.long", f"SUM(a.ID * e.ID) FROM {endless}") is None
    (note,) = InvalidBytes().unseen(context)
    assert "shop.long" in note.message and "shop.short" not in note.message


@pytest.mark.parametrize("source", [M57, MARIADB], indirect=True)
def test_notes_of_types(source: Source) -> None:
    """What is carried as it is, and will be old one day, is told."""
    for sql in (
        "CREATE TABLE t (a INT(4) ZEROFILL NOT NULL PRIMARY KEY, f FLOAT(7,2), u DOUBLE UNSIGNED,"
        " c VARCHAR(9) CHARSET utf8, g INT AS (f + 1) VIRTUAL)",
        "CREATE TABLE m (a INT NOT NULL) ENGINE = MyISAM PARTITION BY HASH (a) PARTITIONS 3",
    ):
        execute(source.session, sql)
    found = {(f.check, f.object, f.severity) for f in run_prechecks(source.context())}
    assert found >= {
        ("deprecated_types", "ZEROFILL", "note"),
        ("deprecated_types", "FLOAT(M,D) or DOUBLE(M,D)", "note"),
        ("deprecated_types", "FLOAT, DOUBLE or DECIMAL UNSIGNED", "note"),
        ("old_charsets", "utf8mb3", "note"),
        ("generated_columns", "columns", "note"),
        ("partitions", "shop.m", "note"),
        ("estimate", "full copy", "note"),
    }


def test_notes_of_settings(mysql97: RunningServer, source57: Source) -> None:
    """Changed defaults, dropped flags, SUPER and a compressed log are told and stop nothing."""
    found = {(f.check, f.object) for f in run_prechecks(source57.context())}
    assert found >= {
        ("changed_defaults", "innodb_autoinc_lock_mode"),
        ("sql_mode_flags", "sql_mode"),
        ("account_privileges", "SUPER"),
    }
    with prepared(mysql97.server) as source:
        execute(source.session, "SET GLOBAL binlog_transaction_compression = ON")
        try:
            (finding,) = source.findings("binary_log_compression")
        finally:
            execute(source.session, "SET GLOBAL binlog_transaction_compression = OFF")
        assert finding.severity == "note"


def test_group_member(server_farm: ServerFarm) -> None:
    """The only primary of a group is a warning; without a group there is nothing to say."""
    running = server_farm.start(
        "mysql 9.7",
        plugin_load_add="group_replication.so",
        loose_group_replication_group_name="aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
        loose_group_replication_local_address=f"127.0.0.1:{server_farm.free_port()}",
        loose_group_replication_bootstrap_group="ON",
        loose_group_replication_start_on_boot="OFF",
        report_host="127.0.0.1",
    )
    with prepared(running.server) as source:
        assert source.findings("group_member") == []
        execute(source.session, "START GROUP_REPLICATION")
        (finding,) = source.findings("group_member")
        assert (finding.severity, "primary of a group of 1" in finding.message) == ("warning", True)
        is_advice(finding)
        execute(source.session, "STOP GROUP_REPLICATION")
        assert source.findings("group_member") == []
    running.stop()


def test_only_the_pair_matters(mariadb: Source) -> None:
    """From MariaDB to MariaDB nothing is said of what MySQL lacks."""
    execute(mariadb.session, "CREATE TABLE t (a VARCHAR(9) COLLATE utf8mb3_myanmar_ci)")
    context = replace(mariadb.context(), target=Version("mariadb", 11, 8))
    assert "unknown_collations" not in {finding.check for finding in run_prechecks(context)}
