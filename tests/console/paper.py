"""A console over a service whose migration is on paper: nothing runs, but two servers answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser

from sterna.store import tables
from sterna.store.access_records import Role
from sterna.store.database import now
from sterna.store.records import Difference, HistoryEntry
from sterna.workflow.engine import outline
from tests.console.cast import DESKTOP, PASSWORD, new_page
from tests.console.viewer import Viewer
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.pretend_service import SAMPLE
from tests.fixtures.running import RunningServer, ServerFarm

TASK = "dtspaper"
STATES = ("waiting", "copying", "copied")


@dataclass
class Paper:
    """The desk, what stands on it, and who looks at it."""

    desk: Desk
    browser: Browser
    instance_id: str
    cluster_id: str

    @property
    def cluster(self) -> str:
        """Where the cluster's page is."""
        return f"/clusters/{self.cluster_id}"

    def change(self, **values: Any) -> None:
        """Another status of the migration."""
        self.desk.tools.journal.change_migration(self.cluster_id, **values)

    def fill_tables(self, count: int) -> None:
        """So many tables in the task, in all states."""
        rows = [
            {
                "task_id": TASK,
                "database": f"shop_{number % 40:02}",
                "table": f"orders_{number:05}",
                "rows_estimated": 1000 + number,
                "rows_copied": (1000 + number) * (number % 3) // 2,
                "bytes_estimated": number * 4096,
                "bytes_copied": number * 4096,
                "state": STATES[number % 3],
                "verified_at": now() if number % 3 == 2 else None,
                "differences": int(number % 1000 == 7),
            }
            for number in range(count)
        ]
        with self.desk.tools.tasks.pages._database.engine.begin() as connection:
            connection.execute(tables.task_tables.insert(), rows)

    def live_through(self) -> None:
        """A past of everything a page can show: an upgrade, an hour of the task, a difference."""
        tools = self.desk.tools
        self.fill_tables(12)
        self.change(status="PRE_CHECK_FAIL")
        began = tools.journal.begin(self.cluster_id, "upgrade", {}, "RDS2POLARDB_CLONING")
        for step in outline("upgrade", {}):
            done = HistoryEntry(now(), "upgrade", step.name, step.title, "done", "as asked", 1.5)
            tools.journal.write(self.cluster_id, done)
        tools.journal.end(began)
        self.change(status="RDS2POLARDB_SYNCING")
        for kind in ("", "ddl"):
            tools.tasks.log(TASK, "NORMAL", "shop_01.orders_00001 has a new column", kind)
        ended = {"rows_verified": 12_000, "differences": 1, "ended_at": now()}
        tools.tasks.verifications.put(TASK, "vp-paper", state="different", **ended)
        table = ("shop_07", "orders_00007")
        found = Difference(
            "vp-paper", *table, "id = 7", "different", "id = 7 differs in total", ("total",),
            {}, {}, now(),
        )  # fmt: skip
        tools.tasks.verifications.replace_differences(TASK, table, [found])
        hour = (now() - timedelta(seconds=number) for number in range(3000, 0, -30))
        past = (replace(SAMPLE, at=at, lag_seconds=at.second / 100) for at in hour)
        tools.metrics._history(TASK).fine.extend(past)
        self.desk.service.metering.tick()

    def visitor(self) -> Viewer:
        """Somebody at the door, with a browser profile of their own."""
        return Viewer(new_page(self.browser.new_context(**DESKTOP)), self.desk.url)


@contextmanager
def open_paper(farm: ServerFarm, browser: Browser, source: RunningServer) -> Iterator[Paper]:
    """A migration in sync from a server to a real cluster, and an admin called ada."""
    home = farm.folder / "paper"
    home.mkdir()
    with open_desk(home) as desk:
        instance_id = desk.add_instance("rm-paper", source, "the shop")
        cluster = desk.make_cluster(description="the new shop")
        desk.add_migration(instance_id, cluster.id)
        desk.service.people.add("ada", Role.ADMIN, PASSWORD)
        yield Paper(desk, browser, instance_id, cluster.id)
