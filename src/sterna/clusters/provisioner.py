"""What Sterna asks of whatever provides servers: a Protocol, and the values it speaks in.

Every method is idempotent: asked again after a crash, it finishes what was begun and leaves
alone what is done. A node is one server process with its own data directory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Protocol

from sterna.clusters.engines import Engine
from sterna.mysql.connection import Server, Tls

# Writer and Reader are nodes of a cluster; both start read-only, and the switch opens the writer.
# An Instance stands for a customer's server, in the demo and in tests: it starts open.
Role = Literal["Writer", "Reader", "Instance"]

# Another node's data, on demand.
Data = Callable[[], AbstractContextManager[IO[bytes]]]

GIB = 1024**3


@dataclass(frozen=True)
class Admin:
    """The one account of a new node: Sterna's own. `host` is MySQL's host pattern."""

    user: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class NodeSpec:
    """Everything that makes a node what it is.

    Attributes:
        id: unique within the cluster, e.g. "pi-…"; names the node's folder.
        cluster: folder of the cluster, e.g. STERNA_HOME/clusters/pc-…; shared by its nodes.
        host: address to listen on.
        place: id of the host it is made on; empty: this machine.
        server_id: number of the server in replication; unique among all that replicate.
        memory_bytes: what the node class grants; buffers are sized from it.
        parameters: server parameters that replace or add to Sterna's own; underscores, no dashes.
        authority: certificate of whoever signs the server's own, PEM; empty: none is known.
    """

    id: str
    engine: Engine
    cluster: Path
    port: int
    server_id: int
    admin: Admin
    host: str = "127.0.0.1"
    role: Role = "Writer"
    memory_bytes: int = GIB
    place: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    authority: str = field(default="", repr=False)

    @property
    def folder(self) -> Path:
        """The node's own folder: configuration, error log, data."""
        return self.cluster / self.id

    @property
    def data(self) -> Path:
        """The data directory; exists only once it is whole."""
        return self.folder / "data"

    @property
    def server(self) -> Server:
        """How to connect to it as the admin."""
        admin = self.admin
        tls: Tls = "Required" if self.authority else "Preferred"
        return Server(self.host, self.port, admin.user, admin.password, tls, self.authority)


class Provisioner(Protocol):
    """Makes, starts, stops and removes nodes."""

    def create_node(self, spec: NodeSpec) -> None:
        """Make the configuration and the data directory. An existing data directory is kept,
        with the admin account it was first started with."""

    def send_data(self, spec: NodeSpec) -> AbstractContextManager[IO[bytes]]:
        """A stream of all the node has, as `transfer` says. Its end is good if the context's is.

        Refused: BackupNotFound; Transient: NodeNotCopied."""

    def receive_data(self, spec: NodeSpec, data: Data) -> None:
        """`create_node` with the data of another node, which are asked for when they are needed.
        An existing data directory is kept."""

    def authority_of(self, spec: NodeSpec) -> str:
        """The certificate its server's own is signed with, PEM, over a way that can be trusted;
        empty where none is needed, or there is none."""

    def configure_node(self, spec: NodeSpec) -> None:
        """Write the configuration; it holds from the next start on."""

    def start_node(self, spec: NodeSpec) -> None:
        """Start the node, or adopt it when it runs; returns when the admin can log in."""

    def stop_node(self, spec: NodeSpec) -> None:
        """Shut the node down cleanly; returns when its process is gone."""

    def restart_node(self, spec: NodeSpec) -> None:
        """Stop and start, with the configuration as `spec` has it now; nobody comes between."""

    def delete_node(self, spec: NodeSpec) -> None:
        """Remove the node with all its data. There is no way back."""

    def read_log(self, spec: NodeSpec, *, lines: int) -> str:
        """The last lines of what the node's server said."""

    def storage_bytes(self, spec: NodeSpec) -> int:
        """What the node's data takes of its disk, logs included."""

    def is_running(self, spec: NodeSpec) -> bool:
        """Whether the node's process lives; False after a crash."""

    def port_is_free(self, spec: NodeSpec) -> bool:
        """Whether nobody listens on the port of a node that does not run yet."""
