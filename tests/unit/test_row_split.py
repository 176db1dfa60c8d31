"""Rows events of which only a part counts, split on images made here."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sterna.dataplane._native.split_rows import KeyFilter, RowSplitter
from sterna.dataplane.range_starts import (
    KeyColumn,
    KeyKind,
    RangeStart,
    TableStarts,
    groups_of,
    key_column,
    largest_start,
    require_groups_together,
    table_start,
)
from sterna.dataplane.row_split import Behind, CopiedTable, StartLookup, split_rows
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Format
from sterna.mysql.binlog.parse import parse, verify_checksum
from sterna.mysql.binlog.rewrite import seal
from sterna.mysql.catalog import Column, Key, KeyPart
from sterna.mysql.position import Position

WRITE, UPDATE, DELETE = range(3)
FORMATS = [Format("5.7.29-log", checked, b"", b"") for checked in (True, False)]
ENDS = {1: (-(1 << 7), 1 << 7), 3: (-(1 << 23), 1 << 23), 8: (-(1 << 63), 1 << 63)}


def at(offset: int) -> Position:
    """A position in the one file there is."""
    return Position("bin.000001", offset)


@dataclass(frozen=True)
class Shape:
    """A table with a text, its key and a blob that may be NULL."""

    kind: KeyKind
    width_bytes: int

    @property
    def layout(self) -> list[tuple[int, int]]:
        """As `RowSplitter` takes it."""
        is_text = self.kind in (KeyKind.BINARY, KeyKind.VARBINARY)
        return [(0, 1), (0, self.width_bytes) if is_text else (self.width_bytes, 0), (0, 2)]

    def image(self, key: int | bytes, text: bytes, blob: bytes | None) -> bytes:
        """A row as it stands in an event."""
        if isinstance(key, bytes):
            stripped = key.rstrip(b"\0") if self.kind is KeyKind.BINARY and text else key
            packed = len(stripped).to_bytes(self.width_bytes, "little") + stripped
        else:
            signed = self.kind is KeyKind.SIGNED
            packed = key.to_bytes(self.width_bytes, "little", signed=signed)
        nulls = bytes([0b100 if blob is None else 0])
        tail = b"" if blob is None else struct.pack("<H", len(blob)) + blob
        return nulls + bytes([len(text)]) + text + packed + tail

    def keys(self) -> st.SearchStrategy[int | bytes]:
        """Keys near each other and near the ends of the type."""
        if self.kind is KeyKind.VARBINARY:
            return st.binary(max_size=4) | st.sampled_from([b"", b"\0", b"a", b"a\0", b"a\0b"])
        if self.kind is KeyKind.BINARY:
            return st.binary(max_size=4).map(lambda text: text.ljust(4, b"\0"))
        low, high = ENDS[self.width_bytes]
        if self.kind is KeyKind.UNSIGNED:
            low, high = 0, high - low
        near = st.sampled_from([low, low + 1, 0, 1, 127, high - 2, high - 1])
        return near | st.integers(low, high - 1)


SHAPES = [
    *(Shape(kind, width) for kind in (KeyKind.SIGNED, KeyKind.UNSIGNED) for width in ENDS),
    *(Shape(kind, width) for kind in (KeyKind.BINARY, KeyKind.VARBINARY) for width in (1, 2)),
]


def rows_event(kind: int, images: bytes, log_format: Format, *, v1: bool, flags: int) -> bytes:
    """A rows event of three columns; version 2 with data about its partition."""
    header = struct.pack("<IBIIIH", 7, (23 if v1 else 30) + kind, 5, 0, 999, 0)
    extra = b"" if v1 else b"\x06\x00part"
    front = (77).to_bytes(6, "little") + struct.pack("<H", flags) + extra + b"\x03"
    return seal(header + front + b"\xff" * (2 if kind == UPDATE else 1) + images, log_format)


def images_of(raw: bytes, log_format: Format) -> tuple[int, bool, bytes]:
    """What a split event says: kind, whether it ends its statement, its images."""
    verify_checksum(raw, log_format)
    event = parse(raw, log_format)
    assert event.is_full_image and (event.table_id, event.column_count) == (77, 3)
    assert (event.header.timestamp, event.header.end_offset) == (7, 999)
    first = 23 if raw[4] < 30 else 30
    kind = raw[4] - first
    begin = (
        19 + 8 + 2 + (kind == UPDATE) + (0 if first == 23 else struct.unpack_from("<H", raw, 27)[0])
    )
    end = len(raw) - (4 if log_format.has_checksum else 0)
    return kind, event.ends_statement, raw[begin:end]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_counts_is_kept(data: st.DataObject) -> None:
    """Each row of an event is judged by the range of its key; order, flags and bytes stay."""
    shape = data.draw(st.sampled_from(SHAPES))
    log_format = data.draw(st.sampled_from(FORMATS))
    highs = sorted(data.draw(st.sets(shape.keys(), max_size=4)))
    flags = bytes(
        data.draw(st.lists(st.integers(0, 1), min_size=len(highs) + 1, max_size=len(highs) + 1))
    )
    keys = KeyFilter(shape.kind, highs)
    keys.admit(flags)
    kind = data.draw(st.integers(0, 2))
    row = st.tuples(shape.keys(), st.binary(max_size=3), st.none() | st.binary(max_size=300))
    if highs:
        row |= st.tuples(st.sampled_from(highs), st.just(b"x"), st.none())
    rows = data.draw(st.lists(st.tuples(row, row), min_size=1, max_size=6))
    expected: list[tuple[int, bytes]] = []

    def counts(key: object) -> bool:
        return bool(flags[sum(high < key for high in highs)])

    def keep(made: int, images: bytes) -> None:
        if expected and expected[-1][0] == made:
            images = expected.pop()[1] + images
        expected.append((made, images))

    everything = b""
    for before, after in rows:
        one, other = shape.image(*before), shape.image(*after)
        if kind != UPDATE:
            everything += one
            if counts(before[0]):
                keep(kind, one)
            continue
        everything += one + other
        match counts(before[0]), counts(after[0]):
            case True, True:
                keep(UPDATE, one + other)
            case True, False:
                keep(DELETE, one)
            case False, True:
                keep(WRITE, other)
    v1, ends = data.draw(st.booleans()), data.draw(st.booleans())
    raw = rows_event(kind, everything, log_format, v1=v1, flags=int(ends))
    made = split_rows(raw, log_format, RowSplitter(shape.layout, 1, keys))
    seen = [images_of(each, log_format) for each in made]
    assert [(each[0], each[2]) for each in seen] == expected
    assert [each[1] for each in seen] == [False] * (len(seen) - 1) + [ends] * bool(seen)
    if all(flags):
        assert made == [raw]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_images_stop(data: st.DataObject) -> None:
    """An event cut off or changed is split or refused, and nothing worse."""
    shape = data.draw(st.sampled_from(SHAPES))
    keys = KeyFilter(shape.kind, [])
    keys.admit(b"\1")
    image = shape.image(data.draw(shape.keys()), b"text", b"blob")
    raw = bytearray(rows_event(UPDATE, image * 2, FORMATS[1], v1=False, flags=1))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(19, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = seal(raw[: data.draw(st.integers(20, len(raw)))], FORMATS[1])
    try:
        split_rows(cut, FORMATS[1], RowSplitter(shape.layout, 1, keys))
    except Stopped as error:
        assert error.code == "BadEvent"


def test_a_cut_image_stops() -> None:
    """Half a row is never passed on."""
    shape = SHAPES[0]
    keys = KeyFilter(shape.kind, [])
    image = shape.image(1, b"text", b"blob")
    raw = rows_event(WRITE, image[:-1], FORMATS[1], v1=False, flags=1)
    with pytest.raises(Stopped):
        split_rows(raw, FORMATS[1], RowSplitter(shape.layout, 1, keys))


@pytest.mark.parametrize(
    ("kind", "highs"),
    [(KeyKind.SIGNED, [2, 1]), (KeyKind.BINARY, [b"a", b"a\0"]), (KeyKind.UNSIGNED, [-1]), (9, [])],
)
def test_ranges_out_of_order_are_refused(kind: int, highs: list[int | bytes]) -> None:
    """Ends that do not rise, or that no key can have, make no filter."""
    with pytest.raises((ValueError, OverflowError)):
        KeyFilter(kind, highs)


KEY = KeyColumn(0, 2, KeyKind.SIGNED)


def test_neighbours_with_one_start_are_one() -> None:
    """Ranges copied at one moment are one range; a table copied at one moment has none."""
    ranges = [RangeStart(None, 5, at(9)), RangeStart(5, 8, at(9)), RangeStart(8, None, at(12))]
    start = table_start(KEY, ranges)
    assert isinstance(start, TableStarts)
    assert start.ranges == (RangeStart(None, 8, at(9)), RangeStart(8, None, at(12)))
    assert (start.smallest, start.largest) == (at(9), at(12))
    whole = [RangeStart(None, 5, at(9)), RangeStart(5, None, at(9))]
    assert table_start(None, whole) == at(9) == largest_start(at(9))


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [RangeStart(None, 5, at(9))],
        [RangeStart(None, 5, at(9)), RangeStart(6, None, at(10))],
        [RangeStart(0, 5, at(9)), RangeStart(5, None, at(10))],
    ],
)
def test_ranges_must_hold_every_key(ranges: list[RangeStart]) -> None:
    """A gap between ranges would lose rows without a word."""
    with pytest.raises(ValueError):
        table_start(KEY, ranges)


def test_between_the_starts_some_counts() -> None:
    """Up to the smallest start nothing counts, behind the largest everything."""
    start = table_start(KEY, [RangeStart(None, 5, at(10)), RangeStart(5, None, at(20))])
    table = CopiedTable(("d", "t"), start)
    seen = [table.behind(at(offset)) for offset in (10, 11, 20, 21)]
    assert seen == [Behind.NONE, Behind.SOME, Behind.SOME, Behind.ALL]
    lookup = StartLookup({("d", "t"): start, ("d", "u"): at(15)})
    lookup.forget(at(15))
    assert set(lookup.starts) == {("d", "t")} and lookup.behind(("d", "u"), at(1)) is Behind.ALL
    lookup.forget(at(20))
    assert not lookup


def test_another_layout_stops() -> None:
    """A table map that is not the one of the table that was cut is not guessed at."""
    start = table_start(KEY, [RangeStart(None, 5, at(10)), RangeStart(5, None, at(20))])
    map_event = bytes(27) + b"\1d\0\1t\0" + b"\2\x0f\3" + b"\2\x05\0" + b"\0"
    with pytest.raises(Stopped, match="cut in ranges"):
        CopiedTable(("d", "t"), start).splitter(map_event, FORMATS[1])


def column(name: str, data_type: str, column_type: str = "", generated: str = "") -> Column:
    """A column of t."""
    return Column(
        table="t",
        name=name,
        data_type=data_type,
        column_type=column_type or data_type,
        charset="",
        collation="",
        nullable=False,
        default=None,
        generated=generated,
        invisible=False,
        auto_increment=False,
    )


def index(name: str, *columns: str, unique: bool = True, prefix: int | None = None) -> Key:
    """An index of t."""
    return Key("t", name, unique, "BTREE", tuple(KeyPart(each, prefix) for each in columns))


def test_which_tables_may_be_cut() -> None:
    """An integer or binary first key column, and no other unique key."""
    columns = [column("a", "varchar"), column("b", "bigint", "bigint(20) unsigned")]
    columns += [column("c", "binary", "binary(16)"), column("d", "int", generated="STORED")]
    assert key_column(columns, [index("PRIMARY", "b", "a")]) == KeyColumn(1, 4, KeyKind.UNSIGNED)
    assert key_column(columns, [index("PRIMARY", "c")]) == KeyColumn(2, 4, KeyKind.BINARY)
    assert key_column(columns, [index("PRIMARY", "b"), index("i", "a", unique=False)])
    for keys in (
        [],
        [index("PRIMARY", "a", "b")],
        [index("PRIMARY", "d")],
        [index("PRIMARY", "c", prefix=4)],
        [index("PRIMARY", "b"), index("u", "a")],
    ):
        assert key_column(columns, keys) is None


def test_tied_tables_are_one_group() -> None:
    """Foreign keys tie tables over any number of others; a table may be tied to itself."""
    a, b, c, d, e = (("d", name) for name in "abcde")
    groups = groups_of([(b, a), (d, c), (c, b), (e, e)])
    assert groups[a] == groups[d] == {a, b, c, d} and groups[e] == {e}
    ties = [(b, a)]
    require_groups_together({a: at(5), b: at(5), c: at(7)}, ties, at(1))
    require_groups_together({a: at(5), b: at(7)}, ties, at(7))
    ranges = table_start(KEY, [RangeStart(None, 5, at(10)), RangeStart(5, None, at(20))])
    for starts in ({a: at(5), b: at(7)}, {a: ranges}):
        with pytest.raises(Stopped) as caught:
            require_groups_together(starts, ties, at(6))
        assert caught.value.code == "TiedTablesApart"
