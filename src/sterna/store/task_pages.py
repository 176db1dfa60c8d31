"""Tables and log lines of a sync task a page at a time: there may be ten thousand of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select

from sterna.store import tables
from sterna.store.records import TableProgress
from sterna.store.repository import Database, to_record
from sterna.store.view_records import LogItem, LogPage, TablePage

_table = tables.task_tables
_name = _table.c.database + "." + _table.c.table
_estimated = func.max(_table.c.rows_estimated, _table.c.rows_copied, 1)

SORTS: Mapping[str, Any] = {
    "name": _name,
    "rows": _estimated,
    "bytes": _table.c.bytes_copied,
    "percent": case(
        (_table.c.state == "copied", 2.0), else_=1.0 * _table.c.rows_copied / _estimated
    ),
    "eta": _table.c.eta_seconds,
    "verified": _table.c.verified_at,
    "differences": _table.c.differences,
}
STATES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "all": (),
    "waiting": (_table.c.state == "waiting",),
    "copying": (_table.c.state.in_(("copying", "indexing")),),
    "copied": (_table.c.state == "copied",),
    "different": (_table.c.differences > 0,),
}


@dataclass(frozen=True)
class Wanted:
    """Which tables, in which order, and how many of them."""

    search: str = ""  # a part of `database.table`
    state: str = "all"  # of STATES
    sort: str = "name"  # of SORTS
    descending: bool = False
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True)
class Lines:
    """Which lines of a log; those below number `before`. An empty text is any."""

    search: str = ""
    before: int | None = None
    limit: int = 200
    level: str = ""
    kind: str = ""


class TaskPages:
    """Reads what Tasks writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tables(self, task_id: str, wanted: Wanted) -> TablePage:
        """The tables that are wanted."""
        mine = select(_table).where(_table.c.task_id == task_id)
        chosen = mine.where(*STATES[wanted.state])
        if wanted.search:
            chosen = chosen.where(_name.contains(wanted.search, autoescape=True))
        key = SORTS[wanted.sort]
        order = (key.desc() if wanted.descending else key.asc()).nulls_last()
        page = chosen.order_by(order, _name).offset(wanted.offset).limit(wanted.limit)
        return TablePage(
            total=self._count(mine),
            matching=self._count(chosen),
            offset=wanted.offset,
            items=tuple(progress_of(row) for row in self._rows(page)),
        )

    def log(self, task_id: str, wanted: Lines) -> LogPage:
        """The lines that are wanted, newest first."""
        table = tables.task_logs
        where = {"level": wanted.level, "kind": wanted.kind}
        chosen = select(table).filter_by(task_id=task_id, **{k: v for k, v in where.items() if v})
        if wanted.before is not None:
            chosen = chosen.where(table.c.number < wanted.before)
        if wanted.search:
            chosen = chosen.where(table.c.sentence.contains(wanted.search, autoescape=True))
        rows = self._rows(chosen.order_by(table.c.number.desc()).limit(wanted.limit + 1))
        items = tuple(to_record(LogItem, row) for row in rows[: wanted.limit])
        return LogPage(items, items[-1].number if len(rows) > wanted.limit else None)

    def _count(self, wanted: Any) -> int:
        (row,) = self._rows(select(func.count()).select_from(wanted.subquery()))
        return int(row[0])

    def _rows(self, statement: Any) -> list[Row[Any]]:
        with self._database.engine.connect() as connection:
            return list(connection.execute(statement))


def progress_of(row: Row[Any]) -> TableProgress:
    """One table's row in the store as people see it."""
    is_copied = row.state == "copied"
    share = row.rows_copied / max(row.rows_estimated, row.rows_copied, 1)
    return to_record(
        TableProgress,
        row,
        rows_estimated=max(row.rows_estimated, row.rows_copied),
        percent=100.0 if is_copied else min(99.9, 100.0 * share),
        eta_seconds=0.0 if is_copied else row.eta_seconds,
    )
