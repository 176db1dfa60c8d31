"""What a table is cut along: an index, its order, and values of it that are stored exactly. No I/O.

A boundary is a row's values in the leading columns of a unique key without NULL, whatever their
types; rows are above it or not, in the index's own order, so two boundaries hold every row between
them exactly once. It is kept as text without loss (strings as hexadecimal of their bytes) and
written as a literal of the column's character set, which the server compares in the column's
collation. Conditions are written out column by column: 5.6 walks no index for row constructors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sterna.dataplane.verify_expressions import is_chunkable, key_literal
from sterna.dataplane.verify_scope import above, up_to
from sterna.mysql.catalog import Column, Key
from sterna.mysql.identifiers import quote

Boundary = tuple[str, ...]  # as `key_text` reads it, one per column

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_BINARIES = frozenset({"binary", "varbinary"})
_ALSO_ORDERED = frozenset({"time", "year", "bit"})
_ORDINAL_BYTES = 8
# Collations whose order MariaDB and MySQL share; between versions of one of them none changes,
# or their indexes would be corrupt after an upgrade.
_SHARED_ORDERS = ("bin", "general_ci", "swedish_ci", "unicode_ci", "unicode_520_ci")


@dataclass(frozen=True)
class RangeKey:
    """The index a table is cut along, and its leading columns that boundaries have values of.

    `is_alike`: the destination orders the values as the origin does, so that one condition means
    the same rows there. Where it does not, a table is cut, but not gone on with after a crash.
    `is_whole`: no two rows have the same values in these columns.
    """

    index: str
    columns: tuple[Column, ...]
    is_alike: bool = True
    is_whole: bool = False

    @property
    def ordinals(self) -> bool:
        """Whether the first column's values are, or begin with, a number: see `ordinal`."""
        return self.columns[0].data_type in INTEGERS | _BINARIES

    def leading(self, width: int) -> RangeKey:
        """The same index, of which boundaries have only so many columns."""
        is_whole = self.is_whole and width >= len(self.columns)
        return replace(self, columns=self.columns[:width], is_whole=is_whole)

    def condition(self, low: Boundary | None, high: Boundary | None) -> str:
        """Rows above `low` and not above `high`, "" for all rows."""
        names = [quote(column.name) for column in self.columns]
        sides = [above(names, self.literals(low))] if low else []
        sides += [up_to(names, self.literals(high))] if high else []
        return " AND ".join(f"({side})" for side in sides)

    def literals(self, boundary: Boundary) -> list[str]:
        """The boundary in SQL, for either server."""
        pairs = zip(self.columns, boundary, strict=True)
        return [key_literal(column, text) for column, text in pairs]


def range_key(
    columns: Sequence[Column], keys: Iterable[Key], *, same_server_kind: bool
) -> RangeKey | None:
    """What a table can be cut along: its primary key or else another unique key without NULL.

    None where there is no such key. `same_server_kind`: both are MySQL, or both MariaDB.
    """
    by_name = {column.name: column for column in columns}
    for key in keys:
        if leading := _leading(key, by_name):
            alike = all(same_server_kind or _has_shared_order(column) for column in leading)
            return RangeKey(key.name, leading, alike, len(leading) == len(key.parts))
    return None


def _leading(key: Key, by_name: Mapping[str, Column]) -> tuple[Column, ...]:
    """The columns at the key's beginning whose order is that of their literals."""
    parts = [by_name.get(part.column) for part in key.parts]
    if not key.unique or any(column is None or column.nullable for column in parts):
        return ()
    found: list[Column] = []
    for part, column in zip(key.parts, parts, strict=True):
        if column is None or part.prefix_characters or not _is_walkable(column):
            break
        found.append(_named_alike(column))
    return tuple(found)


def _is_walkable(column: Column) -> bool:
    return (is_chunkable(column) or column.data_type in _ALSO_ORDERED) and not column.generated


def _named_alike(column: Column) -> Column:
    """Every version knows utf8mb3 as the name of a literal's character set."""
    return replace(column, charset="utf8mb3") if column.charset == "utf8" else column


def _has_shared_order(column: Column) -> bool:
    return not column.collation or column.collation.endswith(_SHARED_ORDERS)


# Values, and numbers in between


def bound(key: RangeKey, boundary: Boundary | None) -> int | bytes | None:
    """The only value of a boundary, as `range_starts` compares it; None where there is no end.

    ValueError for a key that is neither a number nor a binary string, or has several columns.
    """
    if boundary is None:
        return None
    if not key.ordinals or len(boundary) > 1:
        raise ValueError("no single number or binary string")
    column, text = key.columns[0], boundary[0]
    return int(text) if column.data_type in INTEGERS else bytes.fromhex(text)


def ordinal(column: Column, text: str) -> int:
    """An integer's value, or the first bytes of a binary string as a number."""
    if column.data_type in INTEGERS:
        return int(text)
    return int.from_bytes(bytes.fromhex(text)[:_ORDINAL_BYTES].ljust(_ORDINAL_BYTES, b"\0"))


def at_ordinal(column: Column, number: int) -> Boundary:
    """The boundary that has this ordinal: the last key at or below it ends there.

    BINARY is as long as its column: what a shorter literal is compared as differs by version.
    """
    if column.data_type in INTEGERS:
        return (str(number),)
    octets = number.to_bytes(_ORDINAL_BYTES)
    length = int(column.column_type.partition("(")[2].rstrip(")") or 1)
    whole = octets.ljust(length, b"\0") if column.data_type == "binary" else octets
    return (whole[:length].hex().upper(),)
