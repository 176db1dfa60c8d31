"""What a table costs beyond what the servers take: many small ones, copied by us and by hand.

    .venv/bin/python -m bench.tables [--tables 10000] [--origin 5.7]

Writes bench/results/copy_tables.json. By hand is what the servers have to do in any case, with the
same number of sessions: for each table SHOW CREATE TABLE and SELECT on the origin, CREATE TABLE and
LOAD DATA LOCAL on the destination, no binary log. `own_ms_per_table` is the difference of the two
in milliseconds; both are done twice, in turns, and the faster one of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.copy import RESULTS, WORKERS, Bench, bench_servers, cpu_of, settle
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace
from sterna.mysql.connection import Server, Session, execute, open_session, query
from tests.fixtures.running import wipe

TIMES = 2
_DEFINITION = (
    "CREATE TABLE many.t{} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL,"
    " b VARCHAR(100), at DATETIME, KEY (a), KEY (at))"
)
_ROWS = "(1, 1, 'one', NOW()), (2, 1, 'two', NOW()), (3, 2, 'three', NOW())"


def make(server: Server, tables: int) -> None:
    """Many small tables; nothing of it is in the binary log."""
    with open_session(server) as session:
        execute(session, "SET sql_log_bin = 0")
        execute(session, "CREATE DATABASE many")
        for number in range(tables):
            execute(session, _DEFINITION.format(number))
            execute(session, f"INSERT INTO many.t{number} VALUES {_ROWS}")


def by_us(origin: Server, destination: Server) -> None:
    """The copy as it is."""
    stop = threading.Event()
    copy_tables(origin, destination, pace=Pace(WORKERS), report=lambda report: None, stop=stop)


class ByHand:
    """The same with the fewest statements there can be."""

    def __init__(self, bench: Bench, tables: int) -> None:
        self._tables = tables
        self._file: Path = bench.folder / "few_rows"
        self._file.write_text(
            "".join(f"{n}\t1\tname\t2020-01-01 00:00:00\n" for n in (1, 2, 3)), encoding="utf8"
        )

    def __call__(self, origin: Server, destination: Server) -> None:
        """Tables by one session, then rows by all."""
        with open_session(origin) as one, self._writer(destination) as other:
            execute(other, "CREATE DATABASE many")
            execute(other, "USE many")
            for number in range(self._tables):
                execute(other, str(query(one, f"SHOW CREATE TABLE many.t{number}")[0][1]))
        with ThreadPoolExecutor(WORKERS) as pool:
            shares = [range(first, self._tables, WORKERS) for first in range(WORKERS)]
            list(pool.map(lambda share: self._load(origin, destination, share), shares))

    def _writer(self, destination: Server) -> Session:
        session = open_session(destination, local_infile=True)
        execute(session, "SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0")
        return session

    def _load(self, origin: Server, destination: Server, numbers: range) -> None:
        with open_session(origin) as one, self._writer(destination) as other:
            for number in numbers:
                query(one, f"SELECT * FROM many.t{number}")
                execute(other, f"LOAD DATA LOCAL INFILE '{self._file}' INTO TABLE many.t{number}")


def measured(bench: Bench, way: Callable[[Server, Server], None]) -> dict[str, float]:
    """Seconds, and CPU seconds of this process."""
    wipe(bench.destination.server)
    settle(bench.destination.server)
    sides = (replace(side.server, tls="Disabled") for side in (bench.origin, bench.destination))
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    way(*sides)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": seconds, "cpu_seconds": cpu_of(after) - cpu_of(before)}
    print(way, found, flush=True)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--origin", default="5.7")
    asked = parser.parse_args()
    with bench_servers(asked.origin) as bench:
        make(bench.origin.server, asked.tables)
        by_hand = ByHand(bench, asked.tables)
        runs = [(measured(bench, by_us), measured(bench, by_hand)) for _ in range(TIMES)]
    ours, theirs = (min(side, key=lambda run: run["seconds"]) for side in zip(*runs, strict=True))
    found: dict[str, Any] = {
        "own_ms_per_table": 1000 * (ours["seconds"] - theirs["seconds"]) / asked.tables,
        "own_cpu_ms_per_table": 1000 * ours["cpu_seconds"] / asked.tables,
        "tables": asked.tables,
        "sterna": ours,
        "by hand": theirs,
        "versions": {"origin": asked.origin, "destination": "9.7"},
        "load_average": os.getloadavg()[0],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "copy_tables.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
