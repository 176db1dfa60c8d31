"""All tables of a copy for people: what there is of each before a round begins, and at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sterna.dataplane.copy_ranges import KeyRange
from sterna.dataplane.copy_state import DONE, LOADED, TableState
from sterna.dataplane.reports import TableReport, TablesReport
from sterna.mysql.catalog import Table, TableName

_STATES = {LOADED: "indexing", DONE: "copied"}


def list_planned(
    planned: Iterable[Table],
    states: Mapping[TableName, TableState],
    ranges: Mapping[TableName, tuple[KeyRange, ...]],
) -> TablesReport:
    """Every table of the origin: those whose rows are there, and what is kept of the others, with
    the rest as the origin's catalogue has it."""
    found = []
    for table in planned:
        name = (table.database, table.name)
        state = states.get(name)
        if state is not None and state.state in _STATES:
            found.append(_copied(state))
        else:
            found.append(_waiting(table, ranges.get(name, ()) if state is not None else ()))
    return TablesReport(found, are_all=True)


def list_copied(states: Iterable[TableState]) -> TablesReport:
    """Every table that is there, without those that only keep the place of a dropped one."""
    return TablesReport([_copied(state) for state in states if state.definition], are_all=True)


def _copied(state: TableState) -> TableReport:
    rows, octets = state.rows_copied, state.bytes_copied
    return TableReport(
        *state.name,
        state=_STATES[state.state],
        rows_estimated=rows,
        bytes_estimated=octets,
        rows_copied=rows,
        bytes_copied=octets,
    )


def _waiting(table: Table, ranges: Iterable[KeyRange]) -> TableReport:
    done = [part for part in ranges if part.is_done]
    rows, octets = sum(p.rows_copied for p in done), sum(p.bytes_copied for p in done)
    return TableReport(
        table.database,
        table.name,
        state="copying" if done else "waiting",
        rows_estimated=max(table.rows_estimated, rows),
        bytes_estimated=max(table.data_bytes, octets),
        rows_copied=rows,
        bytes_copied=octets,
    )
