"""A read-only node is made: it gets the primary's data, follows it, and says how far it is.

A MySQL that can clone itself fetches the data while the primary works. A MariaDB's are read by its
backup program, which lets it work too. An older MySQL's files are copied while it stands still: a
read-only node where there is one, else the primary, whose applications wait at its endpoints.

    asked for ─► data.new ─► data ─► follows ─► serves
                    └ crash, or a failure: thrown away and fetched anew
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import RawIOBase
from shutil import disk_usage
from typing import IO, Any, cast

from sterna.clusters.engines import choose_engine
from sterna.clusters.provisioner import NodeSpec
from sterna.clusters.readers import follow, join_reader, reader_lag
from sterna.clusters.transfer import how_copied, not_copied, refuse_without_backup
from sterna.errors import SternaError
from sterna.mysql.connection import open_session
from sterna.store.records import Node
from sterna.workflow.hosting import rooms
from sterna.workflow.tools import Tools

TELL_SECONDS = 2.0
GB = 1_000_000_000


def make_reader(tools: Tools, cluster_id: str, node_id: str) -> None:
    """Create a read-only node, or go on with one; it follows its primary when this returns.

    Refused: BackupNotFound, or why its server does not start. Transient: NodeNotCopied, or a
    machine is away.
    """
    primary = tools.cluster(cluster_id).server
    version = tools.target(tools.inventory.cluster(cluster_id).engine)
    if how_copied(version) == "clone":
        spec = tools.make_node(cluster_id, node_id)
        restart = partial(tools.provisioner.restart_node, spec)
        join_reader(primary, spec.server, restart=restart)
    else:
        spec = tools.make_node(cluster_id, node_id, create=partial(_copy, tools, cluster_id))
        follow(primary, spec.server)
    tools.inventory.change_node(node_id, progress="")


def refuse_uncopied(tools: Tools, engine: str, hosts: Iterable[str]) -> None:
    """Refused: BackupNotFound; one of these hosts, or of none this machine, lacks the program."""
    for host_id in list(hosts) or [""]:
        where = tools.hosts.host(host_id).name if host_id else "this machine"
        refuse_without_backup(choose_engine(tools.engines_at(host_id), engine), where)


def who_stands_still(tools: Tools, cluster_id: str) -> Node | None:
    """The node whose server is ended while a new one gets its files; None: nobody's is."""
    version = tools.target(tools.inventory.cluster(cluster_id).engine)
    return _donor(tools, cluster_id) if how_copied(version) == "files" else None


def _copy(tools: Tools, cluster_id: str, spec: NodeSpec) -> None:
    """What a donor has becomes what the node has."""
    still = who_stands_still(tools, cluster_id)
    donor = still or tools.writer(cluster_id)

    @contextmanager
    def data() -> Iterator[IO[bytes]]:
        from_ = tools.node_spec(cluster_id, donor)
        size = tools.provisioner.storage_bytes(from_)
        if still:
            _require_room(tools, spec, size)
            _still(tools, cluster_id, donor)
        with tools.provisioner.send_data(from_) as stream:
            yield cast(IO[bytes], _Told(tools, cluster_id, spec, stream, size))

    try:
        tools.provisioner.receive_data(spec, data)
    finally:
        if still:
            _bring_back(tools, cluster_id, donor)


def _require_room(tools: Tools, spec: NodeSpec, wanted_bytes: int) -> None:
    """Transient: NodeNotCopied; nobody stands still for a copy that cannot be whole."""
    away = rooms(tools, [spec.place] if spec.place else [])
    free_bytes = next((free for _, free in away), disk_usage(tools.settings.home).free)
    if free_bytes < wanted_bytes:
        wanted, free = wanted_bytes / GB, free_bytes / GB
        raise not_copied(spec, [f"It needs {wanted:.1f} GB, and {free:.1f} GB are free there."])


def _donor(tools: Tools, cluster_id: str) -> Node | None:
    """Who stands still already, for us or for one of us who died; or is missed least."""
    order = ("Rebooting", "Running")
    nodes = [n for n in tools.inventory.nodes(cluster_id) if n.status in order]
    nodes = [n for n in nodes if n.status == "Rebooting" or _is_whole(tools, cluster_id, n)]
    key = lambda node: (order.index(node.status), node.role == "Writer")  # noqa: E731
    return min(nodes, key=key, default=None)


def _is_whole(tools: Tools, cluster_id: str, node: Node) -> bool:
    """Whether its copy can follow: that of a node whose replication has stopped could not."""
    if node.role == "Writer":
        return True
    with suppress(SternaError), open_session(tools.node_server(cluster_id, node)) as session:
        return reader_lag(session)[0] is not None
    return False


def _still(tools: Tools, cluster_id: str, donor: Node) -> None:
    """Nobody is led there any more, nobody starts it again, and it is ended."""
    tools.inventory.set_node_status(donor.id, "Rebooting")
    if donor.role == "Reader":
        _route(tools, cluster_id)
    else:
        names = tools.leading_to(donor)
        tools.inventory.set_endpoint_state(names, "Held")
        tools.proxy.hold(names)
        tools.proxy.sweep(names)
    tools.provisioner.stop_node(tools.node_spec(cluster_id, donor))


def _bring_back(tools: Tools, cluster_id: str, donor: Node) -> None:
    """It serves again; harmless for one that was never stopped."""
    tools.start_node(cluster_id, donor)
    tools.inventory.turn_node(donor.id, "Rebooting", "Running")
    if donor.role == "Reader":
        _route(tools, cluster_id)
        return
    names = tools.leading_to(donor)
    tools.inventory.set_endpoint_state(names, "Open")
    tools.proxy.release(names)


def _route(tools: Tools, cluster_id: str) -> None:
    tools.inventory.set_routes(tools.own_routes(cluster_id))
    tools.apply_routes()


class _Told(RawIOBase):
    """A stream that says from time to time how much of it has gone by.

    Transient: NodeNotCopied; the node is no longer wanted, and whoever stands still for it may go.
    """

    def __init__(
        self, tools: Tools, cluster_id: str, spec: NodeSpec, stream: IO[bytes], size_bytes: int
    ) -> None:
        self._tools, self._cluster_id, self._spec = tools, cluster_id, spec
        self._stream, self._size_bytes = stream, size_bytes
        self._passed_bytes, self._tell_at = 0, time.monotonic()

    def read(self, size: int = -1) -> Any:
        """As of any stream."""
        block = self._stream.read(size)
        self._passed_bytes += len(block)
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + TELL_SECONDS
            told = f"{self._passed_bytes / GB:.1f} of about {self._size_bytes / GB:.1f} GB copied"
            self._tools.inventory.change_node(self._spec.id, progress=told)
            if not self._is_wanted():
                raise not_copied(self._spec, ["It is to be removed."])
        return block

    def _is_wanted(self) -> bool:
        inventory = self._tools.inventory
        node = self._tools.node(self._cluster_id, self._spec.id)
        is_staying = inventory.cluster(self._cluster_id).status != "Deleting"
        return is_staying and node.status != "Deleting"
