"""Verifies that two servers hold the same rows, table by table, while writes go on.

Reads are plain consistent reads: nothing is locked. See `verify_compare` for how rows that are
being written are judged, and `verify_expressions` for what is compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from sterna.dataplane.reports import ReportTo, VerifyDoneReport, VerifyReport
from sterna.dataplane.verify_compare import Comparer, Halted, Outcome, Sides
from sterna.dataplane.verify_layout import Pair, pair, read_layouts, read_table_names, reread
from sterna.dataplane.verify_scope import Identity, Layout
from sterna.dataplane.verify_suspects import State
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import ServerError

__all__ = ["Sides", "Verification", "verify_tables"]

DETAILS_MAX = 100  # rows named per table; all are counted
ATTEMPTS = 5
# Unknown table, column or index, definition has changed: somebody altered the table meanwhile.
_ALTERED = frozenset({1051, 1054, 1146, 1176, 1412})


@dataclass(frozen=True)
class Verification:
    """The result of one pass.

    Attributes:
        rows_verified: rows counted on the origin.
        differences: rows that differ, and tables missing or shaped differently.
        details: one sentence each, at most `DETAILS_MAX` per table.
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
    tables: Iterable[TableName] | None = None,
    workers: int = 1,
) -> Verification:
    """Compare tables (all of the customer's, unless named) and report each one, then the pass.

    Raises:
        Stopped: a column type nobody has taught us, a row beyond max_allowed_packet.
        Transient: a connection broke, or the destination does not catch up.
    """
    began = time.monotonic()
    whole = tables is None
    with _Pass(sides, stop) as found:
        names, extra = found.names(tables)
    with ThreadPoolExecutor(workers, thread_name_prefix="verify-table") as threads:
        lanes = [names[lane::workers] for lane in range(workers)]
        done = threads.map(lambda lane: list(_verify_lane(sides, lane, report, stop)), lanes)
        results = [result for lane in done for result in lane]
    total = _total(results, extra if whole else [], complete=not stop.is_set())
    if total.complete:
        seconds = time.monotonic() - began
        report(VerifyDoneReport(total.rows_verified, total.differences, seconds))
    return total


def _verify_lane(
    sides: Sides, names: list[TableName], report: ReportTo, stop: Event
) -> Iterator[Verification]:
    with _Pass(sides, stop) as lane:
        for name in names:
            try:
                result = lane.verify(name)
            except Halted:
                return
            if result is not None:
                report(_report(name, result))
                yield result


class _Pass:
    """One thread's share of a pass, with its own sessions."""

    def __init__(self, sides: Sides, stop: Event) -> None:
        self._comparer = Comparer(sides, stop)
        self._layouts: dict[str, tuple[dict[str, Layout], dict[str, Layout]]] = {}

    def __enter__(self) -> _Pass:
        return self

    def __exit__(self, *_: object) -> None:
        self._comparer.close()

    def names(self, wanted: Iterable[TableName] | None) -> tuple[list[TableName], list[TableName]]:
        """The tables to compare, and those only the destination has."""
        origin, destination = self._comparer.read_both(read_table_names)
        extra = sorted(set(destination) - set(origin))
        return (origin if wanted is None else list(wanted)), extra

    def verify(self, name: TableName) -> Verification | None:
        """One table; None when it was dropped meanwhile. Begins anew when it was altered."""
        for attempt in range(ATTEMPTS):
            found = self._pair(name, again=attempt > 0)
            if found is None:
                return None
            if found.problem:
                return Verification(0, 1, (f"{'.'.join(name)} {found.problem}.",))
            try:
                return self._compare(found)
            except ServerError as error:
                if error.number not in _ALTERED or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _compare(self, found: Pair) -> Verification:
        """Rows that differ are told apart: some only by what a JSON's text does not carry."""
        outcome = self._comparer.compare(found)
        as_text = reread(found) if outcome.differing else None
        if as_text is None:
            return _verification(found, outcome, frozenset())
        still = self._comparer.compare(as_text).differing
        return _verification(found, outcome, outcome.differing.keys() - still.keys())

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


def _verification(pair: Pair, outcome: Outcome, by_text: Set[Identity]) -> Verification:
    layout = pair.origin
    table = f"{layout.database}.{layout.table}"
    listed = list(outcome.differing.items())[:DETAILS_MAX]
    details = tuple(
        f"{table}: the row with {layout.shown(identity)}"
        f" {_BY_TEXT if identity in by_text else _how(here, there)}."
        for identity, (here, there) in listed
    )
    return Verification(outcome.rows_verified, len(outcome.differing), details)


_BY_TEXT = (
    "differs only by what its JSON lost when it was copied as text, such as a DECIMAL; write the"
    " document anew on the origin, as the precheck json_kinds says"
)


def _how(here: State, there: State) -> str:
    if not there and len(here) == 1:
        return "is missing on the destination"
    if not here and len(there) == 1:
        return "is only on the destination"
    if len(here) != len(there):
        return f"is there {len(here)} times on the origin, {len(there)} times on the destination"
    return "differs"


def _report(name: TableName, result: Verification) -> VerifyReport:
    detail = " ".join(result.details[:3])
    return VerifyReport(*name, result.rows_verified, result.differences, detail)


def _total(results: list[Verification], extra: list[TableName], *, complete: bool) -> Verification:
    details = [detail for result in results for detail in result.details]
    details += [f"{'.'.join(name)} is only on the destination." for name in extra]
    return Verification(
        rows_verified=sum(result.rows_verified for result in results),
        differences=sum(result.differences for result in results) + len(extra),
        details=tuple(details),
        complete=complete,
    )
