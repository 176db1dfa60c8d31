"""What clusters have used, counted against a clock that is ours, on a real server's files."""

from __future__ import annotations

import csv
import threading
from datetime import UTC, datetime, timedelta

import pytest

from sterna.clusters.local import LocalProvisioner
from sterna.errors import Transient
from sterna.store.usage import UsageBook
from sterna.workflow.metering import Metering, hours_of
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.running import RunningServer, ServerFarm

START = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


def test_hours_are_cut_at_their_ends() -> None:
    """Every second of a time is in exactly one hour."""
    found = list(hours_of(START, START + timedelta(hours=2)))
    assert [(hour.hour, seconds) for hour, seconds in found] == [(22, 1800), (23, 3600), (0, 1800)]


def test_usage_is_counted_also_while_nobody_looked(
    server_farm: ServerFarm,
    mysql57: RunningServer,
    mariadb1011: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two nodes for two hours and a half, half an hour of which the server was down; and half an
    hour more, in which the machine of the nodes was away."""
    home = server_farm.folder / "usage"
    home.mkdir()
    with open_desk(home) as desk:
        cluster = desk.add_cluster(mysql57, mariadb1011)
        size = 3_000_000_000
        monkeypatch.setattr(LocalProvisioner, "storage_bytes", lambda *_: size)
        for minutes in (0, 60, 90, 120, 150):
            desk.tools.clock = lambda m=minutes: START + timedelta(minutes=m)  # type: ignore[misc]
            if minutes:  # whoever dies while counting has counted nothing
                with monkeypatch.context() as dying, pytest.raises(ZeroDivisionError):
                    dying.setattr(UsageBook, "add", lambda *_, **__: 1 // 0)
                    desk.service.metering.tick()
            desk.service.metering.tick()
        desk.service.metering.tick()  # the same moment again counts nothing
        whole = ("usage", "--from", "2026-03-31", "--to", "2026-04-02")
        (used,) = desk.ask(*whole)
        assert used == {
            "cluster_id": cluster.id,
            "node_class": "sterna.small",
            "pay_type": cluster.pay_type,
            "node_hours": 5.0,
            "storage_gb_hours": 15.0,
            "assumed_node_hours": 0.0,
        }
        assert_counted_unasked(desk, monkeypatch)
        (april,) = desk.ask("usage", "--from", "2026-04-01", "--to", "2026-04-02")
        assert april["node_hours"] == 3.0
        desk.tools.inventory.remove_cluster(cluster.id)
        _, out, _ = desk.run(*whole, "--csv")
        header, row = csv.reader(out.splitlines())
        assert dict(zip(header, row, strict=True))["node_hours"] == "6.0"
        assert desk.refusal("usage", "--from", "2026-04-02", "--to", "2026-04-01") == "BadPeriod"


def assert_counted_unasked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that cannot be asked count with what they took last, whoever remembers it; it is told.
    They are asked at once, and nobody waits for the slow."""
    waiting = threading.Barrier(2, timeout=10)

    def away(*_: object) -> int:
        waiting.wait()
        raise Transient("It is away.", code="HostUnreachable")

    later = START + timedelta(minutes=180)
    desk.tools.clock = lambda: later
    with monkeypatch.context() as gone:
        gone.setattr(LocalProvisioner, "storage_bytes", away)
        Metering(desk.tools, desk.tools.usage).tick()
    (used,) = desk.ask("usage", "--from", "2026-03-31", "--to", "2026-04-02")
    sums = ("node_hours", "storage_gb_hours", "assumed_node_hours")
    assert [used[name] for name in sums] == [6.0, 18.0, 1.0]
