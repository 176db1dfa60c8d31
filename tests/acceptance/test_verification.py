"""Verification as an operator sees it: who else wrote, what differs, its repair, and a crash."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from typing import Any

import pytest

from demo.connection import connect
from tests.acceptance.stage import Stage, ask, open_stage
from tests.fixtures.running import ServerFarm, eventually

NOTICED_SECONDS_MAX = 2.0


@pytest.fixture(scope="module")
def stage(farm: ServerFarm) -> Generator[Stage]:
    """A cluster that follows a 5.6 with a bank that is closed."""
    with open_stage(farm, "5.6") as stage:
        stage.supply_passwords()
        stage.upgrade("9.7")
        yield stage


def change_behind_its_back(stage: Stage) -> None:
    """An administrator, whom read_only does not bind, writes on the cluster."""
    with connect(stage.cluster) as session, session.cursor() as cursor:
        cursor.execute("DELETE FROM bank.accounts ORDER BY id LIMIT 1")
        cursor.execute("UPDATE bank.accounts SET balance = balance + 1 ORDER BY id LIMIT 2")
        session.commit()


def test_rogue_writes_are_seen_at_once_told_and_repaired(stage: Stage) -> None:
    """Shown within two seconds; then no switch until the rows are repaired and all is clean."""
    change_behind_its_back(stage)
    eventually(lambda: "somebody else" in shown(stage), within_seconds=NOTICED_SECONDS_MAX)
    product, cluster = stage.product, stage.cluster_id
    answer = product.run("verify", cluster, "--wait", "--values", "--json")
    assert answer.code == 1, answer
    kinds = [item["kind"] for item in answer.data["differences"]["items"]]
    assert sorted(kinds) == ["different", "different", "missing"]
    changed = next(i for i in answer.data["differences"]["items"] if i["kind"] == "different")
    assert changed["columns"] == ["balance"]
    plan = product.run("switch-over", cluster, "--with-endpoints", "--dry-run", "--json")
    assert plan.problem["code"] == "NotAllowed", plan
    assert product.run("verify", cluster, "--repair", "--dry-run").code == 1
    assert product.run("verify", cluster, "--repair").code == 2  # nobody is there to be asked
    repaired = product.ask("verify", cluster, "--repair", "--yes", "--wait")
    assert repaired["verification"]["repaired"] == 3
    assert all(table["last_clean_at"] for table in repaired["tables"])
    stage.assert_sides_equal()
    assert stage.migration["task"]["rogue"] == ""
    assert product.run("switch-over", cluster, "--with-endpoints", "--dry-run").code == 0
    sentences = [e["sentence"] for e in stage.migration["history"] if e["step"] == "verify"]
    assert any("rows/s" in sentence and "3 repaired" in sentence for sentence in sentences)


def shown(stage: Stage) -> str:
    """What `sterna migration show` prints."""
    return stage.product.run("migration", "show", stage.cluster_id).out


def test_pass_survives_its_process(stage: Stage) -> None:
    """A pass whose process is killed in the middle goes on where it was, and counts each row
    once."""
    rows = stage.migration["task"]["rows_verified"]
    product = stage.product
    product.ask("task", "rate", stage.task_id, "--verify-rows-per-second", str(rows // 4))
    ordered = product.ask("verify", stage.cluster_id)["id"]
    began = time.monotonic()
    seen = eventually(lambda: pass_now(stage, ordered, at_least=rows // 3), within_seconds=20)
    pid = product.task_pid(stage.task_id)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    product.ask("task", "rate", stage.task_id, "--verify-rows-per-second", "0")
    eventually(lambda: pass_now(stage, ordered)["state"] == "clean", within_seconds=40)
    ended = pass_now(stage, ordered)
    assert ended["rows_verified"] == rows, (seen, ended)
    assert ended["seconds"] >= seen["seconds"] > 0
    assert time.monotonic() - began > ended["seconds"] / 2


def pass_now(stage: Stage, pass_id: str, *, at_least: int = 0) -> dict[str, object]:
    """The pass; nothing before it has so many rows."""
    passes = stage.product.see(f"/migrations/{stage.cluster_id}/verifications")
    found: dict[str, object] = next(each for each in passes if each["id"] == pass_id)
    return found if int(str(found["rows_verified"])) >= at_least else {}


def test_a_missing_row_stops_the_task_until_it_is_made_again(stage: Stage) -> None:
    """Named with its table, key and place; made again by hand, `task resume` goes on, and nothing
    was skipped. There is no command that would."""
    product, cluster = stage.product, stage.cluster
    with connect(stage.source.server) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE bank.mended (id INT PRIMARY KEY, v INT)")
        cursor.execute("INSERT INTO bank.mended VALUES (1, 1), (2, 1), (3, 1)")
        session.commit()
        stage.assert_sides_equal()
        write_by_hand(stage, "DELETE FROM bank.mended WHERE id = 2")
        cursor.execute("UPDATE bank.mended SET v = 2 ORDER BY id")
        cursor.execute("INSERT INTO bank.mended VALUES (4, 2)")
        session.commit()
    task = eventually(lambda: stopped(stage), within_seconds=30)
    assert "bank.mended (id = 2)" in task["error"] and ":" in task["applied_position"]
    assert task["applied_position"] in task["error"], task
    assert ask(cluster, "SELECT * FROM bank.mended") == ((1, 1), (3, 1))
    assert product.run("task", "skip", stage.task_id).code == 2
    assert product.run("task", "resume", stage.task_id).code == 0
    eventually(lambda: stopped(stage), within_seconds=30)  # the row is still not there
    write_by_hand(stage, "INSERT INTO bank.mended VALUES (2, 1)")
    assert product.run("task", "resume", stage.task_id).code == 0
    stage.assert_sides_equal()
    assert ask(cluster, "SELECT COUNT(*), MIN(v) FROM bank.mended") == ((4, 2),)
    stage.verify()
    assert stage.migration["task"]["rogue"] == ""


def write_by_hand(stage: Stage, sql: str) -> None:
    """As an administrator on the cluster."""
    with connect(stage.cluster) as session, session.cursor() as cursor:
        cursor.execute(sql)
        session.commit()


def stopped(stage: Stage) -> dict[str, Any] | None:
    """The task once it waits for somebody."""
    task: dict[str, Any] = stage.product.see(f"/tasks/{stage.task_id}")
    return task if task["status"] == "Failed" and "mended" in task["error"] else None


def test_nothing_else_was_changed(stage: Stage) -> None:
    """Repairs leave a mark in Sterna's own database, one row for each."""
    (count,) = ask(stage.cluster, "SELECT SUM(rows_repaired) FROM sterna.repairs")[0]
    assert count == 3
