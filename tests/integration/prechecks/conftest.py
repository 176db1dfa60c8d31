"""Sources for the tests of prechecks: shared servers, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.precheck_source import Source, prepared
from tests.fixtures.running import RunningServer

SOURCES = ["mysql56", "mysql57", "mysql97", "mariadb1011"]


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    """A source of every kind."""
    running: RunningServer = request.getfixturevalue(request.param)
    with prepared(running.server) as found:
        yield found


@pytest.fixture
def source57(mysql57: RunningServer) -> Iterator[Source]:
    """A 5.7."""
    with prepared(mysql57.server) as found:
        yield found


@pytest.fixture
def mariadb(mariadb1011: RunningServer) -> Iterator[Source]:
    """A MariaDB."""
    with prepared(mariadb1011.server) as found:
        yield found
