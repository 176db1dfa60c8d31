"""Fixtures of all tests come from the plugins in tests/fixtures."""

pytest_plugins = ["tests.fixtures.servers"]
