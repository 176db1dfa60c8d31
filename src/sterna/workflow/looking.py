"""What the console asks for beyond the records themselves."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import version

from sterna.clusters.classes import CLASSES
from sterna.migration import policy
from sterna.store.database import now
from sterna.store.records import EngineInfo, Migration
from sterna.store.task_pages import Lines, Wanted
from sterna.store.view_records import (
    Choices,
    Limit,
    LogPage,
    NodeClassInfo,
    OperationRun,
    Overview,
    ServerSettings,
    TablePage,
)
from sterna.workflow import people
from sterna.workflow.board import Board
from sterna.workflow.overlooking import overview
from sterna.workflow.timeline import Timeline
from sterna.workflow.tools import Tools
from sterna.workflow.wishes import NODES_MAX, PAY_TYPES, STORAGE_ENGINES


class Looking:
    """The part of the operator's desk that only looks."""

    def __init__(self, tools: Tools, migrations: Callable[[], list[Migration]]) -> None:
        self._tools = tools
        self._migrations = migrations
        self._timeline = Timeline(tools)
        self._started_at = now()
        self.board = Board(tools, migrations)

    def overview(self) -> Overview:
        """How much there is of everything, and what wants a person."""
        return overview(self._tools, self._migrations())

    def timeline(self, cluster_id: str) -> list[OperationRun]:
        """All operations on a migration with their steps, oldest first."""
        return self._timeline.runs(cluster_id)

    def tables(self, task_id: str, wanted: Wanted) -> TablePage:
        """Some tables of a sync task. Refused NotFound."""
        self._tools.tasks.task(task_id, with_tables=False)
        return self._tools.tasks.pages.tables(task_id, wanted)

    def log(self, task_id: str, wanted: Lines) -> LogPage:
        """Some lines of a sync task's log, newest first. Refused NotFound."""
        self._tools.tasks.task(task_id, with_tables=False)
        return self._tools.tasks.pages.log(task_id, wanted)

    def engines(self) -> tuple[EngineInfo, ...]:
        """Server versions that can be a target on this machine."""
        return tuple(
            EngineInfo(
                each.name,
                str(each.version),
                str(each.binary),
                STORAGE_ENGINES if each.myrocks else STORAGE_ENGINES[:1],
            )
            for each in self._tools.engines
        )

    def node_classes(self) -> tuple[NodeClassInfo, ...]:
        """The sizes nodes come in, smallest first."""
        return tuple(NodeClassInfo(**dataclasses.asdict(each)) for each in CLASSES.values())

    def choices(self) -> Choices:
        """What a new cluster can be made of."""
        return Choices(
            node_classes=self.node_classes(),
            pay_types=PAY_TYPES,
            storage_engines=STORAGE_ENGINES,
            nodes_max=NODES_MAX,
            engines=self.engines(),
        )

    def settings(self) -> ServerSettings:
        """How this server was started, and what it holds itself to."""
        given = self._tools.settings
        return ServerSettings(
            version=version("sterna"),
            python=platform.python_version(),
            home=str(given.home),
            host=given.host,
            port=given.port,
            url=given.url,
            servers=str(given.servers),
            names=given.names,
            proxies=given.proxies,
            started_at=self._started_at,
            database_bytes=sum(f.stat().st_size for f in given.home.glob("sterna.db*")),
            engines=self.engines(),
            limits=tuple(_limits()),
        )


def _limits() -> Iterable[Limit]:
    lag_seconds, budget_seconds = policy.LAG_SECONDS_MAX, policy.SWITCH_BUDGET_SECONDS
    yield Limit("lag_seconds_max", lag_seconds, "s", "A switchover needs a latency below it.")
    yield Limit("switch_budget_seconds", budget_seconds, "s", "Applications wait no longer.")
    yield Limit(
        "transaction_seconds_max",
        policy.TRANSACTION_SECONDS_MAX,
        "s",
        "A transaction that is open longer is in the way of a switchover.",
    )
    days = policy.MIGRATION_LIFETIME.days
    yield Limit("migration_days", days, "days", "After them a migration closes by itself.")
    days = policy.EVALUATION_LIFETIME.days
    yield Limit("evaluation_days", days, "days", "Reports of evaluations are kept as long.")
    hours = people.SESSION_LIFETIME.total_seconds() / 3600
    yield Limit("session_hours", hours, "h", "After them one signs in again.")
    minutes = people.SESSION_IDLE.total_seconds() / 60
    yield Limit("session_idle_minutes", minutes, "min", "Without use a session ends after them.")
