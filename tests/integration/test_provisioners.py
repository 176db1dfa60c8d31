"""One contract for all that provide nodes: this machine, another one, servers that are there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import IO

import pytest

from sterna.clusters.engines import choose_engine
from sterna.clusters.existing import ExistingProvisioner
from sterna.clusters.local import LocalProvisioner
from sterna.clusters.myrocks import myrocks_parameters
from sterna.clusters.provisioner import Admin, NodeSpec, Provisioner
from sterna.clusters.readers import follow
from sterna.clusters.ssh import SshProvisioner
from sterna.clusters.ssh_host import SshHost, fingerprint
from sterna.clusters.survey import survey
from sterna.errors import Refused, Transient
from sterna.mysql.connection import execute, open_session, query, scalar
from sterna.settings import read_settings
from tests.fixtures.running import MEMORY_BYTES, TEMPLATES, ServerFarm, eventually
from tests.fixtures.sshd import make_home, running_sshd, sshd_binary

needs_sshd = pytest.mark.skipif(
    os.geteuid() != 0 or sshd_binary() is None, reason="needs root and an SSH server: tools/sshd"
)


@dataclass(frozen=True)
class Candidate:
    """A provisioner and a node for it; `owns` what it makes, or only adopts."""

    provisioner: Provisioner
    spec: NodeSpec
    owns: bool


@pytest.fixture(scope="module")
def sshd(server_farm: ServerFarm) -> Iterator[SshHost]:
    """A machine that Sterna may log in to."""
    with running_sshd(server_farm.folder / "sshd") as host:
        yield host


@pytest.fixture(params=["local", pytest.param("ssh", marks=needs_sshd), "existing"])
def candidate(request: pytest.FixtureRequest, server_farm: ServerFarm) -> Iterator[Candidate]:
    """One of the three."""
    engine = choose_engine(server_farm.engines, "9.7")
    spec = replace(
        server_farm.spec(engine, None, "Writer", {}),
        cluster=server_farm.folder / f"cluster-{request.param}",
        memory_bytes=MEMORY_BYTES,
    )
    provisioner: Provisioner = LocalProvisioner(TEMPLATES)
    if request.param == "ssh":
        make_home(spec.cluster)
        provisioner = SshProvisioner(request.getfixturevalue("sshd"))
    elif request.param == "existing":
        spec = server_farm.start("9.7", role="Writer").spec
        provisioner = ExistingProvisioner()
    yield Candidate(provisioner, spec, owns=request.param != "existing")
    with suppress(Refused, Transient):
        provisioner.delete_node(spec)


def test_contract(candidate: Candidate, server_farm: ServerFarm) -> None:
    """Made, started, configured, restarted, stopped and deleted, each twice; or only adopted."""
    provisioner, spec = candidate.provisioner, candidate.spec
    for _ in range(2):
        provisioner.create_node(spec)
    for _ in range(2):
        provisioner.start_node(spec)
    assert provisioner.is_running(spec)
    with open_session(spec.server) as session:
        assert scalar(session, "SELECT @@GLOBAL.read_only") == 1
        execute(session, "CREATE DATABASE kept")
    opened = replace(spec, parameters={"read_only": "OFF"})
    provisioner.configure_node(opened)
    assert provisioner.storage_bytes(spec) > 10_000_000
    assert "ready for connections" in provisioner.read_log(spec, lines=100)
    assert_vouched_for(candidate, server_farm)
    if candidate.owns:
        with (spec.folder / "error.log").open("ab") as log:
            log.write(b"not UTF-8: \xe4\n")
        assert "not UTF-8" in provisioner.read_log(spec, lines=100)
        assert_lives_and_dies(provisioner, opened)
        return
    assert_nothing_changes_now(spec)
    for refused in (provisioner.stop_node, provisioner.restart_node):
        with pytest.raises(Refused, match="not Sterna's"):
            refused(spec)
    provisioner.delete_node(spec)
    assert databases(spec) >= {"kept"}
    for wrong, reason in (
        (replace(spec, server_id=4), "server_id"),
        (replace(spec, engine=choose_engine(server_farm.engines, "5.7")), "not MySQL 5.7"),
    ):
        with pytest.raises(Refused, match=reason):
            provisioner.create_node(wrong)


def test_a_mariadb_that_was_there(server_farm: ServerFarm) -> None:
    """It is closed when it is adopted, and nothing else; it keeps nothing over a restart, so one
    that its configuration closes is no primary, nor one that could run no events."""
    provisioner, there = ExistingProvisioner(), server_farm.start("10.11")
    spec = replace(there.spec, role="Writer")
    provisioner.create_node(spec)
    provisioner.configure_node(replace(spec, parameters={"read_only": "OFF"}))
    with open_session(spec.server) as session:
        assert scalar(session, "SELECT @@GLOBAL.read_only") == 1
    assert provisioner.storage_bytes(spec) > 10_000_000
    assert "MariaDB" in provisioner.read_log(spec, lines=1)
    newer = replace(spec, engine=choose_engine(server_farm.engines, "9.7"))
    with pytest.raises(Refused, match=r"not MySQL 9\.7"):
        provisioner.create_node(newer)
    closed = server_farm.start("10.11", role="Writer", event_scheduler="DISABLED").spec
    with pytest.raises(Refused, match=r"DISABLED.*read_only cannot be changed for good"):
        provisioner.create_node(closed)


def assert_vouched_for(candidate: Candidate, server_farm: ServerFarm) -> None:
    """Another machine shows who signs for its server; nothing is said to whom nobody signs for."""
    spec, authority = candidate.spec, candidate.provisioner.authority_of(candidate.spec)
    assert bool(authority) == isinstance(candidate.provisioner, SshProvisioner)
    if authority:
        known = replace(spec, authority=authority)
        with open_session(known.server) as session:
            ((_, cipher),) = query(session, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert cipher and candidate.provisioner.is_running(known)
        stranger = (server_farm.start("9.7").data / "ca.pem").read_text()
        with pytest.raises(Refused) as refused:
            open_session(replace(spec, authority=stranger).server)
        assert refused.value.code == "CertificateUnknown"


def assert_nothing_changes_now(spec: NodeSpec) -> None:
    """It is still closed, and opens with its next start: a switch configures before it holds."""
    kept = "SELECT variable_value FROM performance_schema.persisted_variables"
    with open_session(spec.server) as session:
        assert scalar(session, "SELECT @@GLOBAL.read_only") == 1
        assert scalar(session, f"{kept} WHERE variable_name = 'read_only'") == "OFF"


def assert_lives_and_dies(provisioner: Provisioner, spec: NodeSpec) -> None:
    """A restart keeps the data and takes the configuration up; a deletion leaves nothing."""
    for _ in range(2):
        provisioner.restart_node(spec)
    with open_session(spec.server) as session:
        assert scalar(session, "SELECT @@GLOBAL.read_only") == 0
    for _ in range(2):
        provisioner.stop_node(spec)
    assert not provisioner.is_running(spec)
    provisioner.create_node(spec)  # keeps what is there
    provisioner.start_node(spec)
    assert databases(spec) >= {"kept"}
    for _ in range(2):
        provisioner.delete_node(spec)
    assert not provisioner.is_running(spec)
    assert not spec.folder.exists()


def databases(spec: NodeSpec) -> set[str]:
    with open_session(spec.server) as session:
        return {str(name) for (name,) in query(session, "SHOW DATABASES")}


@needs_sshd
def test_only_known_machines_and_keys(sshd: SshHost, server_farm: ServerFarm) -> None:
    """A wrong key, an unknown machine: refused for good. One that is away: asked again later."""
    spec = server_farm.spec(choose_engine(server_farm.engines, "9.7"), None, "Writer", {})
    folder = server_farm.folder / "sshd"
    stranger = (folder / "stranger").read_text()
    other_machine = (folder / "stranger.pub").read_text().strip()
    for wrong, code in (
        (replace(sshd, key=stranger), "HostRefused"),
        (replace(sshd, host_key=other_machine), "HostKeyChanged"),
        (replace(sshd, host_key=""), "HostKeyChanged"),
    ):
        with pytest.raises(Refused) as refused:
            SshProvisioner(wrong).is_running(spec)
        assert refused.value.code == code
    with pytest.raises(Transient) as away:
        SshProvisioner(replace(sshd, port=1)).is_running(spec)
    assert away.value.code == "HostUnreachable"
    learned = replace(sshd, host_key="").learn_key()
    assert fingerprint(learned) == fingerprint(sshd.host_key)
    assert sshd.key not in repr(sshd)


@needs_sshd
@pytest.mark.parametrize("series", ["10.11", "5.7"])
def test_data_travel(
    request: pytest.FixtureRequest, sshd: SshHost, server_farm: ServerFarm, series: str
) -> None:
    """From here to another machine and back: each follows the first, and has all it had. A copy
    that breaks off leaves nothing, and is made again."""
    engine, is_still = choose_engine(server_farm.engines, series), series == "5.7"
    if engine.version.is_mariadb and engine.backup is None:
        pytest.skip("mariadb-backup is not on this machine: make servers")
    with_myrocks = engine.myrocks is not None
    asked = myrocks_parameters(MEMORY_BYTES, 40) if with_myrocks else {}
    engine = engine.with_myrocks() if with_myrocks else engine
    first = replace(server_farm.spec(engine, None, "Writer", asked), memory_bytes=MEMORY_BYTES)
    here, there = LocalProvisioner(TEMPLATES), SshProvisioner(sshd)
    request.addfinalizer(partial(here.delete_node, first))
    here.create_node(first)
    here.start_node(first)
    with open_session(first.server) as session:
        execute(session, "SET SESSION sql_log_bin = 0")
        execute(session, "CREATE DATABASE kept")
        kind = "ROCKSDB" if with_myrocks else "InnoDB"
        execute(session, f"CREATE TABLE kept.t (id INT PRIMARY KEY) ENGINE={kind}")
        execute(session, "INSERT INTO kept.t VALUES (1), (2)")
    spec, is_first = first, True
    far = server_farm.folder / f"far-{series}"
    make_home(far)
    # What a MariaDB can do there is found there: its backup, its MyRocks.
    assert survey(sshd, str(far), read_settings().servers).engines == server_farm.engines
    ways = ((there, far, here), (here, server_farm.folder, there))
    for provisioner, folder, donor in ways[:1] if is_still else ways:
        port = server_farm.free_port()
        made = replace(
            spec, id=f"made-{port}", cluster=folder, port=port, server_id=port, role="Reader"
        )
        if is_still:
            with pytest.raises(Transient, match="The server runs"):
                provisioner.receive_data(made, partial(donor.send_data, spec))
            donor.stop_node(spec)
        if is_first:
            with pytest.raises(OSError, match="cut"):
                provisioner.receive_data(made, partial(broken_off, donor, spec))
            assert not (made.folder / "data").exists()
        for _ in range(2):
            provisioner.receive_data(made, partial(donor.send_data, spec))
        donor.start_node(spec)
        if is_first and not is_still:  # nothing is in its log yet
            assert (made.folder / "first.sql").read_text().endswith("= '';\n")
        provisioner.start_node(made)
        follow(first.server, made.server)
        with open_session(first.server) as session:
            execute(session, f"CREATE DATABASE later_{port}")
        eventually(lambda p=port, m=made: databases(m) >= {"kept", f"later_{p}"})
        with open_session(made.server) as session:
            assert scalar(session, "SELECT SUM(id) FROM kept.t") == 3
        assert not (spec.folder / "backup.cnf").exists()
        spec, is_first = made, False
        request.addfinalizer(partial(provisioner.delete_node, made))


@contextmanager
def broken_off(donor: Provisioner, spec: NodeSpec) -> Iterator[IO[bytes]]:
    """The line is cut in the middle of the stream."""
    with donor.send_data(spec) as stream:
        begun = stream.read(1 << 20)

        class Cut(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if block := super().read(size):
                    return block
                raise OSError("the line was cut")

        yield Cut(begun)


@needs_sshd
def test_no_secret_on_a_command_line(
    sshd: SshHost, server_farm: ServerFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a script says travels on standard input, quotes and all."""
    admin = Admin("root", "it's $HOME `secret`", host="%")
    engine = choose_engine(server_farm.engines, "9.7")
    spec = replace(server_farm.spec(engine, None, "Writer", {}), admin=admin)
    seen: list[list[str]] = []
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **rest: (seen.append(command), run(command, **rest))[1]
    )
    spec = replace(spec, cluster=server_farm.folder / "cluster-secret")
    make_home(spec.cluster)
    provisioner = SshProvisioner(sshd)
    provisioner.create_node(spec)
    first = spec.folder / "first.sql"
    assert "it\\'s $HOME `secret`" in first.read_text() or "it''s" in first.read_text()
    assert first.stat().st_mode & 0o077 == 0
    assert not [command for command in seen if "secret`" in " ".join(command)]
    provisioner.delete_node(spec)
