"""How fast a table is copied, beside mysqldump, mydumper and the destination's own LOAD DATA.

    .venv/bin/python -m bench.copy [--rows 3000000] [--wide-rows 1000000] [--origin 5.7]

Writes bench/results/copy.json. One run, one origin, one destination, the same settings for all.
Nobody writes the destination's binary log, and nobody encrypts: the peers' client does not. The
ratios are the worst of the tables; the limit is LOAD DATA LOCAL from files by as many sessions,
into a table without secondary indexes, and is compared with our own copy of a table without them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import Report
from sterna.mysql.connection import Server, execute, open_session, query, scalar
from tests.fixtures.running import RunningServer, ServerFarm, wipe

RESULTS = Path(__file__).parent / "results/copy.json"
SPAWN = multiprocessing.get_context("spawn")
WORKERS = 2
SETTINGS = {"innodb_buffer_pool_size": "1G", "local_infile": "ON"}
SEED_ROWS = 20_000
LOAD_SETTINGS = "SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0"

_DIGITS = "LPAD(FLOOR(RAND() * 100000000000), 11, '0')"
_SYSBENCH = (
    "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0,"
    " c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k))"
    " DEFAULT CHARSET=latin1"
)
_SYSBENCH_ROW = (
    f"FLOOR(RAND() * 3000000), CONCAT_WS('-', {', '.join([_DIGITS] * 10)}),"
    f" CONCAT_WS('-', {', '.join([_DIGITS] * 5)})"
)
_WIDE = (
    "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b BIGINT, n DECIMAL(20,6),"
    " d DOUBLE, f FLOAT, day DATE, at DATETIME(6), ts TIMESTAMP NULL, e ENUM('a','b','c'),"
    " s SET('x','y','z'), flag BIT(8), bin BINARY(16), v1 VARCHAR(60), v2 VARCHAR(200),"
    " t TEXT, bl BLOB, i1 INT, i2 INT, i3 SMALLINT, y YEAR, nothing VARCHAR(20),"
    " KEY (b), KEY (at, i1)) DEFAULT CHARSET=utf8mb4"
)
_WIDE_ROW = (
    "FLOOR(RAND() * 1e15), RAND() * 1e9, RAND(), RAND() * 100, '2020-01-01' + INTERVAL RAND() * 999"
    " DAY, '2020-01-01' + INTERVAL RAND() * 9e7 SECOND, '2020-01-01' + INTERVAL RAND() * 9e7 SECOND"
    ", 1 + FLOOR(RAND() * 3), FLOOR(RAND() * 8), FLOOR(RAND() * 256), UNHEX(MD5(RAND())),"
    " CONCAT('name ', MD5(RAND())), REPEAT(MD5(RAND()), 4), REPEAT(CONCAT('text ä ', RAND()), 8),"
    " UNHEX(REPEAT(MD5(RAND()), 8)), RAND() * 1e6, RAND() * 1e6, RAND() * 1e4, 2020, NULL"
)


SYSBENCH, WIDE = (_SYSBENCH, _SYSBENCH_ROW), (_WIDE, _WIDE_ROW)


@dataclass(frozen=True)
class TableSpec:
    """A table to copy: its definition, one row of its data, its number of rows."""

    name: str
    create: str
    row: str
    rows: int


@dataclass
class Run:
    """One way of copying one table."""

    seconds: float
    rows_per_second: float = 0.0
    mb_per_second: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    memory_mb_max: float = 0.0


class Bench:
    """One origin, one destination, and all ways between them."""

    def __init__(self, origin: RunningServer, destination: RunningServer, folder: Path) -> None:
        self.origin, self.destination, self.folder = origin, destination, folder
        self.results: dict[str, dict[str, Run]] = {}

    def play(self, table: TableSpec) -> None:
        """Make a table on the origin and copy it in every way."""
        wipe(self.origin.server)
        make(self.origin.server, table)
        runs = self.results.setdefault(table.name, {})
        ways: dict[str, Callable[[], float]] = {
            "sterna": self._sterna,
            "mydumper": self._mydumper,
            "mysqldump": self._mysqldump,
        }
        for name, way in ways.items():
            runs[name] = self._measured(table, way)
            print(table.name, name, runs[name], flush=True)
        self._without_indexes(table, runs)

    def _without_indexes(self, table: TableSpec, runs: dict[str, Run]) -> None:
        """The limit: no secondary index, rows from files."""
        with open_session(self.origin.server) as session:
            keys = query(session, "SHOW INDEX FROM bench.t WHERE Key_name <> 'PRIMARY'")
            drops = ", ".join(f"DROP KEY `{name}`" for name in sorted({row[2] for row in keys}))
            execute(session, f"ALTER TABLE bench.t {drops}")
        files = self._write_files()
        for name, way in {
            "sterna, no index": self._sterna,
            "LOAD DATA, no index": lambda: self._load_data(files),
        }.items():
            runs[name] = self._measured(table, way)
            print(table.name, name, runs[name], flush=True)

    def _measured(self, table: TableSpec, way: Callable[[], float]) -> Run:
        wipe(self.destination.server)
        before = self._server_cpu()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        memory_mb = way()
        seconds = time.monotonic() - began
        after = self._server_cpu()
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = Run(seconds, table.rows / seconds, self._size_mb() / seconds)
        run.cpu_seconds = {name: after[name] - before[name] for name in after}
        run.cpu_seconds["ours"] = (own.ru_utime + own.ru_stime) - (
            children.ru_utime + children.ru_stime
        )
        run.memory_mb_max = memory_mb
        self._require_equal()
        return run

    def _server_cpu(self) -> dict[str, float]:
        servers = {"origin": self.origin, "destination": self.destination}
        return {name: cpu_seconds(running) for name, running in servers.items()}

    def _size_mb(self) -> float:
        with open_session(self.origin.server) as session:
            found = scalar(
                session,
                "SELECT data_length FROM information_schema.tables WHERE table_schema = 'bench'",
            )
        return int(found) / 1e6

    def _require_equal(self) -> None:
        rows = []
        for running in (self.origin, self.destination):
            with open_session(running.server) as session:
                rows.append(query(session, "SELECT COUNT(*), SUM(id), SUM(CRC32(id)) FROM bench.t"))
        assert rows[0] == rows[1], rows

    # The ways

    def _sterna(self) -> float:
        """Our copy, in a process of its own; its memory in MB."""
        answers = SPAWN.Queue()
        sides = (replace(side.server, tls="Disabled") for side in (self.origin, self.destination))
        process = SPAWN.Process(target=copy_in_process, args=(*sides, answers))
        process.start()
        memory_mb = float(answers.get())
        process.join()
        return memory_mb

    def _mydumper(self) -> float:
        out = self.folder / "dump"
        subprocess.run(["rm", "-rf", out], check=True)
        threads = ["-t", str(WORKERS)]
        dump = ["mydumper", f"--defaults-file={options(self.origin, self.folder)}", *threads]
        load = ["myloader", f"--defaults-file={options(self.destination, self.folder)}", *threads]
        subprocess.run([*dump, "-B", "bench", "-r", "250000", "-o", out], check=True)
        subprocess.run([*load, "-d", out], check=True)
        subprocess.run(["rm", "-rf", out], check=True)
        return 0.0

    def _mysqldump(self) -> float:
        dump = ["mariadb-dump", f"--defaults-file={options(self.origin, self.folder)}"]
        load = ["mariadb", f"--defaults-file={options(self.destination, self.folder)}"]
        load += ["--init-command=SET sql_log_bin = 0"]
        dumping = subprocess.Popen(
            [*dump, "--single-transaction", "--databases", "bench"], stdout=subprocess.PIPE
        )
        subprocess.run(load, stdin=dumping.stdout, check=True)
        assert dumping.wait() == 0
        return 0.0

    def _write_files(self) -> list[Path]:
        """The rows as text, in as many files as there are sessions."""
        client = ["mariadb", f"--defaults-file={options(self.origin, self.folder)}", "-BNq"]
        with open_session(self.origin.server) as session:
            half = int(scalar(session, "SELECT MAX(id) FROM bench.t")) // WORKERS
            columns = [
                f"HEX(`{name}`)" if kind in ("blob", "binary", "bit") else f"`{name}`"
                for name, kind in query(session, _COLUMNS)
            ]
        files = []
        for number in range(WORKERS):
            files.append(self.folder / f"rows{number}")
            where = f"id > {number * half}" + (
                "" if number == WORKERS - 1 else f" AND id <= {half}"
            )
            sql = f"SELECT {', '.join(columns)} FROM bench.t WHERE {where}"
            with files[-1].open("wb") as out:
                subprocess.run([*client, "-e", sql], stdout=out, check=True)
        return files

    def _load_data(self, files: list[Path]) -> float:
        with (
            open_session(self.origin.server) as one,
            open_session(self.destination.server) as other,
        ):
            create = query(one, "SHOW CREATE TABLE bench.t")[0][1]
            columns = query(one, _COLUMNS)
            execute(other, LOAD_SETTINGS)
            execute(other, "CREATE DATABASE bench")
            execute(other, "USE bench")
            execute(other, create)
        targets, sets = [], []
        for name, kind in columns:
            is_hex = kind in ("blob", "binary", "bit")
            targets.append(f"@{name}" if is_hex else f"`{name}`")
            if is_hex:
                value = f"UNHEX(@{name})"
                sets.append(f"`{name}` = " + (f"CONV(@{name}, 16, 10)" if kind == "bit" else value))
        sql = "LOAD DATA LOCAL INFILE '{}' INTO TABLE bench.t CHARACTER SET utf8mb4 "
        sql += f"({', '.join(targets)})" + (f" SET {', '.join(sets)}" if sets else "")
        with ThreadPoolExecutor(len(files)) as pool:
            list(pool.map(lambda file: self._load_file(sql.format(file)), files))
        return 0.0

    def _load_file(self, sql: str) -> None:
        client = ["mariadb", f"--defaults-file={options(self.destination, self.folder)}"]
        settings = f"--init-command={LOAD_SETTINGS}"
        subprocess.run([*client, "--local-infile=1", settings, "-e", sql], check=True)


_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = 'bench' ORDER BY ORDINAL_POSITION"
)


def copy_in_process(origin: Server, destination: Server, answers: Any) -> None:
    """Our copy; answers with the most memory this process had, in MB."""

    def silent(_report: Report) -> None:
        pass

    copy_tables(origin, destination, pace=Pace(WORKERS), report=silent, stop=threading.Event())
    answers.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def make(server: Server, table: TableSpec) -> None:
    """Fill `bench.t`; nothing of it is in the binary log."""
    with open_session(server) as session:
        execute(session, "SET sql_log_bin = 0")
        execute(session, "CREATE DATABASE bench")
        execute(session, "USE bench")
        execute(session, table.create)
        columns = ", ".join(f"`{name}`" for name, _ in query(session, _COLUMNS) if name != "id")
        execute(session, f"INSERT INTO t ({columns}) VALUES ({table.row})")
        count = 1
        while count < table.rows:
            more = min(count, table.rows - count)
            values = table.row if count < SEED_ROWS else columns
            execute(session, f"INSERT INTO t ({columns}) SELECT {values} FROM t LIMIT {more}")
            count += more
        query(session, "ANALYZE TABLE t")


def options(running: RunningServer, folder: Path) -> Path:
    """A file with how to connect; no password on a command line."""
    server, path = running.server, folder / f"{running.server.port}.cnf"
    path.touch(mode=0o600)
    path.write_text(
        f"[client]\nhost={server.host}\nport={server.port}\nuser={server.user}\n"
        f"password={server.password}\nprotocol=tcp\n"
    )
    return path


def cpu_seconds(running: RunningServer) -> float:
    """What a server has used so far."""
    wanted = f"--defaults-file={running.spec.folder / 'my.cnf'}"
    for process in psutil.process_iter(["cmdline"]):
        if wanted in (process.info["cmdline"] or []):
            times = process.cpu_times()
            return float(times.user + times.system)
    raise RuntimeError(f"no process of {wanted}")


def summary(results: dict[str, dict[str, Run]]) -> dict[str, float]:
    """The worst of the tables."""
    tables = list(results.values())

    def slowest(peer: str, ours: str = "sterna") -> float:
        return min(runs[peer].seconds / runs[ours].seconds for runs in tables)

    ours = [runs["sterna"] for runs in tables]
    return {
        "ratio_vs_mydumper": slowest("mydumper"),
        "ratio_vs_mysqldump": slowest("mysqldump"),
        "ratio_vs_load_data": slowest("LOAD DATA, no index", "sterna, no index"),
        "own_cpu_share": max(r.cpu_seconds["ours"] / sum(r.cpu_seconds.values()) for r in ours),
        "own_memory_mb_max": max(run.memory_mb_max for run in ours),
    }


@contextlib.contextmanager
def bench_servers(origin: str) -> Iterator[Bench]:
    """Both servers, alike for everybody."""
    farm = ServerFarm("sterna-bench")
    try:
        one, other = (farm.start(version, **SETTINGS) for version in (origin, "9.7"))
        folder = farm.folder / "files"
        folder.mkdir()
        yield Bench(one, other, folder)
    finally:
        farm.close()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--wide-rows", type=int, default=1_000_000)
    parser.add_argument("--origin", default="5.7")
    asked = parser.parse_args()
    load_before = os.getloadavg()[0]
    with bench_servers(asked.origin) as bench:
        bench.play(TableSpec("sysbench", *SYSBENCH, asked.rows))
        bench.play(TableSpec("wide", *WIDE, asked.wide_rows))
    found: dict[str, Any] = summary(bench.results)
    found["rows"] = {"sysbench": asked.rows, "wide": asked.wide_rows}
    found["versions"] = {"origin": asked.origin, "destination": "9.7"}
    found["load_average"] = [load_before, os.getloadavg()[0]]
    found["tables"] = {
        table: {name: vars(run) for name, run in runs.items()}
        for table, runs in bench.results.items()
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({name: found[name] for name in summary(bench.results)}, indent=2))


if __name__ == "__main__":
    main()
