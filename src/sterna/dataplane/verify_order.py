"""What a verification pass is asked to do; one JSON line on its way to the sync task."""

from __future__ import annotations

import dataclasses
import json
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from sterna.mysql.catalog import TableName


def new_pass_id() -> str:
    """The name of a pass, `vp-…`."""
    return f"vp-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class VerifyOrder:
    """One pass.

    Attributes:
        id: `vp-…`.
        tables: what is compared; none stands for everything.
        repair: whether rows that differ are made like the origin's.
        values: whether differences are kept with the values of both sides.
    """

    id: str
    tables: tuple[TableName, ...] = ()
    repair: bool = False
    values: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything is compared, so that a clean end says that both sides are alike."""
        return not self.tables


def order_to_line(order: VerifyOrder) -> str:
    """One JSON document without a newline."""
    return json.dumps(dataclasses.asdict(order))


def order_from_line(line: str) -> VerifyOrder:
    """The order in a line made by `order_to_line`."""
    fields = json.loads(line)
    tables = tuple((database, table) for database, table in fields.pop("tables"))
    return VerifyOrder(tables=tables, **fields)


class Orders:
    """Orders that wait for their turn, kept in a file, one a line. May be shared by threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changing = threading.Lock()
        lines = file.read_text().splitlines() if file.exists() else []
        self._waiting = [order_from_line(line) for line in lines]

    @property
    def first(self) -> VerifyOrder | None:
        """The one whose turn it is."""
        with self._changing:
            return self._waiting[0] if self._waiting else None

    def add(self, order: VerifyOrder) -> None:
        """Behind all others."""
        with self._changing:
            self._waiting.append(order)
            self._keep()

    def remove_first(self) -> None:
        """It is kept elsewhere now."""
        with self._changing:
            del self._waiting[0]
            self._keep()

    def _keep(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text("".join(f"{order_to_line(order)}\n" for order in self._waiting))
        fresh.rename(self._file)
