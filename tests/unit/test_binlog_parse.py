"""The binary log parser, on events that real servers sent."""

from __future__ import annotations

import contextlib
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sterna.mysql.binlog.compressed import (
    MARIADB_COMPRESSED,
    unpack_mariadb,
    unpack_payload,
    unpacked,
)
from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import Event, Format, Query, Rows, TableMap, TransactionPayload
from sterna.mysql.binlog.parse import parse, parse_format, read_header, verify_checksum
from sterna.mysql.binlog.rewrite import body_of, convert, end_statement, relayable_format, seal
from sterna.mysql.binlog.types import EventType


def _samples() -> dict[str, list[bytes]]:
    samples: dict[str, list[bytes]] = {}
    text = Path(__file__).with_name("binlog_events.txt").read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("["):
            samples[line[1:-1]] = []
        elif not line.startswith("#"):
            samples[list(samples)[-1]].append(bytes.fromhex(line))
    return samples


SAMPLES = _samples()
FORMATS = {
    name: parse_format(next(raw for raw in events if raw[4] == EventType.FORMAT_DESCRIPTION))
    for name, events in SAMPLES.items()
}
ALL = [(raw, FORMATS[name]) for name, events in SAMPLES.items() for raw in events]
each_server = pytest.mark.parametrize("name", SAMPLES)


def values(name: str) -> list[Event]:
    """Every event of a sample, packed ones unpacked."""
    found = []
    for raw in SAMPLES[name]:
        if raw[4] in MARIADB_COMPRESSED:
            raw = unpack_mariadb(raw, FORMATS[name])
        event = parse(raw, FORMATS[name])
        if isinstance(event, TransactionPayload):
            inner = unpack_payload(event, FORMATS[name])
            found += [parse(one, FORMATS[name]) for one in inner]
        else:
            found.append(event)
    return found


@each_server
def test_every_event_is_understood(name: str) -> None:
    """Four statements give four row events on the sampled table, packed or not."""
    events = values(name)
    rows = [event for event in events if isinstance(event, Rows)]
    tables = {(e.database, e.table) for e in events if isinstance(e, TableMap)}
    assert tables == {("samples", "t")}
    assert len(rows) == 4
    assert all(e.column_count == 3 and e.is_full_image and e.ends_statement for e in rows)


@each_server
def test_query_has_its_context(name: str) -> None:
    """The sampled DDL says in which sql_mode and character sets it ran."""
    ddl = next(e for e in values(name) if isinstance(e, Query) and e.sql.startswith(b"create"))
    assert ddl.context.sql_mode == 1 << 19 | 1 << 25
    assert ddl.context.charset is not None and ddl.context.charset[0] in (45, 255, 2304)


@each_server
def test_checksums_are_verified(name: str) -> None:
    """Every sampled event passes; with one bit changed none does."""
    for raw in SAMPLES[name]:
        verify_checksum(raw, FORMATS[name])
        damaged = raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]
        with pytest.raises(BadEvent, match="checksum"):
            verify_checksum(damaged, FORMATS[name])


def test_unknown_type_is_refused_with_advice() -> None:
    """An event type that is not on the allow-list is named, with what to do."""
    raw, log_format = ALL[-1]
    strange = seal(body_of(raw[:4] + b"\x99" + raw[5:], log_format), log_format)
    with pytest.raises(BadEvent, match="unknown \\(153\\)") as caught:
        parse(strange, log_format)
    assert caught.value.code == "UnknownEvent" and caught.value.remedy


def test_version_1_becomes_version_2() -> None:
    """MariaDB's rows events, rewritten for MySQL, say the same in the other version."""
    theirs, ours = FORMATS["MariaDB 10.11.19"], FORMATS["MySQL 9.7.4"]
    for raw in SAMPLES["MariaDB 10.11.19"]:
        if raw[4] in (23, 24, 25):
            rewritten = convert(raw, theirs, to=ours)
            verify_checksum(rewritten, ours)
            before, after = parse(raw, theirs), parse(rewritten, ours)
            assert isinstance(before, Rows) and isinstance(after, Rows)
            assert after.header.type == before.header.type + 7
            assert after[1:] == before[1:]


@each_server
def test_statement_can_be_ended_early(name: str) -> None:
    """The mark for the end of a statement can be set, and the checksum follows."""
    log_format = FORMATS[name]
    raw = next(raw for raw in SAMPLES[name] if isinstance(parse_plain(raw, log_format), Rows))
    body = bytearray(body_of(raw, log_format))
    body[25] &= 0xFE
    event = parse(end_statement(seal(body, log_format), log_format), log_format)
    assert isinstance(event, Rows) and event.ends_statement


@each_server
def test_relayable_format_says_the_same(name: str) -> None:
    """Without its creation time a format description still describes the same format."""
    raw = relayable_format(FORMATS[name])
    verify_checksum(raw, FORMATS[name])
    assert parse_format(raw).post_header_lengths == FORMATS[name].post_header_lengths


def parse_plain(raw: bytes, log_format: Format) -> Event | None:
    """The event, None where it is packed."""
    return None if raw[4] in MARIADB_COMPRESSED else parse(raw, log_format)


def everything(raw: bytes, log_format: Format) -> None:
    """Do with an event all that the product does."""
    read_header(raw)
    if raw[4] in MARIADB_COMPRESSED:
        raw = unpack_mariadb(raw, log_format)
    event = parse(raw, log_format)
    if isinstance(event, TransactionPayload):
        for one in unpack_payload(event, log_format):
            parse(one, log_format)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_garbage_raises_nothing_else(data: st.DataObject) -> None:
    """Whatever is done to an event, the parser answers with a value or with BadEvent."""
    raw, log_format = data.draw(st.sampled_from(ALL))
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = damaged[: data.draw(st.integers(0, len(damaged)))]
    if len(cut) >= 13 and data.draw(st.booleans()):
        cut[9:13] = len(cut).to_bytes(4, "little")
    with contextlib.suppress(BadEvent):
        everything(bytes(cut), log_format)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(EventType)))
def test_noise_raises_nothing_else(noise: bytes, kind: int) -> None:
    """The same for noise behind a header that says it is an event of a known type."""
    body = bytearray(bytes(4) + bytes([kind]) + bytes(14) + noise)
    raw = seal(body, ALL[0][1])
    with contextlib.suppress(BadEvent):
        everything(raw, ALL[0][1])


@pytest.mark.parametrize("claimed", [0, 1, 4_000_000_000])
def test_a_packed_transaction_is_as_long_as_it_says(claimed: int) -> None:
    """One that says less or more than it holds is refused before more of it is unpacked."""
    packed = zstandard.compress(bytes(64 << 20))
    header = read_header(SAMPLES["MySQL 9.7.4"][-1])
    event = TransactionPayload(header, True, claimed, packed)
    with pytest.raises(BadEvent):
        list(unpack_payload(event, FORMATS["MySQL 9.7.4"]))
    tracemalloc.start()
    with pytest.raises(BadEvent):
        unpacked(event._replace(unpacked_bytes=min(claimed, 1)))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


HANDLED = {
    *("QUERY", "STOP", "ROTATE", "FORMAT_DESCRIPTION", "XID", "TABLE_MAP", "HEARTBEAT"),
    *("WRITE_ROWS_V1", "UPDATE_ROWS_V1", "DELETE_ROWS_V1", "ROWS_QUERY", "GTID", "ANONYMOUS_GTID"),
    *("WRITE_ROWS", "UPDATE_ROWS", "DELETE_ROWS", "PREVIOUS_GTIDS", "VIEW_CHANGE", "XA_PREPARE"),
    *("PARTIAL_UPDATE_ROWS", "TRANSACTION_PAYLOAD", "HEARTBEAT_V2", "GTID_TAGGED"),
    *("MARIADB_ANNOTATE_ROWS", "MARIADB_BINLOG_CHECKPOINT", "MARIADB_GTID", "MARIADB_GTID_LIST"),
    *("MARIADB_QUERY_COMPRESSED", "MARIADB_WRITE_ROWS_COMPRESSED_V1"),
    *("MARIADB_UPDATE_ROWS_COMPRESSED_V1", "MARIADB_DELETE_ROWS_COMPRESSED_V1"),
    *("MARIADB_WRITE_ROWS_COMPRESSED", "MARIADB_UPDATE_ROWS_COMPRESSED"),
    "MARIADB_DELETE_ROWS_COMPRESSED",
}


@pytest.mark.parametrize("kind", range(256))
def test_every_type_is_handled_or_refused(kind: int) -> None:
    """All 256 types: those that are handled say so when damaged, all others stop with advice."""
    log_format = FORMATS["MySQL 5.7.29"]
    raw = seal(bytearray(bytes(4) + bytes([kind]) + bytes(14)), log_format)
    names = {int(each): each.name for each in EventType}
    is_handled = names.get(kind) in HANDLED
    try:
        everything(raw, log_format)
    except BadEvent as error:
        assert is_handled == (error.code != "UnknownEvent")
        assert is_handled or (str(kind) in error.message and error.remedy)
    else:
        assert is_handled
