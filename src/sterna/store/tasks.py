"""Sync tasks, their tables and their logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, exists, func, insert, select, update

from sterna.migration.rate import TaskRate
from sterna.store import tables
from sterna.store.database import now
from sterna.store.records import PositionPair, SyncTask
from sterna.store.repository import Database, found, to_record
from sterna.store.task_pages import TaskPages, progress_of
from sterna.store.verifications import Verifications

LAG_STALE_SECONDS = 5.0
PAIRS_MAX = 50_000  # of all tasks; one a second at most

_TABLE = tables.task_tables
_KEY = {
    name: bindparam(f"_{name}", type_=_TABLE.c[name].type)
    for name in ("task_id", "database", "table")
}
_IS_TABLE = and_(*(_TABLE.c[name] == value for name, value in _KEY.items()))
_MAKE_TABLE = insert(_TABLE).from_select(
    list(_KEY), select(*_KEY.values()).where(~exists().where(_IS_TABLE))
)


class Tasks:
    """Reads and writes sync tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.verifications = Verifications(database)
        self.pages = TaskPages(database)

    def add(self, task_id: str, name: str) -> None:
        """Keep a new forward task that is not wanted to run yet."""
        self._database.add(
            tables.sync_tasks,
            id=task_id,
            name=name,
            direction="Forward",
            status="Initializing",
            stage="schema",
            created_at=now(),
        )

    def change(self, task_id: str, **values: Any) -> None:
        """Update fields of a task."""
        self._database.change(tables.sync_tasks, {"id": task_id}, **values)

    def progress(self, task_id: str, **values: Any) -> None:
        """Update what moves by itself: latency, positions."""
        self._database.hasty.change(tables.sync_tasks, {"id": task_id}, **values)

    def want(self, task_id: str, *, running: bool, direction: str | None = None) -> None:
        """Say whether the task's process should run, and in which direction.

        What was known of the latency is forgotten: it was that of another process or direction.
        """
        values: dict[str, Any] = {
            "wanted": running,
            "lag_seconds": None,
            "lag_at": None,
            "stalled_because": "",
            "error": "",
        }
        if direction is not None:
            values |= {"direction": direction, "rollback_impossible_because": ""}
        self.change(task_id, **values)

    def is_wanted(self, task_id: str) -> bool:
        """Whether the task's process should run."""
        row = self._database.row(tables.sync_tasks, id=task_id)
        return row is not None and bool(row.wanted)

    def wanted(self) -> list[str]:
        """Ids of the tasks whose process should run."""
        return [row.id for row in self._database.rows(tables.sync_tasks, wanted=True)]

    def rogue_at(self, task_id: str) -> datetime | None:
        """When somebody else was last seen to write to the destination, if it matters still."""
        row = self._database.row(tables.sync_tasks, id=task_id)
        return row.rogue_at if row is not None else None

    def next_epoch(self, task_id: str) -> int:
        """A fencing epoch above all before; every start of a process takes one."""
        table = tables.sync_tasks
        with self._database.engine.begin() as connection:
            statement = update(table).where(table.c.id == task_id)
            connection.execute(statement.values(epoch=table.c.epoch + 1))
            epoch = connection.execute(select(table.c.epoch).where(table.c.id == task_id))
            return int(epoch.scalar_one())

    def epoch(self, task_id: str) -> int:
        """The highest fencing epoch that was ever given out here."""
        row = found(self._database.row(tables.sync_tasks, id=task_id), "task", task_id)
        return int(row.epoch)

    def raise_epoch(self, task_id: str, epoch: int) -> None:
        """Give out only epochs above `epoch` from now on."""
        table = tables.sync_tasks
        with self._database.engine.begin() as connection:
            statement = update(table).where(table.c.id == task_id, table.c.epoch < epoch)
            connection.execute(statement.values(epoch=epoch))

    def put_table(self, task_id: str, database: str, table: str, **values: Any) -> None:
        """Create or update the progress of one table."""
        key = {"task_id": task_id, "database": database, "table": table}
        self._database.hasty.put(tables.task_tables, key, **values)

    def put_tables(
        self, task_id: str, found: Sequence[Mapping[str, Any]], *, are_all: bool = False
    ) -> None:
        """The same of several at once; each has `database` and `table`. Others are forgotten where
        these `are_all`."""
        keys = [
            {"_task_id": task_id, "_database": each["database"], "_table": each["table"]}
            for each in found
        ]
        values = [{k: v for k, v in each.items() if k not in _KEY} for each in found]
        with self._database.hasty.engine.begin() as connection:
            if keys:
                connection.execute(_MAKE_TABLE, keys)
                rows = [{**key, **each} for key, each in zip(keys, values, strict=True)]
                connection.execute(update(_TABLE).where(_IS_TABLE), rows)
            known = select(_TABLE.c.database, _TABLE.c.table).filter_by(task_id=task_id)
            there = map(tuple, connection.execute(known)) if are_all else ()
            gone = set(there) - {(each["database"], each["table"]) for each in found}
            for database, table in gone:
                mine = {"task_id": task_id, "database": database, "table": table}
                connection.execute(delete(_TABLE).filter_by(**mine))

    def forget_tables(self, task_id: str) -> None:
        """Drop all progress: the copy begins anew."""
        self._database.remove(tables.task_tables, task_id=task_id)
        self.verifications.forget_differences(task_id)

    def log(self, task_id: str, level: str, sentence: str, kind: str = "") -> None:
        """Append to the task's log."""
        line = {"level": level, "kind": kind, "sentence": sentence}
        self._database.hasty.add(tables.task_logs, task_id=task_id, at=now(), **line)

    def logs(self, task_id: str) -> list[tuple[datetime, str, str]]:
        """(when, level, sentence), oldest first."""
        rows = self._database.rows(tables.task_logs, order="number", task_id=task_id)
        return [(row.at, row.level, row.sentence) for row in rows]

    def add_pair(self, task_id: str, origin: tuple[str, str], destination: tuple[str, str]) -> None:
        """Keep positions and GTIDs of both logs at the same data; the oldest go."""
        row = found(self._database.row(tables.sync_tasks, id=task_id), "task", task_id)
        source, cluster = (
            (origin, destination) if row.direction == "Forward" else (destination, origin)
        )
        table = tables.position_pairs
        with self._database.hasty.engine.begin() as connection:
            kept = insert(table).values(
                task_id=task_id,
                at=now(),
                source_position=source[0],
                source_gtids=source[1],
                cluster_position=cluster[0],
                cluster_gtids=cluster[1],
            )
            (number,) = connection.execute(kept).inserted_primary_key or (0,)
            old = delete(table).where(table.c.number <= number - PAIRS_MAX)
            connection.execute(old)

    def pairs(self, task_id: str) -> list[PositionPair]:
        """All pairs of positions that are kept, oldest first."""
        rows = self._database.rows(tables.position_pairs, order="number", task_id=task_id)
        return [to_record(PositionPair, row) for row in rows]

    def newest_pairs(self, task_id: str, count: int) -> list[PositionPair]:
        """The newest so many of them, newest first."""
        table = tables.position_pairs
        wanted = select(table).filter_by(task_id=task_id).order_by(table.c.number.desc())
        with self._database.engine.connect() as connection:
            rows = connection.execute(wanted.limit(count))
            return [to_record(PositionPair, row) for row in rows]

    def task(self, task_id: str, *, with_tables: bool = True) -> SyncTask:
        """A task with the progress of its tables, unless they are left out; Refused NotFound."""
        row = found(self._database.row(tables.sync_tasks, id=task_id), "task", task_id)
        rows_copied, rows_estimated, bytes_copied, bytes_estimated = self._copied(task_id)
        rows: list[Row[Any]] = []
        if with_tables:
            rows = self._database.rows(tables.task_tables, order="table", task_id=task_id)
        lag_seconds, stalled = _lag(row)
        return to_record(
            SyncTask,
            row,
            lag_seconds=lag_seconds,
            stalled_because=stalled,
            rate=TaskRate(**row.rate),
            throttled_because=row.throttled_because if row.wanted else "",
            rows_copied=rows_copied,
            rows_estimated=row.rows_estimated or rows_estimated,
            bytes_copied=bytes_copied,
            bytes_estimated=bytes_estimated,
            eta_seconds=0.0 if row.stage == "incremental" else row.eta_seconds,
            tables=tuple(progress_of(each) for each in rows),
        )

    def _copied(self, task_id: str) -> tuple[int, int, int, int]:
        """Rows copied, rows there are about, the same in bytes, of all tables."""
        each = _TABLE.c
        pairs = (each.rows_copied, each.rows_estimated), (each.bytes_copied, each.bytes_estimated)
        sums = [
            func.sum(one)
            for copied, estimated in pairs
            for one in (copied, func.max(estimated, copied))
        ]
        with self._database.engine.connect() as connection:
            found = connection.execute(select(*sums).where(each.task_id == task_id)).one()
        rows, rows_estimated, octets, octets_estimated = (int(one or 0) for one in found)
        return rows, rows_estimated, octets, octets_estimated


def _lag(row: Row[Any]) -> tuple[float | None, str]:
    """Lag as last reported; a report that is old means the stream's process is dead."""
    if row.stage != "incremental" or row.stalled_because:
        return None, row.stalled_because
    if not row.wanted:
        return None, ""
    if row.lag_at is None:
        return None, "" if row.status != "Failed" else row.error
    silent_seconds = (now() - row.lag_at).total_seconds()
    if silent_seconds > LAG_STALE_SECONDS:
        return None, f"the sync task has been silent for {silent_seconds:.0f} s"
    return row.lag_seconds, ""
