"""Fixtures of all tests come from the plugins in tests/fixtures."""

from __future__ import annotations

import pytest

from tests.house.sizes import measure

pytest_plugins = ["tests.fixtures.servers", "tests.fixtures.copying"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the end of a whole run one line with the sizes of the product, passed or not."""
    if terminalreporter.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    terminalreporter.section("sizes")
    terminalreporter.line(measure().report())
