"""The gathering of row images, on events that real servers sent, whole and damaged."""

from __future__ import annotations

import struct
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sterna.dataplane._native.framing import Framer
from sterna.dataplane._native.regroup import Gatherer, Irregular, Table
from sterna.dataplane.packed import packed_transaction
from sterna.mysql.binlog.columns import Layout, mapped_columns
from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.rewrite import body_of, seal
from sterna.mysql.binlog.types import EventType
from tests.unit.test_binlog_parse import FORMATS, SAMPLES

FLAGS = 0x1F
PACKED = "MySQL 9.7.4"
PLAIN = ["MySQL 5.6.24", "MySQL 5.7.29"]  # the samples of the others are packed


def record(raw: bytes) -> bytes:
    """An event as it stands in a spool."""
    return struct.pack("<II", len(raw), zlib.crc32(raw)) + raw


def gather(name: str, raws: list[bytes], *, has_key: bool = True) -> Gatherer:
    """Take as many transactions as there are, tables learned on the way."""
    log_format = FORMATS[name]
    gatherer = Gatherer(rows_flags=FLAGS)
    buffer, at = b"".join(map(record, raws)), 0
    while True:
        behind = gatherer.take(buffer, at, has_checksum=log_format.has_checksum)
        if behind == at and gatherer.unknown_map is None:
            return gatherer
        if behind == at and gatherer.unknown_map is not None:
            body = body_of(gatherer.unknown_map, log_format)[27:]
            try:
                layouts = mapped_columns(body).layouts
            except BadEvent:
                return gatherer
            gatherer.learn(body, Table("t", layouts, [(0, 2)] if has_key else []))
        at = behind


def transactions(name: str) -> list[bytes]:
    """The events of a sample behind its DDL."""
    events = SAMPLES[name]
    first = next(n for n, raw in enumerate(events) if raw[4] == EventType.TABLE_MAP)
    while events[first][4] not in (EventType.GTID, EventType.ANONYMOUS_GTID, 42, 162):
        if events[first][4] == EventType.QUERY and events[first - 1][4] not in (33, 34, 42, 162):
            break
        first -= 1
    return events[first:]


@pytest.mark.parametrize("name", PLAIN)
def test_samples_are_gathered(name: str) -> None:
    """Four row events of a sample are taken; what is left of them is one image per key."""
    gatherer = gather(name, transactions(name))
    assert gatherer.row_events == 4
    assert gatherer.drain(500_000)
    assert gatherer.row_events == 0 and gatherer.drain(500_000) == []


@pytest.mark.parametrize("name", PLAIN)
def test_without_a_key_statements_stay(name: str) -> None:
    """Rows of a table without a key are handed on, event by event."""
    gatherer = gather(name, transactions(name), has_key=False)
    statements = gatherer.take_statements()
    assert sum(len(rows) for _, rows in statements) == 4
    assert gatherer.take_statements() == []


def test_a_row_that_is_there_already_is_irregular() -> None:
    """The same insert twice does not follow from itself: nothing is guessed."""
    name = PLAIN[1]
    events = transactions(name)
    with pytest.raises(Irregular):
        gather(name, [*events[: _end(events)], *events[: _end(events)]])


def _end(events: list[bytes]) -> int:
    return next(n for n, raw in enumerate(events) if raw[4] == EventType.XID) + 1


@settings(max_examples=800, deadline=None)
@given(st.data())
def test_damaged_events_do_no_harm(data: st.DataObject) -> None:
    """Whatever is done to the events, they are taken or left; sealed again or not."""
    name = data.draw(st.sampled_from(list(SAMPLES)))
    events = list(transactions(name))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(events) - 1))
        damaged = bytearray(events[at])
        for _ in range(data.draw(st.integers(1, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        cut = damaged[: data.draw(st.integers(24, len(damaged)))]
        log_format = FORMATS[name]
        events[at] = seal(body_of(bytes(cut), log_format), log_format)
    try:
        gatherer = gather(name, events, has_key=data.draw(st.booleans()))
        gatherer.drain(100)
    except Irregular:
        pass


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_packets_are_framed_whole(data: st.DataObject) -> None:
    """A stream cut anywhere is framed to the very records; damage ends it."""
    name = PLAIN[1]
    events = transactions(name)
    events = events[: [raw[4] for raw in events].index(EventType.ROTATE)]
    packets = b"".join(
        (len(raw) + 1).to_bytes(3, "little") + bytes([n, 0]) + raw for n, raw in enumerate(events)
    )
    framer = Framer()
    cut = data.draw(st.integers(0, len(packets)))
    received, sequence, end_offset, records = b"", 0, 0, b""
    for piece in (packets[:cut], packets[cut:]):
        received += piece
        records += framer.frame(
            received, 0, sequence=sequence, end_offset=end_offset, has_checksum=True
        )
        received = received[framer.taken :]
        sequence, end_offset = framer.sequence, framer.end_offset
    assert records == b"".join(map(record, events)) and not received
    at = data.draw(st.integers(5, len(packets) - 1))
    damaged = packets[:at] + bytes([packets[at] ^ 1]) + packets[at + 1 :]
    framed = framer.frame(damaged, 0, sequence=0, end_offset=0, has_checksum=True)
    assert records.startswith(framed) and len(framed) < len(records)


def test_lengths_of_every_type() -> None:
    """The documented length of each column type, with the metadata a table map has for it."""
    types = bytes([1, 2, 3, 8, 9, 4, 5, 10, 13, 15, 15, 16, 17, 18, 19, 246, 252, 254, 254, 254])
    metadata = bytes([4, 8]) + struct.pack("<HH", 255, 256) + bytes([1, 1, 2, 6, 3])
    metadata += bytes([40, 10, 3, 247, 2, 254, 60, 0xEE, 0xFC])
    body = b"\1d\0\1t\0" + bytes([len(types)]) + types + bytes([len(metadata)]) + metadata
    found = mapped_columns(body + bytes(3))
    fixed = {0: 1, 1: 2, 2: 4, 3: 8, 4: 3, 5: 4, 6: 8, 7: 3, 8: 1, 11: 2, 12: 5, 13: 8, 14: 5}
    assert {n: found.layouts[n].fixed_bytes for n in fixed} == fixed
    assert found.layouts[9:11] == (Layout(0, 1), Layout(0, 2))
    assert found.layouts[15] == Layout(14 + 5, 0) and found.layouts[16] == Layout(0, 3)
    assert found.types[17] == 247 and found.layouts[17] == Layout(2, 0)
    assert found.layouts[18:] == (Layout(0, 1), Layout(0, 2))
    with pytest.raises(BadEvent):
        mapped_columns(body.replace(types, types[:-1] + b"\x8c"))


def test_a_packed_transaction_is_gathered_like_others() -> None:
    """What lies in one event is taken as the events it stands for, and ends where that one does."""
    events, log_format = SAMPLES[PACKED], FORMATS[PACKED]
    first = max(n for n, raw in enumerate(events) if raw[4] == EventType.TRANSACTION_PAYLOAD) - 1
    buffer = b"".join(map(record, events[first:]))
    packed = packed_transaction(buffer, 0, log_format, bytes_max=1 << 20)
    assert packed is not None
    assert packed.behind == len(record(events[first])) + len(record(events[first + 1]))
    gatherer = Gatherer(rows_flags=FLAGS)
    while gatherer.take(packed.records, 0, has_checksum=log_format.has_checksum) == 0:
        assert gatherer.unknown_map is not None
        body = body_of(gatherer.unknown_map, log_format)[27:]
        gatherer.learn(body, Table("t", mapped_columns(body).layouts, [(0, 2)]))
    assert gatherer.transactions == 1 and gatherer.row_events > 0
    assert gatherer.end_offset == int.from_bytes(events[first + 1][13:17], "little")
    assert packed_transaction(buffer[:-1], 0, log_format, bytes_max=1 << 20) in (None, packed)
    assert packed_transaction(buffer[:90], 0, log_format, bytes_max=1 << 20) is None
    assert packed_transaction(buffer, 0, log_format, bytes_max=1) is None


def test_what_is_looked_at_in_vain_is_given_free() -> None:
    """A transaction that is left to others leaves nothing behind once nothing is drained either:
    a backlog of such transactions would else stay in memory as a whole."""
    events = transactions(PLAIN[1])
    buffer = b"".join(map(record, events[: _end(events) - 2]))
    held = sys.getrefcount(buffer)
    gatherer = Gatherer(rows_flags=FLAGS)
    assert gatherer.take(buffer, 0, has_checksum=True) == 0
    assert sys.getrefcount(buffer) > held
    assert gatherer.transactions == 0 and gatherer.drain(1000) == []
    assert sys.getrefcount(buffer) == held
