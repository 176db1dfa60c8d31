"""Positions: text form and order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sterna.mysql.position import Position

numbers = st.integers(1, 10**7)
positions = st.builds(
    lambda number, offset: Position(f"mysql-bin.{number:06d}", offset), numbers, numbers
)


@given(positions)
def test_text_form_is_complete(position: Position) -> None:
    """Parsing what was printed gives the same position."""
    assert Position.parse(str(position)) == position


@given(positions, positions, positions)
def test_order_is_total(one: Position, two: Position, three: Position) -> None:
    """Exactly one of <, ==, > holds, and order is transitive; files count before offsets."""
    assert (one < two) + (one == two) + (one > two) == 1
    assert sorted([one, two, three]) == sorted([three, one, two])


def test_numbers_are_compared_as_numbers() -> None:
    """File 1000000 comes after file 999999, although its name sorts before."""
    assert Position("b.999999", 9) < Position("b.1000000", 4)


def test_positions_of_two_servers_do_not_compare() -> None:
    """Another base name is another log."""
    with pytest.raises(ValueError, match="two servers"):
        _ = Position("a.000001", 4) < Position("b.000001", 4)


@pytest.mark.parametrize("text", ["", "x", "file:1", "f.1", "f.1:x", "f.1:-2"])
def test_other_texts_are_refused(text: str) -> None:
    """Only a file with a number and an offset is a position."""
    with pytest.raises(ValueError, match="not a binary log position"):
        Position.parse(text)
