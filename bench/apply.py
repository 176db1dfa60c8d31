"""How fast a stream is applied, beside MySQL's own replica on the same machine.

    .venv/bin/python -m bench.apply [--transactions 20000] [--seconds 15]

Writes bench/results/apply.json. Destinations are durable (sync_binlog=1,
innodb_flush_log_at_trx_commit=1), ours and the replica alike. The log to be applied is on the
applying side already (our spool, the replica's relay log) when the clock of a catch-up starts.
Rows are compared afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psutil

from bench.workload import (
    ROW_EVENTS_PER_TRANSACTION,
    checksum,
    load,
    prepare,
    produce,
    write_at_rate,
)
from sterna.dataplane import checkpoint, windows
from sterna.dataplane.follow import FollowTask, follow
from sterna.dataplane.receive import receive
from sterna.dataplane.reports import Report
from sterna.dataplane.spool import Spool
from sterna.mysql.connection import Server, execute, open_session, query_dicts, scalar
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position
from tests.fixtures.running import ServerFarm

TASK = "bench/forward"
RESULTS = Path(__file__).parent / "results/apply.json"
DURABLE = {"sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1"}
FAST = {"sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2"}  # to write enough to be applied
ONE_BY_ONE = 1 << 60
SPAWN = multiprocessing.get_context("spawn")
IDLE_SECONDS = 5
WANTED = {
    "row_events_per_second": ">= 100000",
    "fresh_row_events_per_second": ">= 50000",
    "ratio_vs_native": ">= 6",
    "ratio_vs_native_durable": ">= 1",
    "lag_ms_p50": "<= 10",
    "lag_ms_p99": "<= 50",
    "full_load_lag_ms_p50": "<= 100",
    "full_load_lag_ms_p99": "<= 700",
    "idle_cpu_percent": "<= 1",
    "own_memory_mb_max": "<= 200",
}
PATIENCE_SECONDS = 600


def position_of(server: Server) -> Position:
    """Where its log ends."""
    with contextlib.closing(open_session(server)) as session:
        return read_current_position(session)


def wait_until(condition: Callable[[], bool], *, every_seconds: float = 0.01) -> float:
    """Seconds until the condition holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise TimeoutError("the benchmark does not come to an end")
        time.sleep(every_seconds)
    return time.monotonic() - began


# Ours


def begin(destination: Server, start: Position) -> None:
    """Make the checkpoint."""
    with contextlib.closing(open_session(destination)) as session:
        checkpoint.remove(session, TASK)
        checkpoint.create(session)
        checkpoint.write_start(session, TASK, 1, start)


def _silent(_report: Report) -> None:
    pass


def fill_spool(origin: Server, folder: Path, start: Position, end: Position) -> float:
    """Seconds to receive what lies between two positions."""
    spool, stop = Spool(folder), threading.Event()
    arguments = {"start": start, "server_id": 7101, "stop": stop, "report": _silent}
    thread = threading.Thread(target=receive, args=(origin, spool), kwargs=arguments)
    thread.start()
    seconds = wait_until(lambda: spool.end is not None and spool.end >= end)
    stop.set()
    thread.join()
    return seconds


@dataclass(frozen=True)
class Signals:
    """How the process that follows is led: it says when it is ready, and waits for `go`."""

    ready: Event
    go: Event
    stop: Event


def follow_in_process(
    origin: Server, destination: Server, folder: Path, regroup_bytes: int, signals: Signals
) -> None:
    """A process that receives and follows until it is stopped."""
    windows.REGROUP_BYTES = regroup_bytes
    spool, ended = Spool(folder), threading.Event()
    with contextlib.closing(open_session(destination)) as session:
        start = checkpoint.read_position(session, TASK)
    arguments = {"start": start, "server_id": 7101, "stop": ended, "report": _silent}
    threading.Thread(target=receive, args=(origin, spool), kwargs=arguments, daemon=True).start()
    signals.ready.set()
    signals.go.wait()
    task = FollowTask(origin, destination, TASK, 1, 7102)
    threading.Thread(
        target=follow, args=(task, spool), kwargs={"stop": ended, "report": _silent}, daemon=True
    ).start()
    signals.stop.wait()
    os._exit(0)


@contextlib.contextmanager
def following(
    origin: Server, destination: Server, folder: Path, regroup_bytes: int
) -> Iterator[psutil.Process]:
    """The follower at work."""
    signals = Signals(SPAWN.Event(), SPAWN.Event(), SPAWN.Event())
    process = SPAWN.Process(
        target=follow_in_process, args=(origin, destination, folder, regroup_bytes, signals)
    )
    process.start()
    signals.ready.wait(PATIENCE_SECONDS)
    signals.go.set()
    try:
        yield psutil.Process(process.pid)
    finally:
        signals.stop.set()
        process.join(10)


def catch_up(
    origin: Server, destination: Server, places: tuple[Position, Position], regroup_bytes: int
) -> dict[str, float]:
    """Apply a spooled log; seconds, and the most memory our process had."""
    start, end = places
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.closing(open_session(destination)) as session,
    ):
        receive_seconds = fill_spool(origin, Path(name), start, end)
        begin(destination, start)
        with following(origin, destination, Path(name), regroup_bytes) as process:
            cpu_before = process.cpu_times()
            seconds = wait_until(lambda: checkpoint.read_position(session, TASK) >= end)
            cpu, memory = process.cpu_times(), peak_memory_mb(process)
    return {
        "seconds": round(seconds, 2),
        "receive_seconds": round(receive_seconds, 2),
        "cpu_seconds": round(cpu.user + cpu.system - cpu_before.user - cpu_before.system, 2),
        "memory_mb": memory,
    }


def peak_memory_mb(process: psutil.Process) -> int:
    """The most memory a process ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


# MySQL's own replica


def point_replica(origin: Server, replica: Server, start: Position, workers: int) -> None:
    """Set the replica up to read from `start`; nothing runs yet."""
    with contextlib.closing(open_session(replica)) as session:
        execute(session, "STOP REPLICA")
        execute(session, "RESET REPLICA ALL")
        execute(session, "RESET BINARY LOGS AND GTIDS")  # else it skips what it has had before
        execute(session, f"SET GLOBAL replica_parallel_workers = {workers}")
        execute(
            session,
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s,"
            " SOURCE_PASSWORD = %s, SOURCE_LOG_FILE = %s, SOURCE_LOG_POS = %s,"
            " SOURCE_AUTO_POSITION = 0, GET_SOURCE_PUBLIC_KEY = 1",
            [
                origin.host,
                origin.port,
                origin.user,
                origin.password,
                start.file,
                start.offset_bytes,
            ],
        )


def replica_status(replica: Server) -> dict[str, Any]:
    """SHOW REPLICA STATUS; an error of its threads ends the benchmark."""
    with contextlib.closing(open_session(replica)) as session:
        status = query_dicts(session, "SHOW REPLICA STATUS")[0]
    if status["Last_SQL_Error"] or status["Last_IO_Error"]:
        raise RuntimeError(
            f"the replica stopped: {status['Last_SQL_Error']}{status['Last_IO_Error']}"
        )
    return status


def native_catch_up(origin: Server, replica: Server, places: tuple[Position, Position]) -> float:
    """Seconds to apply a received relay log."""
    _, end = places
    with contextlib.closing(open_session(replica)) as session:
        execute(session, "START REPLICA IO_THREAD")
        wait_until(lambda: int(replica_status(replica)["Read_Source_Log_Pos"]) >= end.offset_bytes)
        execute(session, "START REPLICA SQL_THREAD")
        seconds = wait_until(
            lambda: int(replica_status(replica)["Exec_Source_Log_Pos"]) >= end.offset_bytes
        )
        execute(session, "STOP REPLICA")
    return seconds


# Lag, as a reader of the destination sees it


def lags(
    origin: Server, destination: Server, rows: int, *, per_second: float, seconds: float
) -> dict[str, float]:
    """Milliseconds from a commit on the origin until its row is seen on the destination.

    0 transactions per second stands for two clients flat out.
    """
    stop = SPAWN.Event()
    others = [] if per_second else [SPAWN.Process(target=load, args=(origin, rows, stop))]
    commits: list[float] = []
    halt = threading.Event()
    writer = threading.Thread(target=write_at_rate, args=(origin, rows, per_second, halt, commits))
    for worker in (*others, writer):
        worker.start()
    seen = _watch(destination, seconds)
    halt.set()
    stop.set()
    for worker in (*others, writer):
        worker.join()
    found = sorted(1000 * (at - commits[n]) for n, at in seen.items() if n < len(commits))
    found = [max(0.0, lag) for lag in found]
    written = len(commits) * (1 + len(others))
    return {
        "p50": round(statistics.median(found), 1),
        "p99": round(found[int(len(found) * 0.99)], 1),
        "transactions_per_second": round(written / (commits[-1] - commits[0])),
        "seen": len(found),
    }


def _watch(destination: Server, seconds: float) -> dict[int, float]:
    """When each number was seen first, two seconds of warming up left out."""
    seen: dict[int, float] = {}
    with contextlib.closing(open_session(destination)) as session:
        began = time.monotonic()
        while (now := time.monotonic()) < began + seconds + 2:
            number = int(scalar(session, "SELECT n FROM bench.marker"))
            if now > began + 2:
                seen.setdefault(number, time.monotonic())
            time.sleep(0.002)
    return seen


# The whole


def measure_catch_up(farm: ServerFarm, options: argparse.Namespace) -> dict[str, Any]:
    """Catch-up from 5.7 to 9.7 and 9.7 to 9.7, and the native replica of 9.7."""
    row_events = options.transactions * ROW_EVENTS_PER_TRANSACTION
    destination = farm.start("9.7", **DURABLE).server
    found: dict[str, Any] = {}
    for series, procedure in (("5.7", "mixed"), ("5.7", "fresh"), ("9.7", "mixed")):
        origin = farm.start(series, **DURABLE).server
        prepare(origin, options.rows)
        start = position_of(origin)
        produce(origin, procedure, options.transactions, options.rows)
        places = (start, position_of(origin))
        name = f"{series}_{procedure}"
        for way, regroup_bytes in (
            ("regrouped", windows.REGROUP_BYTES),
            ("one_by_one", ONE_BY_ONE),
        ):
            prepare(destination, options.rows)
            result = catch_up(origin, destination, places, regroup_bytes)
            assert checksum(origin) == checksum(destination), "the rows differ"
            rate = round(row_events / result["seconds"])
            print(name, way, f"{rate} row events/s", result, flush=True)
            found[f"{name}_{way}"] = {"row_events_per_second": rate, **result}
    for workers in (1, 4, 8):
        prepare(destination, options.rows)
        point_replica(origin, destination, places[0], workers)
        rate = round(row_events / native_catch_up(origin, destination, places))
        assert checksum(origin) == checksum(destination), "the rows differ"
        print("native", workers, f"{rate} row events/s", flush=True)
        found[f"native_{workers}_workers"] = rate
    return found


def measure_lag(farm: ServerFarm, options: argparse.Namespace) -> dict[str, Any]:
    """Live lag of ours and of the native replica, 9.7 to 9.7."""
    origin, destination = farm.start("9.7", **FAST).server, farm.start("9.7", **DURABLE).server
    found: dict[str, Any] = {}
    for name, per_second in (("live", 800.0), ("full_load", 0.0)):
        for server in (origin, destination):
            prepare(server, options.rows)
        start = position_of(origin)
        begin(destination, start)
        with (
            tempfile.TemporaryDirectory() as folder,
            following(origin, destination, Path(folder), windows.REGROUP_BYTES) as process,
        ):
            found[name] = lags(
                origin, destination, options.rows, per_second=per_second, seconds=options.seconds
            )
            found[name]["memory_mb"] = peak_memory_mb(process)
            process.cpu_percent()
            time.sleep(IDLE_SECONDS)
            found[name]["idle_cpu_percent"] = process.cpu_percent()
        print(name, found[name], flush=True)
    for server in (origin, destination):
        prepare(server, options.rows)
    point_replica(origin, destination, position_of(origin), 4)
    with contextlib.closing(open_session(destination)) as session:
        execute(session, "START REPLICA")
        found["native_full_load"] = lags(
            origin, destination, options.rows, per_second=0, seconds=options.seconds
        )
        execute(session, "STOP REPLICA")
    print("native_full_load", found["native_full_load"], flush=True)
    return found


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures by which the applier is judged, at the top."""
    native = max(found[f"native_{workers}_workers"] for workers in (1, 4, 8))
    memory = [
        entry["memory_mb"]
        for entry in found.values()
        if isinstance(entry, dict) and "memory_mb" in entry
    ]
    return {
        "row_events_per_second": found["5.7_mixed_regrouped"]["row_events_per_second"],
        "fresh_row_events_per_second": found["5.7_fresh_regrouped"]["row_events_per_second"],
        "ratio_vs_native": _ratio(found["9.7_mixed_regrouped"], native),
        "ratio_vs_native_durable": _ratio(found["9.7_mixed_one_by_one"], native),
        "lag_ms_p50": found["live"]["p50"],
        "lag_ms_p99": found["live"]["p99"],
        "full_load_lag_ms_p50": found["full_load"]["p50"],
        "full_load_lag_ms_p99": found["full_load"]["p99"],
        "native_full_load_lag_ms_p50": found["native_full_load"]["p50"],
        "idle_cpu_percent": found["live"]["idle_cpu_percent"],
        "own_memory_mb_max": round(max(memory)),
        "load_average": os.getloadavg(),
        "details": found,
    }


def table(result: dict[str, Any]) -> str:
    """The figures beside what is wanted of them."""
    lines = [f"{'':36}{'measured':>12}   wanted"]
    for key, value in result.items():
        if key not in ("details", "load_average"):
            lines.append(f"{key:36}{value:>12}   {WANTED.get(key, '')}".rstrip())
    return "\n".join(lines)


def _ratio(ours: dict[str, Any], native: float) -> float:
    return round(float(ours["row_events_per_second"]) / native, 2)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--transactions", type=int, default=40_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    began = time.monotonic()
    farm = ServerFarm("sterna-bench")
    try:
        found = measure_catch_up(farm, options)
    finally:
        farm.close()
    farm = ServerFarm("sterna-bench")
    try:
        found |= measure_lag(farm, options)
    finally:
        farm.close()
    result = summary(found)
    result["minutes"] = round((time.monotonic() - began) / 60, 1)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
