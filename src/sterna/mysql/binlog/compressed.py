"""Packed events: MySQL's TRANSACTION_PAYLOAD and MariaDB's compressed QUERY and rows events."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import zstandard

from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import Format, TransactionPayload
from sterna.mysql.binlog.parse import HEADER_BYTES, read_header
from sterna.mysql.binlog.reader import Reader
from sterna.mysql.binlog.rewrite import body_of, seal
from sterna.mysql.binlog.types import (
    COMPRESSED_ROWS_V1,
    COMPRESSED_ROWS_V2,
    ROWS_V1,
    ROWS_V2,
    EventType,
)

_SIZE_AT, _END_AT, _TYPE_AT = 9, 13, 4
_QUERY_POST_HEADER_BYTES = 13
_READ_BYTES = 1 << 20
_EVENT_BYTES_MAX = 1 << 30

MARIADB_COMPRESSED = frozenset(
    {EventType.MARIADB_QUERY_COMPRESSED, *COMPRESSED_ROWS_V1, *COMPRESSED_ROWS_V2}
)


def unpacked(event: TransactionPayload) -> bytes:
    """The events inside as they stand there: one after the other, without checksums."""
    return b"".join(_unpacked_pieces(event))


def unpack_payload(event: TransactionPayload, log_format: Format) -> Iterator[bytes]:
    """The events inside, one after the other, each sealed as `log_format` has them.

    Their end offset is that of the payload: none of them has a place of its own in the file.
    """
    pending = bytearray()
    for piece in _unpacked_pieces(event):
        pending += piece
        at = 0
        while (raw := _whole_event(pending, at)) is not None:
            at += len(raw)
            raw[_END_AT : _END_AT + 4] = event.header.end_offset.to_bytes(4, "little")
            yield seal(raw, log_format)
        del pending[:at]
    if pending:
        raise BadEvent("A TRANSACTION_PAYLOAD event ends in the middle of an event.")


def _unpacked_pieces(event: TransactionPayload) -> Iterator[bytes]:
    """The payload, piece by piece; as much of it as the event says, neither more nor less."""
    if not event.is_compressed:
        yield event.payload
        return
    left_bytes = event.unpacked_bytes
    try:
        with zstandard.ZstdDecompressor().stream_reader(event.payload) as reader:
            while piece := reader.read(min(_READ_BYTES, left_bytes + 1)):
                left_bytes -= len(piece)
                if left_bytes < 0:
                    break
                yield piece
    except zstandard.ZstdError as error:
        raise BadEvent(f"A TRANSACTION_PAYLOAD event cannot be unpacked: {error}.") from error
    if left_bytes:
        raise BadEvent("A TRANSACTION_PAYLOAD event has another length than it says.")


def _whole_event(pending: bytearray, at: int) -> bytearray | None:
    if len(pending) - at < HEADER_BYTES:
        return None
    size_bytes = int.from_bytes(pending[at + _SIZE_AT : at + _SIZE_AT + 4], "little")
    if not HEADER_BYTES <= size_bytes <= _EVENT_BYTES_MAX:
        raise BadEvent(f"A packed event claims to have {size_bytes} bytes.")
    if len(pending) - at < size_bytes:
        return None
    return pending[at : at + size_bytes]


def unpack_mariadb(raw: bytes, log_format: Format) -> bytes:
    """MariaDB's compressed QUERY or rows event as the plain event it stands for."""
    header = read_header(raw)
    reader = Reader(body_of(raw, log_format), at=HEADER_BYTES)
    if header.type == EventType.MARIADB_QUERY_COMPRESSED:
        _pass_query_front(reader)
        plain_type = int(EventType.QUERY)
    elif header.type in COMPRESSED_ROWS_V1:
        plain_type = header.type - COMPRESSED_ROWS_V1.start + ROWS_V1.start
        _pass_rows_front(reader, plain_type)
    else:
        plain_type = header.type - COMPRESSED_ROWS_V2.start + ROWS_V2.start
        _pass_rows_front(reader, plain_type)
    front = bytearray(reader.data[: reader.at])
    front[_TYPE_AT] = plain_type
    return seal(front + _inflate(reader), log_format)


def _pass_query_front(reader: Reader) -> None:
    reader.take(8)
    database_bytes = reader.number(1)
    reader.take(2)
    reader.take(reader.number(2) + database_bytes + 1)


def _pass_rows_front(reader: Reader, plain_type: int) -> None:
    reader.take(8)
    if plain_type in ROWS_V2:
        reader.take(reader.number(2) - 2)
    bitmap_bytes = (reader.packed() + 7) // 8
    updates = plain_type in (EventType.UPDATE_ROWS_V1, EventType.UPDATE_ROWS)
    reader.take(bitmap_bytes * (2 if updates else 1))


def _inflate(reader: Reader) -> bytes:
    """MariaDB's block: algorithm and width of the length, length (big-endian), zlib stream."""
    first = reader.number(1)
    if first & 0xF0 != 0x80:
        raise BadEvent(f"A compressed event uses the unknown algorithm {first:#x}.")
    plain_bytes = int.from_bytes(reader.take(first & 0x07), "big")
    if plain_bytes > _EVENT_BYTES_MAX:
        raise BadEvent(f"A compressed event claims to have {plain_bytes} bytes.")
    try:
        plain = zlib.decompressobj().decompress(reader.rest(), plain_bytes + 1)
    except zlib.error as error:
        raise BadEvent(f"A compressed event cannot be unpacked: {error}.") from error
    if len(plain) != plain_bytes:
        raise BadEvent("A compressed event has another length than it says.")
    return plain
