"""XA transactions between PREPARE and COMMIT: kept on the destination, applied at the commit.

The rows of a prepared transaction are locked on the origin until it ends, so applying them where
it commits is the same as applying them before. Until then they lie in `sterna.prepared` as the
BINLOG statements they will be, written in the same windows that move the checkpoint: a restart
finds them. While the transaction is still being read its `xid` is ''. A row without a statement
says that it was prepared, be it without any change.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sterna.dataplane.transactions import RowPiece
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.parse import parse_format
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Session, query
from sterna.mysql.identifiers import quote_text

_PIECE = "SELECT touched, format, statement FROM sterna.prepared WHERE number = %s"
_SIZE_AT = 9  # in the header of an event
UNNAMED = ""  # the transaction being read

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS sterna.prepared (
    number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    task VARCHAR(64) NOT NULL,
    xid VARCHAR(300) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    touched LONGTEXT NOT NULL,
    format BLOB NOT NULL,
    statement LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    KEY (xid)
) ENGINE=InnoDB
"""


@dataclass(frozen=True)
class StoredPiece:
    """A BINLOG statement that waits, the format of its events, and the tables it changes."""

    statement: bytes
    log_format: Format
    tables: tuple[TableName, ...]


def store_sql(task: str, piece: StoredPiece) -> bytes:
    """Keep a piece of the transaction being read."""
    touched = quote_text(json.dumps(piece.tables))
    return (
        f"INSERT INTO sterna.prepared (task, xid, touched, format, statement) VALUES"
        f" ({quote_text(task)}, '{UNNAMED}', {touched}, X'{piece.log_format.raw.hex()}', "
    ).encode() + _quoted(piece.statement)


def _quoted(statement: bytes) -> bytes:
    return b"'" + statement.replace(b"'", b"''") + b"')"


def events_of(piece: StoredPiece) -> list[bytes]:
    """The table maps and rows events of a piece, in their order."""
    events: list[bytes] = []
    left = binascii.a2b_base64(piece.statement.removeprefix(b"BINLOG '").removesuffix(b"'"))
    while left:
        size_bytes = int.from_bytes(left[_SIZE_AT : _SIZE_AT + 4], "little")
        if not _SIZE_AT < size_bytes <= len(left):
            raise Stopped("A prepared transaction was not stored whole.", code="BadEvent")
        events.append(left[:size_bytes])
        left = left[size_bytes:]
    return events


def rows_of(piece: StoredPiece) -> RowPiece:
    """The same as it was read."""
    events = events_of(piece)
    return RowPiece(events, sum(map(len, events)), 0, piece.tables)


def name_sql(task: str, xid: str) -> tuple[bytes, bytes]:
    """The transaction being read is prepared under `xid`."""
    name = quote_text(xid)
    return (
        f"UPDATE sterna.prepared SET xid = {name} WHERE task = {quote_text(task)}"
        f" AND xid = '{UNNAMED}'".encode(),
        "INSERT INTO sterna.prepared (task, xid, touched, format, statement) VALUES"
        f" ({quote_text(task)}, {name}, '[]', '', '')".encode(),
    )


def forget_sql(task: str, xid: str) -> bytes:
    """The transaction has ended."""
    return (
        f"DELETE FROM sterna.prepared WHERE task = {quote_text(task)} AND xid = {quote_text(xid)}"
    ).encode()


def read_pieces(session: Session, task: str, xid: str) -> Iterator[StoredPiece]:
    """The pieces of a transaction in their order, read one by one. Stopped where it was never
    prepared here."""
    rows = query(
        session,
        "SELECT number FROM sterna.prepared WHERE task = %s AND xid = %s ORDER BY number",
        [task, xid],
    )
    if not rows and xid != UNNAMED:
        raise Stopped(
            f"The XA transaction {xid} was committed, but was prepared before this task began.",
            code="XaTransaction",
            remedy="Start the sync task again from a new copy.",
        )
    for (number,) in rows:
        touched, log_format, statement = query(session, _PIECE, [number])[0]
        if statement:
            tables = tuple((database, table) for database, table in json.loads(touched))
            yield StoredPiece(str(statement).encode(), parse_format(log_format), tables)
