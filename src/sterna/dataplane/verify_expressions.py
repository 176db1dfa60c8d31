"""SQL that turns a row into 64 bits, the same on every server version. No I/O.

There are two hashes of 32 bits, each of the whole row. Both take the whole numbers as they are, by
arithmetic (see `verify_mix`), the lengths of strings among them. What has to be read byte by byte
becomes a text: numbers with fractions, then strings, with commas between. Lengths make it
unambiguous ('a,' 'b' is not 'a' ',b') and tell NULL from '', which CONCAT_WS leaves out. One hash
takes the CRC32 of the text, the other that of the text read backwards: SHA2 would cost three times
as much, and 9.x gave up MD5 and SHA1. Large values are hashed one by one, in both ways.

Where strings of several character sets meet, or characters of several bytes, the comma is cast to
binary: the server converts nothing then, and every string counts with the bytes it is stored as.
(On MariaDB a binary literal does not do; and to cast the text itself is what costs on 9.7.)

CRC32s are linear: rows that swap values could cancel each other in an exclusive or of them. The
product of the two hashes is not linear. `docs/decisions/0021-sixty-four-bits-of-a-row.md` has the
argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sterna.dataplane.verify_mix import PRIMES, SMALL_BITS, joined, medium, small, wide
from sterna.errors import Stopped
from sterna.mysql.catalog import Column
from sterna.mysql.identifiers import quote, quote_text

# Above every sum of hashes (2^64 times the rows of any table): found in a sum, it betrays a NULL.
TOO_LONG = 10**40
_TWO_32 = 2**32
# Else a row and the same read backwards would exchange their hashes, which have one product.
_APART = 0x9E3779B9
SHOWN_CHARACTERS = 100
FEW_NUMBERS = 4
MODERATE_MAX = 8  # columns of 64 KiB fit into one text, whatever max_allowed_packet is
_ONE_BYTE = frozenset(
    {"", "binary", "ascii", "armscii8", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852"}
    | {"cp866", "dec8", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1"}
    | {"latin2", "latin5", "latin7", "macce", "macroman", "swe7", "tis620"}
)

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_TEMPORAL = frozenset({"date", "datetime", "timestamp", "time", "year"})
_REALS = frozenset({"float", "double"})
_CLOCKS = frozenset({"datetime", "timestamp", "time"})  # that may have a fraction
# Numbers by how large they can be; of dates and times those that have no fraction.
_BITS = frozenset({"bigint", "bit", "set"})
_MEDIUM = frozenset({"datetime", "timestamp"})
_SMALL = (_INTEGERS - _BITS) | _TEMPORAL | {"enum"}
_STRINGS = frozenset({"char", "varchar", "binary", "varbinary", "tinytext", "tinyblob"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob"})
_MODERATE = frozenset({"text", "blob"})  # up to 64 KiB
_LARGE = _MODERATE | {"mediumtext", "longtext", "mediumblob", "longblob"}
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
    **dict.fromkeys(_REALS, lambda name: _all_bits(name)),
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
    exclusive or. Where they cannot, the exclusive or is a tenth faster, and so are few numbers
    that need not be printed.
    """
    forwards, backwards = _halves(columns, printed_above=FEW_NUMBERS if are_distinct else 0)
    return f"{'BIT_XOR' if are_distinct else 'SUM'}({forwards} * {backwards})"


def row_sum(columns: Sequence[Column]) -> str:
    """A sum for a set of rows, at least `TOO_LONG` where one did not fit into a packet."""
    forwards, backwards = _halves(columns)
    return f"SUM(IFNULL({forwards} * {backwards}, {TOO_LONG}))"


def _halves(columns: Sequence[Column], *, printed_above: int = 0) -> tuple[str, str]:
    """Two hashes of 32 bits, in parentheses. More whole numbers than so many are printed as one.

    Operands are worked out from left to right, so the second finds the text of the first.
    """
    _refuse_unknown(columns)
    numbers = [*_whole_numbers(columns), *_lengths(columns)]
    printed = [text for column in columns for text in _printed(column)]
    if numbers and (printed or len(numbers) > printed_above):
        printed, numbers = [_unsigned(numbers), *printed], []
    forwards, backwards = _texts(columns, printed)
    return (
        _half(forwards, [*numbers, *_large(columns)], PRIMES[0]),
        _half(backwards, [*numbers, *_large(columns, backwards=True)], PRIMES[1], apart=_APART),
    )


def _refuse_unknown(columns: Sequence[Column]) -> None:
    for column in columns:
        if not _is_string(column):
            _form(column)


def _half(text: str, numbers: Sequence[str], prime: int, *, apart: int = 0) -> str:
    rest = [f"({_unsigned(numbers)}) % {prime}"] if numbers else []
    rest += [str(apart)] * bool(apart)
    return "(" + " ^ ".join([f"CRC32({text})"] * bool(text) + [f"({each})" for each in rest]) + ")"


def _unsigned(numbers: Sequence[str]) -> str:
    """All terms as one; without an operation on bits -5 stays negative, and the products of 5 and
    -5 are the same."""
    return joined(numbers if len(numbers) > 1 else [*numbers, "0"])


def _texts(columns: Sequence[Column], printed: Sequence[str]) -> tuple[str, str]:
    """The text of a row and the same backwards; "" where it has none.

    It is kept in a variable when numbers are printed. Strings alone are read twice sooner.
    """
    strings = list(_strings(columns))
    if not printed and not strings:
        return "", ""
    is_binary = _is_mixed(columns) or bool(_charsets(columns) - _ONE_BYTE)
    between = [text for each in printed for text in (each, "','")]
    beginning = ["CAST('' AS BINARY)"] if is_binary else []
    text = f"CONCAT({', '.join((*beginning, *between, *strings))})"
    if not printed:
        return text, f"REVERSE({text})"
    variable = _variable(columns, is_binary)
    return f"{variable} := {text}", f"REVERSE({variable})"


def _variable(columns: Sequence[Column], is_binary: bool) -> str:
    """Where the text of the row being read is. 9.7 takes a variable's character set from the
    statements before, so there is one for each set that a text can have."""
    charsets = _charsets(columns)
    charset = "binary" if is_binary or "" in charsets else "".join(charsets)
    return f"@sterna_row_{charset or 'numbers'}"


def _is_mixed(columns: Sequence[Column]) -> bool:
    """Whether the server would convert between character sets, or refuse to, as MariaDB does to
    mix numbers with latin2_czech_cs."""
    czech = any(column.collation == "latin2_czech_cs" for column in columns)
    return czech or len(_charsets(columns)) > 1


def _charsets(columns: Sequence[Column]) -> set[str]:
    """Those whose strings meet in a row's text; "" is none, of bytes."""
    return {column.charset for column in _joint(columns)}


def _joint(columns: Sequence[Column]) -> list[Column]:
    """Strings that are put together to be hashed; others are hashed alone."""
    moderate = [column for column in columns if column.data_type in _MODERATE]
    together = _STRINGS | _MODERATE if len(moderate) <= MODERATE_MAX else _STRINGS
    return [column for column in columns if column.data_type in together]


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
    """64 bits of one column as text, which tell NULL from everything."""
    form = quote(column.name) if _is_string(column) else _form(column)
    backwards = f"CRC32(REVERSE(CAST({form} AS BINARY)))"
    if column.data_type in _HASHED:
        backwards = _form(column, backwards=True)
    return f"IFNULL(CONCAT(CRC32({form}), ' ', {backwards}), '')"


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
    return f"IF(ABS({name}) BETWEEN 1e-3 AND 1e14, {name} + 0e0, {_scaled(name)})"


def _scaled(name: str) -> str:
    fifties = f"COALESCE(FLOOR(LOG2(NULLIF(ABS({name}), 0)) / 50), 0)"
    half = f"POW(2, -25 * {fifties})"
    return f"CONCAT({name} * {half} * {half} + 0e0, 'p', {fifties})"


def _exactly(name: str) -> str:
    """A FLOAT or DOUBLE with all its bits, as fast as can be: scaled by a power of two, which is
    exact, it is a whole number for as many sizes as matter. With `_exponent` it is only one."""
    scale = f"({2**62} >> 10 * {_exponent(name)})"
    whole = f"CAST({name} * {scale} AS SIGNED)"
    return f"IF(ABS({name}) BETWEEN {2.0**-10!r}e0 AND {2.0**60:.0f}e0, {whole}, {_scaled(name)})"


def _exponent(name: str) -> str:
    limits = ", ".join(f"{2.0**power:.0f}e0" for power in range(0, 60, 10))
    return f"INTERVAL(ABS({name}), {limits})"


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


def _whole_numbers(columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        name, place = quote(column.name), column.name
        if column.data_type in _REALS:
            yield small(_exponent(name), place)
        elif column.data_type in _BITS and _bits(column) <= SMALL_BITS:
            yield small(f"{name} & {2**SMALL_BITS - 1}", place, nullable=column.nullable)
        elif column.data_type in _BITS:
            yield wide(name, place, nullable=column.nullable)
        elif column.data_type in _SMALL and not _has_fraction(column):
            term = medium if column.data_type in _MEDIUM else small
            yield term(name, place, nullable=column.nullable)


def _bits(column: Column) -> int:
    """How many a number may have, at most."""
    if column.data_type == "set":
        return column.column_type.count(",") + 1  # of its members; some may have a comma inside
    return int(column.column_type[4:-1]) if column.data_type == "bit" else 64


def _has_fraction(column: Column) -> bool:
    """Of seconds; as whole numbers, some versions round and others cut."""
    return column.data_type in _CLOCKS and "(" in column.column_type


def _large(columns: Sequence[Column], *, backwards: bool = False) -> Iterator[str]:
    joint = _joint(columns)
    for column in columns:
        if column.data_type in _HASHED and column not in joint:
            form = _form(column, backwards=backwards)
            yield small(form, f"{column.name} {backwards}", nullable=column.nullable)


def _printed(column: Column) -> Iterator[str]:
    """Numbers that are no whole ones."""
    name = quote(column.name)
    if column.data_type in _REALS:
        yield _or_n(_exactly(name), column)
    elif column.data_type == "decimal" or _has_fraction(column):
        yield _or_n(name, column)


def _or_n(form: str, column: Column) -> str:
    return f"IFNULL({form}, 'N')" if column.nullable else form


def _lengths(columns: Sequence[Column]) -> Iterator[str]:
    """Of all strings but the last, whose length follows from the others', if it is one."""
    strings = _joint(columns)
    for column in strings:
        if column.nullable or column is not strings[-1]:
            length, place = f"LENGTH({quote(column.name)})", f"{column.name} length"
            yield small(length, place, nullable=column.nullable)


def _strings(columns: Sequence[Column]) -> Iterator[str]:
    for column in _joint(columns):
        name = quote(column.name)
        yield f"IFNULL({name}, '')" if column.nullable else name


def _form(column: Column, *, backwards: bool = False) -> str:
    if inner := _HASHED.get(column.data_type):
        text = inner(quote(column.name))
        return f"CRC32({_backwards(text, column)})" if backwards else f"CRC32({text})"
    form = _FORMS.get(column.data_type)
    if form is None:
        raise Stopped(
            f"Column {column.name} has the type {column.data_type}, which cannot be compared yet.",
            code="UnknownColumnType",
            remedy="Leave its table out of the verification, or change the column's type.",
        )
    return form(quote(column.name))


def _backwards(text: str, column: Column) -> str:
    """Byte by byte. Behind something binary it is binary itself, for less than a cast."""
    if column.charset in _ONE_BYTE and column.data_type in _LARGE:
        return f"REVERSE({text})"
    return f"REVERSE(CONCAT(CAST('' AS BINARY), {text}))"
