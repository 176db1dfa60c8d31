"""Verifies that two servers hold the same rows, table by table, while writes go on.

Reads are plain consistent reads: nothing is locked. See `verify_compare` for how rows that are
being written are judged, and `verify_expressions` for what is compared.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from sterna.dataplane.reports import (
    ReportTo,
    RowDifference,
    VerifyDoneReport,
    VerifyProgressReport,
    VerifyReport,
)
from sterna.dataplane.verify_compare import Comparer, Halted, Sides
from sterna.dataplane.verify_layout import Pair, pair, read_layouts, read_table_sizes
from sterna.dataplane.verify_order import VerifyOrder, new_pass_id
from sterna.dataplane.verify_progress import Progress, TableResult
from sterna.dataplane.verify_repair import Repairer
from sterna.dataplane.verify_rows import describe, table_difference
from sterna.dataplane.verify_scope import Layout
from sterna.errors import Refused
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import ServerError

__all__ = ["Sides", "Verification", "verify_tables"]

ATTEMPTS = 5
SAY_SECONDS = 0.25  # between two sentences on how far a pass is
# Unknown table, column or index, definition has changed: somebody altered the table meanwhile.
_ALTERED = frozenset({1051, 1054, 1146, 1176, 1412})


@dataclass(frozen=True)
class Verification:
    """The result of one pass.

    Attributes:
        rows_verified: rows counted on the origin.
        differences: rows that differ, and tables missing or shaped differently.
        details: one sentence each, the first of each table; only of this process.
        complete: False when the pass was stopped before its end.
    """

    rows_verified: int
    differences: int
    details: tuple[str, ...]
    complete: bool = True


def verify_tables(
    sides: Sides,
    *,
    report: ReportTo,
    stop: Event,
    progress: Progress | None = None,
    repairer: Repairer | None = None,
) -> Verification:
    """Compare what `progress` orders (everything, unless given) and report each table.

    Raises:
        Stopped: a column type nobody has taught us, a row beyond max_allowed_packet.
        Refused: a table that is ordered is on neither side.
        Transient: a connection broke, or the destination does not catch up.
    """
    progress = progress or Progress(VerifyOrder(new_pass_id()))
    with contextlib.closing(Comparer(sides, stop)) as comparer:
        work = _Pass(comparer, progress, report)
        try:
            work.run(repairer)
        except Halted:
            return work.result(complete=False)
    total = work.result(complete=True)
    progress.forget()
    order, repaired = progress.order, sum(each.repaired for each in progress.done.values())
    report(
        VerifyDoneReport(
            *(order.id, total.rows_verified, total.differences, repaired),
            progress.seconds,
            order.is_whole,
        )
    )
    return total


class _Pass:
    """The tables of a pass, one after the other."""

    def __init__(self, comparer: Comparer, progress: Progress, report: ReportTo) -> None:
        self._comparer = comparer
        self._progress = progress
        self._report = report
        self._details: list[str] = []
        self._said_at = 0.0
        self._layouts: dict[str, tuple[dict[str, Layout], dict[str, Layout]]] = {}

    def run(self, repairer: Repairer | None) -> None:
        """Compare all that is left."""
        origin, destination = self._comparer.read_both(read_table_sizes)
        names = list(self._progress.order.tables or origin)
        if not self._progress.rows_estimated:
            self._progress.rows_estimated = sum(origin.get(name, 0) for name in names)
        _refuse_unknown(names, {*origin, *destination})
        for name in names:
            if name not in self._progress.done:
                self._verify(name, repairer)
        extra = set(destination) - set(origin) - set(self._progress.done)
        for name in sorted(extra if self._progress.order.is_whole else extra.intersection(names)):
            self._end_with(name, "is only on the destination")

    def result(self, *, complete: bool) -> Verification:
        """Of all tables, those of earlier processes as well."""
        done = self._progress.done.values()
        return Verification(
            sum(each.rows_verified for each in done),
            sum(each.differences for each in done),
            tuple(self._details),
            complete,
        )

    def _verify(self, name: TableName, repairer: Repairer | None) -> None:
        """One table; nothing when it was dropped meanwhile. Begins anew when it was altered."""
        for attempt in range(ATTEMPTS):
            found = self._pair(name, again=attempt > 0)
            if found is None:
                return
            if found.problem:
                self._end_with(name, found.problem)
                return
            try:
                if self._compare(name, found, repairer):
                    return
            except ServerError as error:
                if error.number not in _ALTERED or attempt == ATTEMPTS - 1:
                    raise
            self._progress.place = None
        self._end_with(name, f"was altered during each of {ATTEMPTS} comparisons")

    def _compare(self, name: TableName, found: Pair, repairer: Repairer | None) -> bool:
        """False when it has other columns by now: all of them have to be compared."""
        outcome = self._progress.enter(name, repr((found.origin, found.destination)))
        self._say_progress(name)
        self._comparer.compare(found, outcome, lambda: self._after_chunk(name))
        if self._comparer.is_altered(found):
            return False
        before = outcome.differences
        if repairer is not None and outcome.differing:
            repairer.repair(self._comparer, found, outcome)
        values = self._progress.order.values
        listed = describe(self._comparer, found, outcome.differing, values=values)
        repaired = before - outcome.differences
        self._end(name, TableResult(outcome.rows_verified, outcome.differences, repaired), listed)
        return True

    def _end_with(self, name: TableName, problem: str) -> None:
        """The table as a whole is a difference."""
        self._end(name, TableResult(0, 1, 0), [table_difference(name, problem)])

    def _after_chunk(self, name: TableName) -> None:
        self._say_progress(name)
        self._progress.keep_now_and_then()

    def _say_progress(self, name: TableName) -> None:
        if time.monotonic() - self._said_at < SAY_SECONDS:
            return
        self._said_at = time.monotonic()
        progress = self._progress
        rows = progress.rows_verified
        self._report(
            VerifyProgressReport(
                *(progress.order.id, ".".join(name), rows),
                max(progress.rows_estimated, rows),
                progress.seconds,
            )
        )

    def _end(self, name: TableName, result: TableResult, listed: Sequence[RowDifference]) -> None:
        self._details += [each.sentence for each in listed]
        self._report(
            VerifyReport(
                *(self._progress.order.id, *name, result.rows_verified, result.differences),
                result.repaired,
                listed,
            )
        )
        self._progress.leave(name, result)

    def _pair(self, name: TableName, *, again: bool) -> Pair | None:
        """Definitions are read per database, and once more for a table that looks different."""
        database, table = name
        if again or database not in self._layouts:
            self._layouts[database] = self._comparer.read_both(
                lambda session: read_layouts(session, database)
            )
        origin, destination = self._layouts[database]
        if table in origin:
            found = pair(origin[table], destination.get(table))
            return found if again or not found.problem else self._pair(name, again=True)
        return None if again else self._pair(name, again=True)


def _refuse_unknown(names: list[TableName], known: set[TableName]) -> None:
    missing = [".".join(name) for name in names if name not in known]
    if missing:
        raise Refused(
            f"There is no table {', '.join(missing)}.",
            code="NotFound",
            remedy="Name tables as DATABASE.TABLE.",
        )
