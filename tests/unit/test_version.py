"""Server versions: reading and comparing them."""

from __future__ import annotations

import pytest

from sterna.mysql.statements import statement
from sterna.mysql.version import Version


@pytest.mark.parametrize(
    ("text", "flavor", "numbers"),
    [
        ("5.6.24-log", "mysql", (5, 6, 24)),
        ("9.7.4-2", "mysql", (9, 7, 4)),
        ("5.7.44-48-log", "mysql", (5, 7, 44)),
        ("10.11.19-MariaDB-0+deb12u1-log", "mariadb", (10, 11, 19)),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "mariadb", (10, 11, 19)),
        ("11.8-MariaDB", "mariadb", (11, 8, 0)),
    ],
)
def test_parse_reads_greetings(text: str, flavor: str, numbers: tuple[int, int, int]) -> None:
    """Greetings and VERSION() of all flavors give flavor and numbers."""
    version = Version.parse(text)
    assert (version.flavor, version.numbers) == (flavor, numbers)


def test_parse_refuses_nonsense() -> None:
    """A text without a number is an error, not version 0."""
    with pytest.raises(ValueError, match="no version"):
        Version.parse("MariaDB")


def test_order_within_a_flavor_only() -> None:
    """5.7 < 9.7; a MariaDB is not comparable with a MySQL."""
    old, new, other = Version("mysql", 5, 7), Version("mysql", 9, 7), Version("mariadb", 10, 11)
    assert old < new and new >= old and max(old, new) == new
    with pytest.raises(TypeError):
        _ = old < other


def test_only_an_older_series_is_older() -> None:
    """Another patch of the same series, and the way between flavors, are no step back."""
    new = Version("mysql", 9, 7, 4)
    assert Version("mysql", 5, 7).is_older_than(new)
    assert not Version("mysql", 9, 7, 1).is_older_than(new)
    assert not Version("mariadb", 5, 5).is_older_than(new)


def test_statement_follows_the_version() -> None:
    """The statement that shows the position changes its name at 8.2 and MariaDB 10.5.2."""
    assert statement("read_position", Version("mysql", 8, 1)) == "SHOW MASTER STATUS"
    assert statement("read_position", Version("mysql", 9, 7)) == "SHOW BINARY LOG STATUS"
    assert statement("read_position", Version("mariadb", 10, 11)) == "SHOW BINLOG STATUS"
