"""The full copy between real servers, judged by an independent comparer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pytest

from sterna.dataplane import copy_ranges
from sterna.dataplane.chunks import RowMover, plan_rows
from sterna.dataplane.copy import CopiedTables, StopAsked, copy_tables
from sterna.dataplane.copy_state import DONE, read_states, state_session
from sterna.dataplane.pace import Pace, Rate
from sterna.dataplane.reports import CopyReport, LogReport, Report, TableReport, TablesReport
from sterna.dataplane.schema import open_destination_session
from sterna.errors import SternaError, Stopped, Transient
from sterna.mysql.catalog import read_columns, read_foreign_keys, read_keys, read_tables
from sterna.mysql.connection import Session, execute, open_session, query, scalar
from sterna.mysql.position import Position
from tests.fixtures.compare import assert_equal, table_rows
from tests.fixtures.nasty import DATABASES, make_nasty
from tests.fixtures.running import RunningServer, eventually, wipe

ORIGINS = ["mysql56", "mysql57", "mariadb1011"]


@pytest.fixture(params=ORIGINS)
def origin(request: pytest.FixtureRequest) -> RunningServer:
    """Each server that people leave, empty."""
    server: RunningServer = request.getfixturevalue(request.param)
    wipe(server.server)
    return server


@pytest.fixture
def destination(mysql97: RunningServer) -> RunningServer:
    """The server that people go to, empty."""
    wipe(mysql97.server)
    return mysql97


def run(session: Session, *statements: str) -> None:
    for statement in statements:
        execute(session, statement)


def copy(
    origin: RunningServer,
    destination: RunningServer,
    *,
    reports: list[Report] | None = None,
    stop: threading.Event | None = None,
) -> CopiedTables:
    said = reports if reports is not None else []
    return copy_tables(
        origin.server,
        destination.server,
        pace=Pace(2),
        report=said.append,
        stop=stop or threading.Event(),
    )


def numbers(session: Session, table: str, *, rows: int, width: int = 10) -> None:
    """Fill a table (id INT, v VARCHAR) with `rows` rows."""
    execute(session, f"INSERT INTO {table} VALUES (1, REPEAT('x', {width}))")
    count = 1
    while count < rows:
        more = min(count, rows - count)
        execute(session, f"INSERT INTO {table} SELECT id + {count}, v FROM {table} LIMIT {more}")
        count += more


def test_every_value_arrives_bit_by_bit(origin: RunningServer, destination: RunningServer) -> None:
    """All types, charsets, engines, keys and names a version knows are equal after the copy."""
    make_nasty(origin.server, origin.version)
    reports: list[Report] = []
    copied = copy(origin, destination, reports=reports)
    assert_equal(origin.server, destination.server, DATABASES)
    assert set(copied.start_positions) >= {("nasty", "numbers"), ("nasty db.`x", "Mixed")}
    assert copied.smallest <= copied.complete_at
    done = [report for report in reports if isinstance(report, CopyReport)]
    assert done[0].rows_copied == sum(
        report.rows_copied
        for report in reports
        if isinstance(report, TableReport) and report.copied
    )


def test_keys_and_foreign_keys_are_there_after_the_rows(
    origin: RunningServer, destination: RunningServer
) -> None:
    """Indexes added after the load, foreign keys and AUTO_INCREMENT values are the origin's."""
    make_nasty(origin.server, origin.version)
    copy(origin, destination)
    with open_session(origin.server) as one, open_session(destination.server) as other:
        for database in DATABASES:
            wanted, found = read_foreign_keys(one, database), read_foreign_keys(other, database)
            assert {t: [k.columns for k in keys] for t, keys in found.items()} == {
                t: [k.columns for k in keys] for t, keys in wanted.items()
            }
            made = read_keys(other, database)
            for table, keys in read_keys(one, database).items():
                names = {(key.name, key.unique, key.parts) for key in keys}
                assert names <= {(key.name, key.unique, key.parts) for key in made[table]}, table
        run(other, "INSERT INTO nasty.parent (a, b) VALUES (9, 'nine')")
        assert scalar(other, "SELECT id FROM nasty.parent WHERE a = 9") == 77


def test_rows_are_those_of_the_snapshot_while_others_write(
    origin: RunningServer, destination: RunningServer
) -> None:
    """Transfers between accounts go on during the copy; the copied sum is exact."""
    with open_session(origin.server) as session:
        run(
            session,
            "CREATE DATABASE bank",
            "CREATE TABLE bank.a (id INT PRIMARY KEY, v BIGINT NOT NULL)",
            "CREATE TABLE bank.b (id INT PRIMARY KEY, v BIGINT NOT NULL)",
        )
        for table in ("a", "b"):
            numbers_of_money(session, f"bank.{table}")
    stop = threading.Event()
    moved: list[int] = []
    writer = threading.Thread(target=keep_transferring, args=(origin, stop, moved))
    writer.start()
    try:
        eventually(lambda: len(moved) > 20)
        copied = copy(origin, destination)
        before = len(moved)
        eventually(lambda: len(moved) > before)
    finally:
        stop.set()
        writer.join()
    with open_session(destination.server) as session:
        total = "SELECT (SELECT SUM(v) FROM bank.a) + (SELECT SUM(v) FROM bank.b)"
        assert scalar(session, total) == 2 * 20_000 * 100
    with open_session(origin.server) as session:
        assert copied.complete_at < current_position(session)


def numbers_of_money(session: Session, table: str) -> None:
    rows = ", ".join(f"({number}, 100)" for number in range(20_000))
    execute(session, f"INSERT INTO {table} VALUES {rows}")


def keep_transferring(origin: RunningServer, stop: threading.Event, moved: list[int]) -> None:
    with open_session(origin.server) as session:
        while not stop.is_set():
            one, other = len(moved) * 7919 % 20_000, len(moved) * 104_729 % 20_000
            run(
                session,
                "BEGIN",
                f"UPDATE bank.a SET v = v - 3 WHERE id = {one}",
                f"UPDATE bank.b SET v = v + 3 WHERE id = {other}",
                "COMMIT",
            )
            moved.append(one)


def current_position(session: Session) -> Position:
    row = query(session, "SHOW MASTER STATUS")[0]
    return Position.parse(f"{row[0]}:{row[1]}")


def test_values_of_twenty_megabytes_arrive(
    mysql57: RunningServer, destination: RunningServer
) -> None:
    """A row longer than a protocol packet, and than the origin's usual packet limit, is equal."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        limit = scalar(session, "SELECT @@GLOBAL.max_allowed_packet")
        run(session, "SET GLOBAL max_allowed_packet = 67108864", "CREATE DATABASE big")
        run(session, "CREATE TABLE big.blobs (id INT PRIMARY KEY, b LONGBLOB)")
    with open_session(mysql57.server) as session:
        run(session, "INSERT INTO big.blobs VALUES (1, REPEAT(UNHEX('00095C0AFF'), 4400000))")
        run(session, "INSERT INTO big.blobs VALUES (2, 'after')")
        run(session, f"SET GLOBAL max_allowed_packet = {limit}")
    copy(mysql57, destination)
    digests = "SELECT id, LENGTH(b), SHA2(b, 256) FROM big.blobs ORDER BY id"
    with open_session(mysql57.server) as one, open_session(destination.server) as other:
        assert query(one, digests) == query(other, digests)
        assert query(other, digests)[0][1] == 22_000_000


def test_a_crashed_copy_goes_on_without_doing_finished_tables_again(
    mysql57: RunningServer, destination: RunningServer
) -> None:
    """Stopped half-way: finished tables keep their start position, the others are copied anew."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        run(session, "CREATE DATABASE half")
        for name in ("one", "two", "three"):
            run(session, f"CREATE TABLE half.{name} (id INT PRIMARY KEY, v VARCHAR(20), KEY (v))")
            numbers(session, f"half.{name}", rows=1000)
    stop = threading.Event()

    def stop_after_first(report: Report) -> None:
        if isinstance(report, TableReport) and report.copied:
            stop.set()

    with pytest.raises(StopAsked):
        copy_tables(
            mysql57.server, destination.server, pace=Pace(1), report=stop_after_first, stop=stop
        )
    with state_session(destination.server) as session:
        before = {n: s for n, s in read_states(session).items() if s.state == DONE}
        run(session, "INSERT INTO half.three VALUES (-1, 'left by a half copy')")
    assert len(before) == 1
    with open_session(mysql57.server) as session:
        run(session, "INSERT INTO half.two VALUES (5000, 'later')")
    copied = copy(mysql57, destination)
    finished = next(iter(before))
    assert copied.start_positions[finished] == before[finished].start_position
    assert copied.smallest == before[finished].start_position < copied.complete_at
    if finished != ("half", "two"):
        assert_equal(mysql57.server, destination.server, ["half"])


@pytest.mark.parametrize(
    "ddl",
    [
        "ALTER TABLE moving.t ADD COLUMN extra INT",
        "TRUNCATE TABLE moving.t",
        "DROP TABLE moving.t",
        "RENAME TABLE moving.t TO moving.renamed",
    ],
)
def test_ddl_during_the_copy_copies_the_table_again(
    origin: RunningServer, destination: RunningServer, ddl: str
) -> None:
    """DDL hits a table that waits for its copy: a new snapshot is taken, all ends up equal."""
    with open_session(origin.server) as session:
        run(session, "CREATE DATABASE moving", "CREATE TABLE moving.t (id INT, v VARCHAR(20))")
        run(session, "CREATE TABLE moving.other (id INT PRIMARY KEY)")
        numbers(session, "moving.t", rows=1000)
    reports: list[Report] = []
    done = threading.Event()

    def change_table(report: Report) -> None:
        reports.append(report)
        first = isinstance(report, LogReport) and report.sentence.startswith("Snapshot at")
        if first and not done.is_set():
            done.set()
            with open_session(origin.server) as session:
                run(session, ddl)

    copy_tables(
        origin.server, destination.server, pace=Pace(1), report=change_table, stop=threading.Event()
    )
    assert_equal(origin.server, destination.server, ["moving"])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("v VARCHAR(20) PRIMARY KEY", "2 rows were sent"),
        ("v VARCHAR(2)", "Data truncated for column 'v'"),
        ("v INT", "Incorrect integer value"),
    ],
)
def test_a_row_that_does_not_arrive_as_it_was_stops_the_copy(
    mysql57: RunningServer, destination: RunningServer, column: str, said: str
) -> None:
    """LOAD DATA LOCAL skips duplicates and bends values silently; a chunk's answer tells."""
    wipe(mysql57.server)
    for server, definition in ((mysql57, "v VARCHAR(20)"), (destination, column)):
        with open_session(server.server) as session:
            run(session, "CREATE DATABASE dup", f"CREATE TABLE dup.t ({definition})")
    with open_session(mysql57.server) as one:
        run(one, "INSERT INTO dup.t VALUES ('same'), ('same')")
        plan = plan_rows(read_tables(one, "dup")[0], read_columns(one, "dup")["t"])
        other = open_destination_session(destination.server, local_infile=True)
        try:
            with pytest.raises(Stopped) as caught:
                RowMover(plan, origin=one, destination=other).move(lambda rows, octets: None)
        finally:
            other.close()
    assert caught.value.code == "RowsDiffer"
    assert said in caught.value.message


def test_a_table_that_is_not_ours_is_never_touched(
    mysql57: RunningServer, destination: RunningServer
) -> None:
    """A table of the same name on the destination stops the copy, and stays as it was."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        run(session, "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY)")
    with open_session(destination.server) as session:
        run(session, "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT, mine INT)")
        run(session, "INSERT INTO shop.orders VALUES (1, 2)")
    for _ in range(2):
        with pytest.raises(Stopped) as caught:
            copy(mysql57, destination)
        assert caught.value.code == "TableExists"
    assert len(table_rows(destination.server, "shop", "orders")) == 1


NEWEST = """
CREATE DATABASE newest
;; USE newest
;; SET sql_generate_invisible_primary_key = ON
;; CREATE TABLE hidden_key (v VARCHAR(9))
;; SET sql_generate_invisible_primary_key = OFF
;; INSERT INTO hidden_key VALUES ('x'), ('x'), (NULL)
;; CREATE TABLE modern (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT (1 + 2), j JSON,
  p POINT NOT NULL SRID 4326, u BINARY(16) DEFAULT (UUID_TO_BIN(UUID())), e ENUM('x'),
  d BINARY(4) DEFAULT 'ab', CONSTRAINT positive CHECK (id > 0 OR e <> ') CHECK'),
  KEY functional ((CAST(j->>'$.n' AS UNSIGNED)), id DESC), KEY unseen (a) INVISIBLE,
  SPATIAL KEY place (p), KEY many ((CAST(j->'$.list' AS UNSIGNED ARRAY))))
;; INSERT INTO modern (id, a, j, p) VALUES
  (1, 7, '{"n": 5, "list": [1, 2]}', ST_GeomFromText('POINT(48 11)', 4326)),
  (2, NULL, NULL, ST_GeomFromText('POINT(-89.5 179.5)', 4326))
"""


def test_what_newer_servers_added_is_carried(
    source_factory: Callable[..., RunningServer], destination: RunningServer
) -> None:
    """Hidden primary keys, invisible columns, functional indexes, SRIDs, expression defaults."""
    newer = source_factory("9.7")
    with open_session(newer.server) as session:
        for statement in NEWEST.split("\n;; "):
            execute(session, statement)
    copy(newer, destination)
    assert_equal(newer.server, destination.server, ["newest"])
    for table in ("hidden_key", "modern"):
        definitions = []
        for server in (newer, destination):
            with open_session(server.server) as session:
                definitions.append(query(session, f"SHOW CREATE TABLE newest.{table}")[0][1])
        assert definition_lines(definitions[0]) == definition_lines(definitions[1])


def definition_lines(definition: str) -> list[str]:
    """Without regard to the order of the keys, and to collations written out."""
    definition = re.sub(r" CHARACTER SET \w+ COLLATE \w+(?= )", "", definition)
    return sorted(line.strip().rstrip(",") for line in definition.splitlines())


def test_a_second_copy_at_the_same_time_is_refused(
    mysql57: RunningServer, destination: RunningServer
) -> None:
    """A forgotten copy and its successor never load the same table together."""
    wipe(mysql57.server)
    caught: list[SternaError] = []

    def copy_once_more(report: Report) -> None:
        if isinstance(report, LogReport) and report.sentence.startswith("Snapshot at"):
            with pytest.raises(Transient) as refused:
                copy(mysql57, destination)
            caught.append(refused.value)

    copy_tables(
        mysql57.server,
        destination.server,
        pace=Pace(1),
        report=copy_once_more,
        stop=threading.Event(),
    )
    assert [error.code for error in caught] == ["CopyRunning"]


def make_long_table(session: Session, *, rows: int) -> None:
    run(session, "CREATE DATABASE cut")
    run(session, "CREATE TABLE cut.t (id BIGINT UNSIGNED PRIMARY KEY, v VARCHAR(20))")
    run(session, "ALTER TABLE cut.t ADD UNIQUE KEY v (v, id)")  # all ranges need one position
    numbers(session, "cut.t", rows=rows)
    run(session, "INSERT INTO cut.t VALUES (0, ''), (18446744073709551615, 'far away')")
    query(session, "ANALYZE TABLE cut.t")


def test_a_long_table_is_copied_in_ranges_by_all_workers(
    origin: RunningServer, destination: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut along its key, far outliers included, a table arrives whole, with its indexes."""
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", 3000)
    with open_session(origin.server) as session:
        make_long_table(session, rows=30_000)
    copy(origin, destination)
    with open_session(destination.server) as session:
        ranges = copy_ranges.read_ranges(session)["cut", "t"]
        assert len(ranges) > 5 and all(each.is_done for each in ranges)
        assert sum(each.rows_copied for each in ranges) == 30_002
        assert [key.name for key in read_keys(session, "cut")["t"]] == ["PRIMARY", "v"]
    assert_equal(origin.server, destination.server, ["cut"])


def test_finished_ranges_stay_after_a_crash(
    origin: RunningServer, destination: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended in the middle of a table: ranges that are done and still the same are not loaded
    again; what was changed, removed or half loaded meanwhile is."""
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", 3000)
    with open_session(origin.server) as session:
        make_long_table(session, rows=30_000)
    stop = threading.Event()

    def stop_late(report: Report) -> None:
        if isinstance(report, TableReport) and report.rows_copied > 12_000:
            stop.set()

    with pytest.raises(StopAsked):
        copy_tables(origin.server, destination.server, pace=Pace(2), report=stop_late, stop=stop)
    with state_session(destination.server) as session:
        done = [each for each in copy_ranges.read_ranges(session)["cut", "t"] if each.is_done]
        run(session, "INSERT INTO cut.t VALUES (29999, 'left by a killed worker')")
    with open_session(origin.server) as session:
        run(session, "UPDATE cut.t SET v = 'changed' WHERE id = 7")
        run(session, "DELETE FROM cut.t WHERE id = 29000")
    before = rows_inserted(destination)
    said: list[Report] = []
    copied = copy_tables(
        origin.server, destination.server, pace=Pace(2), report=said.append, stop=threading.Event()
    )
    listed = [each for report in said if isinstance(report, TablesReport) for each in report.tables]
    assert [(each.state, each.rows_copied) for each in listed] == [
        ("copying", sum(each.rows_copied for each in done)),
        ("copied", 30_001),
    ]
    moving = [each.rows_copied for each in said if isinstance(each, TableReport)]
    assert listed[0].rows_copied - 3000 <= min(moving) and max(moving) <= 30_001
    kept = sum(each.rows_copied for each in done if each.low is not None)
    assert kept > 5000
    assert rows_inserted(destination) - before < 30_002 - kept + 500  # and Sterna's own rows
    assert copied.start_positions["cut", "t"] == copied.complete_at
    assert_equal(origin.server, destination.server, ["cut"])


def rows_inserted(server: RunningServer) -> int:
    with open_session(server.server) as session:
        rows = query(session, "SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")
        return int(rows[0][1])


def test_a_table_changed_after_a_crash_is_copied_anew(
    mysql57: RunningServer, destination: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranges of another definition are not gone on with."""
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", 3000)
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        make_long_table(session, rows=30_000)
    stop = threading.Event()

    def stop_late(report: Report) -> None:
        if isinstance(report, TableReport) and report.rows_copied > 12_000:
            stop.set()

    with pytest.raises(StopAsked):
        copy_tables(mysql57.server, destination.server, pace=Pace(2), report=stop_late, stop=stop)
    with open_session(mysql57.server) as session:
        run(session, "ALTER TABLE cut.t ADD COLUMN more INT DEFAULT 3")
    copy(mysql57, destination)
    assert_equal(mysql57.server, destination.server, ["cut"])


def test_the_rate_of_a_copy_is_changed_while_it_runs(
    mysql57: RunningServer, destination: RunningServer
) -> None:
    """A budget of rows holds from the first row; lifted, the rest arrives at once."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as session:
        run(
            session, "CREATE DATABASE slow", "CREATE TABLE slow.t (id INT PRIMARY KEY, v CHAR(200))"
        )
        numbers(session, "slow.t", rows=30_000, width=200)
    pace = Pace(2, Rate(rows_per_second=5000))
    began = time.monotonic()
    lift = threading.Timer(2.0, lambda: pace.change(Rate()))
    lift.start()
    copy_tables(
        mysql57.server,
        destination.server,
        pace=pace,
        report=lambda report: None,
        stop=threading.Event(),
    )
    assert 2.0 < time.monotonic() - began < 5.5
    assert_equal(mysql57.server, destination.server, ["slow"])
