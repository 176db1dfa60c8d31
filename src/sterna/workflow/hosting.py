"""Hosts: other machines nodes are made on, and servers somebody else has made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sterna.clusters.engines import Engine, to_data
from sterna.clusters.existing import (
    missing_privileges,
    own_databases,
    why_too_old,
    wrong_settings,
)
from sterna.clusters.ssh_host import SshHost, fingerprint
from sterna.clusters.survey import free_bytes, survey
from sterna.errors import Refused
from sterna.mysql.connection import (
    Server,
    Session,
    open_session,
    query,
    scalar,
    server_version,
)
from sterna.mysql.identifiers import quote_text
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version
from sterna.store.database import now
from sterna.store.host_records import Host, HostTest
from sterna.store.hosts import HostBook
from sterna.store.records import Cluster
from sterna.store.repository import new_id
from sterna.workflow.routing import address_of
from sterna.workflow.tools import EXISTING, Tools

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
ADDRESS = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
ROOT = "'root'@'localhost'"
BORN_WITH = {ROOT, "'mysql'@'localhost'"}  # the second one in MariaDB's
FOLDER = "sterna"  # in the home of who logs in


@dataclass(frozen=True)
class NewHost:
    """A host to add.

    Attributes:
        secret: private key without a passphrase; of an existing server the password.
        folder: where nodes are made; below the home of who logs in unless it begins with a slash.
        servers: folder server versions were unpacked into there; empty: as on this machine.
        fingerprint: "SHA256:…" the machine's key must have; empty: the first one is believed.
    """

    name: str
    kind: str  # ssh | existing
    address: str
    user: str
    secret: str = field(repr=False)
    port: int = 22
    folder: str = FOLDER
    servers: str = ""
    fingerprint: str = ""


class Hosts:
    """Every method either answers with a record or raises Refused before anything was changed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def all(self) -> list[Host]:
        """All hosts, oldest first."""
        return self._tools.hosts.hosts()

    def one(self, name: str) -> Host:
        """One host by its id or name."""
        return self._tools.hosts.host(name)

    def add(self, new: NewHost) -> Host:
        """Keep a host after looking at it; the key it shows now is the one it must show for ever.

        Raises:
            Refused: BadHost, HostExists, HostNotSuitable, HostRefused, HostKeyChanged,
                NodeNotSuitable, or why the server does not let us in.
            Transient: HostUnreachable.
        """
        self._refuse_bad(new)
        return self._add_existing(new) if new.kind == EXISTING else self._add_ssh(new)

    def test(self, name: str) -> HostTest:
        """Look at a host again, and keep which server versions it has now."""
        host = self.one(name)
        nodes = self._nodes(host)
        if host.kind == EXISTING:
            with open_session(server_of(self._tools, host)) as session:
                version = server_version(session)
                warnings = tuple(_warnings(session, is_in_use=bool(nodes)))
            return HostTest(host.id, (str(version),), None, nodes, warnings)
        found = survey(login_of(self._tools.hosts, host), host.folder, self._servers(host.servers))
        versions = [str(engine.version) for engine in found.engines]
        self._tools.hosts.found(host.id, [to_data(each) for each in found.engines], versions)
        lacking = () if versions else (f"There is no server version in {host.servers}.",)
        return HostTest(host.id, tuple(versions), found.free_bytes, nodes, lacking)

    def remove(self, name: str) -> None:
        """Forget a host; nothing is changed there. Refused: HostInUse.

        Nodes and clusters that are being deleted do not stand in the way: what they have there is
        forgotten.
        """
        host = self.one(name)
        with self._tools.inventory.at_once():
            # First, so that no cluster begins there between the look and the end.
            self._tools.hosts.remove(host.id)
            for cluster in self._tools.inventory.clusters():
                if host.id in cluster.hosts and cluster.status != "Deleting":
                    self._let_go(cluster, host)

    def _let_go(self, cluster: Cluster, host: Host) -> None:
        """Its further nodes are made on its other hosts."""
        others = [host_id for host_id in cluster.hosts if host_id != host.id]
        is_used = any(n.host_id == host.id and n.status != "Deleting" for n in cluster.nodes)
        if is_used or not others:
            raise Refused(
                f"{host.name} is where nodes of {cluster.id} are made.",
                code="HostInUse",
                remedy="Remove its nodes there first, or delete that cluster: sterna cluster show"
                f" {cluster.id}.",
            )
        self._tools.inventory.change_cluster(cluster.id, hosts=others)

    # --- machines

    def _add_ssh(self, new: NewHost) -> Host:
        login = SshHost(new.address, new.user, new.secret, "", new.port)
        host_key = login.learn_key()
        seen = fingerprint(host_key)
        if new.fingerprint not in ("", seen):
            raise Refused(
                f"{new.address} has the key {seen}, not {new.fingerprint}. Nothing was kept.",
                code="HostKeyChanged",
                remedy="Find out which machine that is.",
            )
        login = SshHost(new.address, new.user, new.secret, host_key, new.port)
        found = survey(login, new.folder, self._servers(new.servers))
        folder, servers = str(found.folder), str(self._servers(new.servers))
        host = self._drafted(new, found.engines)
        host = replace(host, fingerprint=seen, folder=folder, servers=servers)
        self._keep(host, new, found.engines, host_key)
        return host

    def _servers(self, given: str) -> Path:
        return Path(given) if given else self._tools.settings.servers

    # --- servers that are there

    def _add_existing(self, new: NewHost) -> Host:
        server = Server(new.address, new.port, new.user, new.secret)
        with open_session(server) as session:
            version = server_version(session)
            refuse_unfit(session, server)
            server_id = int(read_variables(session, "server_id")["server_id"])
            accounts = _accounts(session)
        engines = (Engine(version, ("mysqld",), Path("/")),)
        host = replace(self._drafted(new, engines), server_id=server_id, accounts=accounts)
        self._keep(host, new, engines, "")
        return host

    # --- both

    @staticmethod
    def _drafted(new: NewHost, engines: tuple[Engine, ...]) -> Host:
        return Host(
            id=new_id("ho"),
            name=new.name,
            kind=new.kind,
            address=new.address,
            port=new.port,
            user=new.user,
            versions=tuple(str(engine.version) for engine in engines),
            created_at=now(),
        )

    def _keep(self, host: Host, new: NewHost, engines: tuple[Engine, ...], host_key: str) -> None:
        data = [to_data(engine) for engine in engines]
        with self._tools.inventory.at_once():
            self._refuse_known(new)
            self._tools.hosts.add(host, secret=new.secret, host_key=host_key, engines=data)

    def _nodes(self, host: Host) -> tuple[str, ...]:
        nodes = (node for cluster in self._tools.inventory.clusters() for node in cluster.nodes)
        return tuple(node.id for node in nodes if node.host_id == host.id)

    # --- what is refused

    def _refuse_bad(self, new: NewHost) -> None:
        if not NAME.fullmatch(new.name):
            raise _bad(f"{new.name!r} is no name for a host.")
        if not ADDRESS.fullmatch(new.address) or new.address.startswith("-"):
            raise _bad(f"{new.address!r} is no address.")
        if new.kind not in ("ssh", EXISTING):
            raise _bad(f"There is no kind {new.kind}: ssh, existing.")
        if new.kind == "ssh" and not NAME.fullmatch(new.user.removeprefix("_")):
            raise _bad(f"{new.user!r} is nobody who logs in to a machine.")
        if new.servers and not new.servers.startswith("/"):
            raise _bad(f"{new.servers} does not begin with a slash: it is no folder of its own.")
        self._refuse_known(new)

    def _refuse_known(self, new: NewHost) -> None:
        for host in self.all():
            same = host.kind == new.kind and (host.address, host.port) == (new.address, new.port)
            if host.name == new.name or same:
                raise Refused(
                    f"{host.name} ({host.address}:{host.port}) is a host already.",
                    code="HostExists",
                    remedy=f"Use that one: sterna host show {host.name}.",
                )
        if new.kind == EXISTING:
            self._refuse_ours(new)

    def _refuse_ours(self, new: NewHost) -> None:
        """A server that is a node or an instance already would be two sides at once."""
        address = f"{new.address}:{new.port}"
        clusters = self._tools.inventory.clusters()
        known = {address_of(node): node.id for each in clusters for node in each.nodes}
        known |= {f"{i.host}:{i.port}": i.id for i in self._tools.inventory.instances()}
        if address in known:
            raise _bad(f"{address} is {known[address]} already.")


def login_of(book: HostBook, host: Host) -> SshHost:
    """How a machine is logged in to."""
    key, known = book.secret(host.id), book.host_key(host.id)
    return SshHost(host.address, host.user, key, known, host.port)


def server_of(tools: Tools, host: Host) -> Server:
    """How Sterna gets into a server that is there already."""
    return Server(host.address, host.port, host.user, tools.hosts.secret(host.id))


def refuse_unfit(session: Session, server: Server) -> None:
    """Refused (NodeNotSuitable) where a server cannot become a primary; it is somebody's."""
    if problems := list(_problems(session, server_version(session))):
        raise Refused(
            f"{server} cannot become a primary: {'; '.join(problems)}. Nothing was changed on it.",
            code="NodeNotSuitable",
            remedy="Change its configuration or the account, and try again.",
        )


def rooms(tools: Tools, host_ids: Collection[str]) -> Iterator[tuple[str, int]]:
    """(name, room in bytes) of each machine among the hosts.

    Transient: HostUnreachable.
    """
    for host in map(tools.hosts.host, host_ids):
        if host.kind != EXISTING:
            yield host.name, free_bytes(login_of(tools.hosts, host), host.folder)


def _problems(session: Session, version: Version) -> Iterator[str]:
    """Why a server cannot become a primary."""
    if too_old := why_too_old(version):
        yield too_old
        return
    if databases := own_databases(session):
        yield f"it is not empty: it has {', '.join(databases[:5])}"
    if others := set(_accounts(session)[1:]) - BORN_WITH:
        yield f"it has accounts besides Sterna's and {ROOT}: {', '.join(sorted(others))}"
    yield from wrong_settings(session)
    if missing := missing_privileges(session):
        yield f"the account lacks {', '.join(missing)}"


def _accounts(session: Session) -> tuple[str, ...]:
    """'user'@'host' of everybody but the server's own, whoever we are first."""
    rows = query(
        session,
        "SELECT user, host FROM mysql.user"
        " WHERE user NOT LIKE 'mysql.%%' AND user NOT LIKE 'mariadb.%%' ORDER BY 1",
    )
    names = [(f"{user}@{host}", f"{quote_text(user)}@{quote_text(host)}") for user, host in rows]
    ours = str(scalar(session, "SELECT CURRENT_USER()"))
    return tuple(name for plain, name in sorted(names, key=lambda each: each[0] != ours))


def _warnings(session: Session, *, is_in_use: bool) -> Iterator[str]:
    """One that is in use has what an upgrade has brought."""
    problems = _problems(session, server_version(session))
    return (
        each for each in problems if not (is_in_use and each.startswith(("it is not", "it has")))
    )


def _bad(message: str) -> Refused:
    return Refused(
        f"{message} Nothing was kept.",
        code="BadHost",
        remedy="Correct it and try again; see: sterna host add --help.",
    )
