"""Fixtures of the acceptance tests: a farm for each module, so that memory is given back."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.fixtures.running import ServerFarm


@pytest.fixture(scope="module")
def farm() -> Generator[ServerFarm]:
    """Servers of one module."""
    farm = ServerFarm()
    yield farm
    farm.close()
