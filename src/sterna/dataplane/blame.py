"""Which row a refused statement did not find: its key, for the one who has to look for it.

Only here are values made of row images, and only those of the key, to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sterna.mysql.binlog.columns import MappedColumns, mapped_columns
from sterna.mysql.binlog.parse import CHECKSUM_BYTES, HEADER_BYTES
from sterna.mysql.binlog.reader import Reader
from sterna.mysql.binlog.types import ROWS_V1, ROWS_V2, EventType
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Session, query
from sterna.mysql.identifiers import quote

_FRONT_BYTES = 8  # table id and flags
_UPDATES = frozenset({EventType.UPDATE_ROWS_V1, EventType.UPDATE_ROWS})
_DELETES = frozenset({EventType.DELETE_ROWS_V1, EventType.DELETE_ROWS})
_INTEGERS = frozenset({1, 2, 3, 8, 9})
_TEXTS = frozenset({15, 253, 254})
_SHOWN_CHARACTERS = 60
_LOOKED_FOR_MAX = 1_000
_KEY = (
    "SELECT c.COLUMN_NAME, c.ORDINAL_POSITION, c.COLUMN_TYPE"
    " FROM information_schema.STATISTICS s JOIN information_schema.COLUMNS c"
    " ON c.TABLE_SCHEMA = s.TABLE_SCHEMA AND c.TABLE_NAME = s.TABLE_NAME"
    " AND c.COLUMN_NAME = s.COLUMN_NAME"
    " WHERE s.TABLE_SCHEMA = %s AND s.TABLE_NAME = %s AND s.INDEX_NAME = 'PRIMARY'"
    " ORDER BY s.SEQ_IN_INDEX"
)

Value = int | str


class _Mapped(NamedTuple):
    name: TableName
    columns: MappedColumns


def missing_key(session: Session, events: Sequence[bytes], *, has_checksum: bool) -> str:
    """ "id = 7" of the first row changed or deleted by these events that the server does not
    have; "" where that cannot be told."""
    for mapped, images in _changed(events, has_checksum=has_checksum):
        key = query(session, _KEY, mapped.name)
        numbers = [int(number) - 1 for _, number, _ in key]
        if not key or max(numbers) >= len(mapped.columns.types):
            return ""
        is_signed = ["unsigned" not in str(kind).lower() for _, _, kind in key]
        for image in images:
            values = [
                _value(image[number], mapped.columns.types[number], is_signed=signed)
                for number, signed in zip(numbers, is_signed, strict=True)
            ]
            names = [str(name) for name, _, _ in key]
            if not _is_there(session, mapped.name, dict(zip(names, values, strict=True))):
                return ", ".join(f"{n} = {v}" for n, v in zip(names, values, strict=True))
    return ""


def _is_there(session: Session, table: TableName, key: dict[str, Value]) -> bool:
    """Whether the row is there; texts are only shown, so nobody knows of the first of them."""
    if not all(isinstance(value, int) for value in key.values()):
        return False
    where = " AND ".join(f"{quote(name)} = {value}" for name, value in key.items())
    return bool(query(session, f"SELECT 1 FROM {quote(*table)} WHERE {where}"))


def _value(octets: bytes | None, kind: int, *, is_signed: bool) -> Value:
    if octets is None:
        return "NULL"
    if kind in _INTEGERS:
        return int.from_bytes(octets, "little", signed=is_signed)
    if kind in _TEXTS:
        return repr(octets.decode("utf-8", "backslashreplace")[:_SHOWN_CHARACTERS])
    return f"X'{octets.hex()[:_SHOWN_CHARACTERS]}'"


def _changed(
    events: Sequence[bytes], *, has_checksum: bool
) -> Iterator[tuple[_Mapped, list[list[bytes | None]]]]:
    """Each event that changes rows: its table, and the values of its rows before."""
    tables: dict[int, _Mapped] = {}
    for raw in events:
        body = raw[:-CHECKSUM_BYTES] if has_checksum else raw
        kind = raw[4]
        reader = Reader(body, at=HEADER_BYTES)
        table_id = reader.number(6)
        reader.take(2)
        if kind == EventType.TABLE_MAP:
            names = Reader(body, at=reader.at)
            database = names.short_text()
            names.take(1)
            name = (database, names.short_text())
            tables[table_id] = _Mapped(name, mapped_columns(body[HEADER_BYTES + _FRONT_BYTES :]))
        elif kind in _UPDATES or kind in _DELETES:
            yield tables[table_id], list(_before(reader, kind, tables[table_id].columns))


def _before(reader: Reader, kind: int, columns: MappedColumns) -> Iterator[list[bytes | None]]:
    if kind in ROWS_V2:
        reader.take(reader.number(2) - 2)
    assert kind in ROWS_V1 or kind in ROWS_V2
    count = reader.packed()
    images = 2 if kind in _UPDATES else 1
    reader.take((count + 7) // 8 * images)
    for _ in range(_LOOKED_FOR_MAX):
        if not reader.left_bytes:
            return
        yield _image(reader, columns)
        if images == 2:
            _image(reader, columns)


def _image(reader: Reader, columns: MappedColumns) -> list[bytes | None]:
    nulls = reader.take((len(columns.types) + 7) // 8)
    values: list[bytes | None] = []
    for number, layout in enumerate(columns.layouts):
        if nulls[number >> 3] >> (number & 7) & 1:
            values.append(None)
        elif layout.prefix_bytes:
            values.append(reader.take(reader.number(layout.prefix_bytes)))
        else:
            values.append(reader.take(layout.fixed_bytes))
    return values
