"""The data behind the catalogue of prechecks, against the servers themselves."""

from __future__ import annotations

import pytest

from sterna.mysql.connection import open_session, query
from sterna.prechecks.account_hosts import matches
from sterna.prechecks.unknown_collations import known_collations
from tests.fixtures.running import RunningServer


def test_collations_are_the_servers(mysql97: RunningServer) -> None:
    """The list of collations is what 9.7 says of itself."""
    with open_session(mysql97.server) as session:
        rows = query(session, "SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
    assert {str(name) for (name,) in rows} - {"binary"} == known_collations() - {"binary_"}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("%", True),
        ("127.0.0.%", True),
        ("127.0.0._", True),
        ("127.0.0.0/255.255.255.0", True),
        ("10.0.0.0/255.0.0.0", False),
        ("localhost", False),
        ("127x0x0x1", False),
        ("web1.example", False),
    ],
)
def test_host_patterns(pattern: str, fits: bool) -> None:
    """A pattern stands for an address as a server without names would see it."""
    assert matches(pattern, "127.0.0.1") is fits
