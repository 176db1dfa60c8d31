"""Verification passes, and what they found to differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, func, select, update

from sterna.store import tables
from sterna.store.database import now
from sterna.store.records import Difference, DifferencePage, Verification
from sterna.store.repository import Database, found, to_record

WAITING, RUNNING, CLEAN, DIFFERENT, FAILED = "waiting", "running", "clean", "different", "failed"
OPEN = (WAITING, RUNNING)


class Verifications:
    """Reads and writes passes and differences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, task_id: str, pass_id: str, **values: Any) -> None:
        """Keep a new pass, or change it."""
        if not self._database.change(tables.verifications, {"id": pass_id}, **values):
            first = {"state": WAITING, "tables": [], "ordered_at": now(), **values}
            self._database.add(tables.verifications, id=pass_id, task_id=task_id, **first)

    def progress(self, task_id: str, pass_id: str, **values: Any) -> None:
        """Change what moves by itself; a pass of a task comes after all that ran before."""
        table = tables.verifications
        if not self._database.hasty.change(table, {"id": pass_id, "state": RUNNING}, **values):
            with self._database.engine.begin() as connection:
                others = update(table).filter_by(task_id=task_id, state=RUNNING)
                problem = "Another pass began before this one had ended."
                connection.execute(others.values(state=FAILED, problem=problem, ended_at=now()))
            self.put(task_id, pass_id, state=RUNNING, **values)

    def verification(self, pass_id: str) -> Verification:
        """One pass; Refused NotFound."""
        row = found(self._database.row(tables.verifications, id=pass_id), "verification", pass_id)
        return _verification(row)

    def of_task(self, task_id: str) -> list[Verification]:
        """All passes of a task, the newest first."""
        rows = self._database.rows(tables.verifications, order="ordered_at", task_id=task_id)
        return [_verification(row) for row in reversed(rows)]

    def replace_differences(
        self, task_id: str, name: tuple[str, str], differences: Iterable[Difference]
    ) -> None:
        """What is known of one table now."""
        table, (database, of_table) = tables.differences, name
        rows = [
            {"task_id": task_id, "database": each.database, "table": each.table, **_own(each)}
            for each in differences
        ]
        with self._database.engine.begin() as connection:
            where = {"task_id": task_id, "database": database, "table": of_table}
            connection.execute(delete(table).filter_by(**where))
            if rows:
                connection.execute(table.insert(), rows)

    def forget_differences(self, task_id: str, *, but_of: str = "") -> None:
        """Drop all differences that the pass `but_of` has not found."""
        table = tables.differences
        old = delete(table).where(table.c.task_id == task_id, table.c.pass_id != but_of)
        with self._database.engine.begin() as connection:
            connection.execute(old)

    def differences(
        self, task_id: str, *, of_tables: Iterable[str] = (), offset: int = 0, limit: int = 100
    ) -> DifferencePage:
        """Some of the differences kept, of these tables (`database.table`) or of all."""
        table = tables.differences
        wanted = select(table).where(table.c.task_id == task_id)
        if names := list(of_tables):
            wanted = wanted.where((table.c.database + "." + table.c.table).in_(names))
        count = select(func.count()).select_from(wanted.subquery())
        some = wanted.order_by(table.c.number).offset(offset).limit(limit)
        with self._database.engine.connect() as connection:
            rows = connection.execute(some).all()
            kept = int(connection.execute(count).scalar_one())
        return DifferencePage(kept, offset, tuple(to_record(Difference, row) for row in rows))


def _own(difference: Difference) -> dict[str, Any]:
    return {
        "pass_id": difference.pass_id,
        "key": difference.key,
        "kind": difference.kind,
        "sentence": difference.sentence,
        "columns": list(difference.columns),
        "origin_values": dict(difference.origin_values),
        "destination_values": dict(difference.destination_values),
        "found_at": difference.found_at,
    }


def _verification(row: Any) -> Verification:
    rate = row.rows_verified / row.seconds if row.seconds > 0 else 0.0
    left = max(row.rows_estimated - row.rows_verified, 0)
    eta_seconds = left / rate if rate and row.state == RUNNING else None
    return to_record(Verification, row, rows_per_second=rate, eta_seconds=eta_seconds)
