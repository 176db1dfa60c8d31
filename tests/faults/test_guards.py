"""What stands in the way of a switch is found before anything is touched, and told all at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import pytest

from sterna.clusters.process import signal_process, wait_for_exit
from sterna.errors import Refused, SternaError
from sterna.migration.status import Action
from sterna.mysql.connection import Session, execute, open_session, query
from sterna.store.database import now
from sterna.workflow import guards, live_guards
from sterna.workflow.guards import current_refusals
from tests.faults.cast import BY_ITSELF, Cast, open_cast
from tests.fixtures.product import node_argument
from tests.fixtures.running import eventually


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    """A source with an event, and its cluster."""
    with open_cast() as cast:
        with open_session(cast.source.server) as session:
            execute(session, "CREATE TABLE shop.long_lived (id INT PRIMARY KEY, note INT)")
            execute(session, "INSERT INTO shop.long_lived VALUES (1, 0)")
            execute(session, "CREATE TABLE shop.altered (id INT PRIMARY KEY)")
        yield cast


def codes(cast: Cast, operation: str = "switch_over", waived: tuple[str, ...] = ()) -> list[str]:
    """Why the operation would be refused now."""
    found = current_refusals(cast.tools, cast.cluster_id, operation, waived=waived)
    return [refusal.code for refusal in found]


@contextmanager
def old_transaction(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Generator[Session]:
    """A transaction that has changed a row and counts as old at once."""
    monkeypatch.setattr(live_guards, "TRANSACTION_SECONDS_MAX", -1)
    with closing(open_session(cast.source.server, autocommit=False)) as session:
        execute(session, "UPDATE shop.long_lived SET note = note + 1 WHERE id = 1")
        yield session


@contextmanager
def running_ddl(cast: Cast) -> Generator[None]:
    """An ALTER TABLE that waits for a transaction which only reads."""
    with ExitStack() as stack:
        reader = stack.enter_context(closing(open_session(cast.source.server, autocommit=False)))
        query(reader, "SELECT * FROM shop.altered")
        altering = open_session(cast.source.server, lock_wait_seconds=60)
        stack.enter_context(closing(altering))
        sql = "/* nightly */ ALTER TABLE shop.altered COMMENT = 'busy'"
        thread = threading.Thread(target=execute, args=(altering, sql))
        thread.start()
        try:
            eventually(lambda: "DdlRunning" in codes(cast))
            yield
        finally:
            reader.rollback()
            thread.join()


def prepared_transaction(cast: Cast, side: str) -> Callable[[], None]:
    """An XA transaction that is prepared there; what takes it back."""
    server = getattr(cast.tools, side)(cast.cluster_id).server
    with closing(open_session(server)) as session:
        for sql in ("XA START 'one'", "XA END 'one'", "XA PREPARE 'one'"):
            execute(session, sql)

    def take_back() -> None:
        with open_session(server) as session:
            execute(session, "XA ROLLBACK 'one'")

    return take_back


def set_row_image(cast: Cast, image: str) -> None:
    """What new sessions on the cluster write into its log."""
    with open_session(cast.tools.cluster(cast.cluster_id).server) as session:
        execute(session, f"SET GLOBAL binlog_row_image = {image}")


def test_nothing_stands_in_the_way(cast: Cast) -> None:
    """A healthy migration may be switched over."""
    assert codes(cast) == []


def test_all_reasons_are_told_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lag, verification, DDL, a transaction, XA and the log: one answer, and nothing is touched."""
    before = cast.world()
    with ExitStack() as stack:
        stack.enter_context(running_ddl(cast))
        stack.enter_context(old_transaction(cast, monkeypatch))
        stack.callback(prepared_transaction(cast, "source"))
        set_row_image(cast, "MINIMAL")
        stack.callback(set_row_image, cast, "FULL")
        task_id = cast.service.migration(cast.cluster_id).task_id
        cast.tools.tasks.change(task_id, verified_at=None)
        with pytest.raises(Refused) as refused:
            cast.service.switch_over(cast.cluster_id, with_endpoints=True)
        assert set(codes(cast)) == {
            *("NotVerified", "DdlRunning", "LongTransaction"),
            *("PreparedTransactions", "WayBackImpossible"),
        }
    for word in ("verified completely", "ALTER TABLE", "has been open", "XA", "no way back"):
        assert word in refused.value.message
    assert cast.world() == before
    assert cast.service.migration(cast.cluster_id).operation == ""
    history = cast.service.migration(cast.cluster_id).history
    assert [e.operation for e in history if e.operation != "verify"][-1] == "upgrade"
    cast.service.verify(cast.cluster_id)
    cast.wait_until_ready()
    assert codes(cast) == []


@pytest.mark.parametrize("lag_seconds", [59.9, 60.0])
def test_sixty_seconds_are_too_many(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, lag_seconds: float
) -> None:
    """59.9 s pass, 60.0 s do not, as the latency is stored."""
    read = cast.tools.tasks.task

    def late(task_id: str) -> object:
        return type(task := read(task_id))(**{**vars(task), "lag_seconds": lag_seconds})

    monkeypatch.setattr(cast.tools.tasks, "task", late)
    assert codes(cast) == ([] if lag_seconds < 60 else ["LagTooHigh"])


def test_what_another_process_said_is_forgotten(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is dead stalls a switch; its new process is waited for until it has spoken."""
    monkeypatch.setattr(guards, "LAG_WAIT_SECONDS", 0.0)
    task_id = cast.service.migration(cast.cluster_id).task_id
    cast.tools.supervisor.stop(task_id)
    cast.tools.tasks.progress(task_id, lag_at=now() - timedelta(minutes=1))
    assert codes(cast) == ["SyncStalled"]
    cast.tools.task_spec(task_id)
    assert codes(cast) == ["LagUnknown"]
    cast.tools.supervisor.ensure(task_id)
    cast.wait_until_ready()
    assert codes(cast) == []


def test_a_node_that_is_down(cast: Cast) -> None:
    """The target has to be whole: the node and the side that cannot be asked are both named."""
    (node,) = cast.tools.inventory.nodes(cast.cluster_id)
    spec = cast.tools.node_spec(cast.cluster_id, node)
    argument = node_argument(spec.folder / "my.cnf")
    assert signal_process(argument, signal.SIGKILL)
    assert wait_for_exit(argument, seconds=30)
    found = codes(cast)
    assert {"NodeDown", "SideDown"} <= set(found)
    cast.tools.provisioner.start_node(spec)
    cast.wait_until_ready()
    eventually(lambda: codes(cast) == [], within_seconds=30)


def test_a_proxy_that_is_down(cast: Cast) -> None:
    """Nobody can be held, so nobody is moved."""
    cast.tools.proxy.stop()
    assert codes(cast) == ["ProxyDown"]
    cast.tools.proxy.ensure_running()
    assert codes(cast) == []


def test_an_account_that_may_not_relay(cast: Cast) -> None:
    """The way back is proven before the way there is begun."""
    server = cast.source.server
    with open_session(server) as session:
        execute(session, "UPDATE mysql.user SET super_priv = 'N' WHERE user = 'root'")
        execute(session, "FLUSH PRIVILEGES")
        assert codes(cast) == ["RelayNotAllowed"]
        execute(session, "UPDATE mysql.user SET super_priv = 'Y' WHERE user = 'root'")
        execute(session, "FLUSH PRIVILEGES")


def test_another_operation_is_under_way(cast: Cast) -> None:
    """Then that alone is said."""
    change = cast.tools.journal.change_migration
    change(cast.cluster_id, operation="switch_over")
    assert codes(cast) == ["OperationUnderWay"]
    change(cast.cluster_id, operation="")


def test_a_dry_run_of_an_end_changes_nothing(cast: Cast) -> None:
    """Cancel is shown step by step; what the status forbids is said, and nobody was touched."""
    before = cast.world()
    shown = cast.service.plan_end(cast.cluster_id, Action.CANCEL)
    assert (shown.allowed, shown.figures["writes stay on"]) == (True, "the source")
    assert shown.actions[-1].startswith("Open the cluster for writing")
    refused = cast.service.plan_end(cast.cluster_id, Action.COMPLETE, disable_binlog=True)
    assert not refused.allowed
    assert "complete is not possible" in refused.refusals[0]
    assert "Restart the primary without its binary log" in " ".join(refused.actions)
    assert cast.world() == before


def test_a_dry_run_says_what_would_be_met(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions, transactions, events and endpoints as they are now; nothing is touched."""
    before = cast.world()
    with old_transaction(cast, monkeypatch):
        plan = cast.service.plan_switch_over(cast.cluster_id, True)
        assert not plan.allowed
        asked = {"end_transactions": True}
        assert cast.service.plan_switch_over(cast.cluster_id, True, **asked).allowed
    assert cast.world() == before
    figures = plan.figures
    assert figures["open transactions"] == "1, 1 of them long"
    assert (figures["events to be silenced"], figures["endpoints exchanged"]) == ("1", "2")
    assert int(figures["sessions to be cut"]) >= 2
    held = next(action for action in plan.actions if action.startswith("Hold new connections"))
    assert held.count("pe-") == 3


def test_long_transactions_are_waited_for(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends in time is kept; what does not stops the switch before anything is touched."""
    before = cast.world()
    cast.engine.fail = BY_ITSELF
    with old_transaction(cast, monkeypatch) as session:
        cast.service.switch_over(
            cast.cluster_id, with_endpoints=True, wait_for_transactions_seconds=0.3
        )
        assert "the switch would cut it" in cast.engine.error
        assert cast.world() == before
        session.commit()
    assert note_of(cast) == 1


def test_long_transactions_are_ended_where_asked_for(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is ended, its change is undone, and the writes move."""
    cast.engine.fail = None
    with old_transaction(cast, monkeypatch) as session:
        cast.service.switch_over(cast.cluster_id, with_endpoints=True, end_transactions=True)
        with pytest.raises(SternaError):
            query(session, "SELECT 1")
    assert cast.service.migration(cast.cluster_id).status == "POLARDB2RDS_SYNCING"
    assert note_of(cast) == 1
    monkeypatch.undo()
    assert codes(cast, "roll_back") == []


def note_of(cast: Cast) -> int:
    """What the row of the old transaction says on the source."""
    with open_session(cast.source.server) as session:
        ((note,),) = query(session, "SELECT note FROM shop.long_lived WHERE id = 1")
        return int(note)
