"""Verification without servers: ranges cover every key once, suspects are judged rightly."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sterna.dataplane.verify_expressions import key_literal, key_shown, row_hash
from sterna.dataplane.verify_layout import pair
from sterna.dataplane.verify_mix import PRIMES, joined, small
from sterna.dataplane.verify_scope import Keys, Layout, Range
from sterna.dataplane.verify_suspects import (
    ROUNDS_MAX,
    ROUNDS_UNCHANGED,
    Outcome,
    Rows,
    Suspects,
)
from sterna.errors import Stopped
from sterna.mysql.catalog import Column

KEYS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
ROW = ("1",)


def column(name: str, data_type: str = "int", charset: str = "") -> Column:
    """A NOT NULL column."""
    return Column(
        table="t",
        name=name,
        data_type=data_type,
        column_type=data_type,
        charset=charset,
        collation="",
        nullable=False,
        default=None,
        generated="",
        invisible=False,
        auto_increment=False,
    )


def layout(*types: str) -> Layout:
    """A table whose columns are all in its key."""
    columns = tuple(column(f"c{number}", kind) for number, kind in enumerate(types))
    return Layout("d", "t", columns, columns, "PRIMARY", prints_point_zero=True)


@given(st.sets(KEYS), st.lists(KEYS, max_size=5, unique=True))
def test_ranges_cover_every_key_once(
    keys: set[tuple[int, int, int]], cuts: Sequence[tuple[int, int, int]]
) -> None:
    """Wherever a composite key is cut, each row is in exactly one chunk."""
    table = layout("int", "int", "int")
    texts = [tuple(map(str, cut)) for cut in sorted(cuts)]
    limits = [None, *texts, None]
    found: list[tuple[int, ...]] = []
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (c0, c1, c2)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", keys)
        for low, high in pairwise(limits):
            where = Range(low, high).where(table)
            found += connection.execute(f"SELECT * FROM t WHERE {where}").fetchall()
    connection.close()
    assert sorted(found) == sorted(keys)


def test_walk_ends_at_the_first_odd_column() -> None:
    """Ranges are cut along the part of a key whose order is known."""
    assert [part.name for part in layout("int", "enum", "int").walk] == ["c0"]
    assert layout("enum", "int").walk == ()


def test_single_keys() -> None:
    """A few suspects are read by their keys."""
    scope = Range().narrowed(layout("int", "date"), {("1", "2020-01-01")})
    assert isinstance(scope, Keys)
    assert scope.where(layout("int", "date")) == "(`c0` = 1 AND `c1` = '2020-01-01')"


def test_literals() -> None:
    """Strings travel as bytes, in the character set of the side they go to."""
    assert key_literal(column("a", "varchar", "utf8mb3"), "C3A9") == "_utf8mb3 x'C3A9'"
    assert key_literal(column("a", "binary"), "") == "x''"
    assert key_shown(column("a", "varchar", "latin1"), "6127") == '"a\'"'
    assert key_shown(column("a", "varbinary"), "FF00") == "0xFF00"


def test_unknown_type_stops() -> None:
    """A type that is not on the list is not passed over."""
    with pytest.raises(Stopped, match="inet6"):
        row_hash([column("a", "inet6")])


@given(st.lists(st.integers(0, 40), min_size=3, max_size=40, unique=True))
def test_rows_that_exchange_small_numbers_do_not_cancel(numbers: list[int]) -> None:
    """No two pairs of rows have the same exclusive or, however small and regular their numbers."""
    id_term, value_term = small("id", "id"), small("v", "v")
    hashes = []
    for row in ((one, other) for one in numbers[:12] for other in numbers[:6]):
        products = [
            value * int(term.rsplit(" ", 1)[1])
            for value, term in zip(row, (id_term, value_term), strict=True)
        ]
        joint = products[0] ^ products[1]
        hashes.append((joint % PRIMES[0]) * (joint % PRIMES[1]))
    found = [one ^ other for one, other in combinations(hashes, 2)]
    assert len(set(found)) == len(found)


def test_a_thousand_columns_are_not_nested_deeply() -> None:
    """Servers refuse what would overrun their stack."""
    deepest = depth = 0
    for letter in joined([f"`c{number}`" for number in range(1017)]):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        deepest = max(deepest, depth)
    assert deepest <= 10


def test_other_definitions_are_differences() -> None:
    """A column of another type, or none, is said and not compared."""
    assert "int on the origin" in pair(layout("int"), layout("json")).problem
    assert "no column c1" in pair(layout("int", "int"), layout("int")).problem
    assert "missing" in pair(layout("int"), None).problem


def test_members_in_another_order_are_a_difference() -> None:
    """ENUM and SET are compared by number, which says nothing where the members are others."""
    table = layout("int", "enum")
    columns = [replace(table.columns[1], column_type=f"enum({m})") for m in ("'a','b'", "'b','a'")]
    one, other = (replace(table, columns=(table.columns[0], column)) for column in columns)
    assert "enum('b','a') on the destination" in pair(one, other).problem
    assert not pair(one, one).problem


def judge(rounds: Sequence[tuple[Sequence[Rows], Rows]]) -> Suspects:
    """The suspects after these rounds."""
    suspects = Suspects()
    for origin, destination in rounds:
        suspects.judge(origin, [destination])
    return suspects


def state(number: int) -> Rows:
    """The one row with this hash."""
    return {ROW: (number,)}


def test_late_destination_is_equal() -> None:
    """A state the origin showed while the destination caught up is an equal one."""
    assert judge([([state(1), state(2)], state(2))]).decided
    assert not judge([([state(1), state(2)], state(2))]).open


def test_early_destination_is_equal() -> None:
    """A state the origin shows only at the next reading is an equal one."""
    assert not judge([([state(1)], state(2)), ([state(2)], state(3))]).open


def test_stale_destination_is_not_equal() -> None:
    """A state the origin had in an earlier round does not count: an update may be missing."""
    suspects = judge([([state(1)], state(9)), *[([state(2)], state(1))] * ROUNDS_UNCHANGED])
    assert suspects.decided
    assert suspects.differing == {ROW: ((2,), (1,))}


def test_row_without_rest_is_given_up() -> None:
    """A row that never shows an equal state is a difference in the end."""
    rounds = [([state(n)], state(-n)) for n in range(1, ROUNDS_MAX + 1)]
    assert not judge(rounds[:-1]).decided
    assert judge(rounds).decided
    assert judge(rounds).differing


def test_row_found_in_another_chunk() -> None:
    """Where the two sides sort a key differently, its two halves meet again."""
    outcome = Outcome()
    outcome.add(1, {ROW: ((7,), ())})
    outcome.add(0, {ROW: ((), (7,))})
    assert outcome.differing == {}
