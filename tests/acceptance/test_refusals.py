"""What must not be done is refused: with the cause and a remedy, and nothing has been touched."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from demo.connection import Login
from demo.schema import create_schema
from tests.acceptance.stage import Stage, add_instance, ask, open_stage, state_of
from tests.fixtures.product import Answer, Product
from tests.fixtures.running import RunningServer, ServerFarm

SAME = "5.7"
NEWER = "9.7"


@pytest.fixture(scope="module")
def stage(farm: ServerFarm) -> Generator[Stage]:
    """A source that nobody has begun to upgrade."""
    with open_stage(farm, "5.7") as stage:
        yield stage


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1", "a..b"])
def test_a_server_that_cannot_be_reached(stage: Stage, host: str) -> None:
    """Neither an unknown host, nor a closed port, nor what is no name becomes an instance."""
    with nothing_changes(stage):
        answer = add(stage.product, Login(host, 1, "root", "any"))
    assert_refused(answer, "Unreachable", f"{host}:1 cannot be reached")


def test_a_wrong_password(stage: Stage) -> None:
    """The server is named, the password is not."""
    server = stage.source.server
    with nothing_changes(stage):
        answer = add(stage.product, Login("localhost", server.port, server.user, "wrong-one"))
    assert_refused(answer, "AccessDenied", f"localhost:{server.port} does not let us in")
    assert "wrong-one" not in answer.err + stage.product.log()


def test_a_missing_privilege(stage: Stage) -> None:
    """The privilege is named, and the statement that grants it."""
    server = stage.source.server
    ask(server, "CREATE USER 'guest'@'%%' IDENTIFIED BY %s", "guest-password")
    ask(server, "GRANT SELECT, PROCESS, RELOAD, REPLICATION CLIENT ON *.* TO 'guest'@'%'")
    guest = add(stage.product, Login("localhost", server.port, "guest", "guest-password"))
    with nothing_changes(stage):
        answer = upgrade(stage.product, guest.data["id"], SAME)
    assert_refused(answer, "PrecheckFailed", "'guest'@'%' lacks REPLICATION SLAVE")
    assert "GRANT REPLICATION SLAVE ON *.* TO 'guest'@'%';" in answer.problem["remedy"]
    stage.product.ask("instance", "release", guest.data["id"], "--yes")
    ask(server, "DROP USER 'guest'@'%'")


@pytest.mark.parametrize(
    ("version", "code"), [("5.6", "PrecheckFailed"), ("4.1", "EngineNotFound")]
)
def test_a_version_that_cannot_be_the_target(stage: Stage, version: str, code: str) -> None:
    """An upgrade never leads to an older version, nor to one that is not installed."""
    with nothing_changes(stage):
        answer = upgrade(stage.product, stage.instance_id, version)
    assert_refused(answer, code, version)


def test_a_source_without_a_binary_log(stage: Stage, farm: ServerFarm) -> None:
    """Nothing could be followed: the upgrade does not begin."""
    mute = farm.start("5.7", skip_log_bin="ON")
    create_schema(mute.server, "5.7", 0.001)
    instance_id = add_instance(stage.product, mute)
    with nothing_changes(stage, mute):
        answer = upgrade(stage.product, instance_id, SAME)
    assert_refused(answer, "PrecheckFailed", "The source writes no binary log")
    assert "log_bin" in answer.problem["remedy"]
    stage.product.ask("instance", "release", instance_id, "--yes")
    farm.provisioner.delete_node(mute.spec)


def test_an_account_nobody_has_decided_about(stage: Stage) -> None:
    """An application that would be locked out at 9.7 is named, with both ways out."""
    with nothing_changes(stage):
        answer = upgrade(stage.product, stage.instance_id, NEWER)
    assert_refused(answer, "PrecheckFailed", "'app'@'%'")
    for way_out in ("set-password", "leave-out"):
        assert f"sterna account {way_out} {stage.instance_id}" in answer.problem["remedy"]


@pytest.mark.parametrize(
    ("account", "code"), [("'app'@'%'", "WrongPassword"), ("'nobody'@'%'", "NotFound")]
)
def test_a_wrong_supplied_password(stage: Stage, account: str, code: str) -> None:
    """Only the password the application uses today is taken, for an account that is there."""
    with nothing_changes(stage):
        command = ("account", "set-password", stage.instance_id, account, "--json")
        answer = stage.product.run(*command, extra={"STERNA_PASSWORD": "wrong-one"})
    assert_refused(answer, code, account)
    assert "wrong-one" not in answer.err + stage.product.log()


def test_a_server_registered_twice(stage: Stage) -> None:
    """The instance it is already is named."""
    with nothing_changes(stage):
        answer = add(stage.product, stage.source.server)
    assert_refused(answer, "InstanceExists", stage.instance_id)


@pytest.mark.parametrize(
    "words",
    [("upgrade",), ("switch-over", "pc-1"), ("no-such-verb",), ("complete", "pc-1")],
    ids=" ".join,
)
def test_wrong_usage(stage: Stage, words: tuple[str, ...]) -> None:
    """A missing option, an unknown verb or nobody to confirm: 2, before anything is asked."""
    with nothing_changes(stage):
        answer = stage.product.run(*words, "--json")
    assert answer.code == 2
    assert answer.problem["code"] == "Usage"
    assert answer.problem["message"]


def test_no_server(farm: ServerFarm) -> None:
    """Without a server a command fails with 1 and says how to start one."""
    answer = Product(farm.folder / "nobody").run("cluster", "list", "--json")
    assert answer.code == 1
    assert answer.problem["code"] == "ServerNotRunning"
    assert "sterna server" in answer.problem["remedy"]


def test_what_the_status_does_not_allow(stage: Stage) -> None:
    """During the copy and before the switch: no way back, no end, no second migration."""
    with stage.open_hours():
        stage.supply_passwords()
        before = state_of(stage.source.server)
        stage.begin_upgrade(NEWER)
        for verb in ("switch-over", "roll-back", "complete", "cancel", "give-up", "continue"):
            assert_not_now(stage, verb, "is busy: upgrade is under way")
        assert stage.wait_until_idle()["status"] == "RDS2POLARDB_SYNCING"
        stage.wait_until_verified()
        assert state_of(stage.source.server) == before
        with nothing_changes(stage):
            for verb in ("roll-back", "complete", "give-up", "continue"):
                assert_not_now(stage, verb, "(Synchronizing Data)", "switch-over")
            second = upgrade(stage.product, stage.instance_id, SAME)
            gone = stage.product.run("instance", "release", stage.instance_id, "--yes", "--json")
        assert_refused(second, "MigrationExists", stage.cluster_id)
        assert_refused(gone, "NotAllowed", stage.cluster_id)
        stage.assert_promises_kept(stage.source)
    stage.assert_sides_equal()


def assert_not_now(stage: Stage, verb: str, cause: str, way_out: str = "") -> None:
    """The verb is refused for this cause, and the remedy says what is possible instead."""
    options = {"switch-over": ["--with-endpoints", "--yes"], "continue": []}.get(verb, ["--yes"])
    answer = stage.product.run(verb, stage.cluster_id, *options, "--json")
    assert answer.code == 3, (verb, answer)
    problem = answer.problem
    assert cause in problem["message"], (verb, problem)
    assert problem["remedy"], verb
    assert way_out in problem["remedy"] + problem["message"], (verb, problem)


def add(product: Product, login: Any) -> Answer:
    """Try to register a server."""
    where = ("--host", login.host, "--port", str(login.port), "--user", login.user)
    password = {"STERNA_PASSWORD": login.password}
    return product.run("instance", "add", *where, "--json", extra=password)


def upgrade(product: Product, instance_id: str, version: str) -> Answer:
    """Try to begin an upgrade."""
    return product.run("upgrade", instance_id, "--version", version, "--json")


def assert_refused(answer: Answer, code: str, cause: str) -> None:
    """Exit code 3; the cause and a remedy as JSON on standard error, nothing on the other."""
    assert (answer.code, answer.out) == (3, ""), answer
    problem = answer.problem
    assert set(problem) == {"code", "message", "remedy"}
    assert problem["code"] == code, problem
    assert cause in problem["message"]
    assert problem["remedy"]


@contextmanager
def nothing_changes(stage: Stage, source: RunningServer | None = None) -> Iterator[None]:
    """Neither on the source nor in what the product has."""
    server = (source or stage.source).server
    before = state_of(server), belongings(stage.product)
    yield
    assert (state_of(server), belongings(stage.product)) == before


def belongings(product: Product) -> dict[str, Any]:
    """What the product lists, without what moves by itself, and the data directories there are."""
    lists = {noun: product.see(f"/{noun}s") for noun in ("cluster", "endpoint", "instance")}
    listed = [(m["cluster_id"], m["status"], m["operation"]) for m in product.see("/migrations")]
    return {**lists, "migrations": listed, "data": sorted(product.home.glob("clusters/*/*/data"))}
