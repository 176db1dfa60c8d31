"""Standing orders: operations to begin later, and who is told of what happens."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, select

from sterna.store import tables
from sterna.store.database import Secrets
from sterna.store.journal import OperationRow
from sterna.store.records import HistoryEntry, Hook, Schedule
from sterna.store.repository import Database, found, to_record

WAITING = "waiting"
OWN = "hook"  # entries about deliveries are not delivered


class Standing:
    """Reads and writes schedules and hooks."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    # Schedules

    def add_schedule(self, schedule: Schedule) -> None:
        """Keep a new schedule."""
        self._database.add(tables.schedules, **dataclasses.asdict(schedule))

    def schedules(self, **where: Any) -> list[Schedule]:
        """Schedules whose fields are as given, in the order of their times."""
        rows = self._database.rows(tables.schedules, order="starts_at", **where)
        return [to_record(Schedule, row) for row in rows]

    def schedule(self, schedule_id: str) -> Schedule:
        """One schedule; Refused NotFound."""
        row = self._database.row(tables.schedules, id=schedule_id)
        return to_record(Schedule, found(row, "schedule", schedule_id))

    def change_schedule(self, schedule_id: str, **values: Any) -> None:
        """Update fields of a schedule."""
        self._database.change(tables.schedules, {"id": schedule_id}, **values)

    def end_schedule(self, schedule_id: str, state: str) -> bool:
        """From waiting to an end; False when it was not waiting any more."""
        where = {"id": schedule_id, "state": WAITING}
        return bool(self._database.change(tables.schedules, where, state=state))

    def operation_of(self, schedule: Schedule) -> OperationRow | None:
        """The newest operation that was begun for a schedule."""
        begun = [row for row in self._operations(schedule) if _is_of(row, schedule)]
        return begun[-1] if begun else None

    def done_by_hand(self, schedule: Schedule) -> OperationRow | None:
        """The newest operation somebody else has brought to its end since the window opened."""
        done = (row for row in self._operations(schedule) if row.state == "finished")
        others = [row for row in done if not _is_of(row, schedule)]
        is_within = others and others[-1].created_at >= schedule.starts_at
        return others[-1] if is_within else None

    def _operations(self, schedule: Schedule) -> list[OperationRow]:
        rows = self._database.rows(
            tables.operations, order="created_at", cluster_id=schedule.cluster_id
        )
        return [to_record(OperationRow, row) for row in rows]

    # Hooks

    def add_hook(self, hook: Hook, url: str, headers: Mapping[str, str]) -> None:
        """Keep a new hook; it hears of what happens from now on. `url` is the whole address."""
        values = dataclasses.asdict(hook)
        del values["header_names"]
        values["events"], values["command"] = list(hook.events), list(hook.command)
        encrypted = self._secrets.encrypt(json.dumps([url, dict(headers)]))
        self._database.add(
            tables.hooks, **values, address_encrypted=encrypted, heard=self._newest_entry()
        )

    def hooks(self) -> list[Hook]:
        """All hooks, oldest first."""
        return [self._hook(row) for row in self._database.rows(tables.hooks, order="created_at")]

    def hook(self, hook_id: str) -> Hook:
        """One hook; Refused NotFound."""
        return self._hook(found(self._database.row(tables.hooks, id=hook_id), "hook", hook_id))

    def _hook(self, row: Row[Any]) -> Hook:
        names = tuple(self._open(row.address_encrypted)[1])
        return to_record(Hook, row, header_names=names)

    def address(self, hook_id: str) -> tuple[str, dict[str, str]]:
        """The whole address of a hook and the headers it is told with; secrets."""
        row = found(self._database.row(tables.hooks, id=hook_id), "hook", hook_id)
        return self._open(row.address_encrypted)

    def remove_hook(self, hook_id: str) -> None:
        """Forget a hook; Refused NotFound."""
        found(self._database.row(tables.hooks, id=hook_id), "hook", hook_id)
        self._database.remove(tables.hooks, id=hook_id)

    def unheard(self, hook_id: str) -> list[tuple[int, str, HistoryEntry]]:
        """(number, cluster id, entry) of what happened since a hook was told last."""
        row = self._database.row(tables.hooks, id=hook_id)
        if row is None:
            return []
        table = tables.history
        statement = select(table).where(table.c.number > row.heard, table.c.operation != OWN)
        with self._database.engine.connect() as connection:
            rows = list(connection.execute(statement.order_by(table.c.number)))
        return [(each.number, each.cluster_id, to_record(HistoryEntry, each)) for each in rows]

    def heard(self, hook_id: str, number: int) -> None:
        """Everything up to this entry needs no telling any more."""
        self._database.hasty.change(tables.hooks, {"id": hook_id}, heard=number)

    def _open(self, encrypted: str) -> tuple[str, dict[str, str]]:
        url, headers = json.loads(self._secrets.decrypt(encrypted))
        return url, headers

    def _newest_entry(self) -> int:
        with self._database.engine.connect() as connection:
            return connection.execute(select(func.max(tables.history.c.number))).scalar() or 0


def _is_of(row: OperationRow, schedule: Schedule) -> bool:
    return bool(row.arguments.get("schedule") == schedule.id)
