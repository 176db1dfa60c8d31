"""Nodes on this machine: created, adopted, crashed, started again, deleted."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sterna.clusters.engines import choose_engine, find_engines
from sterna.clusters.local import LocalProvisioner
from sterna.clusters.process import (
    find_process,
    launch,
    server_user,
    signal_process,
    wait_for_exit,
)
from sterna.clusters.provisioner import Admin, NodeSpec
from sterna.errors import Refused
from sterna.mysql.connection import Server, execute, open_session, query, scalar
from sterna.mysql.variables import read_variables
from sterna.settings import read_settings
from tests.fixtures.running import MEMORY_BYTES, TEMPLATES, ServerFarm, eventually

START_AND_DIE = """
import os, signal, sys
from tests.integration.test_local_provisioner import (
    PROVISIONER, TEMPLATES, LocalProvisioner, node_spec
)
spec = node_spec(sys.argv[1], folder=sys.argv[2], port=int(sys.argv[3]), password=sys.stdin.read())
LocalProvisioner(TEMPLATES if sys.argv[4] == "start" else None).create_node(spec)
PROVISIONER.start_node(spec)
os.kill(os.getpid(), signal.SIGKILL)
"""

PROVISIONER = LocalProvisioner(TEMPLATES)


def node_spec(series: str, *, folder: str, port: int, password: str) -> NodeSpec:
    """A cluster's writer, as whoever reads it from the store would build it again."""
    return NodeSpec(
        id="pi-1",
        engine=choose_engine(find_engines(read_settings().servers), series),
        cluster=Path(folder) / f"pc-{port}",
        port=port,
        server_id=port,
        admin=Admin("sterna", password),
        memory_bytes=MEMORY_BYTES,
    )


def argument(spec: NodeSpec) -> str:
    """What the node's process is recognised by."""
    return f"--defaults-file={spec.folder / 'my.cnf'}"


@pytest.fixture(scope="module", params=["5.6", "5.7", "9.7", "10.11"])
def node(request: pytest.FixtureRequest, server_farm: ServerFarm) -> Generator[NodeSpec]:
    """A node made and started by another process, which died by kill -9 right after."""
    password = secrets.token_urlsafe(12)
    folder, port = str(server_farm.folder), server_farm.free_port()
    spec = node_spec(request.param, folder=folder, port=port, password=password)
    command = [sys.executable, "-c", START_AND_DIE, request.param, folder, str(port), "start"]
    died = subprocess.run(command, input=password, text=True, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    yield spec
    PROVISIONER.delete_node(spec)


@pytest.fixture
def spare(server_farm: ServerFarm) -> Generator[NodeSpec]:
    """A node that does not exist yet; removed afterwards whatever became of it."""
    port = server_farm.free_port()
    spec = node_spec("9.7", folder=str(server_farm.folder), port=port, password="pass'\\word")
    yield spec
    PROVISIONER.delete_node(spec)


def test_a_node_outlives_whoever_started_it_and_is_adopted(node: NodeSpec) -> None:
    """Creating and starting again finds the same process and leaves it alone."""
    before = find_process(argument(node))
    assert before is not None
    PROVISIONER.create_node(node)
    PROVISIONER.start_node(node)
    assert find_process(argument(node)) == before


def test_only_the_admin_may_log_in(node: NodeSpec) -> None:
    """The accounts a data directory is born with are gone, or locked because the server's own."""
    with open_session(node.server) as session:
        users = {user for (user,) in query(session, "SELECT user FROM mysql.user")}
    assert {user for user in users if not user.startswith(("mysql.", "mariadb."))} == {"sterna"}
    for user in ("root", "", "mysql.sys", "mariadb.sys"):
        with pytest.raises(Refused) as refused:
            open_session(Server(node.host, node.port, user, ""))
        assert refused.value.code == "AccessDenied"


def test_the_password_is_in_no_file_and_on_no_command_line(node: NodeSpec) -> None:
    """After the first start it is nowhere in clear, and the spec does not show it."""
    password = node.admin.password.encode()
    holders = [path for path in text_files(node.folder) if password in path.read_bytes()]
    assert holders == []
    process = find_process(argument(node))
    assert password not in Path(f"/proc/{process}/cmdline").read_bytes()
    assert node.admin.password not in repr(node)


def text_files(folder: Path) -> Iterator[Path]:
    """Files small enough to be read whole; tablespaces are larger."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size < 2 * 1024**2:
            yield path


def test_nobody_else_can_look_into_a_node(node: NodeSpec) -> None:
    """Folders and configuration are the server's alone, and the server is not root."""
    modes = {path: path.stat().st_mode & 0o007 for path in (node.folder, node.data)}
    assert set(modes.values()) == {0}
    assert (node.folder / "my.cnf").stat().st_mode & 0o777 == 0o600
    process = find_process(argument(node))
    owner = Path(f"/proc/{process}").owner()
    assert owner == (server_user() or Path(f"/proc/{os.getpid()}").owner())


def test_a_node_starts_private_with_a_complete_log(node: NodeSpec) -> None:
    """Read-only, events off, row images whole: ready to be the target, and later the source."""
    expected = {
        "read_only": "ON",
        "event_scheduler": "OFF",
        "log_bin": "ON",
        "binlog_row_image": "FULL",
        "character_set_server": "utf8mb4",
        "local_infile": "ON",
        "max_allowed_packet": str(1024**3),
        "server_id": str(node.server_id),
        "skip_name_resolve": "ON",
        "innodb_buffer_pool_size": str(128 * 1024**2),
    }
    if not node.engine.version.is_mariadb and node.engine.version.at_least(5, 7):
        expected |= {"gtid_mode": "ON", "enforce_gtid_consistency": "ON", "super_read_only": "OFF"}
    with open_session(node.server) as session:
        assert read_variables(session, *expected) == expected
        updates = read_variables(session, "log_slave_updates", "log_replica_updates")
        assert set(updates.values()) == {"ON"}


def test_a_crashed_node_is_noticed_and_started_again(node: NodeSpec) -> None:
    """After kill -9 it is not running; the next start has what was committed, still read-only."""
    with open_session(node.server) as session:
        execute(session, "CREATE DATABASE kept")
        execute(session, "CREATE TABLE kept.t (id INT PRIMARY KEY) ENGINE=InnoDB")
        execute(session, "INSERT INTO kept.t VALUES (1)")
        execute(session, "SET GLOBAL read_only = OFF")
    assert signal_process(argument(node), signal.SIGKILL)
    assert wait_for_exit(argument(node), seconds=30)
    assert not PROVISIONER.is_running(node)
    PROVISIONER.start_node(node)
    with open_session(node.server) as session:
        assert query(session, "SELECT id, @@read_only FROM kept.t") == [(1, 1)]


def test_a_deleted_node_leaves_nothing(node: NodeSpec) -> None:
    """The process and the folder are gone; deleting again, or stopping it, changes nothing."""
    PROVISIONER.delete_node(node)
    assert find_process(argument(node)) is None
    assert not node.cluster.exists()
    PROVISIONER.delete_node(node)


def test_parameters_of_the_user_replace_ours(spare: NodeSpec) -> None:
    """Names in lower case and another row image hold from the first start on; a new
    configuration from the next start on."""
    asked = {"lower_case_table_names": "1", "binlog_row_image": "NOBLOB"}
    spec = replace(spare, parameters=asked)
    PROVISIONER.create_node(spec)
    PROVISIONER.start_node(spec)
    with open_session(spec.server) as session:
        assert read_variables(session, *asked) == asked
    opened = replace(spec, parameters={**asked, "read_only": "OFF"})
    PROVISIONER.configure_node(opened)
    PROVISIONER.restart_node(opened)
    with open_session(spec.server) as session:
        assert scalar(session, "SELECT @@read_only") == 0


def test_a_server_that_ends_says_why(spare: NodeSpec) -> None:
    """The error carries the end of the server's own log."""
    PROVISIONER.create_node(spare)
    with pytest.raises(Refused, match="unknown variable 'no_such_thing=1'") as refused:
        PROVISIONER.start_node(replace(spare, parameters={"no_such_thing": "1"}))
    assert refused.value.code == "NodeNotStarted"
    assert not PROVISIONER.is_running(spare)


def test_a_failed_initialization_leaves_no_data_directory(spare: NodeSpec) -> None:
    """What looks like a data directory is a whole one; the same node can be created afterwards."""
    with pytest.raises(Refused) as refused:
        LocalProvisioner().create_node(replace(spare, parameters={"no_such_thing": "1"}))
    assert refused.value.code == "NodeNotCreated"
    assert not spare.data.exists()
    PROVISIONER.create_node(spare)
    assert spare.data.exists()


@pytest.mark.parametrize("series", ["9.7", "10.11"])
def test_a_creation_that_was_killed_is_begun_anew(series: str, server_farm: ServerFarm) -> None:
    """What the dead creator left running is ended, what it left lying is removed."""
    folder, port = str(server_farm.folder), server_farm.free_port()
    spec = node_spec(series, folder=folder, port=port, password="word")
    command = [sys.executable, "-c", START_AND_DIE, series, folder, str(port), "initialize"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as creator:
        assert creator.stdin is not None
        creator.stdin.write(b"word")
        creator.stdin.close()
        eventually(lambda: (spec.folder / "data.new/ibdata1").exists(), within_seconds=20)
        creator.kill()
    orphan = find_process(argument(spec))
    assert orphan is not None
    assert not spec.data.exists()
    try:
        PROVISIONER.create_node(spec)
        PROVISIONER.start_node(spec)
        assert find_process(argument(spec)) != orphan
    finally:
        PROVISIONER.delete_node(spec)


def test_a_port_that_is_taken_is_not_mistaken_for_the_node(
    spare: NodeSpec, server_farm: ServerFarm
) -> None:
    """Another server on the port, even one that lets our admin in, is not the node."""
    PROVISIONER.create_node(spare)
    PROVISIONER.start_node(spare)
    twin = replace(spare, id="pi-2", server_id=spare.server_id + 1)
    PROVISIONER.create_node(twin)
    try:
        with pytest.raises(Refused, match=r"(?i)address already in use"):
            PROVISIONER.start_node(twin)
    finally:
        PROVISIONER.delete_node(twin)
    assert PROVISIONER.is_running(spare)


def test_a_process_that_merely_resembles_the_node_is_left_alone(spare: NodeSpec) -> None:
    """Only the exact argument counts: a copy of the configuration elsewhere is not the node."""
    command = [sys.executable, "-c", "input()", argument(spare) + ".copy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        assert find_process(argument(spare)) is None
        assert not signal_process(argument(spare), signal.SIGKILL)
        assert other.poll() is None
        other.communicate(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
def test_a_closed_folder_on_the_way_is_named(spare: NodeSpec, tmp_path: Path) -> None:
    """The server's user could not reach its data: said before anything is made."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Refused, match="chmod o\\+x") as refused:
        PROVISIONER.create_node(replace(spare, cluster=closed / "pc-1"))
    assert refused.value.code == "FolderClosed"
    assert list(closed.iterdir()) == []


def test_a_process_is_found_from_the_moment_it_is_launched(tmp_path: Path) -> None:
    """While it becomes another program it has no command line; it is not missed even then."""
    for number in range(200):
        marker = tmp_path / str(number)
        launch(["tail", "-f", str(marker), "/dev/null"], environment={}, output=Path("/dev/null"))
        seen = [find_process(str(marker)) for _ in range(5)]
        signal_process(str(marker), signal.SIGKILL)
        assert None not in seen
