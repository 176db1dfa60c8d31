"""How far a verification pass is, kept in a file, so that a process that starts again goes on.

The file is written at most once a second and at the end of each table. What was compared after it
was written is compared again, which does no harm.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sterna.dataplane.verify_order import VerifyOrder, order_from_line, order_to_line
from sterna.dataplane.verify_suspects import Outcome
from sterna.mysql.catalog import TableName

KEEP_SECONDS = 1.0
KEEP_SHARE = 0.05  # of the time that may go into writing the file


@dataclass(frozen=True)
class TableResult:
    """A table that was compared to its end."""

    rows_verified: int
    differences: int
    repaired: int


@dataclass
class Place:
    """Where in a table the pass is. `signature` tells whether the table is still the same."""

    table: TableName
    signature: str
    outcome: Outcome


@dataclass
class Progress:
    """One pass. Not shared between threads.

    Attributes:
        file: where it is kept; None for a pass that need not survive its process.
        seconds_before: how long earlier processes worked on it.
        done: tables compared, in any order.
        place: the table being compared.
        rows_estimated: of all its tables, as the origin estimated when the pass began.
    """

    order: VerifyOrder
    file: Path | None = None
    seconds_before: float = 0.0
    done: dict[TableName, TableResult] = field(default_factory=dict)
    place: Place | None = None
    rows_estimated: int = 0
    _began: float = field(default_factory=time.monotonic)
    _kept: float = 0.0
    _pause_seconds: float = KEEP_SECONDS

    @property
    def seconds(self) -> float:
        """Time worked on the pass, by all processes."""
        return self.seconds_before + time.monotonic() - self._began

    @property
    def rows_verified(self) -> int:
        """Rows counted until now."""
        here = self.place.outcome.rows_verified if self.place else 0
        return here + sum(result.rows_verified for result in self.done.values())

    def enter(self, table: TableName, signature: str) -> Outcome:
        """Begin a table, or go on where an earlier process was in it."""
        place = self.place
        if place is None or (place.table, place.signature) != (table, signature):
            place = self.place = Place(table, signature, Outcome())
        return place.outcome

    def leave(self, table: TableName, result: TableResult) -> None:
        """The table is compared."""
        self.done[table] = result
        self.place = None
        self.keep()

    def keep_now_and_then(self) -> None:
        """Write the file when the last time is long enough ago."""
        if time.monotonic() - self._kept >= self._pause_seconds:
            self.keep()

    def keep(self) -> None:
        """Write the file."""
        if self.file is None:
            return
        began = time.monotonic()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        with fresh.open("w") as opened:
            json.dump(self._fields(), opened)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.rename(self.file)
        self._kept = time.monotonic()
        self._pause_seconds = max(KEEP_SECONDS, (self._kept - began) / KEEP_SHARE)

    def forget(self) -> None:
        """The pass is over."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)

    def _fields(self) -> dict[str, Any]:
        place = self.place
        return {
            "order": order_to_line(self.order),
            "seconds": self.seconds,
            "rows_estimated": self.rows_estimated,
            "done": [
                [*name, result.rows_verified, result.differences, result.repaired]
                for name, result in self.done.items()
            ],
            "place": place and [*place.table, place.signature, place.outcome.fields()],
        }


def read_progress(file: Path) -> Progress | None:
    """The pass an earlier process was at; None where there is none."""
    if not file.exists():
        return None
    try:
        return _progress(file, json.loads(file.read_text()))
    except (ValueError, KeyError, TypeError, IndexError):
        return None  # of another version: the pass begins anew


def _progress(file: Path, fields: dict[str, Any]) -> Progress:
    place = fields["place"]
    return Progress(
        order_from_line(fields["order"]),
        file,
        seconds_before=fields["seconds"],
        done={
            (database, table): TableResult(*numbers) for database, table, *numbers in fields["done"]
        },
        place=place and Place((place[0], place[1]), place[2], Outcome.from_fields(place[3])),
        rows_estimated=fields["rows_estimated"],
    )
