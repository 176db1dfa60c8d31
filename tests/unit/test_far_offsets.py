"""Binary log files beyond 4 GB, where an event says only the lower half of where it ends."""

from __future__ import annotations

import threading
from pathlib import Path

from sterna.dataplane.receive import ends_at_border
from sterna.dataplane.spool import WRAP_BYTES, Spool, whole_offset
from sterna.dataplane.spool_reader import SpoolReader
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.parse import read_header
from sterna.mysql.binlog.rewrite import body_of, seal
from sterna.mysql.binlog.types import EventType
from sterna.mysql.position import Position
from tests.unit.test_binlog_parse import FORMATS, SAMPLES

NAME = "MySQL 5.7.29"
FORMAT: Format = FORMATS[NAME]
START = Position("binlog.000007", WRAP_BYTES - 1000)


def event(end_offset: int) -> bytes:
    """A rows event that ends there, as a server writes it."""
    raw = next(raw for raw in SAMPLES[NAME] if raw[4] == EventType.WRITE_ROWS)
    body = bytearray(body_of(raw, FORMAT))
    body[13:17] = (end_offset % WRAP_BYTES).to_bytes(4, "little")
    return seal(body, FORMAT)


def fill(spool: Spool, count: int = 40, step: int = 60) -> list[Position]:
    """Events across the border, in segments; where they end."""
    spool.begin_segment(START, FORMAT)
    ends = [START.offset_bytes + step * number for number in range(1, count + 1)]
    for end in ends:
        spool.append(event(end), end, stop=threading.Event())
    return [START.in_same_file(end) for end in ends]


def read(spool: Spool, after: Position) -> list[Position]:
    """Where the events behind a position end."""
    reader = SpoolReader(spool, after)
    found = []
    while reader.next(0.0) is not None:
        found.append(reader.position)
    reader.close()
    return found


def test_the_whole_offset_follows_from_the_one_before() -> None:
    """The same, the next, and the first one behind each border of 4 GB."""
    assert whole_offset(5, 5) == 5
    assert whole_offset(6, 5) == 6
    assert whole_offset(3, WRAP_BYTES - 1) == WRAP_BYTES + 3
    assert whole_offset(7, 3 * WRAP_BYTES + 6) == 3 * WRAP_BYTES + 7
    assert whole_offset(7, 3 * WRAP_BYTES + 8) == 4 * WRAP_BYTES + 7


def test_a_spool_goes_on_beyond_four_gigabytes(tmp_path: Path) -> None:
    """Written in several segments, read from anywhere, and opened anew, places stay whole."""
    spool = Spool(tmp_path, segment_bytes=500)
    ends = fill(spool)
    assert ends[0].offset_bytes < WRAP_BYTES < ends[-1].offset_bytes
    assert len(spool.segments) > 3 and spool.end == ends[-1]
    spool.close()
    again = Spool(tmp_path)
    assert again.end == ends[-1]
    for count in (0, 10, 17, 30, len(ends)):
        after = ends[count - 1] if count else START
        assert read(again, after) == ends[count:]


def test_an_event_that_ends_at_the_border_stands_in_the_file() -> None:
    """It says 0, as the sender's own events do; its length tells it from them."""
    header = read_header(event(WRAP_BYTES))
    assert header.is_artificial  # or so it looks
    assert ends_at_border(header, 3 * WRAP_BYTES - header.size_bytes)
    assert not ends_at_border(header, 3 * WRAP_BYTES - header.size_bytes - 1)
    assert not ends_at_border(header._replace(flags=0x20), WRAP_BYTES - header.size_bytes)


def test_what_is_passed_over_counts(tmp_path: Path) -> None:
    """Records passed over at once move the place like those read one by one."""
    spool = Spool(tmp_path)
    ends = fill(spool)
    reader = SpoolReader(spool, START)
    assert reader.next(0.0) is not None and reader.position == ends[0]
    reader.pass_over(bytes(256))
    assert reader.position == ends[-1] and reader.next(0.0) is None
    reader.close()
    spool.close()
