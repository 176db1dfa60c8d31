"""Whatever dies, at whatever instruction: it goes on by itself, and every promise is kept."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from sterna.clusters.process import find_process, signal_process
from sterna.workflow import upgrade
from sterna.workflow.engine import outline
from tests.acceptance.stage import Stage, enabled_events, is_read_only, open_stage
from tests.fixtures.product import Answer, node_argument
from tests.fixtures.running import ServerFarm, eventually

assert upgrade  # the story registers its operations when it is imported

TARGET = "9.7"
LONG_COPY = 0.4  # half a million rows: there is time to kill somebody meanwhile
KNOWN_SECONDS_MAX = 10.0
MOVES = {"switch_over": ("--with-endpoints",), "roll_back": ()}
DONE = {"switch_over": "POLARDB2RDS_SYNCING", "roll_back": "RDS2POLARDB_SYNCING"}
STEPS = [
    (operation, step.title)
    for operation in MOVES
    for step in outline(operation, {"with_endpoints": True})
]
# The kill lands a few milliseconds after this step has been seen in the history.
USUAL = {
    "switch_over": ("Cut the sessions", "Point of no return"),
    "roll_back": ("Open the arriving side",),
}
MOMENTS = [
    (operation, title)
    for operation, title in STEPS
    if "EVERY_STEP" in os.environ or title.startswith(USUAL[operation])
]


def test_a_copy_goes_on_after_kills(farm: ServerFarm) -> None:
    """Its process and the server killed in the middle of the copy, the upgrade ends by itself,
    without a difference.

    Who waits for it at the command line is told so, by whatever server is there then.
    """
    with open_stage(farm, "5.7", scale=LONG_COPY) as stage, ThreadPoolExecutor(1) as hands:
        stage.supply_passwords()
        with stage.open_hours():
            upgrade = ("upgrade", stage.instance_id, "--version", TARGET, "--wait")
            waiting = hands.submit(stage.product.ask, *upgrade)
            eventually(lambda: stage.product.see("/migrations"), within_seconds=30)
            stage.cluster_id = stage.product.see("/migrations")[0]["cluster_id"]
            eventually(lambda: is_copying(stage), within_seconds=60, every_seconds=0.01)
            kill(stage, "task")
            kill(stage, "server")
            migration = waiting.result(timeout=120)
            assert migration["status"] == "RDS2POLARDB_SYNCING", migration["comment"]
            stage.wait_until_verified()
        stage.assert_sides_equal()


@pytest.fixture(scope="module")
def synchronized(farm: ServerFarm) -> Generator[Stage]:
    """A cluster that follows; each test leaves it so, with the writes on the source."""
    with open_stage(farm, "5.7") as stage:
        stage.supply_passwords()
        stage.upgrade(TARGET)
        yield stage


@pytest.mark.parametrize("victim", ["server", "task", "source", "target"])
def test_the_synchronization_goes_on_after_a_kill(synchronized: Stage, victim: str) -> None:
    """Killed under load, it is back and follows again, without a difference."""
    stage = synchronized
    with stage.open_hours():
        kill(stage, victim)
        stage.wait_for_writes()
        stage.wait_until_in_step()
        stage.verify()
        stage.assert_promises_kept(stage.source)
    assert_source_has_the_writes(stage)
    stage.assert_sides_equal()


@pytest.mark.parametrize(("operation", "moment"), MOMENTS)
def test_a_move_is_finished_or_undone_after_a_kill(
    synchronized: Stage, operation: str, moment: str
) -> None:
    """Sterna is killed within it: no one helps, and the bank goes on, on one side.

    Who waits for it at the command line is told the truth by the server that is there then.
    """
    stage = synchronized
    with stage.open_hours(), ThreadPoolExecutor(1) as hands:
        if operation == "roll_back":
            stage.move("switch-over", with_endpoints=True)
        begun = told_until_now(stage)
        command = (operation.replace("_", "-"), stage.cluster_id, *MOVES[operation], "--yes")
        waiting = hands.submit(stage.product.run, *command, "--json")
        eventually(lambda: moment in titles_since(stage, begun), within_seconds=60, every_seconds=0)
        told = told_until_now(stage)
        kill(stage, "server")
        assert_is_known(stage, told)
        assert_nobody_is_held(stage)
        migration = stage.wait_until_idle()
        assert_told_the_truth(waiting.result(timeout=60), operation, migration)
        if migration["status"] == "POLARDB2RDS_SYNCING":
            assert_cluster_has_the_writes(stage)
            stage.wait_for_writes()
            stage.assert_promises_kept(stage.cluster)
            stage.wait_until_in_step()
            stage.move("roll-back")
        assert_source_has_the_writes(stage)
        stage.wait_for_writes()
        stage.wait_until_in_step()
        stage.assert_promises_kept(stage.source)
        stage.verify()
    stage.assert_sides_equal()


def assert_told_the_truth(answer: Answer, operation: str, migration: dict[str, Any]) -> None:
    """The command has ended as the operation has, or knows that it cannot know: the server died
    before it had answered."""
    finished = migration["status"] == DONE[operation]
    if answer.code == 1 and answer.problem["code"] == "ServerLost":
        assert "may be under way" in answer.problem["message"]
        return
    assert answer.code == (0 if finished else 1), answer.err
    if finished:
        assert answer.data["status"] == migration["status"]
    else:
        assert answer.problem["code"] == "OperationFailed"
        assert "Everything is as it was before" in answer.problem["message"]


def kill(stage: Stage, victim: str) -> None:
    """End one of the cast as a power cut would; who has an owner is started again by it."""
    if victim == "server":
        stage.product.kill9()
        stage.product.start()
    elif victim == "task":
        pid = stage.product.task_pid(stage.task_id)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: stage.product.task_pid(stage.task_id) not in (None, pid))
    elif victim == "source":
        stage.source.kill9()
        stage.source.start()
    else:
        kill_primary(stage)


def kill_primary(stage: Stage) -> None:
    """Nobody but Sterna itself starts it again."""
    node = stage.product.see(f"/clusters/{stage.cluster_id}")["nodes"][0]
    argument = node_argument(stage.product.node_config(stage.cluster_id, node["id"]))
    before = find_process(argument)
    assert before is not None
    assert signal_process(argument, signal.SIGKILL)
    eventually(lambda: find_process(argument) not in (None, before), within_seconds=30)


def is_copying(stage: Stage) -> bool:
    """The first of its tables is there."""
    return any(table["state"] == "copied" for table in stage.migration["task"]["tables"])


def titles_since(stage: Stage, begun: int) -> set[str]:
    """Titles of the steps done since then; read beside the server, which has enough to do."""
    return {
        title for (title,) in ask_store(stage, "SELECT title FROM history WHERE number > ?", begun)
    }


def told_until_now(stage: Stage) -> int:
    """Number of the newest sentence of the history."""
    ((number,),) = ask_store(stage, "SELECT MAX(number) FROM history")
    return int(number)


def ask_store(stage: Stage, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """What a statement finds in the product's store."""
    file = f"file:{stage.product.home / 'sterna.db'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=30)) as store:
        return store.execute(sql, args).fetchall()


def assert_is_known(stage: Stage, told: int) -> None:
    """Soon after the start it is over, or it is seen to go on, or what it does now is shown."""

    def is_known() -> bool:
        if not stage.standing["operation"] or told_until_now(stage) > told:
            return True
        newest = stage.product.see(f"/migrations/{stage.cluster_id}/timeline")[-1]
        return any(step["state"] == "running" for step in newest["steps"])

    eventually(is_known, within_seconds=KNOWN_SECONDS_MAX)


def assert_nobody_is_held(stage: Stage) -> None:
    """Soon after the start new connections get through again, wherever they lead."""

    def are_open() -> bool:
        states = {endpoint["state"] for endpoint in stage.endpoints(stage.instance_id)}
        assert states == {"Open"}
        return True

    eventually(are_open, within_seconds=KNOWN_SECONDS_MAX)


def assert_source_has_the_writes(stage: Stage) -> None:
    """Everything is as it was before the switch."""
    assert stage.standing["status"] == "RDS2POLARDB_SYNCING"
    source, cluster = stage.source.server, stage.cluster
    eventually(lambda: (is_read_only(source), is_read_only(cluster)) == (False, True))
    assert (enabled_events(source), enabled_events(cluster)) == ({"nightly"}, set())
    (endpoint,) = stage.endpoints(stage.instance_id)
    assert (endpoint["state"], endpoint["routes_to"]) == ("Open", [stage.source_address])


def assert_cluster_has_the_writes(stage: Stage) -> None:
    """The switch has been finished, endpoints included."""
    source, cluster = stage.source.server, stage.cluster
    assert (is_read_only(source), is_read_only(cluster)) == (True, False)
    assert (enabled_events(source), enabled_events(cluster)) == (set(), {"nightly"})
    (endpoint,) = stage.endpoints(stage.instance_id)
    address = f"{cluster.host}:{cluster.port}"
    assert (endpoint["state"], endpoint["routes_to"]) == ("Open", [address])
