"""The files of the web console, as a browser gets them."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from sterna.server import pages
from tests.fixtures.pretend_service import PretendService, serving

SCRIPT = "assets/index-3f9a.js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A console as it is built, and a secret beside it."""
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the console")
    (folder / SCRIPT).write_text("let answer = 42;")
    (folder / f"{SCRIPT}.gz").write_bytes(gzip.compress(b"let answer = 42;"))
    (tmp_path / "key.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "key.txt")
    (folder / ".env").write_text("secret")
    return folder


@pytest.fixture
def client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A browser."""
    monkeypatch.setattr(pages.Pages.__init__, "__defaults__", (folder,))
    with (
        serving(PretendService()) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        yield client


def test_files_are_served_with_their_types_and_kept_as_long_as_they_hold(
    client: httpx.Client,
) -> None:
    """Hashed files for a year and packed, the page itself asked for anew each time."""
    script = client.get(f"/{SCRIPT}")
    assert script.text == "let answer = 42;"
    assert script.headers["Content-Encoding"] == "gzip"
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in script.headers["Cache-Control"]
    page = client.get("/")
    assert (page.text, page.headers["Cache-Control"]) == ("<!doctype html>the console", "no-cache")
    again = client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")
    assert client.head("/").status_code == 200
    for header in ("Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"):
        assert page.headers[header] == script.headers[header]


def test_places_inside_the_console_are_its_page_and_nothing_else_is(client: httpx.Client) -> None:
    """A path without an ending is the console's; a missing file and the API's paths are not."""
    assert client.get("/clusters/pc-1/nodes").text == client.get("/").text
    assert client.get("/assets/gone-1234.js").status_code == 404
    for path in ("/api/v1/nothing", "/api", "/api/nothing"):
        assert client.get(path).json()["code"] == "NotFound"
    assert client.get("/metrics").status_code == 401
    assert client.post("/clusters").status_code == 404


def test_no_path_leads_out_of_the_folder(client: httpx.Client) -> None:
    """Dots, encoded dots, backslashes, links and hidden files give nothing away."""
    address = (str(client.base_url.host), int(client.base_url.port or 0))
    for path in (
        "/../key.txt",
        "/assets/../../key.txt",
        "/%2e%2e/key.txt",
        "/..%2fkey.txt",
        "/..%5ckey.txt",
        "//key.txt",
        "/link.txt",
        "/.env",
        "/%00key.txt",
        "/console/../../key.txt",
    ):
        with socket.create_connection(address) as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            answer = b"".join(iter(lambda c=connection: c.recv(4096), b""))
        assert b"secret" not in answer, path
        assert b" 404 " in answer.splitlines()[0] or b"the console" in answer, path


def test_a_console_that_is_not_built_says_how(tmp_path: Path) -> None:
    """Without the files the page says what to run, and the rest works."""
    import asyncio

    sent: list[dict[str, object]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("not asked")

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(pages.Pages(app, tmp_path / "nothing")(scope, receive, send))
    assert sent[0]["status"] == 200
    assert b"make console" in sent[1]["body"]  # type: ignore[operator]
