"""How fast two servers are compared, beside a plain checksum scan of the slower one.

    .venv/bin/python -m bench.verify [--rows 3000000] [--wide-rows 1000000] [--origin 5.7]

Writes bench/results/verify.json. The scan is one `SUM(CRC32(CONCAT_WS(…)))` over all columns in
one session; `ratio_vs_scan` is its time on the slower server by ours, the worst of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from bench.copy import SYSBENCH, WIDE, Bench, TableSpec, bench_servers, make
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


def silent(_report: Report) -> None:
    """Nobody listens."""


def scan_seconds(server: Server) -> float:
    """One session reads and checks every byte of the table."""
    with open_session(server) as session:
        names = [quote(column.name) for column in read_columns(session, "bench")["t"]]
        began = time.monotonic()
        query(session, f"SELECT SUM(CRC32(CONCAT_WS(',', {', '.join(names)}))) FROM bench.t")
        return time.monotonic() - began


def measure(bench: Bench, table: TableSpec) -> dict[str, float]:
    """Seconds of the scans of both servers and of ours."""
    origin, destination = bench.origin.server, bench.destination.server
    for server in (origin, destination):
        wipe(server)
    make(origin, table)
    copy_tables(origin, destination, pace=Pace(2), report=silent, stop=threading.Event())

    def applied() -> Position:
        with open_session(origin) as session:
            return read_current_position(session)

    scans = [scan_seconds(server) for server in (origin, destination)]
    began = time.monotonic()
    found = verify_tables(
        Sides(origin, destination, applied), report=silent, stop=threading.Event()
    )
    seconds = time.monotonic() - began
    assert found.differences == 0 and found.rows_verified == table.rows, found
    return {
        "seconds": seconds,
        "rows_per_second": table.rows / seconds,
        "scan_origin_seconds": scans[0],
        "scan_destination_seconds": scans[1],
        "ratio_vs_scan": max(scans) / seconds,
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
    found: dict[str, Any] = {
        "ratio_vs_scan": min(each["ratio_vs_scan"] for each in tables.values()),
        "rows": {"sysbench": asked.rows, "wide": asked.wide_rows},
        "load_average": [load_before, os.getloadavg()[0]],
        "tables": tables,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
