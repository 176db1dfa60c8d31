"""SQL that turns a row into 64 bits, the same on every server version. No I/O.

A row becomes a text first: the numbers, then the lengths of all strings, then the strings, with
commas between. Lengths make it unambiguous ('a,' 'b' is not 'a' ',b') and tell NULL (`N`) from ''.
The comma is cast to binary, which keeps the server from converting between character sets, so every
string counts with the bytes it is stored as. (On MariaDB a binary literal does not outrank a hash
made in the same text; it refuses the mix.) The CRC32 of the text and that of the text read
backwards make 64 bits: SHA2 would cost three times as much, and 9.x gave up MD5 and SHA1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sterna.errors import Stopped
from sterna.mysql.catalog import Column
from sterna.mysql.identifiers import quote, quote_text

# Above every sum of hashes (2^64 times the rows of any table): found in a sum, it betrays a NULL.
TOO_LONG = 10**40
_TWO_32 = 2**32

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_TEMPORAL = frozenset({"date", "datetime", "timestamp", "time", "year"})
_STRINGS = frozenset({"char", "varchar", "binary", "varbinary", "tinytext", "tinyblob"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob"})
_LARGE = frozenset({"text", "mediumtext", "longtext", "blob", "mediumblob", "longblob"})
_GEOMETRY = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "geometrycollection", "geomcollection"),
        *("multipoint", "multilinestring", "multipolygon"),
    }
)
# What a key may be made of to be cut into chunks: its order is the order of its literals.
_CHUNKABLE = _INTEGERS | {"decimal", "date", "datetime", "timestamp"} | _STRINGS

# A JSON column whose two servers print numbers differently: MySQL 5.7 has 52 where 8.0 has 52.0.
LOOSE_JSON = "json, 52.0 as 52"

_FORMS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_INTEGERS | _TEMPORAL | {"decimal"}, lambda name: name),
    **dict.fromkeys(("float", "double"), lambda name: _all_bits(name)),
    # By number: 0, '' and a member called '' are three values; SETs use all 64 bits.
    **dict.fromkeys(("bit", "enum", "set"), lambda name: f"CAST({name} AS UNSIGNED)"),
}
# Hashed one by one, so that their sum need not fit into max_allowed_packet.
_HASHED: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_LARGE | _GEOMETRY | {"vector"}, lambda name: name),
    "json": lambda name: _printed_json(name),
    LOOSE_JSON: lambda name: _without_point_zero(name),
}


def is_chunkable(column: Column) -> bool:
    """Whether ranges can be cut along a column."""
    return column.data_type in _CHUNKABLE


def row_hash(columns: Sequence[Column]) -> str:
    """An unsigned 64-bit number per row; NULL where the text exceeds max_allowed_packet."""
    high, low = _halves(columns)
    return f"CAST({high} * {_TWO_32} + {low} AS UNSIGNED)"


def row_sum(columns: Sequence[Column]) -> str:
    """The sum of the hashes of a set of rows, at least `TOO_LONG` where one of them is NULL.

    A sum and not an exclusive or: two equal rows must not cancel each other.
    """
    high, low = _halves(columns)
    return f"(SUM(IFNULL({high}, {TOO_LONG})) * {_TWO_32} + SUM(IFNULL({low}, 0)))"


def _halves(columns: Sequence[Column]) -> tuple[str, str]:
    """32 bits of the row read forwards, and 32 read backwards, its large values as well."""
    forwards, backwards = (_row_text(columns, backwards=each) for each in (False, True))
    return f"CRC32({forwards})", f"CRC32(REVERSE({backwards}))"


def _row_text(columns: Sequence[Column], *, backwards: bool) -> str:
    values = _values(columns, backwards=backwards)
    text = ", ".join((*values, *_lengths(columns), *_strings(columns)))
    return f"CONCAT_WS(CAST(',' AS BINARY), {text})"


def key_text(column: Column) -> str:
    """A column of a key as text without loss: hexadecimal for strings, printed for others."""
    if _is_string(column):
        return f"HEX({quote(column.name)})"
    return f"CAST({_form(column)} AS CHAR)"


def key_literal(column: Column, text: str) -> str:
    """The SQL literal for a value read with `key_text`; only for chunkable columns."""
    if column.data_type in _BYTES:
        return f"x'{text}'"
    if _is_string(column):
        return f"_{column.charset} x'{text}'"
    if column.data_type in _TEMPORAL:
        return quote_text(text)
    return text


def key_shown(column: Column, text: str) -> str:
    """A value read with `key_text`, for people."""
    if not _is_string(column):
        return text
    raw = bytes.fromhex(text)
    return repr(raw.decode()) if raw.isascii() else f"0x{text}"


def _is_string(column: Column) -> bool:
    return column.data_type in _STRINGS


def _all_bits(name: str) -> str:
    """A FLOAT or DOUBLE with all its bits, printed alike everywhere.

    Alone a FLOAT prints six digits; as DOUBLE it prints all. Small and large numbers are laid out
    differently by the versions, which even cut digits off. These are scaled by a power of two,
    which is exact, into the range all versions print alike; in two halves, because the whole power
    may lie beyond the largest number. Adding zero makes 0.0 of -0.0, which MariaDB never shows.
    """
    fifties = f"COALESCE(FLOOR(LOG2(ABS({name})) / 50), 0)"
    half = f"POW(2, -25 * {fifties})"
    scaled = f"CONCAT({name} * {half} * {half} + 0e0, 'p', {fifties})"
    return f"IF(ABS({name}) BETWEEN 1e-3 AND 1e14, {name} + 0e0, {scaled})"


def _printed_json(name: str) -> str:
    return f"CAST({name} AS CHAR CHARACTER SET utf8mb4)"


def _without_point_zero(name: str) -> str:
    """JSON with `.0` taken away before `, `, `]`, `}` and the end, on both sides alike.

    Inside a string as well, where a difference of just that is not seen. A regular expression
    would know strings from numbers, but 5.7 has none and 9.7 gives up on long values.
    """
    text = f"CONCAT({_printed_json(name)}, ']')"
    for end in (", ", "]", "}"):
        text = f"REPLACE({text}, '.0{end}', '{end}')"
    return text


def _values(columns: Sequence[Column], *, backwards: bool) -> Iterator[str]:
    for column in columns:
        if not _is_string(column):
            form = _form(column, backwards=backwards)
            yield f"IFNULL({form}, 'N')" if column.nullable else form


def _lengths(columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        if _is_string(column):
            length = f"LENGTH({quote(column.name)})"
            yield f"IFNULL({length}, 'N')" if column.nullable else length


def _strings(columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        if _is_string(column):
            name = quote(column.name)
            yield f"IFNULL({name}, '')" if column.nullable else name


def _form(column: Column, *, backwards: bool = False) -> str:
    if inner := _HASHED.get(column.data_type):
        text = inner(quote(column.name))
        return f"CRC32(REVERSE({text}))" if backwards else f"CRC32({text})"
    form = _FORMS.get(column.data_type)
    if form is None:
        raise Stopped(
            f"Column {column.name} has the type {column.data_type}, which cannot be compared yet.",
            code="UnknownColumnType",
            remedy="Leave its table out of the verification, or change the column's type.",
        )
    return form(quote(column.name))
