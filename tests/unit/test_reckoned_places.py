"""Events that do not say where they end, as MariaDB writes them from 11.7 on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sterna.dataplane.receive import _Receiver
from sterna.dataplane.spool import Spool
from sterna.dataplane.spool_reader import SpoolReader
from sterna.errors import Stopped
from sterna.mysql.binlog.parse import read_header, verify_checksum
from sterna.mysql.binlog.types import EventType
from sterna.mysql.connection import Server
from sterna.mysql.position import Position
from tests.unit.test_binlog_parse import FORMATS, SAMPLES

NAME = "MariaDB 11.8.9"
ROWS = range(EventType.WRITE_ROWS_V1, EventType.DELETE_ROWS_V1 + 1)


def spooled(folder: Path, events: list[bytes]) -> Spool:
    """What the receiver makes of these events."""
    spool = Spool(folder)
    gtid = next(raw for raw in events if raw[4] == EventType.MARIADB_GTID)
    header = read_header(gtid)
    start = Position("mysql-bin.000001", header.end_offset - header.size_bytes)
    server = Server("nowhere", 1, "nobody", "")
    receiver = _Receiver(server, spool, 1, lambda _: None, threading.Event())
    receiver._goal = receiver._place = start
    try:
        for raw in events:
            receiver._take(raw)
    finally:
        spool.close()
    return spool


def test_their_places_follow_from_their_sizes(tmp_path: Path) -> None:
    """All are spooled, each behind the one before, with checksums that are right again."""
    spool = spooled(tmp_path, SAMPLES[NAME])
    reader = SpoolReader(spool, spool.segments[0].start)
    kinds, ends = [], [reader.position]
    while (raw := reader.next(0.0)) is not None:
        verify_checksum(raw, FORMATS[NAME])
        kinds.append(raw[4])
        if reader.position.file == ends[0].file:
            assert reader.position.offset_bytes - ends[-1].offset_bytes == len(raw)
            ends.append(reader.position)
    reader.close()
    assert sum(kind in ROWS for kind in kinds) == 4
    assert kinds.count(EventType.XID) == 4


def test_what_is_left_out_between_them_is_noticed(tmp_path: Path) -> None:
    """The event that ends the transaction says where it ends."""
    rows = next(raw for raw in SAMPLES[NAME] if raw[4] in ROWS)
    with pytest.raises(Stopped, match="leaves something out"):
        spooled(tmp_path, [raw for raw in SAMPLES[NAME] if raw is not rows])
