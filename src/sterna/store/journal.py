"""Migrations, the operations on them, and the history of sentences."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from sterna.errors import Refused
from sterna.migration.status import TRANSITIONS, Action
from sterna.store import tables
from sterna.store.database import now
from sterna.store.log_readers import ReaderBook
from sterna.store.records import Evaluation, Finding, HistoryEntry, Migration
from sterna.store.repository import Database, found, new_id, to_record
from sterna.store.reserve import Reserve

# Fields of a migration that are looked up elsewhere and not stored with it.
DERIVED = (
    *("lag_seconds", "stalled_because", "task", "history"),
    *("rollback_ready", "rollback_blocked_because", "title", "actions"),
)


@dataclasses.dataclass(frozen=True)
class OperationRow:
    """One run of an operation: what was asked, what it learned, how it ended."""

    id: str
    cluster_id: str
    name: str
    arguments: dict[str, Any]
    facts: dict[str, Any]
    state: str  # started | finished | failed
    created_at: datetime
    committed_at: datetime | None  # the point of no return
    error: str
    finished_at: datetime | None = None


@dataclasses.dataclass(frozen=True)
class StepUnderWay:
    """What an operation does just now."""

    operation_id: str
    step: str
    began_at: datetime
    is_undo: bool


class Journal:
    """Reads and writes migrations, operations and history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.readers = ReaderBook(database)
        self.reserve = Reserve(database.engine)
        # By cluster; in memory, for people who watch: a step that is cut short begins anew.
        self.under_way: dict[str, StepUnderWay] = {}

    def add_migration(self, migration: Migration, ignored: tuple[str, ...]) -> None:
        """Keep a new migration; Refused when its instance is already on its way."""
        self.refuse_second(migration.instance_id)
        values = dataclasses.asdict(migration)
        for derived in DERIVED:
            del values[derived]
        self._database.add(tables.migrations, **values, ignored=list(ignored))

    def refuse_second(self, instance_id: str) -> None:
        """Refused when the instance has a migration that is not closed."""
        for row in self._database.rows(tables.migrations, instance_id=instance_id):
            if row.status != "NO_MIGRATION":
                raise Refused(
                    f"{instance_id} is already being migrated to {row.cluster_id} "
                    f"(status {row.status}).",
                    code="MigrationExists",
                    remedy=f"Complete or cancel that one first: "
                    f"sterna migration show {row.cluster_id}.",
                )

    def migrations(self) -> list[Migration]:
        """All migrations, oldest first, without task and history."""
        rows = self._database.rows(tables.migrations, order="created_at")
        return [to_record(Migration, r, lag_seconds=None, stalled_because="") for r in rows]

    def migration(self, cluster_id: str) -> Migration:
        """One migration without task and history; Refused NotFound."""
        row = self._database.row(tables.migrations, cluster_id=cluster_id)
        row = found(row, "migration", cluster_id)
        return to_record(Migration, row, lag_seconds=None, stalled_because="")

    def ignored(self, cluster_id: str) -> tuple[str, ...]:
        """Names of the prechecks the user chose to ignore."""
        row = self._database.row(tables.migrations, cluster_id=cluster_id)
        return tuple(found(row, "migration", cluster_id).ignored)

    def change_migration(self, cluster_id: str, **values: Any) -> None:
        """Update fields of a migration."""
        self._database.change(tables.migrations, {"cluster_id": cluster_id}, **values)

    def declare(self, cluster_id: str, before: str, after: str, comment: str) -> bool:
        """Change the status of a migration at rest; False when it moves or has moved on."""
        where = {"cluster_id": cluster_id, "operation": "", "status": before}
        values = {"status": after, "comment": comment}
        return bool(self._database.change(tables.migrations, where, **values))

    def begin(
        self, cluster_id: str, name: str, arguments: dict[str, Any], busy: str
    ) -> OperationRow:
        """Start an operation and set the status to `busy`, in one transaction.

        The fact `status_before` says where a failure leads back to.

        Raises:
            Refused: another operation is under way, or has ended since this one was allowed.
        """
        operation_id = new_id("op")
        before = self.migration(cluster_id).status
        table = tables.migrations
        with self._database.engine.begin() as connection:
            claimed = connection.execute(
                update(table)
                .where(table.c.cluster_id == cluster_id, table.c.operation == "")
                .where(table.c.status == before, table.c.status.in_(TRANSITIONS[Action(name)]))
                .values(operation=name, status=busy, comment="")
            )
            if not claimed.rowcount:
                raise Refused(
                    f"{cluster_id} is busy: another operation is under way, or has just ended.",
                    code="OperationUnderWay",
                    remedy=f"Wait until it has ended: sterna migration watch {cluster_id}.",
                )
            values = {"cluster_id": cluster_id, "name": name, "arguments": arguments}
            connection.execute(
                insert(tables.operations).values(
                    id=operation_id,
                    **values,
                    facts={"status_before": before},
                    state="started",
                    created_at=now(),
                )
            )
        return self.operation(operation_id)

    def operation(self, operation_id: str) -> OperationRow:
        """One operation; Refused NotFound."""
        row = self._database.row(tables.operations, id=operation_id)
        return to_record(OperationRow, found(row, "operation", operation_id))

    def newest(self, cluster_id: str, name: str) -> OperationRow | None:
        """The last run of an operation that passed its point of no return."""
        runs = [row for row in self.operations(cluster_id) if row.name == name]
        return next((row for row in reversed(runs) if row.committed_at is not None), None)

    def unfinished(self) -> list[OperationRow]:
        """Operations that were begun and have not ended."""
        rows = self._database.rows(tables.operations, order="created_at", state="started")
        return [to_record(OperationRow, row) for row in rows]

    def operations(self, cluster_id: str) -> list[OperationRow]:
        """All operations on a migration, oldest first."""
        rows = self._database.rows(tables.operations, order="created_at", cluster_id=cluster_id)
        return [to_record(OperationRow, row) for row in rows]

    def operations_with(self, fact: str, cluster_id: str) -> list[OperationRow]:
        """The operations on a migration that have learned this fact and find it true."""
        return [row for row in self.operations(cluster_id) if row.facts.get(fact) is True]

    def with_fact(self, fact: str) -> list[OperationRow]:
        """The operations on any migration that find this fact true, oldest first."""
        table = tables.operations
        wanted = select(table).where(table.c.facts[fact].as_boolean().is_(True))
        with self._database.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(table.c.created_at))
            return [to_record(OperationRow, row) for row in rows]

    def learn(self, operation_id: str, **facts: Any) -> None:
        """Add facts to an operation, in one transaction."""
        table = tables.operations
        with self._database.engine.begin() as connection:
            known = connection.execute(
                select(table.c.facts).where(table.c.id == operation_id)
            ).scalar_one()
            statement = update(table).where(table.c.id == operation_id)
            connection.execute(statement.values(facts={**known, **facts}))

    def commit(self, operation_id: str) -> None:
        """The point of no return: from here on the operation is finished, whatever happens."""
        operation = self.operation(operation_id)
        if operation.committed_at is None:
            self._database.change(tables.operations, {"id": operation_id}, committed_at=now())

    def end(self, operation: OperationRow, *, error: str = "") -> None:
        """The operation has ended; the migration is free for the next one."""
        state = "failed" if error else "finished"
        ended, migrations = tables.operations, tables.migrations
        with self._database.engine.begin() as connection:
            connection.execute(
                update(ended)
                .where(ended.c.id == operation.id)
                .values(state=state, finished_at=now(), error=error)
            )
            connection.execute(
                update(migrations)
                .where(migrations.c.cluster_id == operation.cluster_id)
                .values(operation="")
            )

    def write(self, cluster_id: str, entry: HistoryEntry) -> None:
        """Append a sentence to the history."""
        row = {"cluster_id": cluster_id, **dataclasses.asdict(entry)}
        self._database.hasty.add(tables.history, **row)

    def history(self, cluster_id: str) -> tuple[HistoryEntry, ...]:
        """All sentences about a migration, oldest first."""
        rows = self._database.rows(tables.history, order="number", cluster_id=cluster_id)
        return tuple(to_record(HistoryEntry, row) for row in rows)

    def newest_entry(self) -> int:
        """Number of the newest sentence about any migration; 0 when there is none."""
        with self._database.engine.connect() as connection:
            return connection.execute(select(func.max(tables.history.c.number))).scalar() or 0

    def entries_after(self, number: int, limit: int) -> list[tuple[int, str, HistoryEntry]]:
        """(number, cluster id, entry) of the newest sentences above a number, oldest first."""
        table = tables.history
        wanted = select(table).where(table.c.number > number).order_by(table.c.number.desc())
        with self._database.engine.connect() as connection:
            rows = list(connection.execute(wanted.limit(limit)))
        return [(r.number, r.cluster_id, to_record(HistoryEntry, r)) for r in reversed(rows)]

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a report."""
        values = dataclasses.asdict(evaluation)
        self._database.add(tables.evaluations, **{**values, "findings": list(values["findings"])})

    def drop_evaluations(self, today: datetime) -> None:
        """Delete the reports that are past their date."""
        expired = tables.evaluations.c.expires_at <= today
        with self._database.engine.connect() as connection:
            found = connection.execute(
                select(tables.evaluations.c.id).where(expired).limit(1)
            ).all()
        if found:
            with self._database.engine.begin() as connection:
                connection.execute(tables.evaluations.delete().where(expired))

    def evaluations(self, instance_id: str) -> list[Evaluation]:
        """The reports of an instance that have not expired, oldest first."""
        where = {"instance_id": instance_id}
        rows = self._database.rows(tables.evaluations, order="created_at", **where)
        return [
            to_record(Evaluation, row, findings=tuple(Finding(**f) for f in row.findings))
            for row in rows
            if row.expires_at > now()
        ]
