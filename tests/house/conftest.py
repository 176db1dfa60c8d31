"""Prints the sizes of the product at the end of a test run."""

from __future__ import annotations

import pytest

from tests.house.sizes import measure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line with the figures, whether they pass or not."""
    terminalreporter.section("sizes")
    terminalreporter.line(measure().report())
