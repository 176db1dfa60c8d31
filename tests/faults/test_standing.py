"""What happens without a person: schedules at their time, hooks that are told, dates that pass."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.store.records import HistoryEntry, Hook, Schedule
from sterna.workflow.engine import Engine
from sterna.workflow.watch import Watch
from tests.faults.cast import BY_ITSELF, Cast, open_cast
from tests.fixtures.pretend_service import TOKEN, serving

THEN = datetime(2027, 1, 31, 1, 0, tzinfo=UTC)
SECRET = "not to be seen"


@pytest.fixture(scope="module")
def shared_cast() -> Iterator[Cast]:
    """A source and its cluster, in sync."""
    with open_cast() as cast:
        cast.tools.journal.change_migration(cast.cluster_id, expires_at=THEN + timedelta(days=20))
        yield cast


@pytest.fixture
def cast(shared_cast: Cast) -> Iterator[Cast]:
    """The same; its clock, its hooks and its schedules are of one test."""
    clock = shared_cast.tools.clock
    shared_cast.wait_until_ready()
    set_clock(shared_cast, -60)
    yield shared_cast
    shared_cast.tools.clock = clock
    shared_cast.engine.fail = None
    for hook in shared_cast.service.hooks.hooks():
        shared_cast.service.hooks.remove(hook.id)
    for schedule in shared_cast.tools.standing.schedules(state="waiting"):
        shared_cast.service.schedules.cancel(schedule.id)


def test_a_schedule_waits_tries_again_and_begins(cast: Cast) -> None:
    """Not before its time; refused it is tried again; begun once, with its pairs, and done."""
    unverified(cast)
    ours, theirs = primaries(cast)
    before = cast.tools.inventory.endpoint(theirs).routes_to
    schedule = plan_switch(cast, minutes=5, pairs={ours: theirs})
    assert "has not been verified" in schedule.refusal
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("waiting", 0)
    set_clock(cast, 1)
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("waiting", 1)
    verified(cast)
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("waiting", 1), "it rests between two tries"
    set_clock(cast, 12)
    cast.service.schedules.tick()
    assert cast.service.migration(cast.cluster_id).status == Status.REVERSED
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("done", 2)
    assert cast.tools.inventory.endpoint(ours).routes_to == before
    told = [e.sentence for e in history(cast) if e.operation == "schedule"]
    assert "will begin between 2027-01-31T01:00:00+00:00" in told[0]
    assert "refused now: The copied data has not been verified" in told[1]
    cast.wait_until_ready()
    back = cast.service.schedules.add(
        cast.cluster_id, "roll_back", starts_at=THEN + timedelta(seconds=20)
    )
    set_clock(cast, 20)
    cast.service.schedules.tick()
    cast.service.schedules.tick()
    assert state(cast, back) == ("done", 1)
    assert cast.service.migration(cast.cluster_id).with_endpoints is False


def test_a_schedule_is_given_up_loudly(cast: Cast) -> None:
    """When the window closes and it is still refused, the history warns and nothing has begun."""
    unverified(cast)
    schedule = plan_switch(cast, minutes=1)
    for seconds in (1, 30, 60):
        set_clock(cast, seconds)
        cast.service.schedules.tick()
    verified(cast)
    assert state(cast, schedule) == ("given up", 2)
    newest = history(cast)[-1]
    assert (newest.operation, newest.state) == ("schedule", "warning")
    assert "it could not begin" in newest.sentence and "not been verified" in newest.sentence
    set_clock(cast, 90)
    cast.service.schedules.tick()
    assert cast.service.migration(cast.cluster_id).status == Status.SYNCING


def test_a_window_missed_while_nobody_ran_is_said(cast: Cast) -> None:
    """A server that was down for the whole window gives the schedule up, and says why."""
    schedule = plan_switch(cast, minutes=1)
    set_clock(cast, 3600)
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("given up", 0)
    assert "no server was running then" in history(cast)[-1].sentence


def test_an_operation_that_made_applications_wait_is_not_repeated(cast: Cast) -> None:
    """A switch undone after its hold fails the schedule; the next outage is a person's decision."""
    schedule = plan_switch(cast, minutes=5)
    set_clock(cast, 1)
    titles = [each.title for each in cast.service.explain("switch_over")]
    held = next(n for n, title in enumerate(titles) if title.startswith("Make the leaving side"))
    cast.engine.fail = (held, "before")
    cast.service.schedules.tick()
    cast.engine.fail = None
    for seconds in (20, 40):
        set_clock(cast, seconds)
        cast.service.schedules.tick()
    assert state(cast, schedule) == ("failed", 1)
    assert cast.service.migration(cast.cluster_id).status == Status.SYNCING


def test_what_a_person_did_is_not_undone(cast: Cast) -> None:
    """Switched and rolled back by hand within the window: the schedule does not switch again."""
    opened_at = datetime.now(UTC)
    cast.tools.clock = lambda: opened_at
    schedule = cast.service.schedules.add(
        cast.cluster_id, "switch_over", starts_at=opened_at, with_endpoints=False
    )
    cast.service.switch_over(cast.cluster_id, with_endpoints=False)
    cast.wait_until_ready()
    cast.service.roll_back(cast.cluster_id)
    cast.wait_until_ready()
    cast.service.schedules.tick()
    assert cast.service.migration(cast.cluster_id).status == Status.SYNCING
    assert state(cast, schedule) == ("given up", 0)
    assert "roll back by hand" in history(cast)[-1].sentence


def test_a_schedule_is_cancelled_or_begun(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while its operation is just being asked for: it waits, and says it has begun."""
    schedule = plan_switch(cast, minutes=5)
    set_clock(cast, 1)
    answers: list[str] = []
    canceller = threading.Thread(target=lambda: answers.append(cancelled(cast, schedule)))
    enqueue = cast.engine.enqueue

    def enqueue_late(operation_id: str) -> None:
        canceller.start()
        canceller.join(0.5)
        assert answers == [], "it was cancelled and begins nevertheless"
        enqueue(operation_id)

    monkeypatch.setattr(cast.engine, "enqueue", enqueue_late)
    cast.service.schedules.tick()
    canceller.join()
    monkeypatch.undo()
    assert "cancelled" not in answers
    cast.service.schedules.tick()
    assert state(cast, schedule) == ("done", 1)
    cast.wait_until_ready()
    cast.service.roll_back(cast.cluster_id)
    cast.wait_until_ready()


def cancelled(cast: Cast, schedule: Schedule) -> str:
    """The state after cancelling, or why it is not cancelled."""
    try:
        return cast.service.schedules.cancel(schedule.id).state
    except Refused as error:
        return error.message


def test_bad_schedules_are_refused(cast: Cast) -> None:
    """Times in the past, backwards, too late; a second schedule; one that is over."""
    add = cast.service.schedules.add
    hour = timedelta(hours=1)
    for starts, ends in ((-hour, None), (hour, hour), (hour, -hour), (hour * 24 * 21, None)):
        ends_at = None if ends is None else THEN + ends
        with pytest.raises(Refused, match="A window begins in the future") as error:
            add(cast.cluster_id, "switch_over", starts_at=THEN + starts, ends_at=ends_at)
        assert error.value.code == "BadSchedule"
    with pytest.raises(Refused, match="A window begins in the future"):
        add(cast.cluster_id, "switch_over", starts_at=datetime.max.replace(tzinfo=UTC))
    with pytest.raises(Refused, match="cannot be scheduled"):
        add(cast.cluster_id, "cancel", starts_at=THEN)
    with pytest.raises(Refused) as error:
        plan_switch(cast, minutes=1, pairs={"pe-none": "pe-nobody"})
    assert error.value.code == "BadEndpointPair"
    schedule = plan_switch(cast, minutes=1)
    with pytest.raises(Refused, match="has a schedule already"):
        plan_switch(cast, minutes=1)
    assert cast.service.schedules.cancel(schedule.id).state == "cancelled"
    with pytest.raises(Refused, match="is not waiting any more: cancelled"):
        cast.service.schedules.cancel(schedule.id)
    with serving(cast.service) as server, client(server.url) as http:
        body = {"cluster_id": cast.cluster_id, "operation": "switch_over"}
        answer = http.post("/schedules", json={**body, "starts_at": "2027-01-31T02:00:00"})
        assert answer.status_code == 422, "a time without an offset means nothing to a server"


def test_a_program_may_object(cast: Cast) -> None:
    """Exit code 1 of a program told before refuses the operation, and nothing is touched."""
    program(cast, "gate", 'cat > "$0.seen"; echo "not tonight"; exit 1')
    add_hook(cast, ("before",), command=("gate", "a b; $(touch /tmp/never) \"'"))
    before = cast.world()
    cast.engine.fail = BY_ITSELF
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    cast.engine.fail = None
    assert cast.world() == before
    assert "objects to switch over" in cast.engine.error
    assert "exit code 1: not tonight" in cast.engine.error
    seen = json.loads((hooks_folder(cast) / "gate.seen").read_text())
    assert (seen["event"], seen["operation"]) == ("before", "switch_over")
    assert (seen["cluster_id"], seen["status"]) == (cast.cluster_id, Status.SWITCHING)
    assert not Path("/tmp/never").exists()


def test_a_hook_is_tested(cast: Cast) -> None:
    """It is told of an event `test`, whatever it wants to hear; why it could not be is said."""
    program(cast, "gate", 'cat > "$0.seen"; echo "not now"; exit 1')
    gate = add_hook(cast, ("before",), command=("gate",))
    assert cast.service.hooks.test(gate.id).error == "exit code 1: not now"
    seen = json.loads((hooks_folder(cast) / "gate.seen").read_text())
    assert (seen["event"], seen["number"], seen["cluster_id"]) == ("test", 0, "")
    with listening() as heard:
        hook = add_hook(cast, ("warning",), url=heard.url, headers={"Authorization": SECRET})
        assert cast.service.hooks.test(hook.id).error == ""
        assert heard.bodies[0].keys() == seen.keys()
        assert heard.secrets == {SECRET}
        deliver_now(cast)
        assert len(heard.bodies) == 1, "a test is no news"
    with pytest.raises(Refused, match="There is no hook"):
        cast.service.hooks.test("hk-none")


def test_a_program_that_hangs_objects(cast: Cast) -> None:
    """It is ended with its children after its time, and the operation is refused."""
    program(cast, "gate", "sleep 60 & sleep 60")
    add_hook(cast, ("before",), command=("gate",), timeout_seconds=0.5)
    cast.engine.fail = BY_ITSELF
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    cast.engine.fail = None
    assert "it took longer than" in cast.engine.error


def test_only_programs_of_the_administrator_run(cast: Cast) -> None:
    """No other program can be named, none that others may change, and none through a path."""
    program(cast, "open", "exit 0").chmod(0o777)
    (hooks_folder(cast) / "text").write_text("no program")
    for name in ("../key", "/bin/sh", "absent", "open", "text", "..", ""):
        with pytest.raises(Refused) as error:
            add_hook(cast, ("after",), command=(name,))
        assert error.value.code == "HookProgramUnusable"
    for wrong in (
        {},
        {"url": "ftp://x"},
        {"url": "http://a" + ":b@c/"},
        {"url": "http://a:99999999/"},
        {"command": ("a",), "url": "x"},
        {"command": ("a", "b\0c")},
        {"command": ("\0",)},
        {"url": "http://a/", "headers": {"X-Token": f"{SECRET} "}},
    ):
        with pytest.raises(Refused) as error:
            add_hook(cast, (), **wrong)
        assert error.value.code == "BadHook"
        assert SECRET not in str(error.value)
    with pytest.raises(Refused, match="A header has a name"):
        add_hook(cast, (), url="http://c/", headers={"A": "b\r\nC: d"})


def test_an_address_is_told_again_until_it_answers(cast: Cast) -> None:
    """A webhook that fails is tried again; what it gets, its secret, and the record of it."""
    with listening(failures=2) as heard:
        hook = add_hook(cast, ("warning",), url=heard.url, headers={"Authorization": SECRET})
        warn(cast)
        for _ in range(3):
            deliver_now(cast)
        assert len(heard.bodies) == 3
        assert heard.bodies[-1]["event"] == "warning"
        assert heard.bodies[-1]["sentence"] == "something to look at"
        assert heard.bodies[-1]["number"] == heard.bodies[0]["number"] > 0
        assert heard.secrets == {SECRET}
        deliver_now(cast)
        assert len(heard.bodies) == 3, "it is told once"
    newest = history(cast)[-1]
    assert (newest.operation, newest.state) == ("hook", "done")
    assert hook.id in newest.sentence
    database = Path(cast.tools.settings.home / "sterna.db")
    kept = b"".join(file.read_bytes() for file in database.parent.glob("sterna.db*"))
    assert SECRET.encode() not in kept and b"/told" not in kept
    assert SECRET not in repr(hook) + str(cast.service.hooks.hooks())


def test_an_address_that_never_answers_is_given_up(cast: Cast) -> None:
    """Five tries, then the history says so, and the next news is told."""
    with listening(failures=5) as heard:
        add_hook(cast, ("warning",), url=heard.url)
        warn(cast)
        for _ in range(7):
            deliver_now(cast)
        assert len(heard.bodies) == 5
        assert "could not be told of warning after 5 tries" in history(cast)[-1].sentence
        warn(cast)
        deliver_now(cast)
        assert len(heard.bodies) == 6


def test_nobody_is_told_while_applications_wait(cast: Cast) -> None:
    """During a switch nothing is delivered; afterwards everything is."""
    with listening() as heard:
        add_hook(cast, ("warning",), url=heard.url)
        warn(cast)
        cast.tools.journal.change_migration(cast.cluster_id, status=Status.SWITCHING)
        deliver_now(cast)
        assert heard.bodies == []
        cast.tools.journal.change_migration(cast.cluster_id, status=Status.SYNCING)
        deliver_now(cast)
        assert len(heard.bodies) == 1


def test_a_failure_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that was undone is told of with its reason, and nothing else is."""
    with listening() as heard:
        add_hook(cast, ("failed",), url=heard.url)
        engine, begun = object.__new__(Engine), []  # it ends operations, and runs none
        engine._tools = cast.tools
        monkeypatch.setattr(cast.engine, "enqueue", begun.append)
        cast.service.switch_over(cast.cluster_id, with_endpoints=False)
        engine._failed(cast.tools.journal.operation(begun[0]), "It was made to fail.")
        deliver_now(cast)
    (told,) = heard.bodies
    assert (told["event"], told["operation"]) == ("failed", "switch_over")
    assert told["sentence"].endswith("It was made to fail. Everything is as it was before.")
    assert cast.service.migration(cast.cluster_id).status == Status.SYNCING


def test_a_stopped_task_and_a_rogue_writer_are_told_once(cast: Cast) -> None:
    """Each becomes one warning in the history, however often it is looked at."""
    task_id = cast.service.migration(cast.cluster_id).task_id
    count = len(history(cast))
    look = Watch(cast.tools, cast.service.expire).looks()[2]
    cast.tools.tasks.change(task_id, rogue="somebody else changed shop.t")
    for _ in range(3):
        look()
    cast.tools.tasks.change(task_id, status="Failed", error="It stopped.", rogue="")
    for _ in range(3):
        look()
    cast.tools.tasks.change(task_id, status="Synchronizing", error="")
    look()
    new = history(cast)[count:]
    assert [entry.step for entry in new] == ["rogue_writer", "task_stopped"]
    assert {entry.state for entry in new} == {"warning"}


def test_the_last_days_are_shown(cast: Cast) -> None:
    """The date, and the warnings 7, 3 and 1 days before it, are in the API's answer."""
    cast.tools.journal.change_migration(cast.cluster_id, expires_at=THEN)
    watch = Watch(cast.tools, cast.service.expire)
    for days_left in (8.0, 6.9, 6.8, 2.9, 0.9):
        set_clock(cast, -86400 * days_left)
        watch.looks()[-1]()
    with serving(cast.service) as server, client(server.url) as http:
        shown = http.get(f"/migrations/{cast.cluster_id}").json()
    assert datetime.fromisoformat(shown["expires_at"]) == THEN
    told = [entry for entry in shown["history"] if entry["operation"] == "expire"]
    assert [entry["sentence"][:24] for entry in told] == [
        f"less than {days} days are left"[:24] for days in (7, 3, 1)
    ]


def plan_switch(cast: Cast, *, minutes: float, **pairs: dict[str, str]) -> Schedule:
    """A switchover in a window that opens at THEN; with endpoints where pairs are given."""
    return cast.service.schedules.add(
        cast.cluster_id,
        "switch_over",
        starts_at=THEN,
        ends_at=THEN + timedelta(minutes=minutes),
        with_endpoints=bool(pairs),
        **pairs,
    )


def primaries(cast: Cast) -> tuple[str, str]:
    """The primary endpoints of the instance and of the cluster."""
    owners = (cast.tools.source(cast.cluster_id).id, cast.cluster_id)
    found = [each for owner in owners for each in cast.tools.inventory.endpoints(owner)]
    ours, theirs = (each.id for each in found if each.type == "Primary")
    return ours, theirs


def set_clock(cast: Cast, seconds: float) -> None:
    """So many seconds after THEN."""
    cast.tools.clock = lambda: THEN + timedelta(seconds=seconds)


def state(cast: Cast, schedule: Schedule) -> tuple[str, int]:
    """Where a schedule stands, and how often it was tried."""
    found = cast.tools.standing.schedule(schedule.id)
    return found.state, found.tries


def unverified(cast: Cast) -> None:
    """As after a restart: a switchover is refused."""
    cast.tools.tasks.change(cast.service.migration(cast.cluster_id).task_id, verified_at=None)


def verified(cast: Cast) -> None:
    """As after a clean pass."""
    cast.tools.tasks.change(cast.service.migration(cast.cluster_id).task_id, verified_at=THEN)


def history(cast: Cast) -> Any:
    """Everything that happened."""
    return cast.service.migration(cast.cluster_id).history


def warn(cast: Cast) -> None:
    """Something happens that hooks are told of."""
    entry = HistoryEntry(THEN, "watch", "test", "Test", "warning", "something to look at", 0)
    cast.tools.journal.write(cast.cluster_id, entry)


def add_hook(cast: Cast, events: tuple[str, ...], **given: Any) -> Hook:
    """A hook that is told from now on."""
    return cast.service.hooks.add(events, **given)


def deliver_now(cast: Cast) -> None:
    """Without the rest after a failure."""
    for trouble in cast.service.hooks._troubles.values():
        trouble.rest_until = 0.0
    cast.service.hooks.deliver()


def hooks_folder(cast: Cast) -> Path:
    """Where an administrator puts programs."""
    folder = cast.tools.settings.home / "hooks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def program(cast: Cast, name: str, script: str) -> Path:
    """A shell script as a hook's program."""
    file = hooks_folder(cast) / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return file


def client(url: str) -> httpx.Client:
    """With the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False)


class Heard:
    """What an address was sent."""

    def __init__(self, failures: int) -> None:
        self.url = ""
        self.failures = failures
        self.bodies: list[dict[str, Any]] = []
        self.secrets: set[str | None] = set()


@contextmanager
def listening(failures: int = 0) -> Iterator[Heard]:
    """An address that answers 500 at first, so many times."""
    heard = Heard(failures)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.bodies.append(json.loads(self.rfile.read(length)))
            heard.secrets.add(self.headers["Authorization"])
            self.send_response(500 if len(heard.bodies) <= heard.failures else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"http://127.0.0.1:{server.server_port}/told"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
