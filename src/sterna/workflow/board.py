"""What can be watched: looked at once for all who watch, as JSON under (topic, id).

Whoever watches compares what he has been sent with what stands here now, so a slow one misses steps
in between and never the present, and nothing piles up for him.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic_core import to_json

from sterna.store.records import HistoryEntry, Migration
from sterna.workflow.overlooking import overview
from sterna.workflow.timeline import Timeline
from sterna.workflow.tools import Tools

FAST_SECONDS = 0.25
SLOW_SECONDS = 1.0
ENTRIES_MAX = 500  # of the history, sent to one who comes back

Key = tuple[str, str]  # topic, id


@dataclass(frozen=True)
class Seen:
    """One thing as it stands now; `cluster_id` is empty for what belongs to no one migration."""

    cluster_id: str
    text: str  # JSON


@dataclass(frozen=True)
class View:
    """Everything as it stands now; `newest_entry` is the number of the last one in the history."""

    things: Mapping[Key, Seen]
    newest_entry: int


class Board:
    """Looks at most four times a second, and only while somebody watches."""

    def __init__(self, tools: Tools, migrations: Callable[[], list[Migration]]) -> None:
        self._tools = tools
        self._migrations = migrations
        self._timeline = Timeline(tools)
        self._lock = threading.Lock()
        self._view = View({}, 0)
        self._slow: dict[Key, Seen] = {}
        self._known: list[Migration] = []
        self._fast_at = self._slow_at = float("-inf")

    def look(self) -> View:
        """What there is now, or was a moment ago."""
        with self._lock:
            moment = time.monotonic()
            if moment - self._slow_at >= SLOW_SECONDS:
                self._known = self._migrations()
                self._slow, self._slow_at = dict(self._slow_things()), moment
            if moment - self._fast_at >= FAST_SECONDS:
                things = {**self._slow, **dict(self._fast_things())}
                self._view = View(things, self._tools.journal.newest_entry())
                self._fast_at = moment
            return self._view

    def entries_after(self, number: int) -> list[tuple[int, str, str]]:
        """(number, cluster id, JSON) of what the history tells since an entry, oldest first."""
        entries = self._tools.journal.entries_after(number, ENTRIES_MAX)
        return [(n, cluster_id, _entry_text(n, cluster_id, e)) for n, cluster_id, e in entries]

    def _slow_things(self) -> Iterator[tuple[Key, Seen]]:
        tools = self._tools
        yield _thing("overview", "", overview(tools, self._known))
        for instance in tools.inventory.instances():
            yield _thing("instance", instance.id, instance)
        for cluster in tools.inventory.clusters():
            yield _thing("cluster", cluster.id, cluster)
        for endpoint in tools.inventory.endpoints():
            yield _thing("endpoint", endpoint.id, endpoint)
        for schedule in tools.standing.schedules():
            yield _thing("schedule", schedule.id, schedule)
        for migration in self._known:
            yield from self._of_migration(migration)

    def _of_migration(self, migration: Migration) -> Iterator[tuple[Key, Seen]]:
        cluster_id = migration.cluster_id
        yield _thing("migration", cluster_id, _plain(migration), cluster_id)
        if run := self._timeline.newest(cluster_id):
            yield _thing("operation", cluster_id, run, cluster_id)
        for newest in self._tools.tasks.verifications.of_task(migration.task_id)[:1]:
            fields = {"cluster_id": cluster_id, **asdict(newest)}
            yield _thing("verification", cluster_id, fields, cluster_id)

    def _fast_things(self) -> Iterator[tuple[Key, Seen]]:
        """What moves within a second: operations under way, and what tasks do."""
        before = {m.cluster_id: m.operation for m in self._known}
        for row in self._tools.journal.migrations():
            if row.operation or before.get(row.cluster_id):
                run = self._timeline.newest(row.cluster_id)
                yield _thing("operation", row.cluster_id, run, row.cluster_id)
            if sample := self._tools.metrics.newest(row.task_id):
                task = {"task_id": row.task_id, "cluster_id": row.cluster_id}
                fields = {**task, **asdict(sample)}
                yield _thing("sample", row.task_id, fields, row.cluster_id)


def _thing(topic: str, id_: str, record: Any, cluster_id: str = "") -> tuple[Key, Seen]:
    return (topic, id_), Seen(cluster_id, to_json(record).decode())


def _plain(migration: Migration) -> Migration:
    """Without what moves several times a second; that is in the samples."""
    task = migration.task
    return replace(migration, task=None if task is None else replace(task, sample=None))


def _entry_text(number: int, cluster_id: str, entry: HistoryEntry) -> str:
    fields = {"cluster_id": cluster_id, "number": number, "entry": entry}
    return to_json(fields).decode()
