"""Which rows of a table are compared at once: key ranges, single keys, buckets of hashes. No I/O.

A scope is asked for its condition once per side, because literals are spelled with the character
set names of the server they go to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sterna.dataplane.verify_expressions import (
    is_chunkable,
    is_whole_number,
    key_literal,
    key_shown,
    key_text,
    row_hash,
    rows_hash,
)
from sterna.mysql.catalog import Column
from sterna.mysql.identifiers import quote, quote_text

BUCKETS = 1024
SINGLE_KEYS_MAX = 200

Identity = tuple[str, ...]  # the key's values as `key_text` gives them; without a key the hash


@dataclass(frozen=True)
class Layout:
    """A table as one server describes it.

    Attributes:
        columns: all that is compared, in one order on both sides.
        key: columns that identify a row; empty where rows can only be counted.
        key_name: the index to walk along, "" without a key.
        prints_point_zero: whether the server prints a JSON number 52e0 as 52.0 (else as 52).
    """

    database: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    key_name: str
    prints_point_zero: bool

    @property
    def name(self) -> str:
        """Quoted for SQL."""
        return quote(self.database, self.table)

    @property
    def walk(self) -> tuple[Column, ...]:
        """The leading columns of the key that ranges can be cut along."""
        found: list[Column] = []
        for column in self.key:
            if not is_chunkable(column):
                break
            found.append(column)
        return tuple(found)

    @property
    def is_numbered(self) -> bool:
        """Whether the key is one whole number, so that ranges can be reckoned and not looked up."""
        return len(self.key) == 1 and is_whole_number(self.key[0])

    def shown(self, identity: Identity) -> str:
        """A row, for people."""
        if not self.key:
            return f"hash {int(identity[0]):016x}"
        named = zip(self.key, identity, strict=True)
        return ", ".join(f"{column.name} = {key_shown(column, text)}" for column, text in named)


class Scope(Protocol):
    """Some rows of a table."""

    def where(self, layout: Layout) -> str:
        """The condition, in the words of one side."""

    def narrowed(self, layout: Layout, identities: Collection[Identity]) -> Scope:
        """A scope that holds these rows and, if it can, few others."""


@dataclass(frozen=True)
class Range:
    """Keys above `low` up to and including `high`; None is no limit."""

    low: Identity | None = None
    high: Identity | None = None

    def where(self, layout: Layout) -> str:
        """Disjoint ranges, so that a composite key is walked and not scanned."""
        walk = layout.walk
        low = _literals(walk, self.low) if self.low else None
        high = _literals(walk, self.high) if self.high else None
        return _between([quote(column.name) for column in walk], low, high)

    def narrowed(self, layout: Layout, identities: Collection[Identity]) -> Scope:
        """Single keys, when they are few."""
        if not layout.key:
            return Buckets(frozenset(int(identity[0]) % BUCKETS for identity in identities))
        if not layout.walk or len(identities) > SINGLE_KEYS_MAX:
            return self
        width = len(layout.walk)
        return Keys(frozenset(identity[:width] for identity in identities))


@dataclass(frozen=True)
class Keys:
    """Single keys."""

    keys: frozenset[Identity]

    def where(self, layout: Layout) -> str:
        """One equality per key; OR, because 5.6 walks no index for row constructors."""
        names = [quote(column.name) for column in layout.walk]
        return " OR ".join(
            "(" + _equal(names, _literals(layout.walk, key)) + ")" for key in sorted(self.keys)
        )

    def narrowed(self, layout: Layout, identities: Collection[Identity]) -> Scope:
        """Fewer keys."""
        width = len(layout.walk)
        return Keys(frozenset(identity[:width] for identity in identities))


@dataclass(frozen=True)
class Scanned:
    """Rows of a range by their keys as texts: every row is looked at, and no index is trusted."""

    within: Range
    keys: frozenset[Identity]

    def where(self, layout: Layout) -> str:
        """A condition that no index knows."""
        texts = ", ".join(key_text(column) for column in layout.key)
        rows = (", ".join(map(quote_text, key)) for key in sorted(self.keys))
        return (
            f"({self.within.where(layout)}) AND ({texts}) IN ({', '.join(f'({r})' for r in rows)})"
        )

    def narrowed(self, layout: Layout, identities: Collection[Identity]) -> Scope:
        """Fewer keys."""
        return Scanned(self.within, frozenset(identities))


@dataclass(frozen=True)
class Buckets:
    """Rows by their hash, for tables without a key."""

    numbers: frozenset[int]

    def where(self, layout: Layout) -> str:
        """A full scan, but only these rows travel."""
        numbers = ", ".join(map(str, sorted(self.numbers)))
        return f"{row_hash(layout.columns)} MOD {BUCKETS} IN ({numbers})"

    def narrowed(self, layout: Layout, identities: Collection[Identity]) -> Scope:
        """Fewer buckets."""
        return Buckets(frozenset(int(identity[0]) % BUCKETS for identity in identities))


def in_parts(counts: Mapping[int, int], rows_max: int) -> Iterator[Buckets]:
    """Buckets by how many rows they have, so many together that they have about `rows_max`."""
    together: set[int] = set()
    for number in sorted(counts):
        together.add(number)
        if sum(counts[each] for each in together) >= rows_max:
            yield Buckets(frozenset(together))
            together = set()
    if together:
        yield Buckets(frozenset(together))


def checksum_sql(layout: Layout, scope: Scope) -> str:
    """One row: how many rows, and one number for them all."""
    hashed = rows_hash(layout.columns, are_distinct=bool(layout.key))
    return select_sql(layout, ["COUNT(*)", hashed], scope)


def rows_sql(layout: Layout, scope: Scope) -> str:
    """One row per row: its key, then its hash."""
    items = [*(key_text(column) for column in layout.key), row_hash(layout.columns)]
    return select_sql(layout, items, scope)


def select_sql(layout: Layout, items: Sequence[str], scope: Scope) -> str:
    """These expressions for every row of a scope."""
    return f"SELECT {', '.join(items)} FROM {rows_of(layout, scope)}"


def rows_of(layout: Layout, scope: Scope) -> str:
    """What stands behind FROM to find the rows of a scope along the key."""
    return f"{layout.name}{_forced(layout)} WHERE {scope.where(layout)}"


def delete_sql(layout: Layout, scope: Scope) -> str:
    """Written like a DELETE of several tables, because that one can be told an index."""
    return f"DELETE {layout.name} FROM {rows_of(layout, scope)}"


def buckets_sql(layout: Layout) -> str:
    """One row per bucket: its number, how many rows, the sum of their hashes."""
    inner = f"SELECT {row_hash(layout.columns)} AS h FROM {layout.name}"
    return f"SELECT h MOD {BUCKETS}, COUNT(*), SUM(h) FROM ({inner}) AS hashes GROUP BY 1"


def boundary_sql(layout: Layout, scope: Range, rows: int) -> str:
    """The key of the last of the first so many rows of a range; no row where it has fewer."""
    items = [key_text(column) for column in layout.walk]
    order = ", ".join(quote(column.name) for column in layout.walk)
    return f"{select_sql(layout, items, scope)} ORDER BY {order} LIMIT {rows - 1}, 1"


def ends_sql(layout: Layout, low: Identity | None) -> str:
    """The smallest key above `low` and the largest of all, for a key of one whole number; or NULL.

    Not MIN and MAX of one range: servers read all of it for both.
    """
    name, table = quote(layout.walk[0].name), f"{layout.name}{_forced(layout)}"
    first = f"SELECT {name} FROM {table} WHERE {Range(low).where(layout)} ORDER BY {name} LIMIT 1"
    last = f"SELECT {name} FROM {table} ORDER BY {name} DESC LIMIT 1"
    return f"SELECT ({first}), ({last})"


def estimate_sql(layout: Layout, scope: Scope) -> str:
    """Its column `rows` is how many rows the server thinks a scope has."""
    return f"EXPLAIN FORMAT=TRADITIONAL {select_sql(layout, ['1'], scope)}"


def _forced(layout: Layout) -> str:
    return f" FORCE INDEX ({quote(layout.key_name)})" if layout.walk else ""


def _literals(columns: Sequence[Column], identity: Identity) -> list[str]:
    return [key_literal(column, text) for column, text in zip(columns, identity, strict=True)]


def _between(names: list[str], low: list[str] | None, high: list[str] | None) -> str:
    if low is None or high is None:
        return _one_sided(names, low, high)
    same = 0
    while same < len(names) and low[same] == high[same]:
        same += 1
    if same == len(names):
        return "FALSE"
    prefix = _equal(names[:same], low[:same])
    name, rest = names[same], names[same + 1 :]
    parts = [f"{name} > {low[same]} AND {name} < {high[same]}"]
    if rest:
        parts.append(f"{name} = {low[same]} AND ({above(rest, low[same + 1 :])})")
        parts.append(f"{name} = {high[same]} AND ({up_to(rest, high[same + 1 :])})")
    else:
        parts = [f"{name} > {low[same]} AND {name} <= {high[same]}"]
    return " OR ".join(f"({prefix}{' AND ' if prefix else ''}{part})" for part in parts)


def _one_sided(names: list[str], low: list[str] | None, high: list[str] | None) -> str:
    if low is not None:
        return above(names, low)
    return up_to(names, high) if high is not None else "TRUE"


def above(names: list[str], low: list[str]) -> str:
    """Rows whose key is greater; one condition per column, so that an index is walked."""
    first = f"{names[0]} > {low[0]}"
    if len(names) == 1:
        return first
    return f"{first} OR ({names[0]} = {low[0]} AND ({above(names[1:], low[1:])}))"


def up_to(names: list[str], high: list[str]) -> str:
    """Rows whose key is not greater: all that are not `above`."""
    if len(names) == 1:
        return f"{names[0]} <= {high[0]}"
    rest = up_to(names[1:], high[1:])
    return f"{names[0]} < {high[0]} OR ({names[0]} = {high[0]} AND ({rest}))"


def _equal(names: list[str], values: list[str]) -> str:
    return " AND ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
