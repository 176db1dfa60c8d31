"""`make bench-switch`: how long applications cannot write while the writes move, and what is lost.

A bank with many clients pays through one endpoint all the time while the writes are moved to the
cluster and back again and again. The outage is the longest time without any acknowledged commit
around each move, taken from the bank's own ledger. A prober opens a new connection every 20 ms and
counts those that are refused. At the end the migration is completed and the binary log switched
off, which restarts the primary. Writes bench/results/switch.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from demo.connection import Login
from demo.judge import judge
from demo.ledger import longest_gap_ms, read_ledger
from demo.running_bank import start_bank
from demo.schema import create_schema
from tests.fixtures.prober import Prober
from tests.fixtures.product import Product
from tests.fixtures.running import ServerFarm, eventually

RESULTS = Path(__file__).parent / "results"
SCALE = 0.02
REST_SECONDS = 1.0


def upgrade(product: Product, farm: ServerFarm) -> tuple[str, Login]:
    """A small bank on 5.7 and its cluster; the cluster's id and the application's login."""
    source = farm.start("5.7")
    accounts = create_schema(source.server, "5.7", SCALE)
    environment = {"STERNA_PASSWORD": source.server.password}
    where = ("--host", source.server.host, "--port", str(source.server.port))
    instance = product.ask("instance", "add", *where, "--user", "root", extra=environment)["id"]
    for name, password in (
        ("'app'@'%'", accounts.app_password),
        ("'report'@'%'", accounts.report_password),
    ):
        secret = {"STERNA_PASSWORD": password}
        product.ask("account", "set-password", instance, name, extra=secret)
    cluster = product.ask("upgrade", instance, "--version", "9.7", "--wait")["cluster_id"]
    (endpoint,) = product.ask("endpoint", "list", instance)
    eventually(
        lambda: product.ask("migration", "show", cluster)["task"]["verified_at"],
        within_seconds=120,
    )
    return cluster, Login(endpoint["host"], endpoint["port"], "app", accounts.app_password)


def move(product: Product, cluster: str, ledger: Path, number: int) -> tuple[float, float]:
    """One switchover or rollback; (outage by the ledger, outage by the product) in ms."""
    there = number % 2 == 0
    command = ("switch-over", cluster, "--with-endpoints") if there else ("roll-back", cluster)
    began = time.time()
    answer = product.run(*command, "--yes", "--json")
    if answer.code != 0:
        raise SystemExit(f"{' '.join(command)}: {answer.err}")
    ended = time.time()
    time.sleep(REST_SECONDS)
    name = "switch_outage_ms" if there else "rollback_outage_ms"
    reported = float(product.see(f"/migrations/{cluster}")[name])
    return longest_gap_ms(ledger, began, ended), reported


def complete(product: Product, cluster: str, moves: int) -> float:
    """Complete on the cluster, without its binary log; how long new connections waited, in ms."""
    if moves % 2 == 0:
        product.ask("switch-over", cluster, "--with-endpoints", "--yes")
    product.ask("complete", cluster, "--disable-binlog", "--yes")
    time.sleep(REST_SECONDS)
    history = product.see(f"/migrations/{cluster}")["history"]
    (sentence,) = [e["sentence"] for e in history if e["step"] == "release_primary"]
    return float(sentence.split()[-2])


def measure(clients: int, moves: int) -> dict[str, Any]:
    """The whole run."""
    farm = ServerFarm("sterna-bench")
    product = Product(farm.folder / "home")
    ledger = farm.folder / "ledger.jsonl"
    try:
        product.start()
        cluster, login = upgrade(product, farm)
        bank = start_bank(login, ledger, threads=clients, pace=4.0)
        with Prober(login) as prober:
            time.sleep(REST_SECONDS)
            found = [move(product, cluster, ledger, number) for number in range(moves)]
            waited_ms = complete(product, cluster, moves)
            bank.stop()
        result = summary(found, prober, judge(login, ledger), clients, ledger)
        return {**result, "binlog_off_wait_ms": waited_ms}
    finally:
        product.destroy()
        farm.close()


def summary(
    found: list[tuple[float, float]], prober: Prober, verdict: Any, clients: int, ledger: Path
) -> dict[str, Any]:
    """The figures of a run."""
    outages = sorted(outage for outage, _ in found)
    hundredths = statistics.quantiles(outages, n=100, method="inclusive")
    return {
        "outage_ms_p50": round(hundredths[49], 1),
        "outage_ms_p99": round(hundredths[98], 1),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled) + len(verdict.ghosts) + len(verdict.torn),
        "refused_connections": len(prober.refused),
        "refused_because": sorted(set(prober.refused))[:5],
        "probed_connections": prober.connected,
        "reported_outage_ms_p50": round(statistics.median(ours for _, ours in found), 1),
        "moves": len(found),
        "clients": clients,
        "acknowledged": verdict.acknowledged,
        "errors_seen_by_clients": dict(read_ledger(ledger).errors),
        "load_average": os.getloadavg()[0],
    }


def main() -> int:
    """Measure, write, print; 1 when something was lost, doubled or refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--moves", type=int, default=60, help="switchovers and rollbacks in turn")
    asked = parser.parse_args()
    result = measure(asked.clients, asked.moves)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "switch.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 1 if result["lost"] or result["doubled"] or result["refused_connections"] else 0


if __name__ == "__main__":
    sys.exit(main())
