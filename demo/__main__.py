"""`make demo`: a bank on MySQL 5.7 becomes a bank on MySQL 9.7 while its customers keep paying.

    source and application start → upgrade → switch over with endpoints → roll back
    → switch over again → complete → the judge speaks

Everything is done with the `sterna` command, as an operator would. Writes build/demo/summary.json;
exit code 1 unless differences, lost and doubled writes are 0. KEEP=1 leaves it all running.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.connection import Login
from demo.judge import compare, judge
from demo.ledger import longest_gap_ms
from demo.running_bank import RunningBank, start_bank
from demo.schema import Accounts, create_schema
from tests.fixtures.product import STERNA, Product
from tests.fixtures.running import RunningServer, ServerFarm, eventually

SOURCE_SERIES, TARGET_SERIES = "5.7", "9.7"
OUT = Path("build/demo")
THREADS, TRANSFERS_PER_SECOND_AND_THREAD = 4, 25.0
LIFE_SECONDS = 8.0  # how long the application lives on each side
MARGIN_SECONDS = 3.0


class Demo:
    """The cast: a source, the product, an application with its ledger."""

    def __init__(self, farm: ServerFarm) -> None:
        OUT.mkdir(parents=True, exist_ok=True)
        self.farm = farm
        self.product = Product(farm.folder / "home")
        self.ledger = OUT / "ledger.jsonl"
        self.ledger.unlink(missing_ok=True)
        self.source: RunningServer
        self.accounts: Accounts
        self.bank: RunningBank
        self.instance_id = self.cluster_id = ""
        self.summary: dict[str, Any] = {}

    def play(self) -> None:
        """From the first scene to the last."""
        self.set_the_stage()
        self.open_the_bank()
        self.upgrade()
        self.summary["switch_outage_ms"] = self.switch("switch-over", "--with-endpoints")
        self.say("the bank works on the cluster")
        time.sleep(LIFE_SECONDS)
        self.summary["rollback_outage_ms"] = self.switch("roll-back")
        self.say("the bank works on the source again")
        time.sleep(LIFE_SECONDS)
        self.verify()
        self.summary["second_switch_outage_ms"] = self.switch("switch-over", "--with-endpoints")
        time.sleep(LIFE_SECONDS)
        self.judge_and_complete()

    def set_the_stage(self) -> None:
        """A MySQL 5.7 with 1.2 million rows."""
        self.say(f"starting a MySQL {SOURCE_SERIES} and filling it with a bank")
        self.source = self.farm.start(SOURCE_SERIES)
        self.accounts = create_schema(self.source.server, SOURCE_SERIES)
        self.product.start()
        self.say(f"the console is at http://127.0.0.1:{self.product.port}/, open to whoever says")
        print(self.product.log().strip(), flush=True)

    def open_the_bank(self) -> None:
        """The application writes through the source's endpoint from now on."""
        server = self.source.server
        self.sterna(
            *("instance", "add", "--host", server.host, "--port", str(server.port)),
            *("--user", server.user, "--description", "the bank"),
            password=server.password,
        )
        self.instance_id = self.product.ask("instance", "list")[0]["id"]
        (endpoint,) = self.product.ask("endpoint", "list", self.instance_id)
        login = Login(endpoint["host"], endpoint["port"], "app", self.accounts.app_password)
        pace = TRANSFERS_PER_SECOND_AND_THREAD
        self.bank = start_bank(login, self.ledger, threads=THREADS, pace=pace)
        self.say(f"the bank is open at {endpoint['host']}:{endpoint['port']}, its address for ever")

    def upgrade(self) -> None:
        """Accounts whose hash 9.7 cannot take get their password; then one command."""
        for name, password in (
            ("'app'@'%'", self.accounts.app_password),
            ("'report'@'%'", self.accounts.report_password),
        ):
            self.sterna("account", "set-password", self.instance_id, name, password=password)
        self.sterna("evaluate", self.instance_id, "--version", TARGET_SERIES)
        self.sterna("upgrade", self.instance_id, "--version", TARGET_SERIES, "--wait")
        self.cluster_id = self.product.ask("migration", "list")[0]["cluster_id"]
        self.say("waiting until every row has been compared")
        self.wait_until_verified()
        task = self.migration()["task"]
        self.summary |= {
            "rows_copied": task["rows_copied"],
            "copy_seconds": round(task["copy_seconds"], 2),
        }

    def verify(self) -> None:
        """Compare every row again, while the application writes."""
        self.sterna("verify", self.cluster_id)
        self.wait_until_verified()

    def wait_until_verified(self) -> None:
        """Until a whole pass has ended."""
        eventually(lambda: self.migration()["task"]["verified_at"], within_seconds=90)
        task = self.migration()["task"]
        known = self.summary.get("differences", 0)
        self.summary["rows_verified"] = task["rows_verified"]
        self.summary["differences"] = known + task["differences"]
        self.say(f"{task['rows_verified']:,} rows compared, {task['differences']} differ")

    def switch(self, *command: str) -> float:
        """Switch or roll back; the write outage as the application saw it, in milliseconds."""
        began = time.time()
        name, *options = command
        self.sterna(name, self.cluster_id, *options, "--yes")
        ended = time.time()
        time.sleep(MARGIN_SECONDS)
        outage_ms = round(longest_gap_ms(self.ledger, began, ended), 1)
        self.say(f"{name}: the bank could not commit for {outage_ms:.0f} ms")
        return outage_ms

    def judge_and_complete(self) -> None:
        """Close the bank, compare both sides once more, complete, and hear the judge."""
        totals = self.bank.stop()
        self.say(f"the bank is closed: {totals}")
        server, cluster = self.source.server, self.cluster_login()
        differences = eventually_equal(lambda: compare(server, cluster))
        for sentence in differences[:20]:
            self.say(sentence)
        self.summary["differences"] += len(differences)
        self.sterna("complete", self.cluster_id, "--yes")
        verdict = judge(cluster, self.ledger)
        self.say(str(verdict))
        self.summary |= {
            "source_version": str(self.source.version),
            "target_version": self.product.ask("cluster", "show", self.cluster_id)["version"],
            "acknowledged_writes": verdict.acknowledged,
            "lost_writes": len(verdict.lost),
            "doubled_writes": len(verdict.doubled) + len(verdict.ghosts) + len(verdict.torn),
            "balances_agree": verdict.is_clean,
            "final_status": self.migration()["status"],
        }

    def cluster_login(self) -> Login:
        """The cluster's primary, seen with the eyes of the source's administrator."""
        node = self.product.ask("cluster", "show", self.cluster_id)["nodes"][0]
        administrator = self.source.server
        return Login(node["host"], node["port"], administrator.user, administrator.password)

    def migration(self) -> dict[str, Any]:
        """The migration as the product shows it."""
        shown: dict[str, Any] = self.product.ask("migration", "show", self.cluster_id)
        return shown

    def sterna(self, *words: str, password: str = "") -> None:
        """Run a command for everybody to see; it must succeed."""
        print(f"\n$ sterna {' '.join(words)}", flush=True)
        environment = {**self.product.environment, "STERNA_PASSWORD": password}
        subprocess.run([STERNA, *words], env=environment, check=True)

    def say(self, sentence: str) -> None:
        """One line of the play."""
        print(f"── {sentence}", flush=True)


def eventually_equal(differences: Callable[[], list[str]]) -> list[str]:
    """What still differs when the stream has had ten seconds to drain."""
    deadline = time.monotonic() + 10
    while (found := differences()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


@contextmanager
def stage(keep: bool) -> Iterator[Demo]:
    """Everything that was started is stopped at the end, unless it is to be kept."""
    farm = ServerFarm("sterna-demo")
    demo = Demo(farm)
    try:
        yield demo
    finally:
        if keep:
            print_how_to_look_around(demo)
        else:
            clean_up(demo)


def clean_up(demo: Demo) -> None:
    """Stop the bank, the product, its cluster and its proxy, and the source."""
    if hasattr(demo, "bank") and demo.bank.process.poll() is None:
        demo.bank.kill()
    demo.product.destroy()
    demo.farm.close()


def print_how_to_look_around(demo: Demo) -> None:
    """What a curious person types next."""
    print(
        f"\nEverything is still running. Look around with:\n"
        f"  export STERNA_HOME={demo.product.home} STERNA_PORT={demo.product.port}\n"
        f"  {STERNA} migration show {demo.cluster_id}\n"
        f"  {STERNA} endpoint list\n"
        f"and end it with: {sys.executable} -m demo.end {demo.farm.folder}"
    )


def main() -> int:
    """Play; 0 when nothing was lost, doubled or different."""
    began = time.monotonic()
    with stage(keep=os.environ.get("KEEP") == "1") as demo:
        demo.play()
        summary = demo.summary
    summary["seconds"] = round(time.monotonic() - began, 1)
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))
    wrong = summary["differences"] + summary["lost_writes"] + summary["doubled_writes"]
    return 1 if wrong or not summary["balances_agree"] else 0


if __name__ == "__main__":
    sys.exit(main())
