"""Ranges of every kind of key between real servers: each row in exactly one, on both sides."""

from __future__ import annotations

import random
import threading
from collections.abc import Generator

import pytest

from sterna.dataplane import copy_ranges
from sterna.dataplane.copy import StopAsked, copy_tables
from sterna.dataplane.copy_keys import RangeKey, range_key
from sterna.dataplane.copy_ranges import KeyRange
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import Report, TableReport
from sterna.dataplane.schema import open_destination_session
from sterna.dataplane.verify_expressions import row_sum
from sterna.mysql.catalog import Column, read_columns, read_keys
from sterna.mysql.connection import Session, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, wipe

ORIGINS = ["mysql56", "mysql57", "mariadb1011"]
ROWS = 300
RANGE_ROWS = 60

COLLATIONS = (
    *("latin1_swedish_ci", "latin1_german2_ci", "latin2_czech_cs", "cp1250_czech_cs"),
    *("utf8_general_ci", "utf8_unicode_ci", "utf8_bin", "utf8mb4_general_ci", "utf8mb4_bin"),
    *("utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "utf8mb4_swedish_ci", "sjis_japanese_ci"),
    *("gbk_chinese_ci", "big5_chinese_ci", "cp932_japanese_ci", "eucjpms_japanese_ci"),
    *(
        "euckr_korean_ci",
        "ucs2_general_ci",
        "utf16_unicode_ci",
        "utf32_general_ci",
        "tis620_thai_ci",
    ),
)
OTHER_KEYS = {
    "uuid": "k BINARY(16) NOT NULL, PRIMARY KEY (k)",
    "bytes": "k VARBINARY(12) NOT NULL, PRIMARY KEY (k)",
    "short": "k BINARY(2) NOT NULL, PRIMARY KEY (k)",
    "decimal": "k DECIMAL(20,6) NOT NULL, PRIMARY KEY (k)",
    "moment": "k DATETIME(6) NOT NULL, PRIMARY KEY (k)",
    "day": "k DATE NOT NULL, PRIMARY KEY (k)",
    "stamp": "k TIMESTAMP(3) NOT NULL DEFAULT '2000-01-01', PRIMARY KEY (k)",
    "clock": "k TIME(3) NOT NULL, PRIMARY KEY (k)",
    "year": "y YEAR NOT NULL, k INT NOT NULL, PRIMARY KEY (y, k)",
    "bits": "k BIT(40) NOT NULL, PRIMARY KEY (k)",
    "tenant": "a INT NOT NULL, k BIGINT NOT NULL, PRIMARY KEY (a, k)",
    "tenant_name": "a VARCHAR(9) NOT NULL, b INT NOT NULL, k VARBINARY(8) NOT NULL,"
    " PRIMARY KEY (a, b, k)",
    "few": "a INT NOT NULL, k INT NOT NULL, PRIMARY KEY (a, k)",
    "no_primary": "k VARCHAR(20) CHARACTER SET latin1 NOT NULL, u INT, UNIQUE KEY (k), KEY (u)",
    "enum_first": "e ENUM('x', 'y') NOT NULL, k INT NOT NULL, PRIMARY KEY (e, k), UNIQUE KEY (k)",
    "prefix": "k VARCHAR(40) NOT NULL, PRIMARY KEY (k(20))",
    "nullable": "k INT, UNIQUE KEY (k)",
    "none": "k INT",
}
WHOLE = {"prefix", "nullable", "none"}


@pytest.fixture(params=ORIGINS)
def origin(request: pytest.FixtureRequest) -> RunningServer:
    """Each server that people leave, with a table for every kind of key."""
    server: RunningServer = request.getfixturevalue(request.param)
    wipe(server.server)
    with open_session(server.server) as session:
        for sql in ("SET sql_log_bin = 0", "CREATE DATABASE kinds", "USE kinds"):
            execute(session, sql)
        for collation in COLLATIONS:
            make_texts(session, collation)
        for name, columns in OTHER_KEYS.items():
            execute(session, f"CREATE TABLE `{name}` ({columns}, v INT) CHARSET=latin1")
            insert(session, name, [values(name, number) for number in range(ROWS)])
        for (name,) in query(session, "SHOW TABLES"):
            query(session, f"ANALYZE TABLE `{name}`")
    return server


def make_texts(session: Session, collation: str) -> None:
    """Keys that a collation holds for equal or orders in its own way, as far as it has them."""
    charset = collation.partition("_")[0]
    execute(
        session,
        f"CREATE TABLE `{collation}` (k VARCHAR(12) CHARACTER SET {charset} COLLATE {collation}"
        " NOT NULL PRIMARY KEY, v INT) CHARSET=latin1",
    )
    insert(session, collation, [(text, 1) for text in texts()])


def texts() -> list[str]:
    chance = random.Random(7)
    letters = "aAbBäÄßsczChH \t\x01~éÉøØłŁñı字漢ｱ亜가กи😀ﬁ\\'"
    special = ["", " ", "a", "a ", "a\t", "A", "ß", "ss", "SS", "ch", "cz", "\\", "ä", "ae", "😀"]
    return special + ["".join(chance.choices(letters, k=chance.randint(1, 9))) for _ in range(400)]


def values(table: str, number: int) -> tuple[object, ...]:
    """One row of a table in OTHER_KEYS, its last value for the column v."""
    chance = random.Random(number)
    moment = f"20{number % 30:02}-01-{number % 28 + 1:02} 00:00:{number % 60:02}.{number:06}"
    rows: dict[str, tuple[object, ...]] = {
        "uuid": (chance.randbytes(13) + b"\0\0\0",),
        "bytes": (
            chance.choice([b"", b"\0", b"\xff"]) + number.to_bytes(2) + b"\0" * (number % 3),
        ),
        "short": (number.to_bytes(2),),
        "decimal": (f"{chance.uniform(-1e9, 1e9):.6f}",),
        "moment": ("0000-00-00" if number == 0 else moment,),
        "day": (
            "0000-00-00" if number == 0 else f"20{number % 90 + 1:02}-0{number % 9}-{number // 90}",
        ),
        "stamp": (f"2001-01-01 00:00:00.{number:03}",),
        "clock": (f"{(number - 150) * 5}:00:01.{number:03}",),
        "year": (chance.choice(["0000", "1901", "2155"]), number),
        "bits": (number << 30,),
        "tenant": (chance.choice([-3, 7, 1 << 30]), chance.randint(-(2**60), 2**60)),
        "tenant_name": (chance.choice(["x", "X ", "y,y"]), number % 5, number.to_bytes(2)),
        "few": (1, number),
        "no_primary": (f"{chance.random()}", None),
        "enum_first": (1 + number % 2, number),
        "prefix": (f"{number} {chance.random()}",),
    }
    return (*rows.get(table, (number,)), number)


def insert(session: Session, table: str, rows: list[tuple[object, ...]]) -> None:
    marks = ", ".join(["%s"] * len(rows[0]))
    sql = f"INSERT IGNORE INTO `{table}` VALUES " + ", ".join([f"({marks})"] * len(rows))
    execute(session, sql, [value for row in rows for value in row])


@pytest.fixture
def destination(mysql97: RunningServer) -> RunningServer:
    """The server that people go to, empty."""
    wipe(mysql97.server)
    return mysql97


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows make many ranges."""
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", RANGE_ROWS)


def silent(_report: Report) -> None:
    """Nobody listens."""


def both(origin: RunningServer, destination: RunningServer) -> Generator[Session]:
    yield open_session(origin.server)
    yield open_destination_session(destination.server)


def test_every_row_is_in_one_range_and_the_same_one_on_both_sides(
    origin: RunningServer, destination: RunningServer
) -> None:
    """Whatever a key is made of, its ranges hold each row once, and a condition that is evaluated
    on the destination means the rows it means on the origin. Tables without a key stay whole."""
    copy_tables(
        origin.server, destination.server, pace=Pace(2), report=silent, stop=threading.Event()
    )
    assert_equal(origin.server, destination.server, ["kinds"])
    one, other = both(origin, destination)
    columns, keys = read_columns(one, "kinds"), read_keys(one, "kinds")
    found = copy_ranges.read_ranges(other)
    assert {table for _, table in found} == {*COLLATIONS, *OTHER_KEYS} - WHOLE - unlike(origin)
    for (_, table), ranges in found.items():
        key = range_key(columns[table], keys[table], same_server_kind=True)
        assert key is not None
        key = key.leading(ranges[0].width)
        assert len(ranges) > 2, table
        sums = [
            [range_sum(session, table, columns[table], part=part, key=key) for part in ranges]
            for session in (one, other)
        ]
        assert sums[0] == sums[1], table
        whole = range_sum(one, table, columns[table], part=KeyRange(), key=key)
        assert tuple(map(sum, zip(*sums[0], strict=True))) == whole, table


def unlike(origin: RunningServer) -> set[str]:
    """What MariaDB may order unlike MySQL; cut as well, but not kept for after a crash."""
    shared = ("bin", "general_ci", "swedish_ci", "unicode_ci", "unicode_520_ci")
    if not origin.version.is_mariadb:
        return set()
    return {collation for collation in COLLATIONS if not collation.endswith(shared)}


def range_sum(
    session: Session, table: str, columns: list[Column], *, part: KeyRange, key: RangeKey
) -> tuple[int, int]:
    """Rows, and the sum of their hashes."""
    where = key.condition(part.low, part.high) or "TRUE"
    sql = f"SELECT COUNT(*), COALESCE({row_sum(columns)}, 0) FROM kinds.`{table}` WHERE {where}"
    rows, total = query(session, sql)[0]
    return int(rows), int(total)


def test_ranges_of_every_key_go_on_after_a_crash(
    origin: RunningServer, destination: RunningServer
) -> None:
    """Ended in the middle, with rows a killed worker left: half-loaded ranges are cleared by a
    condition on the destination, the rest is kept, and all tables are equal."""
    stop = threading.Event()
    seen: list[int] = []

    def stop_late(report: Report) -> None:
        if isinstance(report, TableReport):
            seen.append(report.rows_copied)
            in_the_middle = report.rows_copied < 2 * RANGE_ROWS + 2
            if len(seen) > 70 and in_the_middle and report.table not in WHOLE | unlike(origin):
                stop.set()

    with pytest.raises(StopAsked):
        copy_tables(origin.server, destination.server, pace=Pace(2), report=stop_late, stop=stop)
    with open_destination_session(destination.server) as session:
        ranges = copy_ranges.read_ranges(session)
        assert any(part.is_done for parts in ranges.values() for part in parts)
        execute(session, "UPDATE sterna.ranges SET is_done = 0 WHERE number MOD 2 = 0")
        begun = query(session, "SELECT table_name FROM sterna.tables WHERE state = 'copying'")
    assert begun
    with open_session(origin.server) as session:
        for (table,) in begun:
            execute(session, f"DELETE FROM kinds.`{table}` WHERE v MOD 3 = 2 LIMIT 1")
    copy_tables(
        origin.server, destination.server, pace=Pace(2), report=silent, stop=threading.Event()
    )
    assert_equal(origin.server, destination.server, ["kinds"])
