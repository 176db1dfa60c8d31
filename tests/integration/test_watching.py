"""What the console watches and asks for, over real HTTP with a real store and the real story."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sterna.dataplane.reports import SampleReport
from sterna.migration.status import Action, Status
from sterna.settings import Settings
from sterna.store.access import Access
from sterna.store.access_records import Role
from sterna.store.database import now
from sterna.store.journal import StepUnderWay
from sterna.store.records import HistoryEntry
from sterna.store.tables import login_sessions
from sterna.wiring import make_tools
from sterna.workflow.service import Service
from sterna.workflow.tools import Tools
from tests.fixtures.pretend_service import CLUSTER, INSTANCE, MIGRATION, TOKEN, serving
from tests.fixtures.running import RunningServer, eventually

PASSWORD = "correct horse battery"
TASK = "dts1"


class NoEngine:
    """Begins nothing: these tests say themselves what steps do."""

    def enqueue(self, operation_id: str) -> None:
        """Leave it."""


@dataclass
class Stage:
    """A server with one migration in sync, whose servers are never asked."""

    url: str
    tools: Tools
    home: Path
    service: Service

    @contextmanager
    def stream(self, **headers: str) -> Iterator[Iterator[tuple[str, str, Any]]]:
        """Events as (name, id, data), as they come."""
        headers = headers or {"Authorization": f"Bearer {TOKEN}"}
        address = f"{self.url}/api/v1/events"
        with httpx.stream("GET", address, headers=headers, timeout=60, trust_env=False) as answer:
            assert answer.status_code == 200
            yield _events(answer.iter_lines())

    def get(self, path: str, **query: Any) -> Any:
        """What the API answers."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        address = f"{self.url}/api/v1{path}"
        answer = httpx.get(address, params=query, headers=headers, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tell(self, step: str, state: str, sentence: str, operation: str = "switch_over") -> None:
        """One more entry of the history."""
        entry = HistoryEntry(now(), operation, step, step, state, sentence, 0.0)
        self.tools.journal.write("pc-1", entry)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif fields:
            if "data" in fields:
                data = json.loads(fields["data"])
                yield fields.get("event", ""), fields.get("id", ""), data
            fields = {}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One server for all tests."""
    home = tmp_path_factory.mktemp("watching")
    tools = make_tools(Settings(home=home))
    tools.inventory.add_instance(dataclasses.replace(INSTANCE, created_at=now()), "secret")
    tools.inventory.add_cluster(
        dataclasses.replace(CLUSTER, nodes=()), admin_user="sterna", admin_password="secret"
    )
    tools.tasks.add(TASK, "rm-1 to pc-1")
    kept = dataclasses.replace(
        MIGRATION,
        cluster_id="pc-1",
        status=Status.SYNCING,
        task_id=TASK,
        operation="",
        expires_at=now() + timedelta(days=2),
    )
    tools.journal.add_migration(kept, ())
    tools.tasks.change(TASK, stage="incremental", status="Synchronizing", wanted=True)
    for number in range(300):
        tools.tasks.put_table(
            TASK,
            "shop" if number % 2 else "bank",
            f"t_{number:03}",
            rows_estimated=1000,
            rows_copied=number,
            bytes_copied=10 * number,
            state="copied" if number >= 200 else "copying" if number else "waiting",
            differences=3 if number == 7 else 0,
        )
    service = Service(tools, NoEngine())  # type: ignore[arg-type]
    with serving(service) as server:
        yield Stage(server.url, tools, home, service)
    tools.supervisor.close()


def test_a_stream_begins_with_everything_and_goes_on_with_changes(stage: Stage) -> None:
    """Everything as it stands, then `ready`; then only what changes, and what is gone."""
    with stage.stream() as events:
        begin = {}
        for name, _, data in events:
            begin[name] = data
            if name == "ready":
                break
        expected = {"hello", "overview", "instance", "cluster", "migration", "ready"}
        assert expected <= set(begin) and "history" not in begin
        assert begin["migration"]["task"]["tables"] == [] == begin["migration"]["history"]
        assert begin["migration"]["task"]["rows_copied"] == sum(range(300))
        allowed = {each["action"] for each in begin["migration"]["actions"] if each["allowed"]}
        assert allowed == {Action.CANCEL}
        stage.tools.journal.change_migration("pc-1", comment="look here")
        name, _, data = _next(events, "migration")
        assert data["comment"] == "look here"
        stage.tools.inventory.add_instance(
            dataclasses.replace(INSTANCE, id="rm-2", host="elsewhere", created_at=now()), "secret"
        )
        assert _next(events, "instance")[2]["id"] == "rm-2"
        stage.tools.inventory.remove_instance("rm-2")
        assert _next(events, "gone")[2] == {"topic": "instance", "id": "rm-2"}


def _next(events: Iterator[tuple[str, str, Any]], wanted: str) -> tuple[str, str, Any]:
    return next(event for event in events if event[0] == wanted)


def test_samples_come_as_they_are_reported(stage: Stage) -> None:
    """The latency and the speeds of a task arrive within a moment, and stand in its history."""
    sample = SampleReport(1, 2, 0, 3, 4, 5, 1, 6, 1.0, "")
    with stage.stream() as events:
        _next(events, "ready")
        stage.tools.metrics.note_lag(TASK, 0.25, "")
        stage.tools.metrics.add(TASK, sample)
        _, _, data = _next(events, "sample")
        assert (data["task_id"], data["cluster_id"], data["lag_seconds"]) == (TASK, "pc-1", 0.25)
    for lag in (0.5, 9.0, 0.5, 0.5):
        stage.tools.metrics.note_lag(TASK, lag, "")
        stage.tools.metrics.add(TASK, sample)
    samples = stage.get(f"/tasks/{TASK}/metrics", points=2)
    assert len(samples) == 2 and max(each["lag_seconds"] for each in samples) == 9.0


def test_an_operation_is_seen_step_by_step(stage: Stage) -> None:
    """Begun, running, done, undone: each step with its sentence, and the outage while it lasts."""
    journal = stage.tools.journal
    arguments = {"with_endpoints": False, "disable_binlog": False}
    row = journal.begin("pc-1", "switch_over", arguments, Status.SWITCHING)
    with stage.stream() as events:
        _, _, run = _next(events, "operation")
        assert {step["state"] for step in run["steps"]} == {"waiting"}
        assert sum(step["point_of_no_return"] for step in run["steps"]) == 1
        assert "exchange_endpoints" not in [step["name"] for step in run["steps"]]
        journal.under_way["pc-1"] = StepUnderWay(row.id, "check_guards", now(), False)
        assert _state(_operation(events, "check_guards", "running"), "check_guards")["began_at"]
        stage.tell("check_guards", "done", "latency 0.1 s")
        told = _state(_operation(events, "check_guards", "done"), "check_guards")
        assert told["sentence"] == "latency 0.1 s"
        journal.learn(row.id, held_at=now().isoformat())
        assert next(e for e in events if e[0] == "operation" and e[2]["blocked_at"])
        stage.tell("check_guards", "undone", "nothing to undo")
        journal.end(row, error="it failed")
        run = next(e[2] for e in events if e[0] == "operation" and e[2]["state"] == "failed")
        assert (run["error"], run["ended_at"] is None) == ("it failed", False)
    journal.change_migration("pc-1", status=Status.SYNCING)
    (told,) = stage.get("/migrations/pc-1/timeline")
    assert _state(told, "check_guards")["state"] == "undone"
    assert _state(told, "check_guards")["tries"] == 2


def _operation(events: Iterator[tuple[str, str, Any]], step: str, state: str) -> Any:
    """The first event in which the step is in this state."""
    return next(data for name, _, data in events if name == "operation" and _is(data, step, state))


def _is(run: Any, step: str, state: str) -> bool:
    return bool(_state(run, step)["state"] == state)


def _state(run: Any, step: str) -> Any:
    return next(each for each in run["steps"] if each["name"] == step)


def test_nobody_misses_what_was_told_while_he_was_away(stage: Stage) -> None:
    """With Last-Event-ID the sentences since come first; each has its number as id."""
    with stage.stream() as events:
        _next(events, "ready")
        stage.tell("watch", "warning", "one")
        _, number, data = _next(events, "history")
        assert data["entry"]["sentence"] == "one" and int(number) == data["number"]
    stage.tell("watch", "warning", "two")
    headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": number}
    with stage.stream(**headers) as events:
        assert _next(events, "history")[2]["entry"]["sentence"] == "two"


def test_a_stream_ends_with_its_session(stage: Stage) -> None:
    """Whoever signs out, or is removed, sees nothing more; the stream says so and ends."""
    access = Access(stage.tools.access._database)
    service_people = httpx.post(
        f"{stage.url}/api/v1/users",
        json={"name": "eve", "role": "viewer", "password": PASSWORD},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
        trust_env=False,
    )
    assert service_people.status_code == 201
    with httpx.Client(base_url=f"{stage.url}/api/v1", timeout=60, trust_env=False) as browser:
        browser.post("/login", json={"name": "eve", "password": PASSWORD})
        cookie = f"sterna_session={browser.cookies['sterna_session']}"
    with stage.stream(Cookie=cookie) as events:
        _next(events, "ready")
        access.end_sessions("eve")
        assert _next(events, "signed_out")
        assert next(events, None) is None
    assert access.role_of("eve") is Role.VIEWER
    assert not stage.tools.access._database.rows(login_sessions)


def test_streams_are_bounded_and_places_come_back(stage: Stage) -> None:
    """The twenty-first stream of one person is refused; after one has ended there is a place."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = f"{stage.url}/api/v1/events"
    with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
        opened = [client.stream("GET", address) for _ in range(20)]
        answers = [each.__enter__() for each in opened]
        assert {answer.status_code for answer in answers} == {200}
        refused = client.get(address)
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyStreams")
        for each in opened:
            each.__exit__(None, None, None)

    def has_place() -> bool:
        with httpx.stream("GET", address, headers=headers, timeout=60, trust_env=False) as answer:
            return answer.status_code == 200

    eventually(has_place, within_seconds=20)


def test_tables_are_filtered_sorted_and_paged_by_the_server(stage: Stage) -> None:
    """Of many tables one page comes, of a state, a search and an order."""
    path = f"/tasks/{TASK}/tables"
    page = stage.get(path, search="p.t_", sort="rows", descending=True, limit=10)
    assert (page["total"], page["matching"], len(page["items"])) == (300, 150, 10)
    page = stage.get(path, state="copying", sort="bytes", offset=198, limit=10)
    assert (page["matching"], [each["table"] for each in page["items"]]) == (199, ["t_199"])
    (different,) = stage.get(path, state="different")["items"]
    assert (different["table"], different["differences"]) == ("t_007", 3)
    assert stage.get(path, search="100%")["matching"] == 0
    assert stage.get(f"/tasks/{TASK}", tables=False)["tables"] == []


def test_the_log_is_paged_and_tells_changed_objects_apart(stage: Stage) -> None:
    """Lines come newest first; those about objects are also there by themselves."""
    for number in range(5):
        stage.tools.tasks.log(TASK, "NORMAL", f"line {number}")
    stage.tools.tasks.log(TASK, "WARN", "Ran ALTER TABLE bank.t", "ddl")
    page = stage.get(f"/tasks/{TASK}/logs", limit=3)
    assert [each["sentence"] for each in page["items"]][1:] == ["line 4", "line 3"]
    page = stage.get(f"/tasks/{TASK}/logs", before=page["next_before"], level="NORMAL")
    assert [each["sentence"] for each in page["items"]][:2] == ["line 2", "line 1"]
    (changed,) = stage.get(f"/tasks/{TASK}/objects")["items"]
    assert changed["kind"] == "ddl"


def test_what_wants_a_person_is_an_alert(stage: Stage) -> None:
    """A task that stopped, rows that differ, a date that comes near: each with what to do."""
    tasks = stage.tools.tasks
    tasks.change(TASK, status="Failed", error="It stopped.", remedy="Start it.", wanted=False)
    tasks.change(TASK, verified_at=now(), differences=2, rogue="somebody wrote")
    seen = stage.get("/overview")
    kinds = [alert["kind"] for alert in seen["alerts"]]
    assert set(kinds) >= {"task_failed", "differences", "rogue_writer", "expires_soon"}
    assert all(alert["sentence"] and alert["remedy"] for alert in seen["alerts"])
    assert next(alert["severity"] for alert in seen["alerts"]) == "error"
    assert (seen["instances"], seen["migrations_open"], seen["tasks_failed"]) == (1, 1, 1)


def test_settings_have_no_secret(stage: Stage) -> None:
    """How the server was started is shown; neither the token nor the key is."""
    text = json.dumps(stage.get("/settings")) + json.dumps(stage.get("/choices"))
    assert (stage.home / "key").read_text().strip() not in text
    assert str(stage.home) in text and TOKEN not in text


def test_a_connection_is_tried_and_not_kept(stage: Stage, mysql57: RunningServer) -> None:
    """Who registers an instance can see before whether Sterna gets in, and what is amiss."""
    server = mysql57.server
    given = {"host": server.host, "port": server.port, "user": server.user}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = f"{stage.url}/api/v1/instances/test"
    with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
        body = {**given, "password": server.password, "tls": "Disabled"}
        found = client.post(address, json=body).json()
        assert found["version"].startswith("MySQL 5.7") and found["flavor"] == "mysql"
        assert found["warnings"] == ["The connection is not encrypted."]
        refused = client.post(address, json={**given, "password": "wrong"})
        assert (refused.status_code, refused.json()["code"]) == (409, "AccessDenied")
    assert [each["id"] for each in stage.get("/instances")] == ["rm-1"]


def test_what_begins_by_itself_is_in_the_audit_log(stage: Stage) -> None:
    """A migration whose time is over ends by itself; the log says so as of what people ask."""
    stage.service.expire("pc-1")
    newest = stage.get("/audit", limit=1)["items"][0]
    assert (newest["who"], newest["action"], newest["object"]) == ("sterna", "expire", "pc-1")


def test_nothing_a_script_sends_makes_the_server_fail(stage: Stage) -> None:
    """Wrong kinds, huge numbers, deep and long values: refused or malformed, never 500."""
    deep: Any = "x"
    for _ in range(400):
        deep = {"a": [deep]}
    bodies = ([], 1, None, deep, {"role": 7}, {"name": "\x00" * 300, "role": "admin"}, _WRONG)
    queries = ("", "?limit=-1", "?before=" + "9" * 30, "?search=" + "%25" * 60, "?points=0")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    document = stage.get("/openapi.json")
    with httpx.Client(base_url=stage.url, headers=headers, timeout=60, trust_env=False) as client:
        for path, methods in document["paths"].items():
            address = path.replace("{name}", "x").replace("{cluster_id}", "pc-x")
            address = re.sub(r"\{.*?\}", "%00%2e%2e", address)
            for method in methods:
                if "events" in path or address.endswith(("/login", "/setup")):
                    continue
                for each in queries if method == "get" else bodies:
                    sent = {"url": address + each} if method == "get" else {"url": address}
                    json_ = None if method == "get" else each
                    answer = client.request(method.upper(), **sent, json=json_)
                    assert answer.status_code < 500, (method, path, each, answer.text)


_WRONG = {
    "password": "x" * 5000,
    "token": {},
    "host": "",
    "port": 10**30,
    "tables": [[]],
    "ignore": "x",
    "expires_in_days": 1e300,
    "starts_at": "yesterday",
}
