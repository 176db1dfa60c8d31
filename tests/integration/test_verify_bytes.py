"""Whatever one byte differs in is found: a row for each hazard, all of them in one pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sterna.dataplane.reports import Report, VerifyReport
from sterna.dataplane.verify import Sides, verify_tables
from sterna.dataplane.verify_compare import read_position
from sterna.dataplane.verify_lanes import Lane
from sterna.dataplane.verify_scope import Layout
from sterna.errors import Stopped
from sterna.mysql.connection import Session, execute, open_session
from sterna.mysql.position import Position
from tests.fixtures.running import RunningServer, wipe

# A column: its type, a value, and the value that is put in its place on the destination.
HAZARDS = {
    "double_ulp": ("DOUBLE", "1e0", "1.0000000000000002e0"),
    "double_tiny": ("DOUBLE", "5e-324", "1e-323"),
    "double_small": ("DOUBLE NOT NULL", "0.0009765624999999999e0", "0.0009765625e0"),
    "double_size": ("DOUBLE", "1.5e0", "1536e0"),
    "double_large": ("DOUBLE", "1e300", "1.0000000000000002e300"),
    "double_sign": ("DOUBLE", "3e0", "-3e0"),
    "double_null": ("DOUBLE", "0e0", "NULL"),
    "float_bit": ("FLOAT", "16777216", "16777215"),
    "float_last": ("FLOAT", "1.1e0", "1.10000014e0"),
    "decimal_last": ("DECIMAL(65,30)", "1e-30", "0"),
    "decimal_whole": ("DECIMAL(10,0)", "12", "21"),
    "bigint_max": ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    "bigint_high": ("BIGINT", "1", "4294967297"),
    "bigint_sign": ("BIGINT NOT NULL", "-1", "9223372036854775807"),
    "int_zero": ("INT", "0", "NULL"),
    "int_sign": ("INT NOT NULL", "1", "-1"),
    "tiny": ("TINYINT UNSIGNED", "255", "127"),
    "bit_high": ("BIT(64)", "1", "9223372036854775809"),
    "bit_one": ("BIT(1)", "1", "0"),
    "enum_zero": ("ENUM('b','')", "0", "2"),
    "enum_null": ("ENUM('b','')", "NULL", "1"),
    "set_high": (
        "SET(" + ",".join(f"'m{number}'" for number in range(64)) + ")",
        "1", "9223372036854775809",
    ),
    "set_comma": ("SET('x','y') CHARACTER SET binary", "1", "3"),
    "year_zero": ("YEAR", "0", "2000"),
    "date_zero": ("DATE", "'0000-00-00'", "NULL"),
    "date_month": ("DATE", "'2023-00-00'", "'2023-00-01'"),
    "datetime_second": ("DATETIME", "'9999-12-31 23:59:58'", "'9999-12-31 23:59:59'"),
    "datetime_micro": ("DATETIME(6)", "'2020-01-01 00:00:00.000001'", "'2020-01-01'"),
    "timestamp_zero": ("TIMESTAMP NULL", "'0000-00-00'", "'1970-01-01 00:00:01'"),
    "time_sign": ("TIME(6)", "'-00:00:00.000001'", "'00:00:00.000001'"),
    "time_whole": ("TIME", "'-838:59:59'", "'838:59:59'"),
    "nul": ("VARCHAR(20)", r"'a\0b'", r"'a\0c'"),
    "last_nul": ("VARCHAR(20)", r"'a'", r"'a\0'"),
    "padding": ("VARCHAR(20)", "'a'", "'a '"),
    "letter_case": ("VARCHAR(20) CHARACTER SET utf8mb4", "'a'", "'A'"),
    "sharp_s": ("VARCHAR(20) CHARACTER SET utf8 COLLATE utf8_general_ci", "'ß'", "'s'"),
    "empty_text": ("VARCHAR(20)", "''", "NULL"),
    "binary_zero": ("VARBINARY(16)", "x'0000'", "x'000000'"),
    "same_crc": ("CHAR(8)", "'plumless'", "'buckeroo'"),
    "same_crc_text": ("TEXT CHARACTER SET utf8mb4", "'plumless'", "'buckeroo'"),
    "same_crc_long": ("LONGTEXT CHARACTER SET utf8mb4", "'plumless'", "'buckeroo'"),
    "ucs2": ("VARCHAR(20) CHARACTER SET ucs2", "x'0061'", "x'6100'"),
    "gbk": ("VARCHAR(20) CHARACTER SET gbk", "x'815C'", "x'815D'"),
    "not_utf8": ("VARCHAR(20) CHARACTER SET latin1", "x'81C3'", "x'81C4'"),
    "text_middle": (
        "TEXT", "CONCAT(REPEAT('x', 9000), 'y', REPEAT('x', 9000))", "REPEAT('x', 18001)",
    ),
    "blob_last": ("LONGBLOB", "CONCAT(REPEAT('x', 99999), x'00')", "REPEAT('x', 100000)"),
    "json_digit": ("JSON", "'{\"a\": [1.5, null]}'", "'{\"a\": [1.25, null]}'"),
    "json_null": ("JSON", "'null'", "NULL"),
    "point": ("POINT", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(1 -2)')"),
    "srid": ("POINT", "ST_GeomFromText('POINT(2 2)', 4326)", "ST_GeomFromText('POINT(2 2)', 0)"),
}  # fmt: skip
MANY_COLUMNS = 1017
MANY_TYPES = (
    "INT",
    "VARCHAR(3)",
    "DOUBLE",
    "DATETIME(6)",
    "BIGINT",
    "SMALLINT",
    "TINYINT NOT NULL",
)
MANY_DAMAGED = (*range(7), 500, 1010, 1011, 1012, 1013, 1014, 1015)
FEW_ROWS = (
    "CREATE TABLE squares (a INT)", "INSERT INTO squares VALUES (0), (5), (9), (9)",
    "CREATE TABLE swapped (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)",
    "INSERT INTO swapped VALUES (1, 1), (2, 2), (3, 3)",
    "CREATE TABLE swapped_texts (id INT NOT NULL PRIMARY KEY, v VARCHAR(9) NOT NULL)",
    "INSERT INTO swapped_texts VALUES (1, 'plumless'), (2, 'buckeroo'), (3, 'a')",
    "CREATE TABLE words (w VARCHAR(9) NOT NULL PRIMARY KEY, x VARCHAR(9), y VARCHAR(9))",
    "INSERT INTO words VALUES ('a', 'aa', 'a'), ('b', 'aa', 'a')",
    "CREATE TABLE nothing (id INT NOT NULL PRIMARY KEY, a INT, b BIGINT, c ENUM('x'), d DATETIME,"
    " e DATETIME, f VARCHAR(9), g VARCHAR(9), h LONGTEXT, i LONGTEXT)",
    "INSERT INTO nothing (id, a, f, h) VALUES (1, 0, '', ''), (2, NULL, NULL, NULL),"
    " (3, NULL, NULL, NULL), (4, NULL, NULL, NULL), (5, NULL, NULL, NULL)",
    "CREATE TABLE turned (w VARCHAR(9) NOT NULL PRIMARY KEY)", "INSERT INTO turned VALUES ('ab')",
    "CREATE TABLE turned_too (id INT NOT NULL PRIMARY KEY, x VARCHAR(9), y VARCHAR(9))",
    "INSERT INTO turned_too VALUES (1, 'a', 'N'), (2, 'ab', 'cd')",
    "CREATE TABLE signs (id INT NOT NULL PRIMARY KEY)",
    "INSERT INTO signs VALUES (3), (5)",
)  # fmt: skip
FEW_DAMAGED = (
    # as many rows, the same sum, the same sum of squares
    "DELETE FROM squares WHERE a < 9", "INSERT INTO squares VALUES (3), (4)",
    "UPDATE swapped SET v = 3 - v WHERE id < 3",
    "UPDATE swapped_texts SET v = IF(id = 1, 'buckeroo', 'plumless') WHERE id < 3",
    "UPDATE words SET w = 'A' WHERE w = 'a'", "UPDATE words SET x = 'a', y = 'aa' WHERE w = 'b'",
    # NULL and nothing change places, and come and go by two
    "UPDATE nothing SET a = NULL, b = 0, f = NULL, g = '', h = NULL, i = '' WHERE id = 1",
    "UPDATE nothing SET a = 0, b = 0 WHERE id = 2",
    "UPDATE nothing SET f = '', g = '' WHERE id = 3",
    "UPDATE nothing SET b = 0, c = 0, h = '', i = '' WHERE id = 4",
    "UPDATE nothing SET d = '2020-01-01', e = '2020-01-01' WHERE id = 5",
    "UPDATE signs SET id = -id", "UPDATE turned SET w = 'ba'",
    "UPDATE turned_too SET x = REVERSE(y), y = IF(id = 1, 'a', 'ba')",
)  # fmt: skip
FEW_DIFFERENT = {
    "squares": 4,
    "swapped": 2,
    "swapped_texts": 2,
    "words": 3,
    "nothing": 5,
    "signs": 4,
    "turned": 2,
    "turned_too": 2,
}


@pytest.fixture(scope="module")
def sessions(mysql57: RunningServer, mysql97: RunningServer) -> Iterator[tuple[Session, Session]]:
    """Of an origin and a destination, in a database that holds tables that are not alike."""
    found = []
    for server in (mysql57.server, mysql97.server):
        wipe(server)
        session = open_session(server)
        for sql in ("CREATE DATABASE shop DEFAULT CHARACTER SET latin1", "USE shop"):
            execute(session, sql)
        for sql in (*hazards(), *many_columns(), *FEW_ROWS):
            execute(session, sql)
        found.append(session)
    for number, (name, (_, _, damaged)) in enumerate(HAZARDS.items()):
        execute(found[1], f"UPDATE hazards SET {name} = {damaged} WHERE id = {number}")
    for number in MANY_DAMAGED:
        damaged = "NULL" if number % len(MANY_TYPES) < len(MANY_TYPES) - 1 else "2"
        execute(found[1], f"UPDATE many SET c{number} = {damaged} WHERE id = {number}")
    for sql in FEW_DAMAGED:
        execute(found[1], sql)
    yield found[0], found[1]
    for session in found:
        session.close()


def hazards() -> Iterator[str]:
    """A table with a column and a row for each; all rows are alike."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in HAZARDS.items())
    yield f"CREATE TABLE hazards (id INT NOT NULL PRIMARY KEY, {columns})"
    values = ", ".join(value for _, value, _ in HAZARDS.values())
    for number in range(len(HAZARDS)):
        yield f"INSERT INTO hazards VALUES ({number}, {values})"


def many_columns() -> Iterator[str]:
    """As many columns as a table can have."""
    kinds = [MANY_TYPES[number % len(MANY_TYPES)] for number in range(MANY_COLUMNS - 1)]
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    yield f"CREATE TABLE many (id INT NOT NULL PRIMARY KEY, {columns}) ROW_FORMAT=DYNAMIC"
    for number in MANY_DAMAGED:
        yield f"INSERT INTO many VALUES ({number}{', 1' * len(kinds)})"


def test_every_hazard_is_found_and_its_column_named(
    sessions: tuple[Session, Session], mysql57: RunningServer, mysql97: RunningServer
) -> None:
    """One byte, one bit, one sign: each row is a difference, and says by which column."""

    def applied() -> Position:
        return read_position(sessions[0])

    reports: list[Report] = []
    sides = Sides(mysql57.server, mysql97.server, applied)
    verify_tables(sides, report=reports.append, stop=threading.Event())
    found = {each.table: each for each in reports if isinstance(each, VerifyReport)}
    listed = {each.key: each.columns for each in found["hazards"].listed}
    assert listed == {f"id = {number}": (name,) for number, name in enumerate(HAZARDS)}
    assert {each.columns for each in found["many"].listed} == {(f"c{n}",) for n in MANY_DAMAGED}
    assert {table: found[table].differences for table in FEW_DIFFERENT} == FEW_DIFFERENT


def test_a_row_too_long_is_noticed_among_many_warnings(mysql57: RunningServer) -> None:
    """A server keeps 64 warnings by itself; the one that says a hash is missing comes behind."""
    many = "SELECT CAST(CONCAT('x', id) AS SIGNED) AS n FROM information_schema.collations"
    long = "SELECT LENGTH(REPEAT('x', @@max_allowed_packet + 1))"
    layout = Layout("d", "t", (), (), "", prints_point_zero=False)
    with Lane(mysql57.server) as lane:
        assert len(lane.begin(layout, many).result()) > 64
        with pytest.raises(Stopped) as stopped:
            lane.begin(layout, f"{many} UNION ALL {long}").result()
    assert stopped.value.code == "RowTooLong"
