"""Verification passes as an operator sees them: ordered, watched, and what they find kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sterna.dataplane.reports import (
    RowDifference,
    VerifyDoneReport,
    VerifyProgressReport,
    VerifyReport,
)
from sterna.dataplane.verify_order import VerifyOrder, new_pass_id, order_to_line
from sterna.errors import Refused
from sterna.store.database import now
from sterna.store.records import Difference, DifferencePage, HistoryEntry, Verification
from sterna.store.tasks import Tasks
from sterna.store.verifications import CLEAN, DIFFERENT, FAILED
from sterna.workflow.tools import Tools

Note = Callable[[str, HistoryEntry], None]  # of a task's migration


class Verifying:
    """The operator's desk for verification."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def begin(
        self,
        cluster_id: str,
        *,
        tables: Iterable[str] = (),
        repair: bool = False,
        values: bool = False,
    ) -> Verification:
        """Compare all rows, or those of `tables` (`database.table`), in the background."""
        task_id = self._tools.journal.migration(cluster_id).task_id
        names = tuple(tables)
        order = VerifyOrder(new_pass_id(), tuple(map(_split, names)), repair, values)
        verifications = self._tools.tasks.verifications
        verifications.put(task_id, order.id, tables=list(names), repair=repair)
        if not self._tools.supervisor.tell(task_id, f"verify {order_to_line(order)}"):
            problem = "The sync task was not running."
            verifications.put(task_id, order.id, state=FAILED, problem=problem, ended_at=now())
            raise Refused(
                f"The sync task of {cluster_id} is not running, so nothing can be compared.",
                code="SyncNotRunning",
                remedy=f"See why: sterna task show {task_id}.",
            )
        if order.is_whole:
            self._tools.tasks.change(task_id, verified_at=None)
        return verifications.verification(order.id)

    def passes(self, cluster_id: str) -> list[Verification]:
        """All passes of a migration, the newest first."""
        task_id = self._tools.journal.migration(cluster_id).task_id
        return self._tools.tasks.verifications.of_task(task_id)

    def differences(
        self, cluster_id: str, *, tables: Iterable[str] = (), offset: int = 0, limit: int = 100
    ) -> DifferencePage:
        """A page of what the last pass over each table found."""
        task_id = self._tools.journal.migration(cluster_id).task_id
        verifications = self._tools.tasks.verifications
        return verifications.differences(task_id, of_tables=tables, offset=offset, limit=limit)


def record_progress(tasks: Tasks, task_id: str, report: VerifyProgressReport) -> None:
    """A pass has come so far."""
    tasks.verifications.progress(
        task_id,
        report.pass_id,
        table=report.table,
        rows_verified=report.rows_verified,
        rows_estimated=report.rows_estimated,
        seconds=report.seconds,
    )


def record_table(tasks: Tasks, task_id: str, report: VerifyReport) -> None:
    """A table is compared. One that only the destination has is no table of the task."""
    name = (report.database, report.table)
    values: dict[str, Any] = {
        "rows_verified": report.rows_verified,
        "differences": report.differences,
        "verified_at": now(),
    }
    if not report.differences:
        values["last_clean_at"] = now()
    is_ours = not any(each.kind == "table" for each in report.listed)
    if is_ours or name in {(each.database, each.table) for each in tasks.task(task_id).tables}:
        tasks.put_table(task_id, *name, **values)
    found = [_difference(report, each) for each in report.listed]
    tasks.verifications.replace_differences(task_id, name, found)
    if report.differences:
        tasks.log(task_id, "WARN", " ".join(each.sentence for each in report.listed[:3]))


def record_end(tasks: Tasks, task_id: str, report: VerifyDoneReport, note: Note) -> None:
    """A pass is over. Only a whole one without rogue writes meanwhile says what is true of all."""
    state = DIFFERENT if report.differences else CLEAN
    tasks.verifications.put(
        task_id,
        report.pass_id,
        state=FAILED if report.problem else state,
        rows_verified=report.rows_verified,
        differences=report.differences,
        repaired=report.repaired,
        seconds=report.seconds,
        problem=report.problem,
        ended_at=now(),
    )
    if report.is_whole and not report.problem:
        _record_whole(tasks, task_id, report)
    elif report.differences:  # of a part: what it found counts, what it did not says little
        known = tasks.task(task_id).differences
        tasks.change(task_id, differences=max(known, report.differences))
    sentence, is_bad = _sentence(report), bool(report.problem or report.differences)
    tasks.log(task_id, "WARN" if is_bad else "NORMAL", sentence)
    entry_state = "warning" if is_bad else "done"
    note(
        task_id,
        HistoryEntry(
            now(), "verify", "verify", "Verification", entry_state, sentence, report.seconds
        ),
    )


def _record_whole(tasks: Tasks, task_id: str, report: VerifyDoneReport) -> None:
    tasks.verifications.forget_differences(task_id, but_of=report.pass_id)
    tasks.change(task_id, rows_verified=report.rows_verified, differences=report.differences)
    ordered_at = tasks.verifications.verification(report.pass_id).ordered_at
    rogue_at = tasks.rogue_at(task_id)
    if rogue_at is not None and rogue_at >= ordered_at:
        sentence = "a rogue writer was noticed during the verification, which must be done again"
        tasks.log(task_id, "WARN", sentence)
        return
    tasks.change(task_id, verified_at=now())
    if not report.differences:
        tasks.change(task_id, rogue="", rogue_at=None)


def _sentence(report: VerifyDoneReport) -> str:
    rate = report.rows_verified / report.seconds if report.seconds else 0.0
    what = "" if report.is_whole else " of the chosen tables"
    repaired = f", {report.repaired} repaired" if report.repaired else ""
    plural = "" if report.differences == 1 else "s"
    done = (
        f"verified {report.rows_verified} rows{what} in {report.seconds:.1f} s"
        f" ({rate:.0f} rows/s): {report.differences} difference{plural}{repaired}"
    )
    return f"{done}; it did not end: {report.problem}" if report.problem else done


def _difference(report: VerifyReport, row: RowDifference) -> Difference:
    return Difference(
        pass_id=report.pass_id,
        database=report.database,
        table=report.table,
        key=row.key,
        kind=row.kind,
        sentence=row.sentence,
        columns=tuple(row.columns),
        origin_values=dict(row.origin_values),
        destination_values=dict(row.destination_values),
        found_at=now(),
    )


def _split(name: str) -> tuple[str, str]:
    database, _, table = name.partition(".")
    if not database or not table:
        raise Refused(
            f"{name} names no table; nothing was compared.",
            code="NotFound",
            remedy="Name tables as DATABASE.TABLE.",
        )
    return database, table
