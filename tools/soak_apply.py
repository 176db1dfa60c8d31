"""Kill the process of a sync task at random moments, again and again, and compare each time.

    .venv/bin/python -m tools.soak_apply [--rounds 500] [--seed 1] [--origin …] [--destination …]

Each round writes on the origin, kills the process (SIGKILL) up to three times at random moments,
sometimes leaves it stopped (SIGSTOP) while its replacement takes over and wakes it up again, lets
the last one catch up, and compares every row of both sides with the judge of the tests, which
shares nothing with the product. Backlogs of all sizes arise, so windows are small and large.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sterna.dataplane import checkpoint
from sterna.dataplane.spec import REVERSE, TaskSpec, to_line
from sterna.mysql.connection import Server, ServerError, Session, execute, open_session
from sterna.mysql.replication import read_current_position
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import ServerFarm, eventually

TASK = "dtssoak"
CATCH_UP_SECONDS = 180
SCHEMA = (
    "CREATE DATABASE soak CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE soak.numbered (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40))",
    "CREATE TABLE soak.named (k VARCHAR(12) PRIMARY KEY, u INT UNIQUE, v VARCHAR(40))",
    "CREATE TABLE soak.keyless (a INT, b VARCHAR(20))",
    "CREATE TABLE soak.parents (id INT PRIMARY KEY)",
    "CREATE TABLE soak.children (id INT PRIMARY KEY, p INT,"
    " FOREIGN KEY (p) REFERENCES soak.parents (id) ON DELETE CASCADE ON UPDATE CASCADE)",
)


class Writer(threading.Thread):
    """Writes random transactions on the origin while it is not held."""

    def __init__(self, origin: Server, seed: int) -> None:
        super().__init__(daemon=True)
        self._random = random.Random(seed)
        self._session = open_session(origin)
        self._origin = origin
        self.free = threading.Event()
        self.is_idle = threading.Event()
        self.transactions = 0

    def run(self) -> None:
        """Forever."""
        while True:
            if not self.free.is_set():
                self.is_idle.set()
                self.free.wait()
            self.is_idle.clear()
            self._transaction(self._session)
            self.transactions += 1

    def _transaction(self, session: Session) -> None:
        execute(session, "BEGIN")
        for _ in range(self._random.randint(1, 6)):
            with contextlib.suppress(
                ServerError
            ):  # a duplicate or a missing parent: it is left out
                execute(session, self._statement())
        execute(session, "ROLLBACK" if self._random.random() < 0.05 else "COMMIT")

    def _statement(self) -> str:
        pick = self._random.randint
        word, other = (f"{'aA'[pick(0, 1)]}{pick(1, 60)}" for _ in range(2))
        return self._random.choice(
            [
                f"INSERT INTO soak.numbered (v) VALUES ('{word}'), ('{other}')",
                f"UPDATE soak.numbered SET v = '{word}' ORDER BY id DESC LIMIT 3",
                "DELETE FROM soak.numbered ORDER BY id DESC LIMIT 1",
                "DELETE FROM soak.numbered ORDER BY id LIMIT 1",
                f"REPLACE INTO soak.named VALUES ('{word}', {pick(1, 60)}, '{other}')",
                f"UPDATE soak.named SET k = '{word}', u = {pick(1, 60)} WHERE k = '{other}'",
                f"DELETE FROM soak.named WHERE u = {pick(1, 60)}",
                f"INSERT INTO soak.keyless VALUES ({pick(1, 5)}, '{word}')",
                f"UPDATE soak.keyless SET b = '{word}' WHERE a = {pick(1, 5)} LIMIT 2",
                f"DELETE FROM soak.keyless WHERE a = {pick(1, 5)} LIMIT 3",
                f"INSERT INTO soak.parents VALUES ({pick(1, 9)})",
                f"UPDATE soak.parents SET id = {pick(1, 9)} WHERE id = {pick(1, 9)}",
                f"DELETE FROM soak.parents WHERE id = {pick(1, 9)}",
                f"INSERT INTO soak.children VALUES ({pick(1, 99)}, {pick(1, 9)})",
            ]
        )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No transaction is under way in this block."""
        self.free.clear()
        self.is_idle.wait()
        yield
        self.free.set()

    def stop(self) -> None:
        """Write no more."""
        self.free.clear()
        self.is_idle.wait()


class Soak:
    """The processes of one sync task, one after the other."""

    def __init__(self, origin: Server, destination: Server, spool: Path, seed: int) -> None:
        self._origin, self._destination, self._spool = origin, destination, spool
        self._random = random.Random(seed)
        self._epoch = 1
        self._said = spool / "said"
        self.kills = self.sleepers = 0

    def prepare(self) -> None:
        """The same empty tables on both sides, and the checkpoint."""
        for server in (self._origin, self._destination):
            with contextlib.closing(open_session(server)) as session:
                execute(session, "SET SESSION sql_log_bin = 0")
                for sql in SCHEMA:
                    execute(session, sql)
        with contextlib.closing(open_session(self._origin)) as session:
            start = read_current_position(session)
        with contextlib.closing(open_session(self._destination)) as session:
            checkpoint.create(session)
            checkpoint.write_start(session, f"{TASK}/{REVERSE}", 1, start)
            execute(session, "SET GLOBAL read_only = ON")

    def start(self) -> subprocess.Popen[bytes]:
        """The next process; it fences all before."""
        self._epoch += 1
        spec = TaskSpec(
            TASK, REVERSE, self._epoch, self._origin, self._destination, self._spool, 7301
        )
        with self._said.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "sterna.dataplane.runner"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
            )
        assert process.stdin is not None
        process.stdin.write(to_line(spec).encode() + b"\n")
        process.stdin.flush()
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a power cut would."""
        process.kill()
        process.communicate()
        self.kills += 1

    def round(self, writer: Writer) -> None:
        """Kills at random moments, then catch up and compare."""
        for _ in range(self._random.randint(1, 3)):
            time.sleep(self._random.uniform(0, 0.7))  # a backlog
            process = self.start()
            time.sleep(self._random.uniform(0.4, 2.5))
            if self._random.random() < 0.2:
                self._wake_up_late(process)
            else:
                self.kill(process)
        with writer.held():
            process = self.start()
            self._catch_up(process)
            assert_equal(self._origin, self._destination, ["soak"])
            self.kill(process)

    def _wake_up_late(self, process: subprocess.Popen[bytes]) -> None:
        """The old process sleeps while the new one takes over, and must end by itself then."""
        self.sleepers += 1
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        replacement = self.start()
        time.sleep(self._random.uniform(0.5, 1.5))
        process.send_signal(signal.SIGCONT)
        time.sleep(self._random.uniform(0.1, 0.6))
        self.kill(replacement)
        self.kill(process)

    def _catch_up(self, process: subprocess.Popen[bytes]) -> None:
        with (
            contextlib.closing(open_session(self._origin)) as origin,
            contextlib.closing(open_session(self._destination)) as destination,
        ):
            end = read_current_position(origin)

            def is_there() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"the process ended by itself: {self._said.read_text()}")
                return checkpoint.read_position(destination, f"{TASK}/{REVERSE}") >= end

            eventually(is_there, within_seconds=CATCH_UP_SECONDS)


def main() -> None:
    """All rounds; a difference ends it with an AssertionError."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--origin", default="mysql 5.7")
    parser.add_argument("--destination", default="mysql 9.7")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    farm = ServerFarm("sterna-soak")
    try:
        origin, destination = farm.start(options.origin), farm.start(options.destination)
        with tempfile.TemporaryDirectory() as spool:
            soak = Soak(origin.server, destination.server, Path(spool), options.seed)
            soak.prepare()
            writer = Writer(origin.server, options.seed)
            writer.start()
            writer.free.set()
            for number in range(1, options.rounds + 1):
                soak.round(writer)
                print(
                    f"round {number}: equal after {writer.transactions} transactions,"
                    f" {soak.kills} kills, {soak.sleepers} woken up late",
                    flush=True,
                )
            writer.stop()
    finally:
        farm.close()


if __name__ == "__main__":
    main()
