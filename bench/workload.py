"""sysbench's write-only transactions, made inside the origin or by clients at a chosen rate."""

from __future__ import annotations

import random
import time
from contextlib import closing
from multiprocessing.synchronize import Event
from threading import Event as ThreadEvent

from sterna.mysql.connection import Server, Session, execute, open_session, query

ROW_EVENTS_PER_TRANSACTION = 4
_TABLE = """
CREATE TABLE bench.sbtest1 (
    id INT NOT NULL PRIMARY KEY, k INT NOT NULL DEFAULT 0,
    c CHAR(120) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT '',
    pad CHAR(60) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT '', KEY (k))
"""
_MARKER = "CREATE TABLE bench.marker (id INT PRIMARY KEY, n INT NOT NULL)"
_MIXED = """
CREATE PROCEDURE bench.mixed(n INT, size INT)
BEGIN
    DECLARE i INT DEFAULT 0;
    DECLARE x INT;
    WHILE i < n DO
        SET i = i + 1;
        START TRANSACTION;
        SET x = 1 + FLOOR(RAND() * size);
        UPDATE bench.sbtest1 SET k = k + 1 WHERE id = x;
        SET x = 1 + FLOOR(RAND() * size);
        UPDATE bench.sbtest1 SET c = RPAD(RAND(), 96, 'x') WHERE id = x;
        SET x = 1 + FLOOR(RAND() * size);
        DELETE FROM bench.sbtest1 WHERE id = x;
        INSERT INTO bench.sbtest1 VALUES (x, i, RPAD(RAND(), 96, 'x'), RPAD(i, 32, 'y'));
        COMMIT;
    END WHILE;
END
"""
_FRESH = """
CREATE PROCEDURE bench.fresh(n INT, size INT)
BEGIN
    DECLARE i INT DEFAULT 0;
    DECLARE x INT;
    WHILE i < n DO
        SET x = size + i * 4, i = i + 1;
        START TRANSACTION;
        INSERT INTO bench.sbtest1 VALUES (x + 1, i, RPAD(i, 96, 'x'), RPAD(i, 32, 'y'));
        INSERT INTO bench.sbtest1 VALUES (x + 2, i, RPAD(i, 96, 'x'), RPAD(i, 32, 'y'));
        INSERT INTO bench.sbtest1 VALUES (x + 3, i, RPAD(i, 96, 'x'), RPAD(i, 32, 'y'));
        INSERT INTO bench.sbtest1 VALUES (x + 4, i, RPAD(i, 96, 'x'), RPAD(i, 32, 'y'));
        COMMIT;
    END WHILE;
END
"""


def prepare(server: Server, rows: int) -> None:
    """The same table with the same rows on every server; not in the binary log."""
    with closing(open_session(server)) as session:
        execute(session, "SET SESSION sql_log_bin = 0")
        execute(session, "DROP DATABASE IF EXISTS bench")
        execute(session, "CREATE DATABASE bench CHARACTER SET latin1 COLLATE latin1_swedish_ci")
        for sql in (_TABLE, _MARKER, _MIXED, _FRESH):
            execute(session, sql)
        execute(session, "INSERT INTO bench.marker VALUES (1, 0)")
        execute(
            session,
            "INSERT INTO bench.sbtest1 VALUES (1, 1, RPAD(1, 96, 'x'), RPAD(1, 32, 'y'))",
        )
        have = 1
        while have < rows:
            more = min(have, rows - have)
            execute(
                session,
                f"INSERT INTO bench.sbtest1 SELECT id + {have}, id, RPAD(id, 96, 'x'),"
                f" RPAD(id, 32, 'y') FROM bench.sbtest1 WHERE id <= {more}",
            )
            have += more


def produce(server: Server, procedure: str, transactions: int, rows: int) -> None:
    """Let the origin write `transactions` by itself, as fast as it can."""
    with closing(open_session(server)) as session:
        kept = query(
            session, "SELECT @@global.sync_binlog, @@global.innodb_flush_log_at_trx_commit"
        )[0]
        execute(session, "SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 0")
        execute(session, f"CALL bench.{procedure}({transactions}, {rows})")
        execute(
            session,
            "SET GLOBAL sync_binlog = %s, GLOBAL innodb_flush_log_at_trx_commit = %s",
            kept,
        )


def checksum(server: Server) -> object:
    """What the rows add up to."""
    with closing(open_session(server)) as session:
        return query(
            session,
            "SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', id, k, c, pad))) FROM bench.sbtest1",
        )


class Client:
    """One connection that writes transactions; the marker says which was the last one."""

    def __init__(self, server: Server, rows: int, *, has_marker: bool) -> None:
        self.session: Session = open_session(server)
        self._rows = rows
        self._has_marker = has_marker

    def transaction(self, number: int) -> None:
        """Four row events (and the marker's)."""
        session = self.session
        a, b, c = (random.randint(1, self._rows) for _ in range(3))
        text = f"{random.getrandbits(256):064x}"
        statements = [
            "BEGIN",
            f"UPDATE bench.sbtest1 SET k = k + 1 WHERE id = {a}",
            f"UPDATE bench.sbtest1 SET c = '{text}' WHERE id = {b}",
            f"REPLACE INTO bench.sbtest1 VALUES ({c}, {number}, '{text}', '{text[:32]}')",
            f"UPDATE bench.sbtest1 SET pad = '{text[:40]}' WHERE id = {a}",
        ]
        if self._has_marker:
            statements.append(f"UPDATE bench.marker SET n = {number}")
        for sql in statements:
            session.send(sql.encode())
        while session.unanswered:
            session.receive()
        session.send(b"COMMIT")
        session.receive()


def write_at_rate(
    server: Server, rows: int, per_second: float, stop: ThreadEvent, commits: list[float]
) -> None:
    """Write until `stop`; `commits[n]` is when transaction n was acknowledged. 0: flat out."""
    client = Client(server, rows, has_marker=True)
    began = time.monotonic()
    while not stop.is_set():
        number = len(commits)
        if per_second and (ahead := number / per_second - (time.monotonic() - began)) > 0:
            time.sleep(ahead)
        client.transaction(number)
        commits.append(time.monotonic())
    client.session.cut()


def load(server: Server, rows: int, stop: Event) -> None:
    """Write flat out on one more connection, without the marker."""
    client = Client(server, rows, has_marker=False)
    number = 0
    while not stop.is_set():
        number += 1
        client.transaction(number)
    client.session.cut()
