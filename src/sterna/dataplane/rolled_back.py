"""Rows that the log has although they were rolled back.

A server leaves such rows out of its log unless it could not cut them out: where a transaction made
or dropped a temporary table it ends with ROLLBACK in the log, and where MariaDB meanwhile wrote to
a table without transactions there is a ROLLBACK TO. (The rows of tables without transactions stand
in transactions of their own.) Such rows have gone into the window before the log says so. So the
window is given up, and read once more from the checkpoint with those rows left out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sterna.errors import Stopped
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Session, query
from sterna.mysql.position import Position
from sterna.mysql.sql_text import tokens

_ENGINE = "SELECT engine FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"


class Undone(NamedTuple):
    """Rows events behind the `after`-th up to the `last`-th one of the transaction whose first
    rows event ends at `begun`."""

    begun: Position
    after: int
    last: int


class RolledBack(Exception):
    """Rows that were given away are undone further on; `tables` had rows in their transaction."""

    def __init__(self, undone: Collection[Undone], tables: Collection[TableName]) -> None:
        super().__init__("rows in the log were rolled back")
        self.undone = undone
        self.tables = tables


class RowTally:
    """Counts the rows events of the transaction being read, and tells which of them stay."""

    def __init__(self, undone: Collection[Undone] = ()) -> None:
        self._undone = frozenset(undone)
        self._found: list[Undone] = []
        self._forget()

    def _forget(self) -> None:
        self._begun: Position | None = None
        self._count = self._last_kept = 0
        self._savepoints: dict[str, int | None] = {}
        self._tables: set[TableName] = set()

    def keeps(self, table: TableName, position: Position) -> bool:
        """Whether the rows event of this table, which ends at `position`, stays."""
        self._begun = self._begun or position
        self._count += 1
        if self._found or (self._undone and self._is_undone()):
            return False
        self._last_kept = self._count
        self._tables.add(table)
        return True

    def _is_undone(self) -> bool:
        return any(
            each.begun == self._begun and each.after < self._count <= each.last
            for each in self._undone
        )

    def on_savepoint(self, sql: bytes) -> None:
        """SAVEPOINT or RELEASE SAVEPOINT."""
        found = list(tokens(sql))
        name = (found[-1].name or "").lower()
        if found[0].upper == "RELEASE":
            self._savepoints.pop(name, None)
        else:
            # A routine may use the name of its caller: then nobody can tell which one is meant.
            is_twice = name in self._savepoints
            self._savepoints.pop(name, None)
            self._savepoints[name] = None if is_twice else self._count

    def on_rollback_to(self, sql: bytes) -> bool:
        """ROLLBACK TO a savepoint; False where it is not known which rows that undoes."""
        name = (list(tokens(sql))[-1].name or "").lower()
        after = self._savepoints.get(name)
        if after is None:
            return False
        while next(reversed(self._savepoints)) != name:
            self._savepoints.popitem()
        self._undo(after)
        return True

    def on_rollback(self) -> None:
        """The whole transaction is rolled back."""
        self._undo(0)

    def _undo(self, after: int) -> None:
        if self._last_kept > after and self._begun is not None:
            self._found.append(Undone(self._begun, after, self._count))

    def end(self) -> None:
        """The transaction has ended. RolledBack where rows of it were given away in vain."""
        found, tables = self._found, self._tables
        self._found = []
        self._forget()
        if found:
            raise RolledBack(found, tables)


def require_transactions(origin: Session, tables: Collection[TableName]) -> None:
    """Stopped unless every table is InnoDB's: elsewhere ROLLBACK does not bring rows back."""
    for name in sorted(tables):
        engines = {str(engine).upper() for (engine,) in query(origin, _ENGINE, name)}
        if engines != {"INNODB"}:
            raise Stopped(
                f"A transaction with rows of {'.'.join(name)} was rolled back, and it cannot be"
                " told whether they are gone: the table is not there any more, or not InnoDB's.",
                code="RolledBack",
                remedy="Start the sync task again from a new copy.",
            )
