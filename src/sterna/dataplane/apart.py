"""Tables of the destination that take no part in transactions: MyISAM, Aria, MEMORY and their like.

Their rows are there at once and stay, whatever becomes of the window. So they are put aside until
the end of the origin's transaction, and applied between two commits that say so: the checkpoint
has them as pending meanwhile, and after a crash a person has to look, as after a DDL statement.
"""

from __future__ import annotations

import contextlib

from sterna.dataplane.transactions import RowPiece
from sterna.errors import Stopped
from sterna.mysql.catalog import TableName, is_user_database
from sterna.mysql.connection import Server, ServerError, open_session, query
from sterna.mysql.position import Position

HELD_BYTES_MAX = 64 << 20
_ENGINES = "SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'"
_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES"
    " WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE IS NOT NULL"
)
_TO_INNODB = "ALTER TABLE … ENGINE = InnoDB makes such a table one that can be followed exactly."


class Apart:
    """Which tables these are, and the rows put aside for them."""

    def __init__(self, destination: Server) -> None:
        self._destination = destination
        self.tables: frozenset[TableName] = frozenset()
        self.held: list[RowPiece] = []
        self._held_bytes = 0

    def read(self) -> None:
        """Ask the destination."""
        with contextlib.closing(open_session(self._destination)) as session:
            engines = {str(engine) for (engine,) in query(session, _ENGINES)}
            self.tables = frozenset(
                (str(database), str(table))
                for database, table, engine in query(session, _TABLES)
                if str(engine) not in engines and is_user_database(str(database))
            )

    def read_again(self) -> None:
        """Behind DDL, which makes no such table and may rename or drop one."""
        if self.tables:
            self.read()

    def takes(self, piece: RowPiece) -> bool:
        """Put the piece aside where it, or one before it of its transaction, is for such a table.
        Stopped where that is more than fits into memory."""
        if not self.held and self.tables.isdisjoint(piece.tables):
            return False
        self.held.append(piece)
        self._held_bytes += piece.size_bytes
        if self._held_bytes > HELD_BYTES_MAX:
            raise Stopped(
                f"A transaction writes more than {HELD_BYTES_MAX} bytes to tables without"
                f" transactions: {_listed(piece)}. Nothing of it was applied.",
                code="ApplyFailed",
                remedy=f"{_TO_INNODB} Do that on the destination, and resume the sync task.",
            )
        return True

    def take(self) -> list[RowPiece]:
        """What was put aside, in the order of the origin; it is forgotten."""
        held, self.held, self._held_bytes = self.held, [], 0
        return held


def refused(error: ServerError, piece: RowPiece, position: Position, by_hand: str) -> Stopped:
    """What the operator is told where rows could not be applied, or not all of them."""
    return Stopped(
        f"The destination refused rows of {_listed(piece)} in the transaction that ends at"
        f" {position}: {error.number} {error.text}. There is a table without transactions among"
        " them, which may hold a part.",
        code="ApplyFailed",
        remedy=f"{by_hand} {_TO_INNODB}",
    )


def _listed(piece: RowPiece) -> str:
    return ", ".join(sorted(".".join(name) for name in piece.tables))
