"""Writes what a sync task reports into the store."""

from __future__ import annotations

import dataclasses
from functools import singledispatchmethod

from sterna.dataplane.reports import (
    CopyReport,
    LagReport,
    LogReport,
    PairReport,
    ProgressReport,
    Report,
    RogueReport,
    SampleReport,
    StageReport,
    StoppedReport,
    TablesReport,
    VerifyDoneReport,
    VerifyProgressReport,
    VerifyReport,
)
from sterna.store.database import now
from sterna.store.tasks import Tasks
from sterna.workflow.metrics import Metrics
from sterna.workflow.verifying import Note, record_end, record_progress, record_table

STATUS_OF_STAGE = {"schema": "Initializing", "full": "Initializing", "incremental": "Synchronizing"}

# A statement of the cluster's users that the source, which follows, cannot be given or refused.
ENDS_THE_WAY_BACK = frozenset({"Unrepresentable", "UnknownEngine", "DdlFailed"})


class Bookkeeper:
    """One method per kind of report; called in the thread that hears the task."""

    def __init__(
        self, tasks: Tasks, metrics: Metrics | None = None, note: Note = lambda task_id, entry: None
    ) -> None:
        self._tasks = tasks
        self._note = note
        self._metrics = metrics or Metrics()

    def record(self, task_id: str, report: Report) -> None:
        """Write one report."""
        self._record(report, task_id)

    @singledispatchmethod
    def _record(self, report: Report, task_id: str) -> None:
        raise TypeError(f"a report of an unknown kind: {type(report).__name__}")

    @_record.register
    def _(self, report: StageReport, task_id: str) -> None:
        status = STATUS_OF_STAGE[report.stage]
        self._tasks.change(
            task_id, stage=report.stage, status=status, error="", remedy="", error_code=""
        )
        self._tasks.log(task_id, "NORMAL", report.sentence)

    @_record.register
    def _(self, report: TablesReport, task_id: str) -> None:
        tables = [dataclasses.asdict(table) for table in report.tables]
        self._tasks.put_tables(task_id, tables, are_all=report.are_all)

    @_record.register
    def _(self, report: ProgressReport, task_id: str) -> None:
        self._tasks.progress(
            task_id,
            rows_copied=report.rows_copied,
            rows_estimated=report.rows_estimated,
            eta_seconds=report.eta_seconds,
        )

    @_record.register
    def _(self, report: CopyReport, task_id: str) -> None:
        rows = report.rows_copied
        self._tasks.change(
            task_id,
            copy_seconds=report.seconds,
            rows_copied=rows,
            rows_estimated=rows,
            eta_seconds=0,
        )
        rate = report.rows_copied / report.seconds if report.seconds else 0.0
        self._tasks.log(
            task_id,
            "NORMAL",
            f"copied {report.rows_copied} rows, {report.bytes_copied} bytes in "
            f"{report.seconds:.1f} s ({rate:.0f} rows/s)",
        )

    @_record.register
    def _(self, report: VerifyProgressReport, task_id: str) -> None:
        record_progress(self._tasks, task_id, report)

    @_record.register
    def _(self, report: VerifyReport, task_id: str) -> None:
        record_table(self._tasks, task_id, report)

    @_record.register
    def _(self, report: VerifyDoneReport, task_id: str) -> None:
        record_end(self._tasks, task_id, report, self._note)

    @_record.register
    def _(self, report: LagReport, task_id: str) -> None:
        self._tasks.progress(
            task_id,
            lag_seconds=report.lag_seconds,
            lag_at=now(),
            origin_position=report.origin_position,
            applied_position=report.applied_position,
            stalled_because=report.stalled_because,
        )
        self._metrics.note_lag(task_id, report.lag_seconds, report.stalled_because)

    @_record.register
    def _(self, report: SampleReport, task_id: str) -> None:
        if self._metrics.add(task_id, report):
            self._tasks.progress(task_id, throttled_because=report.throttled_because)

    @_record.register
    def _(self, report: PairReport, task_id: str) -> None:
        origin = (report.origin_position, report.origin_gtids)
        destination = (report.destination_position, report.destination_gtids)
        self._tasks.add_pair(task_id, origin, destination)

    @_record.register
    def _(self, report: RogueReport, task_id: str) -> None:
        sentence = (
            f"somebody else changed {', '.join(report.tables)} on the destination before "
            f"{report.position}"
        )
        self._tasks.change(task_id, rogue=sentence, rogue_at=now(), verified_at=None)
        self._tasks.log(task_id, "WARN", sentence)

    @_record.register
    def _(self, report: LogReport, task_id: str) -> None:
        self._tasks.log(task_id, report.level, report.sentence, report.about)

    @_record.register
    def _(self, report: StoppedReport, task_id: str) -> None:
        status = {} if report.retry else {"status": "Failed"}
        self._tasks.change(
            task_id,
            stalled_because=report.message,
            error=report.message,
            error_code=report.code,
            remedy=report.remedy.replace("TASK", task_id),
            lag_at=None,
            throttled_because="",
            **status,
        )
        self._metrics.note_end(task_id)
        self._tasks.log(task_id, "WARN", f"{report.message} {report.remedy}".strip())
        if report.code in ENDS_THE_WAY_BACK and self._tasks.task(task_id).direction == "Reverse":
            self._tasks.change(task_id, rollback_impossible_because=report.message)
            self._tasks.log(task_id, "WARN", "Rollback is no longer possible because of it.")
