"""A transaction that is packed into one event, as the records it would be otherwise."""

from __future__ import annotations

from typing import NamedTuple

from sterna.dataplane._native.framing import repack
from sterna.dataplane.spool import RECORD, read_record
from sterna.mysql.binlog.compressed import unpacked
from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import Format, TransactionPayload
from sterna.mysql.binlog.parse import parse
from sterna.mysql.binlog.types import EventType

_GTIDS = frozenset({EventType.GTID, EventType.ANONYMOUS_GTID, EventType.GTID_TAGGED})
_TYPE_AT = 4


class Packed(NamedTuple):
    """The records of a transaction, and where in the buffer the next one begins."""

    records: bytes
    behind: int


def packed_transaction(
    buffer: bytes, at: int, log_format: Format, *, bytes_max: int
) -> Packed | None:
    """The transaction whose records, its GTID and its payload, begin at `at` of the buffer.

    None where there is none, where it is cut, damaged or larger than `bytes_max`: who reads it
    event by event says what is wrong with it.
    """
    gtid = _event(buffer, at)
    if gtid is None or gtid[_TYPE_AT] not in _GTIDS:
        return None
    middle = at + RECORD.size + len(gtid)
    raw = _event(buffer, middle)
    if raw is None or raw[_TYPE_AT] != EventType.TRANSACTION_PAYLOAD:
        return None
    try:
        event = parse(raw, log_format)
        assert isinstance(event, TransactionPayload)
        if event.unpacked_bytes > bytes_max:
            return None
        inside = repack(
            unpacked(event),
            end_offset=event.header.end_offset,
            has_checksum=log_format.has_checksum,
        )
    except (BadEvent, ValueError):
        return None
    return Packed(buffer[at:middle] + inside, middle + RECORD.size + len(raw))


def _event(buffer: bytes, at: int) -> bytes | None:
    """The event of the record that begins there, if it is whole."""
    try:
        raw, _ = read_record(buffer, at)
    except ValueError:
        return None
    return raw if raw is not None and len(raw) > _TYPE_AT else None
