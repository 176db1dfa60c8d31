"""SQL that turns a row into 64 bits, the same on every server version. No I/O.

A row becomes a text first: the numbers, then the lengths of all strings, then the strings, with
commas between. Lengths make it unambiguous ('a,' 'b' is not 'a' ',b') and tell NULL (`N`) from '',
which CONCAT_WS leaves out. Where strings of several character sets meet, the comma is cast to
binary: the server converts nothing then, and every string counts with the bytes it is stored as.
(On MariaDB a binary literal does not outrank a hash made in the same text; it refuses the mix.
The cast costs a fifth of a scan on 9.7, so it is only made where it is needed.)

The CRC32 of the text and that of the text read backwards make 64 bits: SHA2 would cost three times
as much, and 9.x gave up MD5 and SHA1. Making the text costs most, so it is made once and put into
a user variable. Both CRC32s are linear: rows that swap values could cancel each other in an
exclusive or of them. Their product is not linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sterna.errors import Stopped
from sterna.mysql.catalog import Column
from sterna.mysql.identifiers import quote, quote_text

# Above every sum of hashes (2^64 times the rows of any table): found in a sum, it betrays a NULL.
TOO_LONG = 10**40
_TWO_32 = 2**32
SHOWN_CHARACTERS = 100
_ONE_BYTE = frozenset(
    {"", "binary", "ascii", "armscii8", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852"}
    | {"cp866", "dec8", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1"}
    | {"latin2", "latin5", "latin7", "macce", "macroman", "swe7", "tis620"}
)

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
# A JSON column as its own text, read again: what the copy makes of it, which knows no DECIMAL.
REREAD_JSON = "json, its text read again"

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
    REREAD_JSON: lambda name: _without_point_zero(f"CAST({_printed_json(name)} AS JSON)"),
}


def is_chunkable(column: Column) -> bool:
    """Whether ranges can be cut along a column."""
    return column.data_type in _CHUNKABLE


def is_whole_number(column: Column) -> bool:
    """Whether its values can be reckoned with here."""
    return column.data_type in _INTEGERS


def row_hash(columns: Sequence[Column]) -> str:
    """An unsigned 64-bit number per row."""
    forwards, backwards = _halves(columns)
    return f"CAST({forwards} * {_TWO_32} + {backwards} AS UNSIGNED)"


def rows_hash(columns: Sequence[Column], *, are_distinct: bool) -> str:
    """One number for a set of rows, whatever their order.

    Where two rows can be equal it is a sum, because equal rows would cancel each other in an
    exclusive or. Where they cannot, the exclusive or is a tenth faster.
    """
    forwards, backwards = _halves(columns)
    return f"{'BIT_XOR' if are_distinct else 'SUM'}({forwards} * {backwards})"


def row_sum(columns: Sequence[Column]) -> str:
    """A sum for a set of rows, at least `TOO_LONG` where one did not fit into a packet."""
    forwards, backwards = _halves(columns)
    return f"SUM(IFNULL({forwards} * {backwards}, {TOO_LONG}))"


def _halves(columns: Sequence[Column]) -> tuple[str, str]:
    """32 bits of the row read forwards, and 32 read backwards, its large values as well.

    Operands are worked out from left to right, so the second finds the text of the first.
    """
    text = _text_variable(columns)
    backwards = f"REVERSE({text})"
    if _charsets(columns) - _ONE_BYTE:
        backwards = f"REVERSE(CAST({text} AS BINARY))"  # characters need not be whole ones
    large = [column for column in columns if column.data_type in _HASHED]
    if large:
        backwards = f"CONCAT_WS(',', {', '.join([backwards, *_values(large, backwards=True)])})"
    return f"CRC32({text} := {_row_text(columns)})", f"CRC32({backwards})"


def _text_variable(columns: Sequence[Column]) -> str:
    """Where the text of the row being read is. 9.7 takes a variable's character set from the
    statements before, so there is one for each set that a text can have."""
    found = _charsets(columns)
    charset = "binary" if "" in found or _is_mixed(columns) else "".join(found)
    return f"@sterna_row_{charset or 'numbers'}"


def _is_mixed(columns: Sequence[Column]) -> bool:
    """Whether the server would convert between character sets, or refuse to, as MariaDB does to
    mix numbers with latin2_czech_cs."""
    czech = any(column.collation == "latin2_czech_cs" for column in columns)
    return czech or len(_charsets(columns) - {""}) > 1


def _row_text(columns: Sequence[Column]) -> str:
    comma = "CAST(',' AS BINARY)" if _is_mixed(columns) else "','"
    values = ", ".join((*_values(columns), *_lengths(columns), *_strings(columns)))
    return f"CONCAT_WS({comma}, {values})"


def _charsets(columns: Sequence[Column]) -> set[str]:
    """Those whose strings meet in a row's text; "" is none, of bytes."""
    return {column.charset for column in columns if _is_string(column)}


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


def column_hash(column: Column) -> str:
    """32 bits of one column; minus one for NULL."""
    form = quote(column.name) if _is_string(column) else _form(column)
    return f"IFNULL(CRC32({form}), -1)"


def column_shown(column: Column) -> str:
    """The beginning of a column's value, for people."""
    name = quote(column.name)
    if column.charset not in ("", "binary"):
        return f"LEFT(CONVERT({name} USING utf8mb4), {SHOWN_CHARACTERS})"
    if column.data_type in _BYTES | _LARGE | _GEOMETRY | {"vector"}:
        return f"CONCAT('0x', LEFT(HEX({name}), {SHOWN_CHARACTERS}))"
    form = _printed_json(name) if column.data_type in _HASHED else _form(column)
    return f"LEFT(CAST({form} AS CHAR), {SHOWN_CHARACTERS})"


def _is_string(column: Column) -> bool:
    return column.data_type in _STRINGS


def _all_bits(name: str) -> str:
    """A FLOAT or DOUBLE with all its bits, printed alike everywhere.

    Alone a FLOAT prints six digits; as DOUBLE it prints all. Small and large numbers are laid out
    differently by the versions, which even cut digits off. These are scaled by a power of two,
    which is exact, into the range all versions print alike; in two halves, because the whole power
    may lie beyond the largest number. Adding zero makes 0.0 of -0.0, which MariaDB never shows.
    """
    fifties = f"COALESCE(FLOOR(LOG2(NULLIF(ABS({name}), 0)) / 50), 0)"
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


def _values(columns: Sequence[Column], *, backwards: bool = False) -> Iterator[str]:
    for column in columns:
        if not _is_string(column):
            form = _form(column, backwards=backwards)
            yield f"IFNULL({form}, 'N')" if column.nullable else form


def _lengths(columns: Sequence[Column]) -> Iterator[str]:
    """Of all strings but the last, whose length follows from the others', if it is one."""
    strings = [column for column in columns if _is_string(column)]
    for column in strings:
        length = f"LENGTH({quote(column.name)})"
        if column.nullable:
            yield f"IFNULL({length}, 'N')"
        elif column is not strings[-1]:
            yield length


def _strings(columns: Sequence[Column]) -> Iterator[str]:
    """A NULL among them is left out by CONCAT_WS; its length says so."""
    return (quote(column.name) for column in columns if _is_string(column))


def _form(column: Column, *, backwards: bool = False) -> str:
    if inner := _HASHED.get(column.data_type):
        text = inner(quote(column.name))
        return f"CRC32(REVERSE(CAST({text} AS BINARY)))" if backwards else f"CRC32({text})"
    form = _FORMS.get(column.data_type)
    if form is None:
        raise Stopped(
            f"Column {column.name} has the type {column.data_type}, which cannot be compared yet.",
            code="UnknownColumnType",
            remedy="Leave its table out of the verification, or change the column's type.",
        )
    return form(quote(column.name))
