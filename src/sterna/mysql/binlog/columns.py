"""How long the values of a row image are, from the types and metadata of its table map."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.reader import Reader

_STRING, _ENUM, _SET, _NEWDECIMAL = 254, 247, 248, 246
_DIGITS_PER_WORD, _WORD_BYTES = 9, 4
_BYTES_OF_DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


class Layout(NamedTuple):
    """A value has `fixed_bytes`, or `prefix_bytes` with its length before it; one of them is 0."""

    fixed_bytes: int
    prefix_bytes: int


class MappedColumns(NamedTuple):
    """The columns of a table map: type codes (ENUM and SET as such), lengths, what may be NULL."""

    types: tuple[int, ...]
    layouts: tuple[Layout, ...]
    nullable: tuple[bool, ...]


def mapped_columns(map_body: bytes) -> MappedColumns:
    """The columns in a table map from its database's name on (no table id, flags, checksum).

    BadEvent for a type whose length is not known.
    """
    reader = Reader(map_body)
    for _ in ("database", "table"):
        reader.take(reader.number(1) + 1)
    types = reader.take(reader.packed())
    metadata = Reader(reader.take(reader.packed()))
    found = [_column(kind, metadata) for kind in types]
    if metadata.left_bytes:
        raise BadEvent("A table map has more metadata than its columns need.")
    nulls = reader.take((len(types) + 7) // 8)
    nullable = tuple(bool(nulls[n // 8] & 1 << n % 8) for n in range(len(types)))
    return MappedColumns(tuple(k for k, _ in found), tuple(one for _, one in found), nullable)


def _column(kind: int, metadata: Reader) -> tuple[int, Layout]:
    if kind in _FIXED:
        return kind, Layout(_FIXED[kind], 0)
    if kind == _STRING:
        return _string(metadata)
    read = _BY_METADATA.get(kind)
    if read is None:
        raise BadEvent(f"The length of column type {kind} is not known.")
    return kind, read(metadata)


def _string(metadata: Reader) -> tuple[int, Layout]:
    """CHAR, BINARY, ENUM and SET: the real type, and ten bits of length, in two bytes."""
    kind, length = metadata.number(1), metadata.number(1)
    if kind in (_ENUM, _SET):
        return kind, Layout(length, 0)
    if kind | 0x30 != _STRING:
        raise BadEvent(f"A CHAR column claims to be of type {kind}.")
    length |= (kind & 0x30 ^ 0x30) << 4
    return _STRING, Layout(0, 2 if length > 255 else 1)


def _counted(metadata: Reader) -> Layout:
    """VARCHAR and VARBINARY."""
    return Layout(0, 2 if metadata.number(2) > 255 else 1)


def _blob(metadata: Reader) -> Layout:
    prefix_bytes = metadata.number(1)
    if not 1 <= prefix_bytes <= 4:
        raise BadEvent(f"A BLOB column has lengths of {prefix_bytes} bytes.")
    return Layout(0, prefix_bytes)


def _real(metadata: Reader) -> Layout:
    return Layout(metadata.number(1), 0)


def _bits(metadata: Reader) -> Layout:
    bits, whole_bytes = metadata.number(1), metadata.number(1)
    return Layout(whole_bytes + (bits > 0), 0)


def _decimal(metadata: Reader) -> Layout:
    precision, scale = metadata.number(1), metadata.number(1)
    if scale > precision:
        raise BadEvent(f"A DECIMAL column has {scale} of {precision} digits behind its point.")
    return Layout(_digits_bytes(precision - scale) + _digits_bytes(scale), 0)


def _digits_bytes(digits: int) -> int:
    words, rest = divmod(digits, _DIGITS_PER_WORD)
    return words * _WORD_BYTES + _BYTES_OF_DIGITS[rest]


def _with_fraction(whole_bytes: int) -> Callable[[Reader], Layout]:
    return lambda metadata: Layout(whole_bytes + (metadata.number(1) + 1) // 2, 0)


_FIXED = {
    1: 1,  # TINYINT
    2: 2,  # SMALLINT
    3: 4,  # INT
    7: 4,  # TIMESTAMP before 5.6
    8: 8,  # BIGINT
    9: 3,  # MEDIUMINT
    10: 3,  # DATE
    11: 3,  # TIME before 5.6
    12: 8,  # DATETIME before 5.6
    13: 1,  # YEAR
}
_BY_METADATA: dict[int, Callable[[Reader], Layout]] = {
    4: _real,
    5: _real,
    15: _counted,
    16: _bits,
    17: _with_fraction(4),  # TIMESTAMP
    18: _with_fraction(5),  # DATETIME
    19: _with_fraction(3),  # TIME
    242: _blob,  # VECTOR
    245: _blob,  # JSON
    _NEWDECIMAL: _decimal,
    249: _blob,
    250: _blob,
    251: _blob,
    252: _blob,
    253: _counted,
    255: _blob,  # GEOMETRY
}
