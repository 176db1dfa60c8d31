"""Tells what is different about rows that differ: the kind, the columns, on request the values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from sterna.dataplane.reports import RowDifference
from sterna.dataplane.verify_compare import Comparer
from sterna.dataplane.verify_expressions import column_hash, column_shown, key_text
from sterna.dataplane.verify_layout import Pair, reread
from sterna.dataplane.verify_scope import SINGLE_KEYS_MAX, Identity, Keys, Layout, select_sql
from sterna.dataplane.verify_suspects import Differing, State

LISTED_MAX = 1_000  # differences named per table; all are counted

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class _Row:
    """A row on one side: the hash and, on request, the value of each column by its name."""

    hashes: Mapping[str, str]
    values: Values


def table_difference(name: tuple[str, str], problem: str) -> RowDifference:
    """A table that cannot be compared row by row."""
    return RowDifference(f"{'.'.join(name)} {problem}.", "", "table")


def describe(
    comparer: Comparer, pair: Pair, differing: Differing, *, values: bool
) -> tuple[RowDifference, ...]:
    """The first `LISTED_MAX` of the rows that differ."""
    listed = dict(islice(differing.items(), LISTED_MAX))
    rows = _Reader(comparer, pair, values).read(listed)
    found = (_describe(pair.origin, *item, *rows(item[0])) for item in listed.items())
    by_text = _by_text(comparer, pair, list(listed))
    return tuple(
        _lost_in_text(pair.origin, each) if identity in by_text else each
        for identity, each in zip(listed, found, strict=True)
    )


def _by_text(comparer: Comparer, pair: Pair, rows: Sequence[Identity]) -> set[Identity]:
    """Rows that are alike when their documents are taken for what their text says."""
    as_text = reread(pair) if rows else None
    if as_text is None:
        return set()
    parts = (
        rows[first : first + SINGLE_KEYS_MAX] for first in range(0, len(rows), SINGLE_KEYS_MAX)
    )
    still = {row for part in parts for row in comparer.compare_again(as_text, part)}
    return set(rows) - still


def _lost_in_text(layout: Layout, difference: RowDifference) -> RowDifference:
    table = f"{layout.database}.{layout.table}"
    sentence = (
        f"{table}: the row with {difference.key} differs only by what its JSON lost when it was"
        " copied as text, such as a DECIMAL; write the document anew on the origin, as the precheck"
        " json_kinds says."
    )
    return replace(difference, sentence=sentence, kind="json")


def _describe(
    layout: Layout,
    identity: Identity,
    states: tuple[State, State],
    origin: _Row | None,
    destination: _Row | None,
) -> RowDifference:
    here, there = states
    kind, how = _kind(here, there)
    columns: tuple[str, ...] = ()
    if origin and destination:
        found = zip(origin.hashes.items(), destination.hashes.values(), strict=True)
        columns = tuple(name for (name, one), other in found if one != other)
    table, key = f"{layout.database}.{layout.table}", layout.shown(identity)
    return RowDifference(
        f"{table}: the row with {key} {how}.",
        key,
        kind,
        columns,
        _only(columns, origin),
        _only(columns, destination),
    )


def _kind(here: State, there: State) -> tuple[str, str]:
    if not there and len(here) == 1:
        return "missing", "is missing on the destination"
    if not here and len(there) == 1:
        return "extra", "is only on the destination"
    if len(here) != len(there):
        times = f"{len(here)} times on the origin, {len(there)} times on the destination"
        return "count", f"is there {times}"
    return "different", "differs"


def _only(columns: tuple[str, ...], row: _Row | None) -> dict[str, str | None]:
    """The values of the columns that differ, or all of a row that is on one side only."""
    values = row.values if row else {}
    return {name: value for name, value in values.items() if not columns or name in columns}


class _Reader:
    """Reads rows by their keys on both sides."""

    def __init__(self, comparer: Comparer, pair: Pair, with_values: bool) -> None:
        self._comparer = comparer
        self._pair = pair
        self._with_values = with_values

    def read(
        self, identities: Iterable[Identity]
    ) -> Callable[[Identity], tuple[_Row | None, _Row | None]]:
        """A function that gives both sides' row. Rows without a key of use are not read."""
        origin: dict[Identity, _Row] = {}
        destination: dict[Identity, _Row] = {}
        if self._pair.origin.walk:
            for scope in _batches(self._pair.origin, identities):
                here, there = self._comparer.read_rows(self._pair, partial(self._sql, scope))
                origin.update(map(self._row, here))
                destination.update(map(self._row, there))
        return lambda identity: (origin.get(identity), destination.get(identity))

    def _sql(self, scope: Keys, layout: Layout) -> str:
        items = [key_text(column) for column in layout.key]
        items += [column_hash(column) for column in layout.columns]
        if self._with_values:
            items += [column_shown(column) for column in layout.columns]
        return select_sql(layout, items, scope)

    def _row(self, row: tuple[Any, ...]) -> tuple[Identity, _Row]:
        names = [column.name for column in self._pair.origin.columns]
        width = len(self._pair.origin.key)
        identity = tuple(map(_text, row[:width]))
        hashes = dict(zip(names, row[width : width + len(names)], strict=True))
        values = zip(names, row[width + len(names) :], strict=False)
        return identity, _Row(hashes, {name: _value(value) for name, value in values})


def _batches(layout: Layout, identities: Iterable[Identity]) -> Iterator[Keys]:
    left = iter(identities)
    while batch := list(islice(left, SINGLE_KEYS_MAX)):
        yield Keys(frozenset(identity[: len(layout.walk)] for identity in batch))


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _value(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return None if value is None else str(value)
