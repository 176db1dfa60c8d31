"""The operations on a migration, step by step: the outline beside what the history says of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sterna.store.journal import OperationRow, StepUnderWay
from sterna.store.records import HistoryEntry, OutlineStep
from sterna.store.view_records import OperationRun, TimelineStep
from sterna.workflow.engine import STORY, outline
from sterna.workflow.tools import Tools

LAST_WORD = "operation"
STATES = {"done": "done", "undone": "undone", "failed": "failed", "undo failed": "failed"}


class Timeline:
    """The part of the operator's desk that tells what was done and what is to come."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def runs(self, cluster_id: str) -> list[OperationRun]:
        """All operations on a migration, oldest first. Refused NotFound."""
        self._tools.journal.migration(cluster_id)
        history = self._tools.journal.history(cluster_id)
        return [self._run(row, history) for row in self._tools.journal.operations(cluster_id)]

    def newest(self, cluster_id: str) -> OperationRun | None:
        """The operation under way, or else the last; None when there has been none."""
        rows = self._tools.journal.operations(cluster_id)
        return self._run(rows[-1], self._tools.journal.history(cluster_id)) if rows else None

    def _run(self, row: OperationRow, history: Sequence[HistoryEntry]) -> OperationRun:
        under_way = self._tools.journal.under_way.get(row.cluster_id)
        is_now = row.state == "started" and under_way and under_way.operation_id == row.id
        held_at = row.facts.get("held_at")
        return OperationRun(
            id=row.id,
            cluster_id=row.cluster_id,
            name=row.name,
            title=STORY[row.name].title,
            arguments=row.arguments,
            state=row.state,
            began_at=row.created_at,
            committed_at=row.committed_at,
            ended_at=row.finished_at,
            error=row.error,
            blocked_at=datetime.fromisoformat(held_at) if held_at else None,
            outage_ms=row.facts.get("outage_ms"),
            steps=tuple(_steps(row, history, under_way if is_now else None)),
        )


def _steps(
    row: OperationRow, history: Iterable[HistoryEntry], under_way: StepUnderWay | None
) -> Iterable[TimelineStep]:
    told: dict[str, list[HistoryEntry]] = defaultdict(list)
    for entry in history:
        if _is_of(entry, row):
            told[entry.step].append(entry)
    steps = outline(row.name, row.arguments)
    known = {step.name for step in steps}
    for step in steps:
        yield _step(step, told[step.name], under_way)
    # An operation that another version began may have had other steps.
    for number, name in enumerate((n for n in told if n not in known), start=len(steps) + 1):
        step = OutlineStep(row.name, number, told[name][0].title, "", name)
        yield _step(step, told[name], under_way)


def _is_of(entry: HistoryEntry, row: OperationRow) -> bool:
    ended_at = row.finished_at or entry.at
    is_within = row.created_at <= entry.at <= ended_at
    return entry.operation == row.name and entry.step != LAST_WORD and is_within


def _step(
    step: OutlineStep, told: Sequence[HistoryEntry], under_way: StepUnderWay | None
) -> TimelineStep:
    last = told[-1] if told else None
    is_running = under_way is not None and under_way.step == step.name
    is_running = is_running and (last is None or last.at <= under_way.began_at)  # type: ignore[union-attr]
    state = STATES.get(last.state, last.state) if last else "waiting"
    began_at = last.at - timedelta(seconds=last.seconds) if last else None
    return TimelineStep(
        number=step.number,
        name=step.name,
        title=step.title,
        undo=step.undo,
        point_of_no_return=step.point_of_no_return,
        state="running" if is_running else state,
        sentence=last.sentence if last else "",
        began_at=under_way.began_at if is_running and under_way else began_at,
        seconds=None if is_running or last is None else last.seconds,
        tries=len(told),
    )
