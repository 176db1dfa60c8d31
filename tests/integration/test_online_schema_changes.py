"""Tools that change a table while it is written to: shadow tables, triggers, renames."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sterna.errors import Transient
from sterna.mysql.connection import Server, ServerError, execute, open_session, scalar
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link
from tests.fixtures.running import eventually
from tests.integration.test_follow import FORWARD, run, sides

__all__ = ["sides"]

ROWS = 5_000
GHOST_TABLES = """
CREATE TABLE _t_ghc (id BIGINT AUTO_INCREMENT, last_update TIMESTAMP NOT NULL DEFAULT
  CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint VARCHAR(64), value VARCHAR(4096),
  PRIMARY KEY (id), UNIQUE KEY (hint)) AUTO_INCREMENT = 256
;; CREATE TABLE _t_gho LIKE t
;; ALTER TABLE _t_gho ADD extra INT NOT NULL DEFAULT 7, MODIFY v VARCHAR(60)
"""
GHOST_LOCK = """
CREATE TABLE _t_del (id INT AUTO_INCREMENT PRIMARY KEY)
;; LOCK TABLES t WRITE, _t_gho WRITE, _t_del WRITE
;; DELETE FROM _t_gho
;; INSERT INTO _t_gho (id, v) SELECT id, v FROM t
"""
MAY_LOSE = (1205, 1213)  # against the tool: a lock wait, a deadlock


@pytest.mark.parametrize("tool", ["pt-online-schema-change", "a ghost"])
@pytest.mark.parametrize("sides", FORWARD, indirect=True, ids="-".join)
def test_a_table_changed_under_writes_arrives(
    sides: tuple[Server, Server], tool: str, tmp_path: Path
) -> None:
    """Whatever the tool does to swap the tables, both sides end up with the same one."""
    origin, destination = sides
    with open_session(origin) as session:
        run(session, "CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    with Link(origin, destination, tmp_path / "spool") as link:
        with open_session(origin) as session:
            run(session, "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(40), KEY (v))")
            for first in range(0, ROWS, 1_000):
                rows = ", ".join(f"({n}, 'row {n}')" for n in range(first, first + 1_000))
                execute(session, f"INSERT INTO shop.t VALUES {rows}")
        with writing(origin) as written:
            eventually(lambda: written() > 20)
            before = written()
            percona(origin, tmp_path) if tool.startswith("pt-") else ghost(origin)
            eventually(lambda: written() > before + 20)
        link.caught_up(within_seconds=60)
    with open_session(destination) as session:
        assert scalar(session, "SELECT SUM(extra) = 7 * COUNT(*) FROM shop.t") == 1
    assert_equal(origin, destination, ["shop"])


@contextmanager
def writing(server: Server) -> Iterator[Callable[[], int]]:
    """Somebody inserts, changes and deletes rows meanwhile; calls say how many transactions."""
    over, done = threading.Event(), [0]

    def write() -> None:
        dice = random.Random(1)
        with open_session(server) as session:
            while not over.is_set():
                number = dice.randrange(ROWS * 2)
                sql = dice.choice(
                    [
                        f"REPLACE INTO shop.t (id, v) VALUES ({number}, 'new {dice.random()}')",
                        f"UPDATE shop.t SET v = 'changed {dice.random()}' WHERE id = {number}",
                        f"UPDATE IGNORE shop.t SET id = id + {ROWS * 2} WHERE id = {number}",
                        f"DELETE FROM shop.t WHERE id = {number}",
                    ]
                )
                try:
                    execute(session, sql)
                except ServerError as error:
                    assert error.number in MAY_LOSE, error
                except Transient:  # a deadlock is one
                    continue
                done[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: done[0]
    finally:
        over.set()
        writer.join()


def percona(server: Server, folder: Path) -> None:
    """The real tool."""
    options = folder / "options.cnf"
    options.touch(mode=0o600)
    options.write_text(f"[client]\nuser={server.user}\npassword={server.password}\n")
    subprocess.run(
        [
            *("pt-online-schema-change", "--execute", "--no-version-check", "--no-check-plan"),
            *("--alter", "ADD extra INT NOT NULL DEFAULT 7, MODIFY v VARCHAR(60)"),
            *(
                "--chunk-size",
                "500",
                "--recursion-method",
                "none",
                "--set-vars",
                "lock_wait_timeout=20",
            ),
            f"F={options},h={server.host},P={server.port},D=shop,t=t",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )


def ghost(server: Server) -> None:
    """What gh-ost does on the server, statement by statement. It reads the changes meanwhile in the
    log; here they are copied under the lock of the swap."""
    with open_session(server) as locker, open_session(server) as swapper:
        for each in (locker, swapper):
            execute(each, "USE shop")
        run(locker, GHOST_TABLES)
        for first in range(0, ROWS * 4, ROWS):
            where = f"id >= {first} AND id < {first + ROWS}"
            copy = f"INSERT IGNORE INTO _t_gho (id, v) (SELECT id, v FROM t WHERE {where})"
            run(locker, f"{copy};; REPLACE INTO _t_ghc (hint, value) VALUES ('copy', '{first}')")
        run(locker, GHOST_LOCK)
        rename = "RENAME TABLE t TO _t_del, _t_gho TO t"
        swap = threading.Thread(target=execute, args=(swapper, rename))
        swap.start()
        eventually(lambda: is_waiting(server, rename))
        run(locker, "DROP TABLE _t_del;; UNLOCK TABLES")
        swap.join()
        run(locker, "DROP TABLE _t_ghc;; DROP TABLE _t_del")


def is_waiting(server: Server, sql: str) -> bool:
    """Whether a statement waits for a lock on a table."""
    with open_session(server) as session:
        waiting = (
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info = %s AND state = %s"
        )
        return bool(scalar(session, waiting, [sql, "Waiting for table metadata lock"]))
