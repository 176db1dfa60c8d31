"""Time zones: what the prechecks say of them, and how a cluster comes to know the source's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sterna.clusters.engines import choose_engine
from sterna.clusters.parameters import can_start_with, read_inherited
from sterna.clusters.time_zones import carry_time_zones
from sterna.mysql.connection import execute, open_session, scalar
from sterna.mysql.version import Version
from sterna.prechecks import long_transactions
from sterna.workflow import live_guards
from tests.fixtures.precheck_source import Source, heal, prepared
from tests.fixtures.running import RunningServer, ServerFarm, eventually

T = "CREATE TABLE t (a INT NOT NULL PRIMARY KEY)"


@pytest.fixture(scope="module")
def far_away(server_farm: ServerFarm) -> Iterator[RunningServer]:
    """A 5.7 on a machine in India."""
    engine = choose_engine(server_farm.engines, "mysql 5.7")
    engine = replace(engine, environment={**engine.environment, "TZ": "Asia/Kolkata"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_farm, "engines", (engine,))
        running = server_farm.start("mysql 5.7")
    yield running
    running.stop()


def test_time_zones(far_away: RunningServer) -> None:
    """A machine's own zone is a warning; one known by name is carried. An event in a zone that is
    gone is an error until it is dropped."""
    running = far_away
    with prepared(running.server) as source, system_rows(source, *ZONE):
        found = source.findings("time_zones")[0]
        assert (found.object, "IST" in found.message) == ("time_zone", True)
        heal(source.session, [found])
        assert [f.severity for f in source.findings("time_zones")] == ["note"]
        execute(source.session, "SET GLOBAL time_zone = 'Test/Zone'")
        execute(source.session, "SET SESSION time_zone = 'Test/Zone'")
        execute(source.session, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'x' DO SET @a = 1")
        assert [f.severity for f in source.findings("time_zones")] == ["note"]
    running = running.restart(default_time_zone="+00:00")  # it has known the zone until now
    with open_session(running.server, lock_wait_seconds=1) as session:
        source = Source(running.server, session)
        (lost,) = source.findings("time_zones")
        assert (lost.object, lost.severity) == ("shop.e", "error")
        heal(session, [lost])
        assert source.findings("time_zones") == []


def test_age_of_transactions_elsewhere(
    far_away: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age of a transaction is its age, however far the server's clock is from UTC."""
    with prepared(far_away.server) as source, open_session(source.server) as holder:
        execute(source.session, T)
        execute(holder, "START TRANSACTION")
        execute(holder, "INSERT INTO shop.t VALUES (1)")
        assert source.findings("long_transactions") == []
        assert live_guards.long_transactions(source.session) == []
        monkeypatch.setattr(long_transactions, "SECONDS_MAX", 0)
        monkeypatch.setattr(live_guards, "TRANSACTION_SECONDS_MAX", 0)
        (old,) = eventually(lambda: live_guards.long_transactions(source.session))
        (found,) = eventually(lambda: source.findings("long_transactions"), every_seconds=0.3)
        assert (old.session, found.object) == (holder.thread_id(), f"session {old.session}")
        assert old.seconds < 60


ZONE = (
    "INSERT INTO mysql.time_zone_name VALUES ('Test/Zone', 990)",
    "INSERT INTO mysql.time_zone VALUES (990, 'N')",
    "INSERT INTO mysql.time_zone_transition_type VALUES (990, 0, 3600, 0, 'TST')",
)


@contextmanager
def system_rows(source: Source, *statements: str) -> Iterator[None]:
    """Rows in the tables of time zones, gone afterwards."""
    tables = ("time_zone_name", "time_zone", "time_zone_transition_type")
    with open_session(source.server) as session:
        execute(session, "SET sql_log_bin = 0")
        for sql in statements:
            execute(session, sql)
        try:
            yield
        finally:
            for table in tables:
                execute(session, f"DELETE FROM mysql.{table} WHERE Time_zone_id = 990")


AN_HOUR_LATER = "SELECT CONVERT_TZ('2026-07-01 10:00:00', '+00:00', 'Test/Zone')"


def test_zones_are_carried(mysql57: RunningServer, mysql97: RunningServer) -> None:
    """A new cluster knows no zone by name; then it knows the source's, and can run in one."""
    with (
        prepared(mysql57.server) as source,
        prepared(mysql97.server) as cluster,
        system_rows(source, *ZONE),
        system_rows(cluster),
    ):
        execute(source.session, "SET GLOBAL time_zone = 'Test/Zone'")
        try:
            inherited = read_inherited(source.session, Version("mysql", 9, 7, 4))
        finally:
            execute(source.session, "SET GLOBAL time_zone = 'SYSTEM'")
        assert inherited["default_time_zone"] == "Test/Zone"
        assert "default_time_zone" not in can_start_with(inherited)
        assert can_start_with({"default_time_zone": "+01:00"}) == {"default_time_zone": "+01:00"}
        assert scalar(cluster.session, AN_HOUR_LATER) is None
        for _ in range(2):
            assert carry_time_zones(source.session, cluster.session) == 1
            assert str(scalar(cluster.session, AN_HOUR_LATER)) == "2026-07-01 11:00:00"
        execute(cluster.session, "SET SESSION time_zone = 'Test/Zone'")
