"""Fixtures of the console's tests: one browser, one source, one product, one migration."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.console.cast import WAIT_MILLISECONDS, Cast, open_cast
from tests.fixtures.running import ServerFarm

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Debian's Chromium, without a window and without a word to anybody.

    For each file: while it is there the process has a running event loop, which others may not.
    """
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cast(browser: Browser) -> Generator[Cast]:
    """A source with a bank, a product nobody has signed in to, and a viewer in front of it."""
    farm = ServerFarm()
    try:
        with open_cast(farm, browser) as cast:
            yield cast
    finally:
        farm.close()
