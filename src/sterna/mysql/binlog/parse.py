"""Bytes of one event to its value. Anything unknown or damaged is a BadEvent.

The bytes are the whole event as a dump connection or a file has it: header, body, and the CRC32
where the format has one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import (
    Event,
    Format,
    FormatDescription,
    Gtid,
    Header,
    Heartbeat,
    MariadbGtid,
    Marker,
    Query,
    Rotate,
    Rows,
    TableMap,
    TransactionPayload,
    XaPrepare,
    Xid,
)
from sterna.mysql.binlog.reader import Reader
from sterna.mysql.binlog.status import parse_status
from sterna.mysql.binlog.types import (
    ADVICE,
    MARKERS,
    ROWS_V1,
    ROWS_V2,
    UNKNOWN_ADVICE,
    UPDATES,
    EventType,
    name_of,
)
from sterna.mysql.sql_text import without_set_statement

HEADER_BYTES = 19
CHECKSUM_BYTES = 4
_HEADER = struct.Struct("<IBIIIH")
_IN_USE = 0x01  # set in the format description of a file still being written, after its CRC
_FLAGS_AT = 17
_BEGIN_BYTES = len(b"\0BEGIN")  # with the byte that ends the name of the database
_DATABASE_BYTES_AT, _STATUS_BYTES_AT, _QUERY_BODY_AT = (HEADER_BYTES + at for at in (8, 11, 13))
_ROWS_BODY = struct.Struct("<IHH")  # table id in two parts, flags

# Post-header lengths this parser knows; another length is another layout.
_LAYOUT: dict[int, int] = {
    EventType.QUERY: 13,
    EventType.ROTATE: 8,
    EventType.TABLE_MAP: 8,
    EventType.WRITE_ROWS_V1: 8,
    EventType.WRITE_ROWS: 10,
}


def read_header(raw: bytes) -> Header:
    """The header of an event whose length must be the one it says."""
    if len(raw) < HEADER_BYTES:
        raise BadEvent(f"An event of {len(raw)} bytes has no header.")
    header = Header._make(_HEADER.unpack_from(raw))
    if header.size_bytes != len(raw):
        raise BadEvent(
            f"A {name_of(header.type)} event at offset {header.end_offset} should have"
            f" {header.size_bytes} bytes and has {len(raw)}."
        )
    return header


def parse(raw: bytes, log_format: Format) -> Event:
    """The value of one event. Its checksum is not looked at; see `verify_checksum`."""
    header = read_header(raw)
    kind = header.type
    if kind == EventType.FORMAT_DESCRIPTION:
        return FormatDescription(header, parse_format(raw))
    end = len(raw) - CHECKSUM_BYTES if log_format.has_checksum else len(raw)
    if end < HEADER_BYTES:
        raise _damaged(header)
    try:
        if kind == EventType.TABLE_MAP:
            return _table_map(header, raw, end)
        if kind in ROWS_V2 or kind in ROWS_V1 or kind == EventType.PARTIAL_UPDATE_ROWS:
            return _rows(header, raw, end)
        return _parse_other(header, Reader(raw[:end], at=HEADER_BYTES))
    except (struct.error, IndexError) as error:
        raise _damaged(header) from error


def _parse_other(header: Header, reader: Reader) -> Event:
    if header.type in MARKERS:
        return Marker(header)
    parse_body = _PARSERS.get(header.type)
    if parse_body is None:
        raise BadEvent(
            f"The binary log has an event of type {name_of(header.type)} that ends at offset"
            f" {header.end_offset}; this type is not carried.",
            code="UnknownEvent",
            remedy=ADVICE.get(header.type, UNKNOWN_ADVICE),
        )
    return parse_body(header, reader)


def verify_checksum(raw: bytes, log_format: Format) -> None:
    """BadEvent when the CRC32 at the end of the event is not that of its bytes."""
    if not log_format.has_checksum:
        return
    body, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if len(raw) > HEADER_BYTES and raw[4] == EventType.FORMAT_DESCRIPTION:
        flags = raw[_FLAGS_AT] & ~_IN_USE
        body = body[:_FLAGS_AT] + bytes([flags]) + body[_FLAGS_AT + 1 :]
    if zlib.crc32(body) != int.from_bytes(checksum, "little"):
        header = read_header(raw)
        raise BadEvent(
            f"The checksum of a {name_of(header.type)} event that ends at offset"
            f" {header.end_offset} is wrong.",
            code="BadChecksum",
            remedy="Check the origin's disk and the network; then resume the sync task.",
        )


def parse_format(raw: bytes) -> Format:
    """The format in a FORMAT_DESCRIPTION event; BadEvent for a layout that is not known."""
    header = read_header(raw)
    reader = Reader(raw, at=HEADER_BYTES)
    if header.type != EventType.FORMAT_DESCRIPTION or reader.number(2) != 4:
        raise BadEvent("The binary log does not begin with a format description of version 4.")
    server_version = reader.take(50).rstrip(b"\0").decode("utf-8", "replace")
    reader.take(4)  # creation time
    if reader.number(1) != HEADER_BYTES:
        raise BadEvent("The binary log has event headers of an unknown length.")
    lengths = reader.take(reader.left_bytes - CHECKSUM_BYTES - 1)
    algorithm = reader.number(1)
    if algorithm not in (0, 1):
        raise BadEvent(
            f"The binary log uses the unknown checksum algorithm {algorithm}.",
            remedy="Set binlog_checksum to CRC32 or NONE on the origin.",
        )
    log_format = Format(server_version, algorithm == 1, lengths, raw)
    _check_layout(log_format)
    return log_format


def _check_layout(log_format: Format) -> None:
    lengths = log_format.post_header_lengths
    for kind, expected in _LAYOUT.items():
        if kind <= len(lengths) and lengths[kind - 1] not in (0, expected):
            raise BadEvent(
                f"{name_of(kind)} events of {log_format.server_version} have a post-header of"
                f" {lengths[kind - 1]} bytes; {expected} are known."
            )


def _damaged(header: Header) -> BadEvent:
    return BadEvent(
        f"A {name_of(header.type)} event that ends at offset {header.end_offset} is damaged.",
        remedy="Check the origin's disk and the network; then resume the sync task.",
    )


def _table_map(header: Header, raw: bytes, end: int) -> TableMap:
    return TableMap(header, *_table_map_body(raw[HEADER_BYTES:end]))


@lru_cache(maxsize=4096)  # a table's maps differ only in their headers
def _table_map_body(body: bytes) -> tuple[int, str, str, bytes]:
    reader = Reader(body)
    table_id = reader.number(6)
    reader.take(2)
    database = reader.short_text()
    reader.take(1)
    table = reader.short_text()
    reader.take(1)
    return table_id, database, table, reader.take(reader.packed())


def _rows(header: Header, raw: bytes, end: int) -> Rows:
    low, high, flags = _ROWS_BODY.unpack_from(raw, HEADER_BYTES)
    at = HEADER_BYTES + 8
    if header.type not in ROWS_V1:
        at += raw[at] | raw[at + 1] << 8
    count = raw[at]
    at += 1
    if count > 250:
        reader = Reader(raw, at=at - 1)
        count = reader.packed()
        at = reader.at
    bitmap_bytes = (count + 7) // 8
    bitmaps_end = at + bitmap_bytes * (2 if header.type in UPDATES else 1)
    if bitmaps_end > end:
        raise _damaged(header)
    full = all(
        _is_full(raw[begin : begin + bitmap_bytes], count)
        for begin in range(at, bitmaps_end, bitmap_bytes or 1)
    )
    return Rows(header, low | high << 32, flags, count, full)


def _is_full(bitmap: bytes, count: int) -> bool:
    mask = (1 << count) - 1
    return int.from_bytes(bitmap, "little") & mask == mask


def is_begin(raw: bytes, log_format: Format) -> bool:
    """Whether a QUERY event is a plain BEGIN, as nearly all are; its context means nothing."""
    end = len(raw) - (CHECKSUM_BYTES if log_format.has_checksum else 0)
    if end - _BEGIN_BYTES < _QUERY_BODY_AT or raw[end - _BEGIN_BYTES : end] != b"\0BEGIN":
        return False
    status_bytes = raw[_STATUS_BYTES_AT] | raw[_STATUS_BYTES_AT + 1] << 8
    database_bytes = raw[_DATABASE_BYTES_AT]
    return _QUERY_BODY_AT + status_bytes + database_bytes + _BEGIN_BYTES == end


def _query(header: Header, reader: Reader) -> Query:
    reader.take(8)  # thread and time spent
    database_bytes = reader.number(1)
    error_code = reader.number(2)
    context = parse_status(reader.take(reader.number(2)))
    database = reader.text(database_bytes)
    reader.take(1)
    sql = without_set_statement(reader.rest(), context.sql_mode or 0)
    return Query(header, database, sql, error_code, context)


def _rotate(header: Header, reader: Reader) -> Rotate:
    offset = reader.number(8)
    return Rotate(header, reader.text(reader.left_bytes), offset)


def _heartbeat(header: Header, reader: Reader) -> Heartbeat:
    return Heartbeat(header, reader.text(reader.left_bytes), header.end_offset)


def _heartbeat_v2(header: Header, reader: Reader) -> Heartbeat:
    file, offset = "", 0
    while (field := reader.packed()) != 0:
        value = Reader(reader.take(reader.packed()))
        if field == 1:
            file = value.text(value.left_bytes)
        elif field == 2:
            offset = value.packed()
        else:
            raise BadEvent(f"A HEARTBEAT_V2 event has the unknown field {field}.")
    return Heartbeat(header, file, offset)


def _mariadb_gtid(header: Header, reader: Reader) -> MariadbGtid:
    reader.take(12)
    flags = reader.number(1)
    return MariadbGtid(header, bool(flags & 0x01), bool(flags & 0x40))


def _xa_prepare(header: Header, reader: Reader) -> XaPrepare:
    is_one_phase = bool(reader.number(1))
    form, global_bytes, branch_bytes = (reader.number(4) for _ in range(3))
    xid = f"X'{reader.take(global_bytes).hex()}',X'{reader.take(branch_bytes).hex()}',{form}"
    return XaPrepare(header, xid, is_one_phase)


def _payload(header: Header, reader: Reader) -> TransactionPayload:
    compression, unpacked_bytes = 255, 0
    while (field := reader.packed()) != 0:
        value = Reader(reader.take(reader.packed()))
        if field == 2:
            compression = value.packed()
        elif field == 3:
            unpacked_bytes = value.packed()
        elif field != 1:
            raise BadEvent(f"A TRANSACTION_PAYLOAD event has the unknown field {field}.")
    if compression not in (0, 255):
        raise BadEvent(f"A TRANSACTION_PAYLOAD event uses the unknown compression {compression}.")
    return TransactionPayload(header, compression == 0, unpacked_bytes, reader.rest())


_PARSERS: dict[int, Callable[[Header, Reader], Event]] = {
    EventType.QUERY: _query,
    EventType.ROTATE: _rotate,
    EventType.XID: lambda header, _: Xid(header),
    EventType.GTID: lambda header, _: Gtid(header),
    EventType.ANONYMOUS_GTID: lambda header, _: Gtid(header),
    EventType.GTID_TAGGED: lambda header, _: Gtid(header),
    EventType.HEARTBEAT: _heartbeat,
    EventType.HEARTBEAT_V2: _heartbeat_v2,
    EventType.MARIADB_GTID: _mariadb_gtid,
    EventType.XA_PREPARE: _xa_prepare,
    EventType.TRANSACTION_PAYLOAD: _payload,
}
