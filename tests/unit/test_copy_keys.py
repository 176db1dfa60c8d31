"""Keys that tables are cut along, and conditions on them."""

from __future__ import annotations

import pytest

from sterna.dataplane.copy_keys import RangeKey, at_ordinal, bound, ordinal, range_key
from sterna.mysql.catalog import Column, Key, KeyPart


def column(name: str, column_type: str, charset: str = "", *, nullable: bool = False) -> Column:
    data_type = column_type.partition("(")[0].partition(" ")[0]
    collation = f"{charset}_general_ci" if charset else ""
    return Column(
        table="t",
        name=name,
        data_type=data_type,
        column_type=column_type,
        charset=charset,
        collation=collation,
        nullable=nullable,
        default=None,
        generated="",
        invisible=False,
        auto_increment=False,
    )


def key(name: str, *columns: str, unique: bool = True) -> Key:
    return Key("t", name, unique, "BTREE", tuple(KeyPart(each, None) for each in columns))


ID, TEXT, UUID = (
    column("id", "bigint"),
    column("c", "varchar(9)", "utf8"),
    column("u", "binary(16)"),
)
MAYBE, KIND = column("m", "int", nullable=True), column("e", "enum('x')", "latin1")
COLUMNS = [ID, TEXT, UUID, MAYBE, KIND]


def chosen(*keys: Key) -> RangeKey | None:
    return range_key(COLUMNS, keys, same_server_kind=True)


def test_the_first_unique_key_without_null_is_taken() -> None:
    """Not one that may hold NULL, nor one that is not unique, nor one that begins with an ENUM."""
    found = chosen(key("PRIMARY", "e", "id"), key("a", "m"), key("b", "c"), key("z", "id"))
    assert found is not None
    assert (found.index, [each.name for each in found.columns]) == ("b", ["c"])
    assert chosen(key("a", "m"), key("i", "id", unique=False)) is None


def test_conditions_take_each_column_and_the_literals_character_set() -> None:
    """Column by column, since 5.6 walks no index for row constructors."""
    found = chosen(key("PRIMARY", "id", "c"))
    assert found is not None
    assert found.condition(None, None) == ""
    assert found.condition(("-1", ""), ("7", "C39F")) == (
        "(`id` > -1 OR (`id` = -1 AND (`c` > _utf8mb3 x'')))"
        " AND (`id` < 7 OR (`id` = 7 AND (`c` <= _utf8mb3 x'C39F')))"
    )


def test_another_kind_of_server_may_order_strings_in_its_own_way() -> None:
    """Such a table is cut, but its ranges mean nothing on the destination."""
    czech = column("c", "varchar(9)", "latin2")
    odd = Column(**{**vars(czech), "collation": "latin2_czech_cs"})
    assert [
        found.is_alike
        for each, same in ((odd, True), (odd, False), (czech, False))
        if (found := range_key([each], [key("PRIMARY", "c")], same_server_kind=same))
    ] == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        ("bigint unsigned", "18446744073709551615", 2**64 - 1),
        ("bigint", "-5", -5),
        ("binary(16)", "00" * 7 + "01" + "FF" * 8, 1),
        ("varbinary(3)", "0100", 1 << 56),
        ("binary(2)", "FFFF", 0xFFFF << 48),
    ],
)
def test_numbers_lie_between_keys(kind: str, text: str, number: int) -> None:
    """A key lies above the boundary of a smaller number."""
    which = column("k", kind)
    assert ordinal(which, text) == number
    one = RangeKey("PRIMARY", (which,))
    value, below = bound(one, (text,)), bound(one, at_ordinal(which, number - 1))
    assert below < value  # type: ignore[operator]
    assert bound(one, None) is None


def test_boundaries_of_binary_are_as_long_as_their_column() -> None:
    """What a shorter literal is compared as differs by version."""
    assert at_ordinal(UUID, 1) == ("00" * 7 + "01" + "00" * 8,)
    assert at_ordinal(column("k", "varbinary(20)"), 1) == ("00" * 7 + "01",)
    assert at_ordinal(column("k", "binary(2)"), 0xFFFF << 48) == ("FFFF",)


def test_only_single_numbers_and_binary_strings_have_a_bound() -> None:
    """Texts are ordered by their collation, which only a server knows."""
    for one, boundary in (
        (RangeKey("PRIMARY", (TEXT,)), ("41",)),
        (RangeKey("PRIMARY", (ID, TEXT)), ("1", "41")),
    ):
        with pytest.raises(ValueError, match="no single"):
            bound(one, boundary)
