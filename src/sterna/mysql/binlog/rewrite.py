"""Events built from events: the same images under another header, length and checksum."""

from __future__ import annotations

import struct
import zlib

from sterna.mysql.binlog.events import (
    COMPLETE_ROWS,
    NO_FOREIGN_KEY_CHECKS,
    RELAXED_UNIQUE_CHECKS,
    SQL_FOREIGN_KEYS,
    STATEMENT_END,
    Format,
)
from sterna.mysql.binlog.parse import CHECKSUM_BYTES, HEADER_BYTES
from sterna.mysql.binlog.types import ROWS_V1, ROWS_V2, EventType

_V1_TO_V2 = ROWS_V2.start - ROWS_V1.start
_V1_POST_HEADER_BYTES = 8
_NO_EXTRA_DATA = b"\x02\x00"  # a length that counts itself
_TYPE_AT, _SIZE_AT, _END_AT, _FLAGS_AT = 4, 9, 13, 17
_ROWS_FLAGS_AT = HEADER_BYTES + 6
_CREATED_AT = HEADER_BYTES + 52

_COMMON_ROWS_FLAGS = STATEMENT_END | NO_FOREIGN_KEY_CHECKS | RELAXED_UNIQUE_CHECKS | COMPLETE_ROWS


def body_of(raw: bytes, log_format: Format) -> bytes:
    """The event without its checksum."""
    return raw[:-CHECKSUM_BYTES] if log_format.has_checksum else raw


def seal(body: bytes | bytearray, log_format: Format) -> bytes:
    """An event from header and body: its size set, its checksum added where the format has one."""
    extra = CHECKSUM_BYTES if log_format.has_checksum else 0
    sized = bytearray(body)
    struct.pack_into("<I", sized, _SIZE_AT, len(sized) + extra)
    if not extra:
        return bytes(sized)
    return bytes(sized) + struct.pack("<I", zlib.crc32(sized))


def relayable_format(log_format: Format) -> bytes:
    """The format description without its creation time, which would end open transactions."""
    raw = bytearray(log_format.raw)
    raw[_CREATED_AT : _CREATED_AT + 4] = bytes(4)
    raw[_FLAGS_AT : _FLAGS_AT + 2] = bytes(2)
    body = bytes(raw[:-CHECKSUM_BYTES])
    return body + struct.pack("<I", zlib.crc32(body))


def end_statement(raw: bytes, log_format: Format) -> bytes:
    """The rows event as the last one of its statement."""
    body = bytearray(body_of(raw, log_format))
    body[_ROWS_FLAGS_AT] |= STATEMENT_END
    return seal(body, log_format)


def placed(raw: bytes, end_offset: int, log_format: Format) -> bytes:
    """The event saying where it ends in its file; it said 0."""
    body = bytearray(body_of(raw, log_format))
    struct.pack_into("<I", body, _END_AT, end_offset & 0xFFFFFFFF)
    return seal(body, log_format)


def without_cascades(raw: bytes, log_format: Format) -> bytes:
    """The event marked so that foreign keys do nothing, where the log has what they did.

    MySQL 9.7 looks at its own mark only for some changes: a REPLACE of a parent's row, which
    leaves the children alone there, would delete them on any server that applies it.
    """
    if raw[_TYPE_AT] == EventType.TABLE_MAP or not raw[_ROWS_FLAGS_AT] & SQL_FOREIGN_KEYS:
        return raw
    body = bytearray(body_of(raw, log_format))
    body[_ROWS_FLAGS_AT] |= NO_FOREIGN_KEY_CHECKS
    return seal(body, log_format)


def convert(raw: bytes, log_format: Format, *, to: Format) -> bytes:
    """A table map or rows event of one server's log as another server writes it.

    Rows events become version 2, flags only MariaDB has are dropped, the checksum follows `to`.
    """
    body = bytearray(body_of(raw, log_format))
    body[_FLAGS_AT : _FLAGS_AT + 2] = bytes(2)
    if body[_TYPE_AT] in ROWS_V1:
        body[_TYPE_AT] += _V1_TO_V2
        at = HEADER_BYTES + _V1_POST_HEADER_BYTES
        body[at:at] = _NO_EXTRA_DATA
    if body[_TYPE_AT] != EventType.TABLE_MAP:
        flags = int.from_bytes(body[_ROWS_FLAGS_AT : _ROWS_FLAGS_AT + 2], "little")
        struct.pack_into("<H", body, _ROWS_FLAGS_AT, flags & _COMMON_ROWS_FLAGS)
    return seal(body, to)
