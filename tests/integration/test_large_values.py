"""Values and transactions far beyond a packet; `make soak-blobs` takes them to the limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace
from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.link import Link, begin
from tests.fixtures.running import RunningServer, wipe

VALUE_BYTES = int(os.environ.get("LARGE_VALUE_MEGABYTES", "64")) * 1024**2
TRANSACTION_BYTES = int(os.environ.get("LARGE_TRANSACTION_MEGABYTES", "32")) * 1024**2
SECONDS_MAX = 60 + 4 * (VALUE_BYTES + TRANSACTION_BYTES) // 1024**2
ROW_BYTES = 8192
DIGESTS = "SELECT id, LENGTH(b), SHA2(b, 256) FROM large.blobs ORDER BY id"
SUMS = "SELECT COUNT(*), SUM(id), SUM(LENGTH(b)), SUM(CRC32(b)) FROM large.many"


@pytest.fixture
def sides(mysql57: RunningServer, mysql97: RunningServer) -> Generator[tuple[Server, Server]]:
    """A 5.7 and a 9.7 with the empty database `large`; every packet may have 1 GB."""
    servers = (mysql57.server, mysql97.server)
    limits = [rows(server, "SELECT @@GLOBAL.max_allowed_packet")[0][0] for server in servers]
    for server in servers:
        wipe(server)
        run(server, f"SET GLOBAL max_allowed_packet = {1 << 30}")
    run(mysql57.server, "CREATE DATABASE large")
    yield servers
    for server, limit in zip(servers, limits, strict=True):
        run(server, f"SET GLOBAL max_allowed_packet = {limit}")


def run(server: Server, *statements: str) -> None:
    with open_session(server) as session:
        for sql in statements:
            execute(session, sql)


def rows(server: Server, sql: str) -> list[tuple[object, ...]]:
    with open_session(server) as session:
        return query(session, sql)


def insert(number: int) -> str:
    """A row with a value of every byte that means something on its way."""
    return (
        f"INSERT INTO large.blobs VALUES ({number},"
        f" REPEAT(x'00095C0A0DFF271A', {VALUE_BYTES // 8}))"
    )


def copy(origin: Server, destination: Server) -> None:
    stop = threading.Event()
    copy_tables(origin, destination, pace=Pace(1), report=lambda report: None, stop=stop)


def test_large_value(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A LONGBLOB of 64 MB arrives by the copy and while following, whole."""
    origin, destination = sides
    run(origin, "CREATE TABLE large.blobs (id INT PRIMARY KEY, b LONGBLOB)", insert(1))
    copy(origin, destination)
    assert rows(destination, DIGESTS) == rows(origin, DIGESTS)
    begin(origin, destination)
    with Link(origin, destination, tmp_path / "spool") as link:
        run(origin, insert(2))
        run(origin, "DELETE FROM large.blobs WHERE id = 1")
        link.caught_up(SECONDS_MAX)
    found = rows(destination, DIGESTS)
    assert found == rows(origin, DIGESTS)
    assert [row[1] for row in found] == [VALUE_BYTES]


def test_large_transaction(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A transaction of many megabytes is applied, as one."""
    origin, destination = sides
    run(origin, f"CREATE TABLE large.many (id INT PRIMARY KEY, b VARBINARY({ROW_BYTES}))")
    copy(origin, destination)
    begin(origin, destination)
    doubled = "INSERT INTO large.many SELECT id + {0}, b FROM large.many WHERE id <= {0}"
    count, statements = (
        1,
        [f"INSERT INTO large.many VALUES (1, REPEAT('\\\\\\0', {ROW_BYTES // 2}))"],
    )
    while count * ROW_BYTES < TRANSACTION_BYTES:
        statements.append(doubled.format(count))
        count *= 2
    with Link(origin, destination, tmp_path / "spool") as link:
        run(origin, "BEGIN", *statements, "COMMIT")
        link.caught_up(SECONDS_MAX)
    assert rows(destination, SUMS) == rows(origin, SUMS)
    assert rows(destination, SUMS)[0][0] == count
