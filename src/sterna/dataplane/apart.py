"""Tables of the destination that take no part in transactions: MyISAM, Aria, MEMORY and their like.

Their rows are there at once and stay, whatever becomes of the window. So a transaction is kept back
until its end. If it has such rows they are applied first, between commits that say so: the
checkpoint has them as pending meanwhile, and after a crash a person has to look, as after a DDL
statement. The rows of all other tables follow, in one transaction with the checkpoint behind them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from sterna.dataplane.transactions import RowPiece
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Format, TableMap
from sterna.mysql.binlog.parse import HEADER_BYTES, parse
from sterna.mysql.binlog.rewrite import end_statement
from sterna.mysql.binlog.types import EventType
from sterna.mysql.catalog import TableName, is_user_database
from sterna.mysql.connection import Server, ServerError, open_session, query
from sterna.mysql.position import Position

HELD_BYTES_MAX = 64 << 20
_TABLE_ID = slice(HEADER_BYTES, HEADER_BYTES + 6)
_ENGINES = "SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'"
_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES"
    " WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE IS NOT NULL"
)
_TO_INNODB = "ALTER TABLE … ENGINE = InnoDB makes such a table one that can be followed exactly."


class Apart:
    """Which tables these are, and the transaction kept back because of them."""

    def __init__(self, destination: Server) -> None:
        self._destination = destination
        self.tables: frozenset[TableName] = frozenset()
        self._held: list[RowPiece] = []
        self._held_bytes = 0
        self._is_concerned = False

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

    def pass_on(self, piece: RowPiece) -> list[RowPiece]:
        """What may go into the window now. Stopped where more has to be kept back than fits into
        memory."""
        if not self.tables:
            return [piece]
        self._is_concerned |= not self.tables.isdisjoint(piece.tables)
        self._held.append(piece)
        self._held_bytes += piece.size_bytes
        if self._held_bytes <= HELD_BYTES_MAX:
            return []
        if self._is_concerned:
            raise Stopped(
                f"A transaction of more than {HELD_BYTES_MAX} bytes writes to tables without"
                f" transactions as well: {_listed(piece)}. Nothing of it was applied.",
                code="ApplyFailed",
                remedy=f"{_TO_INNODB} Do that on the destination, and resume the sync task.",
            )
        held, self._held = self._held, []
        return held

    def take(self, log_format: Format) -> tuple[list[RowPiece], list[RowPiece]]:
        """What was kept back, of these tables and of all others, each in the order of the origin;
        it is forgotten."""
        held, self._held, self._held_bytes = self._held, [], 0
        is_concerned, self._is_concerned = self._is_concerned, False
        if not is_concerned:
            return [], held
        alone = (_part_of(piece, self.tables & {*piece.tables}, log_format) for piece in held)
        others = (_part_of(piece, {*piece.tables} - self.tables, log_format) for piece in held)
        return [*filter(None, alone)], [*filter(None, others)]


def _part_of(piece: RowPiece, tables: Collection[TableName], log_format: Format) -> RowPiece | None:
    """The rows of a statement that are of some of its tables; it writes to several at times."""
    if not tables or len(tables) == len(set(piece.tables)):
        return piece if tables else None
    maps: dict[bytes, bytes] = {}
    rows: list[bytes] = []
    for raw in piece.events:
        if raw[4] == EventType.TABLE_MAP:
            event = parse(raw, log_format)
            assert isinstance(event, TableMap)
            if (event.database, event.table) in tables:
                maps[raw[_TABLE_ID]] = raw
        elif raw[_TABLE_ID] in maps:
            rows.append(raw)
    events = [*maps.values(), *rows[:-1], end_statement(rows[-1], log_format)]
    return RowPiece(events, sum(map(len, events)), len(rows), tuple(tables))


def refused(error: ServerError, piece: RowPiece, position: Position, by_hand: str) -> Stopped:
    """What the operator is told where rows could not be applied, or not all of them."""
    return Stopped(
        f"The destination refused rows of {_listed(piece)} in the transaction that ends at"
        f" {position}: {error.number} {error.text}. Its tables without transactions may hold a part"
        " of it, all others hold nothing of it.",
        code="ApplyFailed",
        remedy=f"{by_hand} {_TO_INNODB}",
    )


def _listed(piece: RowPiece) -> str:
    return ", ".join(sorted(".".join(name) for name in piece.tables))
