"""The cast of a console test: real servers, a bank at work, and somebody with a browser."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from demo.connection import Login
from demo.running_bank import RunningBank, start_bank
from demo.schema import Accounts, create_schema
from sterna.server.pages import FOLDER
from tests.console.viewer import Viewer
from tests.fixtures.product import Product
from tests.fixtures.running import RunningServer, ServerFarm, eventually

SERIES, SCALE = "5.7", 0.02
PASSWORD = "long enough for anybody"
WAIT_MILLISECONDS = 180_000
LONG_SECONDS = 300  # on a machine with ten other things to do
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}


@dataclass
class Cast:
    """Who plays.

    Attributes:
        admin: the viewer that signs in first.
        context: the admin's browser profile; others get one of their own.
    """

    product: Product
    source: RunningServer
    accounts: Accounts
    browser: Browser
    context: BrowserContext
    admin: Viewer
    farm: ServerFarm
    instance_id: str = ""
    cluster_id: str = ""

    @property
    def migration(self) -> dict[str, Any]:
        """The migration as the API shows it now."""
        seen: dict[str, Any] = self.product.see(f"/migrations/{self.cluster_id}")
        return seen

    @property
    def node_id(self) -> str:
        """The cluster's primary."""
        return str(self.product.see(f"/clusters/{self.cluster_id}")["nodes"][0]["id"])

    @property
    def setup_token(self) -> str:
        """The one-time token the server printed for its first admin."""
        found = re.search(r"one-time token\s+(\S+)", self.product.log())
        assert found, self.product.log()
        return found[1]

    @property
    def address(self) -> Login:
        """Where the bank reaches its database."""
        (endpoint,) = self.product.see(f"/endpoints?owner_id={self.instance_id}")
        return Login(endpoint["host"], endpoint["port"], "app", self.accounts.app_password)

    @property
    def cluster(self) -> Login:
        """The cluster's primary, for the source's administrator."""
        node = self.product.see(f"/clusters/{self.cluster_id}")["nodes"][0]
        root = self.source.server
        return Login(node["host"], node["port"], root.user, root.password)

    @contextmanager
    def bank(self) -> Generator[RunningBank]:
        """A bank at work within; it must have been well until the end."""
        ledger = self.farm.folder / "ledger.jsonl"
        bank = start_bank(self.address, ledger, threads=2, pace=20.0)
        try:
            yield bank
            bank.stop()
        finally:
            if bank.process.poll() is None:
                bank.kill()

    def wait_until_verified(self) -> None:
        """Until a whole pass has ended, without a difference."""
        eventually(lambda: self.migration["task"]["verified_at"], within_seconds=LONG_SECONDS)
        assert self.migration["task"]["differences"] == 0

    def wait_until_idle(self) -> None:
        """Until no operation is under way any more."""
        eventually(lambda: not self.migration["operation"], within_seconds=LONG_SECONDS)

    def somebody(self, **options: Any) -> Viewer:
        """Another person, with a browser profile of their own."""
        return Viewer(new_page(self.browser.new_context(**DESKTOP | options)), self.url)

    @property
    def url(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self.product.port}"


def new_page(context: BrowserContext) -> Page:
    """A tab that waits long enough for a busy machine."""
    context.set_default_timeout(WAIT_MILLISECONDS)
    return context.new_page()


@contextmanager
def open_cast(farm: ServerFarm, browser: Browser) -> Generator[Cast]:
    """Everybody in their places; nothing is registered yet."""
    assert (FOLDER / "index.html").exists(), "the console is not built: make console"
    with ExitStack() as ends:
        product = Product(farm.folder / "home")
        ends.callback(product.destroy)
        source = farm.start(SERIES)
        accounts = create_schema(source.server, SERIES, SCALE)
        product.start()
        context = browser.new_context(**DESKTOP)
        ends.callback(context.close)
        admin = Viewer(new_page(context), f"http://127.0.0.1:{product.port}")
        yield Cast(product, source, accounts, browser, context, admin, farm)
