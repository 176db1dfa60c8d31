"""How fast a table is copied, beside mysqldump, mydumper and the destination's own LOAD DATA.

    .venv/bin/python -m bench.copy [--rows 3000000] [--wide-rows 1000000] [--origin 5.7]
    .venv/bin/python -m bench.copy --alone --rows 20000000 --wide-rows 0    only our own copy

Writes bench/results/copy.json (copy_alone.json). One run, one origin, one destination, the same
settings for all, and the disk is given time to settle before each. All ways take turns, twice, and
the faster time of each counts: what else goes on in the machine makes nobody faster. The ratios are
the worst of the tables: at least so many times as fast.

What makes it fair:

- Nobody writes the destination's binary log, and nobody encrypts: the peers' client does not.
- Everybody has two workers, mysqldump excepted, which has no such thing.
- mydumper and mysqldump make the same table with the same indexes as we do.
- The limit is LOAD DATA LOCAL from files that are there already, one for each of two sessions,
  into a table without secondary indexes, in one transaction each. Nobody reads the origin then.
  It is compared with our own copy of the same table without secondary indexes; we read the origin
  on the same two cores meanwhile, take a snapshot, and commit chunk by chunk.
- Our clock starts when our process is there, as that of a sync task is, which reads the origin's
  log before anything is copied; `start_seconds` is what Python takes until then. Our CPU time and
  memory are those of this process while it copies.
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import Report
from sterna.mysql.connection import Server, Session, execute, open_session, query, scalar
from tests.fixtures.running import RunningServer, ServerFarm, wipe

RESULTS = Path(__file__).parent / "results"
SPAWN = multiprocessing.get_context("spawn")
WORKERS = 2
TIMES = 2
SETTINGS = {"innodb_buffer_pool_size": "1G", "local_infile": "ON"}
SEED_ROWS = 20_000
SETTLED_PAGES = 50
SETTLE_SECONDS_MAX = 60.0
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


@dataclass(frozen=True)
class Used:
    """What one way took, of the time and of its client processes."""

    seconds: float
    cpu_seconds: float
    memory_mb_max: float = 0.0
    start_seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """One way of copying one table."""

    seconds: float
    rows_per_second: float
    mb_per_second: float
    cpu_seconds: dict[str, float]
    memory_mb_max: float
    start_seconds: float


class Bench:
    """One origin, one destination, and all ways between them."""

    def __init__(self, origin: RunningServer, destination: RunningServer, folder: Path) -> None:
        self.origin, self.destination, self.folder = origin, destination, folder
        self.is_alone = False
        self.results: dict[str, dict[str, Run]] = {}

    def play(self, table: TableSpec) -> None:
        """Make a table on the origin and copy it in every way."""
        wipe(self.origin.server)
        make(self.origin.server, table)
        if self.is_alone:
            self._take_turns(table, {"sterna": self._sterna}, times=1)
            return
        ways: dict[str, Callable[[], Used]] = {
            "sterna": self._sterna,
            "mydumper": lambda: by_clients(self._mydumper),
            "mysqldump": lambda: by_clients(self._mysqldump),
        }
        self._take_turns(table, ways)
        self._without_indexes(table)

    def _without_indexes(self, table: TableSpec) -> None:
        """The limit: no secondary index, rows from files."""
        with open_session(self.origin.server) as session:
            keys = query(session, "SHOW INDEX FROM bench.t WHERE Key_name <> 'PRIMARY'")
            drops = ", ".join(f"DROP KEY `{name}`" for name in sorted({row[2] for row in keys}))
            execute(session, f"ALTER TABLE bench.t {drops}")
        files = self._write_files()
        ways: dict[str, Callable[[], Used]] = {
            "sterna, no index": self._sterna,
            "LOAD DATA, no index": lambda: by_clients(lambda: self._load_data(files)),
        }
        self._take_turns(table, ways)

    def _take_turns(
        self, table: TableSpec, ways: dict[str, Callable[[], Used]], *, times: int = TIMES
    ) -> None:
        """The faster run of each way counts, with the most memory of all."""
        runs = self.results.setdefault(table.name, {})
        for name, way in [*ways.items()] * times:
            run = self._measured(table, way)
            print(table.name, name, run, flush=True)
            before = runs.get(name, run)
            memory = max(run.memory_mb_max, before.memory_mb_max)
            faster = min(run, before, key=lambda each: each.seconds)
            runs[name] = replace(faster, memory_mb_max=memory)

    def _measured(self, table: TableSpec, way: Callable[[], Used]) -> Run:
        wipe(self.destination.server)
        settle(self.destination.server)
        before = self._server_cpu()
        used = way()
        after = self._server_cpu()
        self._require_equal()
        cpu = {name: after[name] - before[name] for name in after} | {"ours": used.cpu_seconds}
        return Run(
            seconds=used.seconds,
            rows_per_second=table.rows / used.seconds,
            mb_per_second=self._size_mb() / used.seconds,
            cpu_seconds=cpu,
            memory_mb_max=used.memory_mb_max,
            start_seconds=used.start_seconds,
        )

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

    def _sterna(self) -> Used:
        """Our copy, in a process of its own."""
        began = time.monotonic()
        ready, go, answers = SPAWN.Event(), SPAWN.Event(), SPAWN.Queue()
        sides = (replace(side.server, tls="Disabled") for side in (self.origin, self.destination))
        process = SPAWN.Process(target=copy_in_process, args=(*sides, ready, go, answers))
        process.start()
        ready.wait()
        start_seconds = time.monotonic() - began
        go.set()
        seconds, cpu, memory_mb = answers.get()
        process.join()
        return Used(seconds, cpu, memory_mb, start_seconds)

    def _mydumper(self) -> None:
        out = self.folder / "dump"
        subprocess.run(["rm", "-rf", out], check=True)
        threads = ["-t", str(WORKERS)]
        dump = ["mydumper", f"--defaults-file={options(self.origin, self.folder)}", *threads]
        load = ["myloader", f"--defaults-file={options(self.destination, self.folder)}", *threads]
        subprocess.run([*dump, "-B", "bench", "-r", "250000", "-o", out], check=True)
        subprocess.run([*load, "-d", out], check=True)
        subprocess.run(["rm", "-rf", out], check=True)

    def _mysqldump(self) -> None:
        dump = ["mariadb-dump", f"--defaults-file={options(self.origin, self.folder)}"]
        load = ["mariadb", f"--defaults-file={options(self.destination, self.folder)}"]
        load += ["--init-command=SET sql_log_bin = 0"]
        dumping = subprocess.Popen(
            [*dump, "--single-transaction", "--databases", "bench"], stdout=subprocess.PIPE
        )
        subprocess.run(load, stdin=dumping.stdout, check=True)
        assert dumping.wait() == 0

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

    def _load_data(self, files: list[Path]) -> None:
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

    def _load_file(self, sql: str) -> None:
        client = ["mariadb", f"--defaults-file={options(self.destination, self.folder)}"]
        settings = f"--init-command={LOAD_SETTINGS}"
        subprocess.run([*client, "--local-infile=1", settings, "-e", sql], check=True)


_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = 'bench' ORDER BY ORDINAL_POSITION"
)


def copy_in_process(origin: Server, destination: Server, ready: Any, go: Any, answers: Any) -> None:
    """Our copy, as soon as it may; answers with seconds, CPU seconds and the most memory in MB."""

    def silent(_report: Report) -> None:
        pass

    ready.set()
    go.wait()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    copy_tables(origin, destination, pace=Pace(WORKERS), report=silent, stop=threading.Event())
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    answers.put((seconds, cpu_of(after) - cpu_of(before), after.ru_maxrss / 1024))


def by_clients(way: Callable[[], None]) -> Used:
    """A way that runs client programs and waits for them."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    way()
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Used(seconds, cpu_of(after) - cpu_of(before))


def cpu_of(usage: resource.struct_rusage) -> float:
    """Seconds."""
    return usage.ru_utime + usage.ru_stime


def settle(server: Server) -> None:
    """Nobody pays for the writes of who came before."""
    with open_session(server) as session:
        kept = scalar(session, "SELECT @@GLOBAL.innodb_max_dirty_pages_pct")
        execute(session, "SET GLOBAL innodb_max_dirty_pages_pct = 0")
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        dirty = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"
        while int(query(session, dirty)[0][1]) > SETTLED_PAGES and time.monotonic() < deadline:
            time.sleep(0.1)
        execute(session, f"SET GLOBAL innodb_max_dirty_pages_pct = {kept}")
    os.sync()


def make(server: Server, table: TableSpec) -> None:
    """Fill `bench.t`; nothing of it is in the binary log.

    A table without indexes is doubled, by two sessions at once, and gets them in the end: so twenty
    million rows take minutes, not a quarter of an hour.
    """
    with open_session(server) as session, _lazily(server):
        execute(session, "SET sql_log_bin = 0")
        execute(session, "CREATE DATABASE bench")
        execute(session, "USE bench")
        execute(session, table.create)
        named = [name for name, _ in query(session, _COLUMNS) if name != "id"]
        keys = _take_keys(session)
        columns = ", ".join(f"`{name}`" for name in named)
        execute(session, f"INSERT INTO t ({columns}) VALUES ({table.row})")
        count = 1
        while count < min(table.rows, SEED_ROWS):
            more = min(count, table.rows - count)
            execute(session, f"INSERT INTO t ({columns}) SELECT {table.row} FROM t LIMIT {more}")
            count += more
        _repeat(server, columns, rows=count, until=table.rows)
        if keys:
            execute(session, f"ALTER TABLE t {keys}")
        query(session, "ANALYZE TABLE t")


@contextlib.contextmanager
def _lazily(server: Server) -> Iterator[None]:
    """No commit waits for the disk meanwhile."""
    with open_session(server) as session:
        execute(session, "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
        yield
        execute(session, "SET GLOBAL innodb_flush_log_at_trx_commit = 1")


def _take_keys(session: Session) -> str:
    """Drop the secondary indexes; what adds them again."""
    found: dict[str, list[str]] = {}
    for row in query(session, "SHOW INDEX FROM t WHERE Key_name <> 'PRIMARY'"):
        found.setdefault(str(row[2]), []).append(f"`{row[4]}`")
    if found:
        execute(session, "ALTER TABLE t " + ", ".join(f"DROP KEY `{name}`" for name in found))
    return ", ".join(f"ADD KEY `{name}` ({', '.join(parts)})" for name, parts in found.items())


def _repeat(server: Server, columns: str, *, rows: int, until: int) -> None:
    """The first rows again and again, in transactions of a moment."""
    shares = [min(rows, until - done) for done in range(rows, until, rows)]

    def insert(numbers: range) -> None:
        with open_session(server) as session:
            execute(session, "SET sql_log_bin = 0, unique_checks = 0")
            for number in numbers:
                execute(
                    session,
                    f"INSERT INTO bench.t (id, {columns}) SELECT id + {(number + 1) * rows},"
                    f" {columns} FROM bench.seed WHERE id <= {shares[number]}",
                )

    with open_session(server) as session:
        execute(session, "SET sql_log_bin = 0")
        query(session, "SET @row = 0")
        execute(session, "UPDATE bench.t SET id = (@row := @row + 1) ORDER BY id")
        execute(session, "CREATE TABLE bench.seed AS SELECT * FROM bench.t")
        with ThreadPoolExecutor(WORKERS) as pool:
            turns = (range(first, len(shares), WORKERS) for first in range(WORKERS))
            list(pool.map(insert, turns))
        execute(session, "DROP TABLE bench.seed")


def options(running: RunningServer, folder: Path) -> Path:
    """A file with how to connect; no password on a command line."""
    server, path = running.server, folder / f"{running.server.port}.cnf"
    if path.exists():  # several clients read it at once
        return path
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
    found = {
        "own_cpu_share": max(r.cpu_seconds["ours"] / sum(r.cpu_seconds.values()) for r in ours),
        "own_memory_mb_max": max(run.memory_mb_max for run in ours),
    }
    if all("mydumper" in runs for runs in tables):
        found |= {
            "ratio_vs_mydumper": slowest("mydumper"),
            "ratio_vs_mysqldump": slowest("mysqldump"),
            "ratio_vs_load_data": slowest("LOAD DATA, no index", "sterna, no index"),
        }
    return found


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
    asked = _asked()
    load_before = os.getloadavg()[0]
    tables = [("sysbench", SYSBENCH, asked.rows), ("wide", WIDE, asked.wide_rows)]
    with bench_servers(asked.origin) as bench:
        bench.is_alone = asked.alone
        for name, spec, rows in tables:
            if rows:
                bench.play(TableSpec(name, *spec, rows))
    found: dict[str, Any] = summary(bench.results)
    print(json.dumps(found, indent=2))
    found["rows"] = {name: rows for name, _, rows in tables}
    found["versions"] = {"origin": asked.origin, "destination": "9.7"}
    found["load_average"] = [load_before, os.getloadavg()[0]]
    found["tables"] = {
        table: {name: vars(run) for name, run in runs.items()}
        for table, runs in bench.results.items()
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("copy_alone.json" if asked.alone else "copy.json")
    path.write_text(json.dumps(found, indent=2) + "\n")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--wide-rows", type=int, default=1_000_000)
    parser.add_argument("--origin", default="5.7")
    parser.add_argument("--alone", action="store_true", help="only our own copy")
    return parser.parse_args()


if __name__ == "__main__":
    main()
