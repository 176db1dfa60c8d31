"""Pairs of positions: what one binary log holds up to here, the other holds up to there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sterna.dataplane import pairs
from sterna.dataplane.reports import LogReport, PairReport
from sterna.errors import Refused
from sterna.mysql.connection import Server, execute, greeting_version, open_session, query, scalar
from sterna.mysql.gtids import Gtids
from sterna.mysql.position import Position
from sterna.store import tasks as store_tasks
from sterna.store.records import PositionPair
from sterna.store.repository import open_store
from sterna.store.tasks import Tasks
from sterna.workflow.bookkeeping import Bookkeeper
from sterna.workflow.positions import newest_up_to
from tests.fixtures.link import Link, current_position
from tests.fixtures.running import eventually
from tests.integration.test_follow import run, sides

__all__ = ["sides"]

SIDES = [("mysql57", "mysql97"), ("mysql97", "mysql57"), ("mariadb1011", "mysql97")]
TRANSACTIONS = 60


def changes_up_to(server: Server, text: str) -> int:
    """How many statements on d.t the server's log holds up to a position."""
    end = Position.parse(text)
    with open_session(server) as session:
        rows = query(session, f"SHOW BINLOG EVENTS IN '{end.file}'")
    return sum(
        row[2] == "Table_map" and row[4] <= end.offset_bytes and "(d.t)" in row[5] for row in rows
    )


@pytest.mark.parametrize("sides", SIDES, indirect=True, ids="-".join)
def test_pairs_hold_the_same_data(
    sides: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every pair, taken while writes go on, both logs have the same changes; at rest the last
    pair is where both logs end, with the GTIDs both servers have executed."""
    monkeypatch.setattr(pairs, "EVERY_SECONDS", 0.0)
    origin, destination = sides
    with open_session(origin) as session:
        run(session, "CREATE DATABASE d CHARACTER SET latin1;; FLUSH LOGS")
        with Link(origin, destination, tmp_path) as link:
            link.caught_up()
            with open_session(destination) as there:
                run(there, "CREATE TABLE IF NOT EXISTS sterna.nothing (a INT);; FLUSH LOGS")
            run(session, "CREATE TABLE d.t (a INT PRIMARY KEY, b INT)")
            for number in range(TRANSACTIONS):
                execute(session, "INSERT INTO d.t VALUES (%s, 0)", [number])
                if number == TRANSACTIONS // 2:  # a fast reader may otherwise take all as one
                    link.caught_up()
            link.caught_up()
            found = eventually(lambda: at_rest(link, origin))
        reported = [report for report in link.reports if isinstance(report, PairReport)]
        gtids = gtids_of(origin)
    taken = [pair for pair in reported if changes_up_to(origin, pair.origin_position)]
    assert len(taken) > 1
    for pair in taken:
        ours = changes_up_to(origin, pair.origin_position)
        assert changes_up_to(destination, pair.destination_position) == ours
    assert found.destination_position == str(current_position(destination))
    assert (found.origin_gtids, found.destination_gtids) == (gtids, gtids_of(destination))


def at_rest(link: Link, origin: Server) -> PairReport | None:
    """The pair that says where the origin's log ends."""
    end = str(current_position(origin))
    reports = [report for report in link.reports if isinstance(report, PairReport)]
    return next((pair for pair in reports if pair.origin_position == end), None)


def gtids_of(server: Server) -> str:
    """What the server has executed, "" where it numbers nothing."""
    with open_session(server) as session:
        is_mariadb = greeting_version(session).is_mariadb
        name = "gtid_binlog_pos" if is_mariadb else "gtid_executed"
        return str(scalar(session, f"SELECT @@GLOBAL.{name}")).replace("\n", "")


def test_pairs_begin_when_all_counts(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Before, a table is newer than the position and a reader would miss what lies between."""
    origin, destination = sides
    with open_session(origin) as session:
        run(session, "CREATE DATABASE d CHARACTER SET latin1;; CREATE TABLE d.t (a INT)")
        ahead = Position(current_position(origin).file, 1 << 30)
        with Link(origin, destination, tmp_path, start_positions={("d", "t"): ahead}) as link:
            execute(session, "CREATE DATABASE e CHARACTER SET latin1")
            link.caught_up()
    assert not any(isinstance(report, PairReport) for report in link.reports)
    assert any(isinstance(report, LogReport) for report in link.reports)


# Kept and found


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Tasks]:
    """A store with one task, dts-1."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    tasks = Tasks(database)
    tasks.add("dts-1", "shop")
    yield tasks
    database.close()


def test_pairs_are_kept_by_side(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the direction, a pair says source and cluster; only so many are kept."""
    monkeypatch.setattr(store_tasks, "PAIRS_MAX", 3)
    Bookkeeper(tasks).record("dts-1", PairReport("s.1:5", "sg", "c.1:6", "cg"))
    tasks.want("dts-1", running=True, direction="Reverse")
    Bookkeeper(tasks).record("dts-1", PairReport("c.1:9", "cg", "s.1:8", "sg"))
    one, other = tasks.pairs("dts-1")
    assert (one.source_position, one.cluster_position) == ("s.1:5", "c.1:6")
    assert (other.source_position, other.cluster_position) == ("s.1:8", "c.1:9")
    for _ in range(4):
        Bookkeeper(tasks).record("dts-1", PairReport("c.1:99", "cg", "s.1:88", "sg"))
    assert {pair.source_position for pair in tasks.pairs("dts-1")} == {"s.1:88"}


@pytest.mark.parametrize(
    ("position", "side", "expected"),
    [
        ("s.1:4", "source", None),
        ("s.1:5", "source", "s.1:5"),
        ("s.1:19", "source", "s.1:5"),
        ("s.2:4", "source", "s.1:20"),
        ("c.1:70", "cluster", "s.1:20"),
    ],
)
def test_the_newest_pair_not_behind_is_found(
    position: str, side: str, expected: str | None
) -> None:
    """Nothing between is lost; what lies behind the pair is read twice."""
    kept = [pair("s.1:20", "c.1:60"), pair("s.1:5", "c.1:50")]
    found = newest_up_to(kept, Position.parse(position), side)
    assert (found and found.source_position) == expected


U, V = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"


@pytest.mark.parametrize(
    ("kept", "read", "fits"),
    [
        (f"{U}:1-77", f"{U}:1-77", True),
        (f"{U}:1-77", f"{U.upper()}:1-80", True),
        (f"{U}:1-77", f"{U}:1-70", False),
        (f"{U}:1-77", f"{U}:1-70:72-90", False),
        (f"{U}:1-70:72-77", f"{V}:1,\n{U}:1-40:41-90", True),
        (f"{U}:1-5,{V}:1", f"{U}:1-9", False),
        (f"{U}:1-5:nightly:1-3", f"{U}:1-9", False),
        (f"{U}:1-5:nightly:1-3", f"{U}:1-9:nightly:1-3", True),
        ("0-1-77", "0-2-80", True),
        ("0-1-77,7-1-2", "0-1-80", False),
        ("0-1-77,7-1-2", "7-1-2,0-1-77", True),
        ("", f"{U}:1-77", False),
    ],
)
def test_a_pair_is_found_by_gtids(kept: str, read: str, *, fits: bool) -> None:
    """A pair is for who has read all of its GTIDs: sets, tags, and domains of MariaDB."""
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    pairs = [PositionPair(moment, "s.1:5", kept, "c.1:5", "")]
    assert (newest_up_to(pairs, Gtids.parse(read), "source") is not None) == fits


@pytest.mark.parametrize("text", ["", "x", f"{U}", f"{U}:a-b", "0-1", f"0-1-5,{U}:1"])
def test_what_are_no_gtids_is_refused(text: str) -> None:
    """Half a set is no set."""
    with pytest.raises(ValueError, match=r"not a|neither"):
        Gtids.parse(text)


def test_another_servers_position_is_refused() -> None:
    """Positions of two servers are not compared."""
    with pytest.raises(Refused) as caught:
        newest_up_to([pair("s.1:5", "c.1:5")], Position.parse("other.1:5"), "source")
    assert caught.value.code == "BadPosition"


def pair(source: str, cluster: str) -> PositionPair:
    """A pair without GTIDs."""
    return PositionPair(datetime(2026, 1, 2, tzinfo=UTC), source, "", cluster, "")
