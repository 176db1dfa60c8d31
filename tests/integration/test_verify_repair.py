"""Differences told row by row, repaired under load, and passes that survive their process."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.dataplane.reports import LogReport, Report, RogueReport, RowDifference, VerifyReport
from sterna.dataplane.rogue import RogueWatch
from sterna.dataplane.verify import Sides, Verification, verify_tables
from sterna.dataplane.verify_order import VerifyOrder
from sterna.dataplane.verify_progress import Progress, read_progress
from sterna.dataplane.verify_repair import Repairer
from sterna.errors import SternaError, Stopped
from sterna.mysql.connection import Server, Session, execute, open_session, query, scalar
from tests.fixtures import link as links
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link
from tests.fixtures.running import RunningServer, eventually, wipe

TABLES = """
CREATE TABLE ints (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, a INT, b VARCHAR(20), d DOUBLE,
  at TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP)
CREATE TABLE words (w VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL PRIMARY KEY, t TEXT,
  e ENUM('x','y'))
CREATE TABLE bytes_ (k BINARY(4) NOT NULL, n INT NOT NULL, b BLOB, PRIMARY KEY (k, n))
CREATE TABLE days (d DATETIME(3) NOT NULL, u DECIMAL(20,5) NOT NULL, f FLOAT, UNIQUE KEY (d, u))
CREATE TABLE kinds (e ENUM('x','y') NOT NULL, id INT NOT NULL, v INT, PRIMARY KEY (id, e))
CREATE TABLE swaps (id INT NOT NULL PRIMARY KEY, u INT NOT NULL, UNIQUE KEY (u))
CREATE TABLE parents (id INT NOT NULL PRIMARY KEY, v INT)
CREATE TABLE children (id INT NOT NULL PRIMARY KEY, parent INT NOT NULL,
  FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)
CREATE TABLE loose (a INT, b VARCHAR(9))
"""
ROWS = r"""
INSERT INTO ints VALUES (1, 1, 'one', 0.1, NULL), (2, 2, '', 1e300, '2020-01-01'),
 (18446744073709551615, 3, NULL, -0.5, NULL), (4, NULL, '\\''\0', NULL, NULL)
INSERT INTO words VALUES ('ä', 'x', 'x'), ('B', '', NULL), ('c\'d', NULL, 'y')
INSERT INTO bytes_ VALUES (x'00010203', 1, x'00FF'), (x'00010203', 2, NULL), (x'FF000000', 1, x'')
INSERT INTO days VALUES ('2020-01-01 00:00:00.001', 1.5, 1.1), ('2020-01-02', -3, 16777216)
INSERT INTO kinds VALUES ('x', 1, 1), ('y', 1, 2), ('x', 2, 3)
INSERT INTO swaps VALUES (1, 10), (2, 20), (3, 30)
INSERT INTO parents VALUES (1, 1), (2, 2)
INSERT INTO children VALUES (1, 1), (2, 2)
INSERT INTO loose VALUES (1, 'a'), (1, 'a'), (2, 'b')
"""
# What a rogue writer does, and what has to be found: table, key, kind, columns.
DAMAGE = {
    "UPDATE ints SET b = 'ONE', d = 2 WHERE id = 1": (
        "ints", "id = 1", "different", ("b", "d", "at"),
    ),
    "DELETE FROM ints WHERE id > 100": ("ints", "id = 18446744073709551615", "missing", ()),
    "INSERT INTO ints VALUES (77, 7, 'x', 7, NULL)": ("ints", "id = 77", "extra", ()),
    "UPDATE words SET t = '', e = 'y' WHERE w = 'B'": ("words", "w = 'B'", "different", ("e",)),
    "DELETE FROM words WHERE w = 'ä'": ("words", "w = 0xC3A4", "missing", ()),
    "UPDATE bytes_ SET b = x'00FE' WHERE n = 1 AND k < x'01'": (
        "bytes_", r"k = '\x00\x01\x02\x03', n = 1", "different", ("b",),
    ),
    "INSERT INTO bytes_ VALUES (x'00000000', 9, NULL)": (
        "bytes_", r"k = '\x00\x00\x00\x00', n = 9", "extra", (),
    ),
    "UPDATE days SET f = 16777215 WHERE u = -3": (
        "days", "d = 2020-01-02 00:00:00.000, u = -3.00000", "different", ("f",),
    ),
    "UPDATE kinds SET v = 9 WHERE id = 1 AND e = 'y'": (
        "kinds", "id = 1, e = 2", "different", ("v",),
    ),
    "DELETE FROM parents WHERE id = 2": ("parents", "id = 2", "missing", ()),
}  # fmt: skip


ONE_ORIGIN = pytest.mark.parametrize("followed", ["mysql57"], indirect=True)


@pytest.fixture(params=["mysql56", "mysql57", "mariadb1011"])
def followed(
    request: pytest.FixtureRequest, mysql97: RunningServer, tmp_path: Path
) -> Iterator[Link]:
    """An origin that a 9.7 follows, with the same tables on both sides."""
    origin: RunningServer = request.getfixturevalue(request.param)
    for server in (origin.server, mysql97.server):
        wipe(server)
        with open_session(server) as session:
            execute(session, "SET SESSION sql_log_bin = 0")
            execute(session, "CREATE DATABASE shop DEFAULT CHARACTER SET latin1")
            execute(session, "USE shop")
            for sql in (*statements(TABLES), *statements(ROWS)):
                execute(session, sql)
            execute(session, "SET GLOBAL local_infile = ON")
    links.begin(origin.server, mysql97.server)
    with Link(origin.server, mysql97.server, tmp_path / "spool") as link:
        yield link


def statements(text: str) -> list[str]:
    """Statements begin in the first column of a line."""
    found: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found


def sides_of(link: Link) -> Sides:
    """What the verifier sees of a link."""
    return Sides(link.origin, link.destination, lambda: links.applied(link.destination))


def run_pass(
    link: Link, *, repair: bool = False, values: bool = False, epoch: int = 1
) -> tuple[Verification, list[Report]]:
    """One whole pass, and what it reported."""
    reports: list[Report] = []
    sides, stop = sides_of(link), threading.Event()
    repairer = None
    if repair:
        repairer = Repairer(
            sides, checkpoint=links.TASK, epoch=epoch, report=reports.append, stop=stop
        )
    progress = Progress(VerifyOrder("vp-1", (), repair, values))
    result = verify_tables(
        sides, report=reports.append, stop=stop, progress=progress, repairer=repairer
    )
    return result, reports


def listed(reports: list[Report]) -> list[tuple[str, RowDifference]]:
    """The differences with their tables."""
    return [
        (report.table, each)
        for report in reports
        if isinstance(report, VerifyReport)
        for each in report.listed
    ]


def sentences(reports: list[Report]) -> str:
    """What was logged."""
    return " ".join(report.sentence for report in reports if isinstance(report, LogReport))


@contextlib.contextmanager
def on(server: Server) -> Iterator[Session]:
    """A session in `shop`."""
    with open_session(server) as session:
        execute(session, "USE shop")
        yield session


def damage(link: Link) -> None:
    """Change the destination behind everybody's back, in the log of nobody."""
    with on(link.destination) as session:
        execute(session, "SET SESSION foreign_key_checks = 0, sql_log_bin = 0")
        for sql in DAMAGE:
            execute(session, sql)


def test_differences_of_all_kinds_are_told_and_repaired(followed: Link, tmp_path: Path) -> None:
    """Each wrong row is told with table, key, kind and columns; a repair makes both sides equal,
    is not taken for a rogue writer's, and leaves rows alone that were right."""
    damage(followed)
    result, reports = run_pass(followed)
    found = {(table, each.key, each.kind, tuple(each.columns)) for table, each in listed(reports)}
    assert found == set(DAMAGE.values())
    assert result.differences == len(DAMAGE)
    assert not any(each.origin_values for _, each in listed(reports))
    stop, rogues = threading.Event(), list[Report]()
    watch = RogueWatch(followed.destination, tmp_path / "watched", server_id=4712)
    thread = threading.Thread(target=watch.run, args=(rogues.append, stop))
    thread.start()
    repaired, reports = run_pass(followed, repair=True)
    assert (repaired.differences, repaired.details) == (0, ()), sentences(reports)
    assert sum(r.repaired for r in reports if isinstance(r, VerifyReport)) == len(DAMAGE)
    assert_equal(followed.origin, followed.destination, ["shop"])
    with on(followed.destination) as session:
        execute(session, "INSERT INTO swaps VALUES (9, 9)")
    eventually(lambda: rogues, within_seconds=5)
    stop.set()
    thread.join()
    assert [r.tables for r in rogues if isinstance(r, RogueReport)] == [["shop.swaps"]]


@ONE_ORIGIN
def test_values_only_when_asked_for(followed: Link) -> None:
    """With values a difference has both sides' value of each column that differs, NULL as None."""
    with on(followed.destination) as session:
        execute(session, "UPDATE ints SET b = NULL, a = 5, at = at WHERE id = 1")
        execute(session, "DELETE FROM swaps WHERE id = 3")
    _, reports = run_pass(followed, values=True)
    (_, changed), (_, missing) = listed(reports)
    assert changed.origin_values == {"a": "1", "b": "one"}
    assert changed.destination_values == {"a": "5", "b": None}
    assert missing.origin_values == {"id": "3", "u": "30"}
    assert missing.destination_values == {}


@ONE_ORIGIN
def test_swapped_unique_values_are_repaired(followed: Link) -> None:
    """Rows that hold each other's unique value are repaired together."""
    with on(followed.destination) as session:
        execute(session, "UPDATE swaps SET u = 0 WHERE id = 1")
        execute(session, "UPDATE swaps SET u = 10 WHERE id = 2")
        execute(session, "UPDATE swaps SET u = 20 WHERE id = 1")
    assert run_pass(followed)[0].differences == 2
    assert run_pass(followed, repair=True)[0].differences == 0
    assert_equal(followed.origin, followed.destination, ["shop"])


@ONE_ORIGIN
def test_what_cannot_be_repaired_is_said(followed: Link) -> None:
    """A table without a key, and one with triggers: nothing is touched, and there is advice."""
    with on(followed.destination) as session:
        execute(session, "CREATE TRIGGER t AFTER DELETE ON parents FOR EACH ROW SET @x = 1")
        execute(session, "UPDATE parents SET v = 7 WHERE id = 1")
        execute(session, "INSERT INTO loose VALUES (1, 'a')")
    result, reports = run_pass(followed, repair=True)
    assert result.differences == 2
    assert "`shop`.`loose` was not repaired: it has no unique key" in sentences(reports)
    assert "`shop`.`parents` was not repaired: it has triggers" in sentences(reports)
    with on(followed.destination) as session:
        assert scalar(session, "SELECT v FROM parents WHERE id = 1") == 7


@ONE_ORIGIN
def test_rows_that_share_the_beginning_of_their_key_are_not_all_locked(
    followed: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row that differs is not worth locking thousands that only sort beside it."""
    monkeypatch.setattr("sterna.dataplane.verify_repair.ROWS_LOCKED_MAX", 1)
    with on(followed.destination) as session:
        execute(session, "UPDATE kinds SET v = 9 WHERE id = 1 AND e = 'y'")
        execute(session, "UPDATE kinds SET v = 9 WHERE id = 2")
        execute(session, "UPDATE swaps SET u = -1 WHERE id = 1")
    result, reports = run_pass(followed, repair=True)
    assert "Rows can be asked for by id only" in sentences(reports)
    assert {table for table, _ in listed(reports)} == {"kinds"}
    assert result.differences == 2


@ONE_ORIGIN
def test_fenced_worker_repairs_nothing(followed: Link) -> None:
    """When a newer worker has taken over, the old one's repair is rolled back."""
    damage(followed)
    with pytest.raises(Stopped, match="taken over"):
        run_pass(followed, repair=True, epoch=0)
    with on(followed.destination) as session:
        assert scalar(session, "SELECT COUNT(*) FROM ints WHERE id = 77") == 1


def test_repair_while_just_these_rows_are_written(followed: Link) -> None:
    """Rows are repaired exactly while applications write just them."""
    with on(followed.origin) as session:
        rows = ", ".join(f"({key}, 0, 'x')" for key in range(1000, 1000 + BUSY_ROWS))
        execute(session, f"INSERT INTO ints (id, a, b) VALUES {rows}")
    followed.caught_up()
    repaired = 0
    with writing(followed):
        for _ in range(4):
            with on(followed.destination) as session:
                execute(session, "UPDATE ints SET a = -1 WHERE id % 3 = 0")
                execute(session, "DELETE FROM words WHERE w = 'B'")
            result, reports = run_pass(followed, repair=True)
            if followed.failure is not None:
                raise followed.failure
            assert not result.details, (result.details, sentences(reports))
            repaired += sum(r.repaired for r in reports if isinstance(r, VerifyReport))
    assert repaired > 20
    followed.caught_up()
    assert_equal(followed.origin, followed.destination, ["shop"])


BUSY_ROWS = 200


@contextlib.contextmanager
def writing(link: Link) -> Iterator[None]:
    """Two applications that update, and move, the busy rows."""
    stop, failures = threading.Event(), list[SternaError]()

    def write(seed: int) -> None:
        dice = random.Random(seed)
        with on(link.origin) as session:
            while not stop.wait(0.003):
                key = 1000 + dice.randrange(BUSY_ROWS)
                try:
                    execute(session, write_one(dice, key))
                except SternaError as error:
                    failures.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def write_one(dice: random.Random, key: int) -> str:
    """A statement on a busy row."""
    return dice.choice(
        [
            f"UPDATE ints SET b = '{dice.random()}' WHERE id = {key}",
            f"UPDATE ints SET a = a + 1 WHERE id = {key}",
            f"REPLACE INTO ints (id, a, b) VALUES ({key}, 1, 'new')",
        ]
    )


@ONE_ORIGIN
def test_pass_goes_on_in_another_process(
    followed: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that is cut off in the middle of a table goes on behind the last chunk kept, with
    its counts and its differences."""
    monkeypatch.setattr("sterna.dataplane.verify_chunks.CHUNK_ROWS", 10)
    monkeypatch.setattr("sterna.dataplane.verify.SAY_SECONDS", 0.0)
    monkeypatch.setattr("sterna.dataplane.verify_progress.KEEP_SECONDS", 0.0)
    monkeypatch.setattr("sterna.dataplane.verify_progress.KEEP_SHARE", 1e9)
    with on(followed.origin) as session:
        rows = ", ".join(f"({number}, {number})" for number in range(100, 300))
        execute(session, f"INSERT INTO swaps VALUES {rows}")
    followed.caught_up()
    with on(followed.destination) as session:
        execute(session, "UPDATE swaps SET u = -1 WHERE id = 105")
        execute(session, "UPDATE swaps SET u = -2 WHERE id = 290")
    file, stop = tmp_path / "verify.json", threading.Event()

    def cut_off(report: Report) -> None:
        progress = read_progress(file)
        if progress and progress.place and progress.place.outcome.rows_verified > 100:
            stop.set()

    first = verify_tables(
        sides_of(followed), report=cut_off, stop=stop, progress=Progress(VerifyOrder("vp-7"), file)
    )
    assert not first.complete
    kept = read_progress(file)
    assert kept is not None and kept.place is not None
    assert kept.place.table == ("shop", "swaps")
    assert kept.order.id == "vp-7"
    reports: list[Report] = []
    result = verify_tables(
        sides_of(followed), report=reports.append, stop=threading.Event(), progress=kept
    )
    compared = [report.table for report in reports if isinstance(report, VerifyReport)]
    assert compared == ["swaps", "words"]
    assert [each.key for _, each in listed(reports)] == ["id = 105", "id = 290"]
    with on(followed.origin) as session:
        tables = [row[0] for row in query(session, "SHOW TABLES")]
        counts = [scalar(session, f"SELECT COUNT(*) FROM {table}") for table in tables]
    assert (result.rows_verified, result.differences) == (sum(counts), 2)
    assert not file.exists()
