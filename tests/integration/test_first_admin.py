"""The first start of a real server: how the first person gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.product import Product

ONE_TIME = re.compile(r"one-time token\n\s+(\S+)\n")
PASSWORD = "correct horse battery"


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A server that nobody has used yet."""
    product = Product(tmp_path / "home")
    product.start()
    yield product
    product.destroy()


def test_the_first_admin_is_made_once_with_what_the_terminal_shows(product: Product) -> None:
    """The token printed makes one admin, who may all; then it has ended, and is printed no more."""
    (secret,) = ONE_TIME.findall(product.log())
    kept = (product.home / "sterna.db").read_bytes() + (product.home / "sterna.db-wal").read_bytes()
    assert secret.encode() not in kept
    address = f"http://127.0.0.1:{product.port}/api/v1"
    given = {"token": secret, "name": "anna", "password": PASSWORD}
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as browser:
        assert browser.get("/session").json()["needs_setup"] is True
        wrong = browser.post("/setup", json={**given, "token": "x" * 43})
        assert wrong.json()["code"] == "SetupTokenWrong"
        made = browser.post("/setup", json=given)
        assert (made.status_code, made.json()["role"]) == (201, "admin")
        assert made.json()["needs_setup"] is False
        assert browser.get("/settings").json()["port"] == product.port
        assert browser.post("/setup", json=given).json()["code"] == "SetupDone"
        told = browser.get("/audit").json()["items"]
        assert [(e["action"], e["result"]) for e in told[-2:]] == [
            ("set_up", "done"),
            ("set_up", "refused"),
        ]
        product.stop()
        product.start()
        assert browser.get("/engines").status_code == 200  # a session outlives the server
    assert len(ONE_TIME.findall(product.log())) == 1
