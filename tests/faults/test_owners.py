"""Where it is not known who owns the writes nothing is guessed, and a person puts it in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from sterna.errors import Refused
from sterna.migration.status import Action, Status
from sterna.mysql.connection import execute, open_session, query
from sterna.store.journal import OperationRow
from sterna.workflow import ambiguity
from sterna.workflow.engine import STORY, Engine, Step, StepFailedError, outline
from sterna.workflow.steps import closing
from sterna.workflow.tools import Side, Tools
from sterna.workflow.watch import Watch
from tests.faults.cast import Cast, PlainRun, open_cast
from tests.fixtures.running import eventually


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    """A source and its cluster, in sync."""
    with open_cast() as cast:
        yield cast


def test_an_unreachable_server_hides_no_other(cast: Cast) -> None:
    """While the follower of one migration is away, those of the others are still closed."""
    known = cast.tools.inventory.instance(source_of(cast).id)
    gone = dataclasses.replace(known, id="rm-gone", port=1)
    cast.tools.inventory.add_instance(gone, "")
    migration = cast.tools.journal.migration(cast.cluster_id)
    older = dataclasses.replace(
        migration,
        cluster_id="pc-gone",
        instance_id=gone.id,
        task_id="dtsgone",
        status=Status.REVERSED,
        created_at=migration.created_at - timedelta(days=1),
    )
    cast.tools.tasks.add("dtsgone", "gone")
    cast.tools.journal.add_migration(older, ())
    make_read_only(cluster_of(cast), False)
    look(cast)
    assert roles(cast) == (False, True)
    cast.tools.journal.change_migration("pc-gone", status=Status.CLOSED)
    assert cast.service.verify(cast.cluster_id).task_id == migration.task_id
    cast.wait_until_ready()


def test_exchanged_roles_are_left_alone(cast: Cast) -> None:
    """A store that says the opposite of what the servers do closes nobody and opens nobody."""
    make_read_only(source_of(cast), True)
    make_read_only(cluster_of(cast), False)
    servers = roles(cast)
    look(cast)
    migration = cast.service.migration(cast.cluster_id)
    assert migration.status == Status.AMBIGUOUS
    assert "the opposite of what is known here" in migration.comment
    assert roles(cast) == servers == (True, False)
    cast.tools.tasks.change(migration.task_id, status="Failed", error_code="Fenced")
    with pytest.raises(Refused, match="cannot be resumed in status AMBIGUOUS"):
        cast.service.resume_task(migration.task_id)
    assert cast.tools.supervisor.pid(migration.task_id) is None
    look(cast)
    assert roles(cast) == servers
    for action in (Action.SWITCH_OVER, Action.CANCEL, Action.COMPLETE, Action.EXPIRE):
        with pytest.raises(Refused, match="AMBIGUOUS"):
            cast.service.begin(cast.cluster_id, action)


def test_both_sides_are_shown(cast: Cast) -> None:
    """Who answers, who takes writes, where the logs and the endpoints are, what speaks for whom."""
    found = cast.service.resolution(cast.cluster_id)
    source, cluster = found.sides
    assert (source.word, source.reachable, source.read_only) == ("source", True, True)
    assert (cluster.word, cluster.reachable, cluster.read_only) == ("cluster", True, False)
    assert source.position and cluster.position and cluster.checkpoint_position
    assert cluster.checkpoint_epoch > source.checkpoint_epoch
    assert (len(source.endpoints), len(cluster.endpoints)) == (1, 2)
    assert (found.journal_says, found.checkpoint_says) == ("source", "source")
    assert found.recommended == ""
    assert found.because[-1] == "these do not agree: look at the data"
    assert found.resumable == ("source",)


def test_the_source_is_chosen(cast: Cast) -> None:
    """It takes the writes, the cluster follows from its checkpoint, and is verified anew."""
    rows = cast.count()[0]
    migration = cast.service.resolve(cast.cluster_id, "source")
    assert (migration.status, migration.source_mode) == (Status.SYNCING, "rw")
    # A clean pass, which may end before anybody looks again, lifts it.
    assert migration.task and "was open while nobody knew" in migration.task.rogue
    assert roles(cast) == (False, True)
    cast.write(rows + 1)
    eventually(lambda: cast.count() == (rows + 1, rows + 1), within_seconds=30)
    cast.wait_until_ready()
    assert cast.service.plan_switch_over(cast.cluster_id, with_endpoints=True).allowed


class OpenedRun(PlainRun):
    """Somebody opens the source and writes to it, as soon as the cluster has been opened."""

    def durably(self, name: str, work: Callable[[Step], str], each: Step) -> str:
        """Every step once."""
        error = work(each)
        if each.name == "open_arriving_side":
            source = self.tools.source(self.cluster_id)
            make_read_only(source, False)
            with open_session(source.server) as session:
                execute(session, "INSERT INTO shop.t VALUES (1000)")
        return error


class OpeningEngine(Engine):
    """The end of an operation as the engine does it, without its record."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def enqueue(self, operation_id: str) -> None:
        """Run it at once; it does not come to its end."""
        row: OperationRow = self._tools.journal.operation(operation_id)
        run = OpenedRun(row, self._tools, None)
        with pytest.raises(StepFailedError) as error:
            STORY[row.name].tell(run)
        assert run.committed
        self._unknown(row, str(error.value))


def test_a_source_opened_during_a_switch(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written to on both sides after the point of no return: the switch stops, nothing is lost."""
    rows = cast.count()[0]
    with monkeypatch.context() as patch:
        patch.setattr(cast.service, "_engine", OpeningEngine(cast.tools))
        cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    migration = cast.service.migration(cast.cluster_id)
    assert (migration.status, migration.operation) == (Status.AMBIGUOUS, "")
    assert "both sides have writes the other has not" in migration.comment
    assert migration.history[-1].state == "ambiguous"
    assert roles(cast) == (False, False)
    found = cast.service.resolution(cast.cluster_id)
    assert (found.checkpoint_says, found.resumable) == ("source", ("source",))
    assert (found.journal_says, found.recommended) == ("cluster", ""), "both have writes"
    cast.service.resolve(cast.cluster_id, "source")
    assert roles(cast) == (False, True)
    eventually(lambda: cast.count() == (rows + 1, rows + 1), within_seconds=30)
    endpoints = {e.owner_id: e.routes_to[0] for e in cast.service.endpoints()}
    server = source_of(cast).server
    assert endpoints[source_of(cast).id] == f"{server.host}:{server.port}"
    assert endpoints[cast.cluster_id] != endpoints[source_of(cast).id]
    cast.wait_until_ready()


@pytest.mark.parametrize("cluster_closed", [True, False])
@pytest.mark.parametrize("source_closed", [True, False])
def test_whatever_the_roles_are(cast: Cast, source_closed: bool, cluster_closed: bool) -> None:
    """Chosen, the cluster has the writes and the source is closed; then the source, and the cluster
    follows. Only what nothing speaks against is recommended."""
    for chosen, closed in (("cluster", (True, False)), ("source", (False, True))):
        migration = cast.service.migration(cast.cluster_id)
        ambiguity.declare(cast.tools, migration, "it is a test")
        make_read_only(source_of(cast), source_closed)
        make_read_only(cluster_of(cast), cluster_closed)
        found = cast.service.resolution(cast.cluster_id)
        is_clear = chosen == "cluster" and (source_closed, cluster_closed) != (True, False)
        assert found.recommended == ("source" if is_clear else "")
        assert found.resumable == ("source",)
        migration = cast.service.resolve(cast.cluster_id, chosen)
        assert roles(cast) == closed
        assert migration.status == (Status.SYNCING if chosen == "source" else Status.REVERSED)
        assert {endpoint.state for endpoint in cast.service.endpoints()} == {"Open"}
    rows = cast.count()[0]
    cast.write(rows + 10)
    eventually(lambda: cast.count() == (rows + 1, rows + 1), within_seconds=30)


def test_a_side_that_is_away_cannot_be_chosen(cast: Cast) -> None:
    """It is refused at once; what is known of the cause stays."""
    cast.wait_until_ready()
    ambiguity.declare(cast.tools, cast.service.migration(cast.cluster_id), "it is a test")
    cast.source.kill9()
    found = cast.service.resolution(cast.cluster_id)
    assert (found.recommended, found.resumable) == ("", ())
    with pytest.raises(Refused, match="source cannot be asked") as refused:
        cast.service.resolve(cast.cluster_id, "source")
    assert refused.value.code == "SideDown"
    assert cast.service.migration(cast.cluster_id).comment == "it is a test"
    cast.source.start()
    cast.service.resolve(cast.cluster_id, "source")
    cast.wait_until_ready()


def test_the_other_side_is_chosen(cast: Cast) -> None:
    """It is open though the other has just died; that one is closed the moment it is back.

    Where nothing says from where to follow, nothing follows, and only the end is left.
    """
    make_read_only(source_of(cast), True)
    make_read_only(cluster_of(cast), False)
    look(cast)
    closing = [
        each.title.startswith("Close the side") for each in outline("resolve_to_cluster", {})
    ]
    cast.engine.before_step = lambda number: cast.source.kill9() if closing[number] else None
    cast.engine.times = 1
    migration = cast.service.resolve(cast.cluster_id, "cluster")
    assert (migration.status, migration.cluster_mode) == (Status.REVERSED, "rw")
    assert any("cannot be closed now" in entry.sentence for entry in migration.history)
    assert {endpoint.state for endpoint in cast.service.endpoints()} == {"Open"}
    server = cluster_of(cast).server
    leading = {endpoint.routes_to for endpoint in cast.service.endpoints()}
    assert leading == {(f"{server.host}:{server.port}",)}
    assert enabled_events(cluster_of(cast)) == {"rare"}
    assert left_behind(cast) == [source_of(cast).id]
    cast.source.start()
    assert (roles(cast), enabled_events(source_of(cast))) == ((False, False), {"rare"})
    look(cast)
    assert (roles(cast), enabled_events(source_of(cast))) == ((True, False), set())
    told = cast.service.migration(cast.cluster_id).history
    assert "the source is back, and read-only now" in told[-1].sentence
    look(cast)
    assert cast.service.migration(cast.cluster_id).history == told
    assert left_behind(cast) == []
    assert migration.with_endpoints
    task = cast.service.task(migration.task_id)
    assert (task.status, task.error_code) == ("Failed", "PositionsUnknown")
    with pytest.raises(Refused, match="cannot follow"):
        cast.service.resume_task(task.id)
    with pytest.raises(Refused, match="cannot follow"):
        cast.service.roll_back(cast.cluster_id)
    rows = cast.count()[1]
    cast.write(2000)
    assert cast.count() == (rows, rows + 1)


def test_a_source_that_was_away_at_the_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Completed without it, it is closed and freed of our tables when it is back; shown till then.

    The last test.
    """
    monkeypatch.setattr(closing, "REACH_SECONDS_MAX", 0.0)
    assert "sterna" in databases(source_of(cast))
    cast.source.kill9()
    migration = cast.service.complete(cast.cluster_id)
    assert migration.status == Status.CLOSED
    (told,) = [entry for entry in migration.history if entry.step == "left_behind"]
    assert told.state == "warning" and "closed and freed of our tables as soon as" in told.sentence
    look_at_debts(cast)
    assert left_behind(cast) == [source_of(cast).id]
    cast.source.start()
    assert roles(cast) == (False, False), "it has forgotten"
    eventually(lambda: (look_at_debts(cast), left_behind(cast) == [])[1])
    assert roles(cast) == (True, False)
    assert "sterna" not in databases(source_of(cast))
    history = cast.service.migration(cast.cluster_id).history
    assert "the source is read-only again" in history[-1].sentence
    make_read_only(source_of(cast), False)
    look_at_debts(cast)
    assert roles(cast) == (False, False), "it is closed once; then it is its owner's"
    assert cast.service.migration(cast.cluster_id).history == history


def look_at_debts(cast: Cast) -> None:
    """What the watch does once a second about those that were away."""
    look: Any = Watch(cast.tools, cast.service.expire).looks()[3]
    look()


def left_behind(cast: Cast) -> list[str]:
    """Who is shown as not reached yet."""
    alerts = cast.service.looking.overview().alerts
    return [alert.object for alert in alerts if alert.kind == "left_behind"]


def databases(side: Side) -> set[str]:
    """Names of all databases."""
    with open_session(side.server) as session:
        return {str(name) for (name,) in query(session, "SHOW DATABASES")}


def look(cast: Cast) -> None:
    """What the watch does in every turn."""
    look_at_followers: Any = Watch(cast.tools, cast.service.expire).looks()[1]
    look_at_followers()


def roles(cast: Cast) -> tuple[bool, bool]:
    """Whether the source, and whether the cluster, is closed."""
    closed = []
    for side in (source_of(cast), cluster_of(cast)):
        with open_session(side.server) as session:
            closed.append(bool(query(session, "SELECT @@GLOBAL.read_only")[0][0]))
    return closed[0], closed[1]


def enabled_events(side: Side) -> set[str]:
    """Events that would start by themselves."""
    with open_session(side.server) as session:
        sql = "SELECT event_name FROM information_schema.events WHERE status = 'ENABLED'"
        return {str(name) for (name,) in query(session, sql)}


def source_of(cast: Cast) -> Side:
    """The instance."""
    return cast.tools.source(cast.cluster_id)


def cluster_of(cast: Cast) -> Side:
    """The cluster's primary."""
    return cast.tools.cluster(cast.cluster_id)


def make_read_only(side: Side, on: bool) -> None:
    """As somebody with enough privileges does it by hand."""
    with open_session(side.server) as session:
        execute(session, f"SET GLOBAL super_read_only = {int(on)}, GLOBAL read_only = {int(on)}")
