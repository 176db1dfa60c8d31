"""How fast two servers are compared, beside a plain checksum scan of the slower one.

    .venv/bin/python -m bench.verify [--rows 3000000] [--wide-rows 1000000] [--origin 5.7]

Writes bench/results/verify.json. The scan is one `BIT_XOR(CRC32(CONCAT_WS(…)))` over all columns in
one session; `ratio_vs_scan` is its time on the slower server by ours, the worst of the tables.

The two servers share the processors of this machine. So the scan of the slower one is measured
twice: alone, while the other server rests as it never does in a pass (`ratio_vs_scan`), and with
both scanned at once until the slower one has ended (`ratio_vs_scans_at_once`), which is the same
work for the machine as a pass: the same rows, read by both.

The ratio by CPU is that of the CPU seconds of the server that needs more: it tells more where other
work is going on.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.copy import SYSBENCH, WIDE, Bench, TableSpec, bench_servers, cpu_seconds, make
from sterna.dataplane.copy import copy_tables
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import Report
from sterna.dataplane.verify import Sides, verify_tables
from sterna.mysql.catalog import read_columns
from sterna.mysql.connection import Server, open_session, query
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position
from tests.fixtures.running import wipe

RESULTS = Path(__file__).parent / "results/verify.json"
ROUNDS = 3


def silent(_report: Report) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Cost:
    """Wall seconds, and the CPU seconds of the origin, the destination and this process."""

    seconds: float
    origin_cpu_seconds: float
    destination_cpu_seconds: float
    own_cpu_seconds: float

    @property
    def slower_cpu_seconds(self) -> float:
        """Of the server that needs more."""
        return max(self.origin_cpu_seconds, self.destination_cpu_seconds)


def cost_of(bench: Bench, work: Callable[[], None]) -> Cost:
    """What some work costs."""
    servers = (bench.origin, bench.destination)
    before = [cpu_seconds(running) for running in servers]
    own_before, began = time.process_time(), time.monotonic()
    work()
    seconds, own = time.monotonic() - began, time.process_time() - own_before
    origin, destination = (cpu_seconds(running) for running in servers)
    return Cost(seconds, origin - before[0], destination - before[1], own)


def scan(server: Server) -> None:
    """One session reads and checks every byte of the table."""
    with open_session(server) as session:
        names = [quote(column.name) for column in read_columns(session, "bench")["t"]]
        query(session, f"SELECT BIT_XOR(CRC32(CONCAT_WS(',', {', '.join(names)}))) FROM bench.t")


def scan_both(*servers: Server) -> None:
    """Both at once, until the slower one has ended."""
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(scan, servers))


def verify(origin: Server, destination: Server, rows: int) -> None:
    """One pass of ours, which must find all rows and no difference."""

    def applied() -> Position:
        with open_session(origin) as session:
            return read_current_position(session)

    sides = Sides(origin, destination, applied)
    found = verify_tables(sides, report=silent, stop=threading.Event())
    assert found.differences == 0 and found.rows_verified == rows, found


def measure(bench: Bench, table: TableSpec) -> dict[str, float]:
    """The best of some rounds, in turns: a scan of each server alone and of both, and a pass."""
    origin, destination = bench.origin.server, bench.destination.server
    for server in (origin, destination):
        wipe(server)
    make(origin, table)
    copy_tables(origin, destination, pace=Pace(2), report=silent, stop=threading.Event())
    ways: dict[str, Callable[[], None]] = {
        "scan_origin": lambda: scan(origin),
        "scan_destination": lambda: scan(destination),
        "scans_at_once": lambda: scan_both(origin, destination),
        "pass": lambda: verify(origin, destination, table.rows),
    }
    rounds = [{name: cost_of(bench, way) for name, way in ways.items()} for _ in range(ROUNDS)]
    costs = {name: [costs[name] for costs in rounds] for name in ways}
    seconds = {name: min(cost.seconds for cost in found) for name, found in costs.items()}
    cpu = {name: min(cost.slower_cpu_seconds for cost in found) for name, found in costs.items()}
    own_cpu_seconds = min(cost.own_cpu_seconds for cost in costs["pass"])
    servers_cpu_seconds = min(
        cost.origin_cpu_seconds + cost.destination_cpu_seconds for cost in costs["pass"]
    )
    return {
        "seconds": seconds["pass"],
        "rows_per_second": table.rows / seconds["pass"],
        "scan_origin_seconds": seconds["scan_origin"],
        "scan_destination_seconds": seconds["scan_destination"],
        "scans_at_once_seconds": seconds["scans_at_once"],
        "ratio_vs_scans_at_once": seconds["scans_at_once"] / seconds["pass"],
        "ratio_vs_scan": max(seconds["scan_origin"], seconds["scan_destination"]) / seconds["pass"],
        "cpu_seconds": cpu["pass"],
        "own_cpu_seconds": own_cpu_seconds,
        "own_cpu_share": own_cpu_seconds / (own_cpu_seconds + servers_cpu_seconds),
        "scan_cpu_seconds": max(cpu["scan_origin"], cpu["scan_destination"]),
        "ratio_vs_scan_by_cpu": max(cpu["scan_origin"], cpu["scan_destination"]) / cpu["pass"],
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--wide-rows", type=int, default=1_000_000)
    parser.add_argument("--origin", default="5.7")
    asked = parser.parse_args()
    load_before = os.getloadavg()[0]
    with bench_servers(asked.origin) as bench:
        tables = {
            "sysbench": measure(bench, TableSpec("sysbench", *SYSBENCH, asked.rows)),
            "wide": measure(bench, TableSpec("wide", *WIDE, asked.wide_rows)),
        }
    ratios = ("ratio_vs_scan", "ratio_vs_scans_at_once", "ratio_vs_scan_by_cpu")
    found: dict[str, Any] = {
        **{name: min(each[name] for each in tables.values()) for name in ratios},
        "rows": {"sysbench": asked.rows, "wide": asked.wide_rows},
        "load_average": [load_before, os.getloadavg()[0]],
        "tables": tables,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
