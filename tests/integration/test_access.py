"""Who may ask the server for what, over real HTTP with a real store."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sterna.server.roles import NEEDED, OPEN, role_needed
from sterna.store.access import Access
from sterna.store.access_records import Role
from sterna.store.database import now
from sterna.store.repository import Database, open_store
from sterna.store.tables import login_sessions
from sterna.workflow.auditing import Auditing
from sterna.workflow.people import People
from sterna.workflow.throttle import Throttle
from tests.fixtures.pretend_service import TOKEN, PretendService, Serving, serving

PASSWORD = "correct horse battery"


@dataclass
class Stage:
    """A server whose people are real; what is behind it is not."""

    server: Serving
    service: PretendService
    database: Database
    file: Path
    clients: list[httpx.Client] = field(default_factory=list)
    seconds: float = 0.0

    def client(self, **headers: str) -> httpx.Client:
        """One browser, or one script."""
        client = httpx.Client(
            base_url=f"{self.server.url}/api/v1", headers=headers, timeout=60, trust_env=False
        )
        self.clients.append(client)
        return client

    def local(self) -> httpx.Client:
        """Who has the server's token file."""
        return self.client(Authorization=f"Bearer {TOKEN}")

    def browser(self, name: str) -> httpx.Client:
        """One that has signed in."""
        browser = self.client()
        answer = browser.post("/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One server for all tests, with a user of each role."""
    folder = tmp_path_factory.mktemp("access")
    database, _ = open_store(f"sqlite:///{folder}/s.db", folder / "key")
    service = PretendService()
    service.people = People(Access(database))
    service.auditing = Auditing(Access(database))
    for role in Role:
        service.people.add(f"{role}-1", role, PASSWORD)
    with serving(service) as server:
        yield Stage(server, service, database, folder / "s.db")
    database.close()


@pytest.fixture
def stage(made: Stage) -> Iterator[Stage]:
    """The server, as if nobody had guessed passwords before; its clock of guesses stands still."""
    made.seconds = 1000.0
    made.service.people._throttle = Throttle(lambda: made.seconds)
    yield made
    while made.clients:
        made.clients.pop().close()


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if answer.status_code >= 400 else ""


def _operations(client: httpx.Client) -> Iterator[tuple[str, str]]:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            yield method.upper(), path.removeprefix("/api/v1")


def test_every_route_says_its_role(stage: Stage) -> None:
    """No route is without a role, and the table names none that is not there."""
    routes = {f"{method} {path}" for method, path in _operations(stage.local())}
    assert routes - {*NEEDED, *OPEN} == set()
    assert {*NEEDED, *OPEN} - routes == {"GET /openapi.json", "GET /metrics"}


def test_each_role_may_what_it_may_and_no_more(stage: Stage) -> None:
    """Every route, asked with each role: Forbidden exactly where the role is too small."""
    browsers = {role: stage.browser(f"{role}-1") for role in Role}
    for method, path in _operations(stage.local()):
        if f"{method} {path}" in (*OPEN, "POST /logout", "GET /events") or "events" in path:
            continue
        address = re.sub(r"\{.*?\}", "nobody", path)
        for role, browser in browsers.items():
            if role.includes(role_needed(method, path)) and method != "GET":
                continue  # it would be done
            answer = browser.request(method, address, json={} if method != "GET" else None)
            is_allowed = role.includes(role_needed(method, path))
            assert (_code(answer) == "Forbidden") is not is_allowed, (role, method, path)
    assert role_needed("GET", "/what/nobody/thought/of") is Role.ADMIN


def test_a_session_is_kept_from_scripts_other_sites_and_the_store(stage: Stage) -> None:
    """The cookie is HttpOnly and SameSite=Strict; the store and the audit log have no secret."""
    browser = stage.client()
    answer = browser.post("/login", json={"name": " Admin-1 ", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert answer.json()["name"] == "admin-1" and answer.json()["role"] == "admin"
    secret = browser.cookies["sterna_session"]
    with closing(sqlite3.connect(stage.file)) as connection:
        kept = "\n".join(connection.iterdump())
    assert secret not in kept and PASSWORD not in kept and "$argon2id$" in kept
    assert secret not in answer.text


def test_signing_in_begins_a_new_session_and_ends_the_one_before(stage: Stage) -> None:
    """A session somebody else planted, or knew, is worth nothing after a login."""
    browser = stage.browser("viewer-1")
    before = browser.cookies["sterna_session"]
    browser.post("/login", json={"name": "viewer-1", "password": PASSWORD})
    assert browser.cookies["sterna_session"] != before
    thief = stage.client(Cookie=f"sterna_session={before}")
    assert thief.get("/engines").status_code == 401
    planted = stage.client(Cookie="sterna_session=planted")
    planted.post("/login", json={"name": "viewer-1", "password": PASSWORD})
    assert stage.client(Cookie="sterna_session=planted").get("/engines").status_code == 401


def test_a_change_with_a_cookie_must_come_from_our_own_pages(stage: Stage) -> None:
    """Without the CSRF token, or from another origin, nothing is done; a bearer needs neither."""
    browser = stage.browser("operator-1")
    calls = len(stage.service.calls)
    token = browser.headers.pop("X-CSRF-Token")
    for headers in (
        {},
        {"X-CSRF-Token": "wrong"},
        {"X-CSRF-Token": token, "Origin": "http://evil.example"},
        {"X-CSRF-Token": token, "Origin": "null"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
    ):
        answer = browser.post("/migrations/pc-1/verify", headers=headers)
        assert (answer.status_code, _code(answer)) == (403, "CsrfRefused"), headers
    evil = {"Origin": "http://evil.example"}
    body = {"name": "operator-1", "password": PASSWORD}
    assert _code(browser.post("/login", json=body, headers=evil)) == "CsrfRefused"
    assert len(stage.service.calls) == calls
    ours = {"X-CSRF-Token": token, "Origin": stage.server.url}
    assert browser.post("/logout", headers=ours).status_code == 204


def test_a_session_ends_by_idleness_by_age_and_by_logout(stage: Stage) -> None:
    """An hour without use, twelve hours, or a logout; a page that looks by itself is no use."""
    browser = stage.browser("viewer-1")

    def shift(**values: Any) -> None:
        stage.database.change(login_sessions, {"user_name": "viewer-1"}, **values)

    shift(seen_at=now() - timedelta(minutes=50))
    assert browser.get("/engines", headers={"X-Background": "1"}).status_code == 200
    shift(seen_at=now() - timedelta(minutes=61))
    assert browser.get("/engines").status_code == 401
    browser = stage.browser("viewer-1")
    shift(created_at=now() - timedelta(hours=12))
    assert browser.get("/engines").status_code == 401
    assert browser.get("/session").json()["signed_in"] is False
    browser = stage.browser("viewer-1")
    assert browser.get("/session").json()["csrf_token"] == browser.headers["X-CSRF-Token"]
    assert browser.post("/logout").status_code == 204
    assert browser.get("/engines").status_code == 401


def test_guessing_is_slowed_down_and_says_nothing(stage: Stage) -> None:
    """After some failures an account waits; a name that is not there looks like one that is."""
    answers = set()
    for name in ("viewer-1", "nobody-at-all"):
        browser = stage.client()
        for _ in range(5):
            answer = browser.post("/login", json={"name": name, "password": "wrong wrong wrong"})
            answers.add((answer.status_code, answer.text))
        answer = browser.post("/login", json={"name": name, "password": PASSWORD})
        assert (answer.status_code, _code(answer)) == (429, "TooManyAttempts")
        assert int(answer.headers["Retry-After"]) >= 1
    assert len(answers) == 1
    stage.seconds += int(answer.headers["Retry-After"])
    stage.browser("viewer-1")
    assert _code(stage.client().post("/login", json={"name": "operator-1", "password": "x"}))


def test_a_role_counts_at_once_and_a_password_ends_sessions(stage: Stage) -> None:
    """A role that is changed counts for sessions that are open; a new password ends them."""
    admin = stage.browser("admin-1")
    made = admin.post("/users", json={"name": "Eve", "role": "operator", "password": PASSWORD})
    assert made.json()["name"] == "eve"
    eve = stage.browser("eve")
    assert eve.delete("/schedules/nobody").status_code != 403
    admin.patch("/users/eve", json={"role": "viewer"})
    assert _code(eve.delete("/schedules/nobody")) == "Forbidden"
    changed = {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
    other = stage.browser("eve")
    assert eve.post("/password", json={**changed, "old_password": "no"}).status_code == 409
    assert eve.post("/password", json=changed).status_code == 204
    assert (eve.get("/engines").status_code, other.get("/engines").status_code) == (200, 401)
    admin.patch("/users/eve", json={"password": PASSWORD})
    assert eve.get("/engines").status_code == 401
    assert admin.delete("/users/eve").status_code == 204
    assert _code(admin.delete("/users/admin-1")) == "LastAdmin"
    assert _code(admin.patch("/users/admin-1", json={"role": "viewer"})) == "LastAdmin"
    weak = {"name": "mallory", "role": "viewer", "password": "short"}
    assert _code(admin.post("/users", json=weak)) == "WeakPassword"


def test_a_token_is_shown_once_and_does_no_more_than_its_role(stage: Stage) -> None:
    """A token opens what its role may until it is revoked, is over, or its maker is gone."""
    admin = stage.browser("admin-1")
    made = admin.post("/tokens", json={"role": "viewer", "description": "backup"}).json()
    script = stage.client(Authorization=f"Bearer {made['secret']}")
    assert script.get("/engines").status_code == 200
    assert _code(script.post("/migrations/pc-1/verify")) == "Forbidden"
    (listed,) = admin.get("/tokens").json()
    assert listed["used_at"] and made["secret"] not in json.dumps(listed)
    assert admin.delete(f"/tokens/{listed['id']}").status_code == 204
    assert script.get("/engines").status_code == 401
    admin.post("/users", json={"name": "maker", "role": "admin", "password": PASSWORD})
    maker = stage.browser("maker")
    secret = maker.post("/tokens", json={"role": "admin", "expires_in_days": 1}).json()["secret"]
    script = stage.client(Authorization=f"Bearer {secret}")
    assert script.get("/users").status_code == 200
    child = script.post("/tokens", json={"role": "admin"}).json()["secret"]
    scripts = (script, stage.client(Authorization=f"Bearer {child}"))
    assert {each.get("/users").status_code for each in scripts} == {200}
    admin.patch("/users/maker", json={"role": "operator"})
    assert {_code(each.get("/users")) for each in scripts} == {"Forbidden"}
    admin.delete("/users/maker")
    assert {each.get("/engines").status_code for each in scripts} == {401}
    stale = stage.client(Authorization="Basic eA==", Cookie=f"sterna_session={'x' * 43}")
    assert stale.get("/engines").status_code == 401


def test_what_was_asked_is_kept_without_secrets(stage: Stage) -> None:
    """Who, from where, what and how it ended: done, refused for the role, or by the service."""
    operator, admin = stage.browser("operator-1"), stage.browser("admin-1")
    operator.post("/migrations/pc-1/complete", json={"disable_binlog": True})
    operator.post("/hooks", json={})
    body = {"host": "db", "port": 1, "user": "u", "password": "hunter2hunter2"}
    admin.post("/instances", json=body)
    admin.get("/engines")
    page = admin.get("/audit", params={"limit": 3}).json()
    added, forbidden, refused = page["items"]
    assert (added["who"], added["action"], added["result"]) == ("admin-1", "add_instance", "done")
    assert added["arguments"]["password"] == "***" and added["arguments"]["host"] == "db"
    assert added["address"] == "127.0.0.1"
    assert (forbidden["action"], forbidden["code"]) == ("add_hook", "Forbidden")
    assert (refused["result"], refused["code"]) == ("refused", "WrongStatus")
    assert refused["object"] == "pc-1" and refused["arguments"] == {"disable_binlog": True}
    evil = {"name": "\x1b[2Jeve", "password": PASSWORD}
    assert _code(stage.client().post("/login", json=evil)) == "WrongLogin"
    assert admin.get("/audit", params={"limit": 1}).json()["items"][0]["who"] == "\ufffd[2Jeve"
    older = admin.get("/audit", params={"before": page["next_before"], "who": "admin-1"}).json()
    assert older["items"][0]["action"] == "login"
    assert "hunter2" not in stage.file.read_bytes().decode(errors="replace")


def test_only_names_that_are_ours_are_answered(stage: Stage) -> None:
    """A name that somebody else points to this address opens nothing; nor does a huge body."""
    local = stage.local()
    for host, status in (
        ("evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("localhost:1", 200),
        ("[::1]:8036", 200),
    ):
        assert local.get("/engines", headers={"Host": host}).status_code == status, host
    huge = local.post("/instances", content=b"x" * (1 << 20) + b"x")
    assert (huge.status_code, _code(huge)) == (413, "TooLarge")

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 15)

    assert local.post("/instances", content=pieces()).status_code == 413
    answer = local.get("/engines")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
