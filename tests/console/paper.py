"""A console over a service whose migration is on paper: nothing runs, but two servers answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from sterna.store import tables
from sterna.store.access_records import Role
from sterna.store.database import now
from tests.console.cast import DESKTOP, PASSWORD, new_page
from tests.console.viewer import Viewer
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.running import RunningServer, ServerFarm

TASK = "dtspaper"


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
                "bytes_copied": number * 4096,
                "copied": number % 3 == 2,
                "verified_at": now() if number % 3 == 2 else None,
                "differences": int(number % 1000 == 7),
            }
            for number in range(count)
        ]
        with self.desk.tools.tasks.pages._database.engine.begin() as connection:
            connection.execute(tables.task_tables.insert(), rows)

    def visitor(self) -> Viewer:
        """Somebody at the door, with a browser profile of their own."""
        return Viewer(new_page(self.browser.new_context(**DESKTOP)), self.desk.url)


@contextmanager
def open_paper(
    farm: ServerFarm, browser: Browser, source: RunningServer, target: RunningServer
) -> Iterator[Paper]:
    """A migration in sync between two servers, and an admin called ada."""
    home = farm.folder / "paper"
    home.mkdir()
    with open_desk(home) as desk:
        instance_id = desk.add_instance("rm-paper", source, "the shop")
        cluster = desk.add_cluster(target)
        desk.add_migration(instance_id, cluster.id)
        desk.service.people.add("ada", Role.ADMIN, PASSWORD)
        yield Paper(desk, browser, instance_id, cluster.id)
