"""The native transcoder against ten lines of Python that say what it must do."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sterna.dataplane._native.transcode import Transcoder

Row = tuple[bytes | None, ...]
EOF_PACKET = b"\xfe\x00\x00\x22\x00"
ERR_PACKET = b"\xff\x84\x05#HY000Table definition has changed"


def field_bytes(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    if size < 1 << 24:
        return b"\xfd" + size.to_bytes(3, "little") + value
    return b"\xfe" + size.to_bytes(8, "little") + value


def framed(payload: bytes) -> bytes:
    """As packets; a payload of 16 MB - 1 or more goes on in further packets."""
    packets, full = b"", (1 << 24) - 1
    for start in range(0, len(payload) + 1, full):
        piece = payload[start : start + full]
        packets += len(piece).to_bytes(3, "little") + b"\x07" + piece
    return packets


def result_set(rows: list[Row], last: bytes = EOF_PACKET) -> bytes:
    return b"".join(framed(b"".join(map(field_bytes, row))) for row in rows) + framed(last)


def expected_line(row: Row) -> bytes:
    def escaped(value: bytes | None) -> bytes:
        if value is None:
            return b"\\N"
        value = value.replace(b"\\", b"\\\\")
        return value.replace(b"\t", b"\\t").replace(b"\n", b"\\n")

    return b"\t".join(map(escaped, row)) + b"\n"


def run(
    stream: bytes, *, columns: int, rows_max: int, piece: int
) -> tuple[list[bytes], Transcoder]:
    """Feed the stream in pieces; the chunks' bytes without their packet headers."""
    transcoder = Transcoder(columns)
    chunks, waiting, at = [], b"", 0
    while not transcoder.ended:
        chunk, sequence = b"", 2
        transcoder.start_chunk(rows_max=rows_max, sequence=sequence)
        while not transcoder.ended:
            if not waiting:
                assert at < len(stream), "ran past the end of the stream"
                waiting, at = stream[at : at + piece], at + piece
            packets = bytearray(3 * len(waiting) + 64)
            consumed, produced = transcoder.transcode(waiting, packets)
            if produced:
                assert int.from_bytes(packets[:3], "little") == produced - 4
                assert packets[3] == sequence % 256
                sequence += 1
            chunk += packets[4:produced]
            full = consumed < len(waiting)
            waiting = waiting[consumed:]
            if full:
                break
        chunks.append(chunk)
    return chunks, transcoder


values = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.text(alphabet="\\\t\n\0\r'ab", max_size=30).map(str.encode),
    st.binary(min_size=250, max_size=300),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, list[Row]]:
    columns = draw(st.integers(1, 4))
    return columns, draw(st.lists(st.tuples(*[values] * columns), max_size=12))


@given(tables(), st.integers(1, 5), st.integers(1, 400))
def test_any_rows_cut_anywhere_come_out_as_load_data_reads_them(
    table: tuple[int, list[Row]], rows_max: int, piece: int
) -> None:
    """Whatever the rows and wherever the stream is cut, each chunk holds exactly its rows."""
    columns, rows = table
    chunks, transcoder = run(result_set(rows), columns=columns, rows_max=rows_max, piece=piece)
    wanted = [expected_line(row) for row in rows]
    assert b"".join(chunks) == b"".join(wanted)
    for number, chunk in enumerate(chunks):
        assert chunk == b"".join(wanted[number * rows_max : (number + 1) * rows_max])
    assert transcoder.failure is None


@given(tables(), st.integers(0, 30), st.integers(1, 40))
def test_a_chunk_that_is_ended_early_ends_behind_a_row(
    table: tuple[int, list[Row]], pieces: int, size: int
) -> None:
    """However far it has come: the row that is under way is written to its end, no other begun."""
    columns, rows = table
    stream, transcoder = result_set(rows), Transcoder(columns)
    transcoder.start_chunk(rows_max=1000, sequence=2)
    chunk, taken, at_most = b"", 0, len(rows)
    for number in range(len(stream)):
        if number == pieces:
            at_most = transcoder.rows + 1
            transcoder.end_chunk()
        if transcoder.is_full or transcoder.ended:
            break
        packets = bytearray(3 * size + 64)
        consumed, produced = transcoder.transcode(stream[taken : taken + size], packets)
        taken, chunk = taken + consumed, chunk + packets[4:produced]
    assert transcoder.rows <= at_most
    assert chunk == b"".join(map(expected_line, rows[: transcoder.rows]))


@given(st.integers(1, 100))
def test_an_error_after_rows_is_kept_whole(piece: int) -> None:
    """An ERR packet ends the rows and is there to be read, however it was cut."""
    stream = result_set([(b"1",), (None,)], last=ERR_PACKET)
    chunks, transcoder = run(stream, columns=1, rows_max=100, piece=piece)
    assert chunks == [b"1\n\\N\n"]
    assert transcoder.failure == ERR_PACKET


@pytest.mark.parametrize("size", [(1 << 24) - 6, (1 << 24) - 5, (1 << 24), (1 << 24) + 70_000])
def test_a_row_longer_than_a_packet_goes_on_in_the_next(size: int) -> None:
    """Rows around and above 16 MB are joined from their packets, also at the exact border."""
    pattern = bytes(itertools.islice(itertools.cycle(b"abc\\def\n\tg"), 1000))
    value = (pattern * (size // 1000 + 1))[:size]
    chunks, transcoder = run(
        result_set([(value, b"x"), (b"y", None)]), columns=2, rows_max=9, piece=1 << 18
    )
    assert b"".join(chunks) == expected_line((value, b"x")) + expected_line((b"y", None))
    assert transcoder.ended


@pytest.mark.parametrize(
    "payload", [b"\x01a\x01b\x01c", b"\x01a", b"\x05ab", b"\x01a\xfc\x01", b"\x01a\xff"]
)
@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_a_row_of_another_shape_is_refused(payload: bytes, piece: int) -> None:
    """A row with more or fewer bytes than its two columns is an error, never a guess."""
    with pytest.raises(ValueError, match="columns"):
        run(framed(payload) + framed(EOF_PACKET), columns=2, rows_max=9, piece=piece)


def test_a_small_output_is_refused() -> None:
    """The caller must leave room for the worst case, so nothing is written past the end."""
    transcoder = Transcoder(1)
    transcoder.start_chunk(rows_max=1, sequence=2)
    with pytest.raises(ValueError, match="3 bytes per byte"):
        transcoder.transcode(b"x" * 100, bytearray(300))
