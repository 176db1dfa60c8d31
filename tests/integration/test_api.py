"""The HTTP API as a client on the network sees it."""

from __future__ import annotations

import dataclasses
import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sterna.errors import Refused, SternaError
from sterna.server.roles import OPEN
from sterna.server.run import serve
from sterna.server.token import read_or_make_token
from sterna.settings import Settings
from tests.fixtures.pretend_service import MIGRATION, TOKEN, PretendService, serving


@pytest.fixture
def service() -> PretendService:
    """The service behind the API."""
    return PretendService()


@pytest.fixture
def client(service: PretendService) -> Iterator[httpx.Client]:
    """A client that has the token."""
    with (
        serving(service) as server,
        httpx.Client(
            base_url=f"{server.url}/api/v1",
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
            timeout=60,
        ) as client,
    ):
        yield client


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_wants_the_token(client: httpx.Client) -> None:
    """No route but those to sign in, not even the description of routes, answers without it."""
    document = client.get("/openapi.json").json()
    signing_in = [(method, f"/api/v1{path}") for method, path in map(str.split, OPEN)]
    paths = [each[:2] for each in _operations(document) if each[:2] not in signing_in]
    for method, path in [*paths, ("GET", "/api/v1/openapi.json")]:
        address = str(client.base_url.copy_with(path=path.replace("{", "").replace("}", "")))
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = httpx.request(method, address, headers=headers, timeout=60, trust_env=False)
            assert answer.status_code == 401, (method, path)
            assert answer.json()["code"] == "Unauthorized"


def test_openapi_describes_every_answer(client: httpx.Client) -> None:
    """Every route names the shape of its good answer and of its refusals."""
    document = client.get("/openapi.json").json()
    for method, path, operation in _operations(document):
        good = next(code for code in operation["responses"] if code.startswith("2"))
        content = operation["responses"][good].get("content", {})
        if good != "204":
            assert content, (method, path)
        for media in content.values():
            assert media.get("schema") or media.get("itemSchema"), (method, path)
        (refusal,) = operation["responses"]["409"]["content"].values()
        assert refusal["schema"]["$ref"].endswith("/Problem")
        assert operation["summary"] and operation["description"]


def test_nothing_is_loaded_from_other_hosts(client: httpx.Client) -> None:
    """There are no ready-made documentation pages, which would fetch scripts from elsewhere."""
    root = client.base_url.copy_with(path="/")
    for path in ("", "docs", "redoc"):
        page = client.get(str(root.join(path)))
        assert "https://" not in page.text and "swagger" not in page.text.lower()
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert client.get(str(root.join("openapi.json"))).status_code == 404


def test_an_unknown_id_is_404_with_a_remedy(client: httpx.Client) -> None:
    """An id nobody has is NotFound, and the answer says where to look."""
    for path in ("/instances/rm-x", "/migrations/pc-x", "/migrations/pc-x/events"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "NotFound"
        assert answer.json()["remedy"]


def test_a_refusal_is_409_with_code_message_and_remedy(client: httpx.Client) -> None:
    """A refusal arrives with the service's own words."""
    answer = client.post("/migrations/pc-1/complete")
    assert answer.status_code == 409
    assert set(answer.json()) == {"code", "message", "remedy"}
    assert answer.json()["code"] == "WrongStatus"


def test_a_failure_is_500_with_its_words(client: httpx.Client, service: PretendService) -> None:
    """Any other error of Sterna is 500 and keeps its code."""
    service.fail_with(SternaError("The disk is full.", code="DiskFull", remedy="Make room."))
    answer = client.get("/engines")
    assert answer.status_code == 500
    assert answer.json() == {
        "code": "DiskFull",
        "message": "The disk is full.",
        "remedy": "Make room.",
    }


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/instances/rm-1/evaluations", b'{"target_version": "\\ud800"}'),
        ("POST", "/instances/rm-1/evaluations", b'{"target_version": "\\u00e4'),
        ("POST", "/migrations/pc-1/verify", b'{"tables": ["shop.\\udfff"]}'),
        ("GET", f"/migrations/pc-1/differences?offset={10**40}", b""),
    ],
)
def test_what_nothing_can_hold_is_malformed(
    client: httpx.Client, method: str, path: str, content: bytes
) -> None:
    """Half a character, a number beyond every database: 422, and the service hears nothing."""
    headers = {"Content-Type": "application/json"}
    answer = client.request(method, path, content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "InvalidRequest"
    assert client.get("/openapi.json").status_code == 200


def test_a_malformed_request_does_not_echo_a_password(client: httpx.Client) -> None:
    """A request that lacks a field is 422; what it did contain is not in the answer."""
    answer = client.post("/instances", json={"host": "h", "password": "hunter2", "port": "hunter2"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"code", "message", "remedy"}
    assert "hunter2" not in answer.text


def test_a_password_reaches_the_service_and_no_answer(
    client: httpx.Client, service: PretendService
) -> None:
    """The password of a new instance is handed over, and not returned."""
    body = {"host": "db", "port": 3306, "user": "admin", "password": "hunter2"}
    answer = client.post("/instances", json=body)
    assert answer.status_code == 201
    assert "hunter2" not in answer.text
    assert service.calls[0][:5] == ("add_instance", "db", 3306, "admin", "hunter2")


def test_events_send_the_migration_whenever_it_changes(
    client: httpx.Client, service: PretendService
) -> None:
    """A watcher gets the migration at once, and again after a change, and not in between."""
    seen: list[dict[str, Any]] = []
    with client.stream("GET", "/migrations/pc-1/events", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if not line.startswith("data:"):
                continue
            seen.append(json.loads(line.removeprefix("data:")))
            if len(seen) == 2:
                break
            service.state = dataclasses.replace(MIGRATION, lag_seconds=1.5)
    assert [event["lag_seconds"] for event in seen] == [0.012, 1.5]
    assert seen[0]["task"]["tables"][0]["table"] == "account"


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    """The token survives a restart of the server, and only its owner can read it."""
    home = tmp_path / "home"
    token = read_or_make_token(home)
    assert len(token) >= 32
    assert read_or_make_token(home) == token
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    """A token file with nothing in it stops the server; it would let anybody in."""
    (tmp_path / "token").write_text("\n")
    with pytest.raises(SternaError) as caught:
        read_or_make_token(tmp_path)
    assert caught.value.code == "TokenUnreadable"


SERVE = """
import sys
from pathlib import Path
from sterna.server.roles import OPEN
from sterna.server.run import serve
from sterna.settings import Settings
from tests.fixtures.pretend_service import PretendService
serve(PretendService(), Settings(home=Path(sys.argv[1]), port=int(sys.argv[2])))
print("cleaned up")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_serving_and_not_the_cleaning_up(tmp_path: Path, number: int) -> None:
    """A signal ends the server though somebody watches; what comes after serving still runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr and "listens" in server.stderr.readline()
        headers = {"Authorization": f"Bearer {read_or_make_token(tmp_path)}"}
        address = f"http://127.0.0.1:{port}/api/v1/migrations/pc-1/events"
        with httpx.stream("GET", address, headers=headers, timeout=60, trust_env=False):
            server.send_signal(number)
            out, _ = server.communicate(timeout=20)
    assert (server.returncode, out) == (0, "cleaned up\n")


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """A server whose port is taken says so, with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(home=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(Refused) as caught:
            serve(PretendService(), settings)  # type: ignore[arg-type]
    assert caught.value.code == "PortInUse"
    assert "STERNA_PORT" in caught.value.remedy
