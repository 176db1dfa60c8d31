"""Where the nodes of a new cluster go: this machine, hosts in turn, or a server that is there."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from typing import Protocol

from sterna.clusters.engines import choose_engine
from sterna.errors import Refused
from sterna.mysql.connection import open_session
from sterna.mysql.version import Version
from sterna.store.host_records import Host
from sterna.store.records import Cluster
from sterna.workflow.hosting import refuse_unfit, server_of
from sterna.workflow.tools import ADMIN_USER, EXISTING, Tools


class Wish(Protocol):
    """What is asked about places."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Ids or names of hosts."""

    @property
    def existing(self) -> str:
        """Id or name of a server that is there."""

    @property
    def nodes(self) -> int:
        """How many read-only nodes."""

    @property
    def serverless(self) -> object | None:
        """Whether it grows and shrinks."""


def hosts_of(tools: Tools, wish: Wish) -> list[Host]:
    """The hosts that are meant, in turn; none: this machine.

    Raises:
        Refused: NotFound; BadPlace, they do not go together.
    """
    if wish.existing:
        return [_existing(tools, wish)]
    hosts = [tools.hosts.host(name) for name in dict.fromkeys(wish.hosts)]
    for host in hosts:
        if host.kind == EXISTING:
            raise _bad(f"{host.name} is a server that is there already; no node is made on it.")
        if len(hosts) > 1 and _is_loopback(host.address):
            raise _bad(f"Other hosts cannot reach {host.name} at {host.address}.")
    return hosts


def _existing(tools: Tools, wish: Wish) -> Host:
    host = tools.hosts.host(wish.existing)
    if host.kind != EXISTING:
        raise _bad(f"{host.name} is a machine, and no server that is there already.")
    if wish.hosts or wish.nodes or wish.serverless:
        raise _bad(f"A cluster of {host.name}, a server that is there already, has no other nodes.")
    refuse_occupied(tools, [host.id])
    # It was empty when it was added; by now it may be somebody's, and is not ours to close.
    server = server_of(tools, host)
    with open_session(server) as session:
        refuse_unfit(session, server)
    return host


def refuse_occupied(tools: Tools, host_ids: Collection[str]) -> None:
    """Refused (BadPlace) where a server that is there has become a primary meanwhile."""
    for host in map(tools.hosts.host, host_ids):
        for cluster in tools.inventory.clusters():
            if host.kind == EXISTING and host.id in cluster.hosts:
                raise _bad(f"{host.name} is the primary of {cluster.id} already.")


def common_version(tools: Tools, hosts: Sequence[Host], wanted: str) -> Version:
    """The newest version that fits and every host has. Refused: EngineNotFound."""
    there = [tools.engines_at(host.id) for host in hosts] or [tools.engines]
    first, *others = there
    everywhere = [
        engine
        for engine in first
        if all(engine.version in {each.version for each in other} for other in others)
    ]
    return choose_engine(everywhere, wanted).version


def admin_of(tools: Tools, cluster: Cluster) -> tuple[str, str]:
    """User and password of Sterna's own account on the nodes of a new cluster.

    Where it comes from other machines, it is bound to no address: its name is its own then, so
    that no account of a source meets it.
    """
    hosts = [tools.hosts.host(host_id) for host_id in cluster.hosts]
    if hosts and hosts[0].kind == EXISTING:
        return hosts[0].user, tools.hosts.secret(hosts[0].id)
    user = f"{ADMIN_USER}_{secrets.token_hex(4)}" if hosts else ADMIN_USER
    return user, secrets.token_urlsafe(24)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _bad(message: str) -> Refused:
    return Refused(
        f"{message} Nothing was made.",
        code="BadPlace",
        remedy="See what there is: sterna host list.",
    )
