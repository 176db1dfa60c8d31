"""The HTTP client of the command line: finds the server and its token, raises its refusals."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from sterna.errors import Refused, SternaError
from sterna.settings import read_settings
from sterna.store.records import Migration

Kind = TypeVar("Kind")

# Registering, evaluating and planning look at real servers; the server bounds them itself.
ANSWER_SECONDS = 300
# The event stream sends a comment every 15 seconds while nothing changes.
SILENCE_SECONDS = 60
# A server that is restarted has nodes to look after before it answers.
AWAY = ("ServerLost", "ServerNotRunning")
AWAY_SECONDS_MAX = 120.0
RECONNECT_SECONDS = 0.5


class Client:
    """Requests to the server at `url` with its `token`; holds no connection between them."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(
        self, path: str, kind: type[Kind], **query: str | float | bool | list[str] | None
    ) -> Kind:
        """The record at `path`. Arguments that are None are left out of the query."""
        given = {name: value for name, value in query.items() if value is not None}
        return _parse(self._send("GET", path, params=given), kind)

    def text(self, path: str) -> str:
        """The page at `path`, as it is."""
        return self._send("GET", path).text

    def post(self, path: str, kind: type[Kind], body: dict[str, Any] | None = None) -> Kind:
        """What the server answers to `body` at `path`."""
        return _parse(self._send("POST", path, json=body or {}), kind)

    def patch(self, path: str, kind: type[Kind], body: dict[str, Any]) -> Kind:
        """What the server answers to the changes in `body` at `path`."""
        return _parse(self._send("PATCH", path, json=body), kind)

    def tell(self, path: str, body: dict[str, Any]) -> None:
        """Send `body` to `path`, where the answer has no content."""
        self._send("POST", path, json=body)

    def delete(self, path: str) -> None:
        """Delete what is at `path`."""
        self._send("DELETE", path)

    def remove(self, path: str, kind: type[Kind]) -> Kind:
        """Delete what is at `path`; what the server answers."""
        return _parse(self._send("DELETE", path), kind)

    def watch(self, cluster_id: str, *, was_there: bool = False) -> Iterator[Migration]:
        """The migration now, and again whenever it changes, until the caller stops.

        A server that goes away is waited for; `was_there` also before its first answer.

        Raises:
            SternaError: ServerLost or ServerNotRunning, it has been away for too long.
        """
        gone_at = time.monotonic() if was_there else -math.inf
        while True:
            try:
                for migration in self._changes(cluster_id):
                    yield migration
                    gone_at = math.inf
            except SternaError as error:
                if error.code not in AWAY:
                    raise
                gone_at = min(gone_at, time.monotonic())
                if time.monotonic() > gone_at + AWAY_SECONDS_MAX:
                    raise
                time.sleep(RECONNECT_SECONDS)

    def _changes(self, cluster_id: str) -> Iterator[Migration]:
        adapter = TypeAdapter(Migration)
        with self._open(f"/migrations/{cluster_id}/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield adapter.validate_json(line.removeprefix("data:"))
        raise SternaError(
            "The server ended the event stream; operations under way go on by themselves.",
            code="ServerLost",
            remedy=f"Look with: sterna migration show {cluster_id}",
        )

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        with self._reaching(), self._http() as http:
            answer = http.request(method, path, **parts)
        if not answer.is_success:
            raise _problem(answer)
        return answer

    @contextmanager
    def _open(self, path: str) -> Iterator[httpx.Response]:
        with (
            self._reaching(),
            self._http() as http,
            http.stream("GET", path, timeout=SILENCE_SECONDS) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise _problem(answer)
            yield answer

    def _http(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self._url}/api/v1",
            headers=self._headers,
            timeout=ANSWER_SECONDS,
            trust_env=False,  # the token is for the server, not for a proxy on the way
        )

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Tell "there is no server" from "the server was lost on the way"."""
        try:
            yield
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise SternaError(
                "An argument has a character that cannot be sent. Nothing was done.",
                code="Usage",
                remedy="Type it anew; ids are letters, digits and hyphens.",
            ) from None
        except httpx.ConnectError as error:
            raise _not_running(self._url) from error
        except httpx.TransportError as error:
            raise SternaError(
                f"The connection to the server broke ({error}); what was asked may be under way.",
                code="ServerLost",
                remedy="Look with: sterna migration list",
            ) from error


def connect() -> Client:
    """A client for STERNA_URL and STERNA_TOKEN, or the server of this machine's STERNA_HOME.

    Raises SternaError "ServerNotRunning" when there is no token: no server has started here yet.
    """
    settings = read_settings()
    url = os.environ.get("STERNA_URL") or settings.url
    if not url.startswith(("http://", "https://")):
        raise SternaError(
            f"STERNA_URL is {url}, which is no address of a server.",
            code="BadSetting",
            remedy="Set it to http://HOST:PORT, or unset it.",
        )
    token = (os.environ.get("STERNA_TOKEN") or _read_token(settings.home, url)).strip()
    if not token.isascii() or not token.isprintable():
        raise SternaError(
            "STERNA_TOKEN has a character that no token has. Nothing was done.",
            code="BadSetting",
            remedy="Set it to the content of the file token in STERNA_HOME, or unset it.",
        )
    return Client(url.rstrip("/"), token)


def _read_token(home: Path, url: str) -> str:
    try:
        return (home / "token").read_text().strip()
    except FileNotFoundError as error:
        raise _not_running(url) from error
    except PermissionError as error:
        raise SternaError(
            f"The token in {home} belongs to another user.",
            code="TokenUnreadable",
            remedy="Run the command as the user of the server, or set STERNA_TOKEN.",
        ) from error


def _parse(answer: httpx.Response, kind: type[Kind]) -> Kind:
    try:
        return TypeAdapter(kind).validate_json(answer.content)
    except ValidationError as error:
        raise SternaError(
            "The server's answer is not one this command knows; what was asked may be done.",
            code="ServerFailed",
            remedy="Use a command and a server of the same version.",
        ) from error


def _problem(answer: httpx.Response) -> SternaError:
    """The error the server answered with; Refused for 404 and 409, so that it exits with 3."""
    try:
        body = answer.json()
        code, message, remedy = body["code"], body["message"], body["remedy"]
    except (ValueError, KeyError, TypeError):
        return SternaError(
            f"The server answered {answer.status_code} without saying why.",
            code="ServerFailed",
            remedy="Look at the output of `sterna server`.",
        )
    if answer.status_code in (403, 404, 409, 429):
        return Refused(message, code=code, remedy=remedy)
    return SternaError(message, code=code, remedy=remedy)


def _not_running(url: str) -> SternaError:
    return SternaError(
        f"There is no Sterna server at {url}.",
        code="ServerNotRunning",
        remedy="Start it with: sterna server",
    )
