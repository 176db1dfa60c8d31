"""The world as the steps see it: the store, the servers, the proxy, the running tasks."""

from __future__ import annotations

import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sterna.clusters.classes import CLASSES
from sterna.clusters.engines import Engine, choose_engine, from_data
from sterna.clusters.local import port_is_free
from sterna.clusters.myrocks import myrocks_parameters
from sterna.clusters.parameters import can_start_with
from sterna.clusters.provisioner import Admin, NodeSpec, Provisioner
from sterna.clusters.readers import reader_parameters, semi_sync_parameters
from sterna.dataplane import checkpoint
from sterna.dataplane.spec import FORWARD, REVERSE, TaskSpec
from sterna.dataplane.supervisor import Supervisor
from sterna.endpoints.proxy import Proxy
from sterna.endpoints.whitelist import EVERYBODY, normal_networks
from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.mysql.connection import Server, Tls
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version
from sterna.settings import Settings
from sterna.store.access import Access
from sterna.store.database import now
from sterna.store.hosts import HostBook
from sterna.store.journal import Journal
from sterna.store.records import Cluster, Endpoint, Node
from sterna.store.repository import Inventory, new_id
from sterna.store.standing import Standing
from sterna.store.tasks import Tasks
from sterna.store.usage import UsageBook
from sterna.workflow.metrics import Metrics
from sterna.workflow.routing import address_of, instance_route, own_route, route_of
from sterna.workflow.sessions import Sessions

LOOPBACK = "127.0.0.1"  # where nodes of this machine listen
EXISTING = "existing"  # the kind of host that is a server already
PORT_TRIES = 5
SERVER_ID_BASE = 830_000_000
ADMIN_USER = "sterna"
# Below the range the kernel takes ports for outgoing connections from.
FIRST_PORT, LAST_PORT = 13307, 17999
# Node class → memory of each node in bytes.
NODE_CLASSES = {each.name: each.memory_bytes for each in CLASSES.values()}


@dataclass(frozen=True)
class Side:
    """One of the two sides of a migration: its word, its id and how Sterna gets in."""

    word: str  # source | cluster
    id: str  # rm-… | pc-…
    server: Server


@dataclass
class Tools:
    """Everything a step may use. Made once, in wiring."""

    settings: Settings
    inventory: Inventory
    journal: Journal
    tasks: Tasks
    standing: Standing
    hosts: HostBook
    usage: UsageBook
    access: Access
    provisioner: Provisioner
    proxy: Proxy
    engines: tuple[Engine, ...]
    supervisor: Supervisor
    sessions: Sessions = field(default_factory=Sessions)
    metrics: Metrics = field(default_factory=Metrics)
    clock: Callable[[], datetime] = now

    def source(self, cluster_id: str) -> Side:
        """The instance a cluster is made from."""
        instance_id = self.journal.migration(cluster_id).instance_id
        return Side("source", instance_id, self.instance_server(instance_id))

    def cluster(self, cluster_id: str) -> Side:
        """The primary of a cluster."""
        return Side("cluster", cluster_id, self.node_server(cluster_id, self.writer(cluster_id)))

    def instance_server(self, instance_id: str) -> Server:
        """How Sterna gets into an instance."""
        instance = self.inventory.instance(instance_id)
        password = self.inventory.instance_password(instance_id)
        tls = instance.tls
        return Server(instance.host, instance.port, instance.user, password, tls)  # type: ignore[arg-type]

    def writer(self, cluster_id: str) -> Node:
        """The primary node of a cluster."""
        return self.inventory.nodes(cluster_id)[0]

    def node(self, cluster_id: str, node_id: str) -> Node:
        """A node of a cluster as it is now."""
        return next(node for node in self.inventory.nodes(cluster_id) if node.id == node_id)

    def readers(self, cluster_id: str) -> list[Node]:
        """The read-only nodes of a cluster."""
        return [node for node in self.inventory.nodes(cluster_id) if node.role == "Reader"]

    def own_accounts(self, instance_id: str) -> tuple[str, ...]:
        """'user'@'host' of what a cluster has before anything is carried there, Sterna's first."""
        for migration in self.journal.migrations():
            if migration.instance_id == instance_id and migration.status != Status.CLOSED:
                user, _ = self.inventory.cluster_admin(migration.cluster_id)
                hosts = self.inventory.cluster(migration.cluster_id).hosts
                if not hosts:
                    break
                known = self.hosts.host(hosts[0]).accounts
                return known or (f"{quote_text(user)}@{quote_text('%')}",)
        return (f"{quote_text(ADMIN_USER)}@{quote_text(LOOPBACK)}",)

    def node_server(self, cluster_id: str, node: Node) -> Server:
        """How Sterna gets into a node."""
        user, password = self.inventory.cluster_admin(cluster_id)
        authority = self._authority(node)
        tls: Tls = "Required" if authority else "Preferred"
        return Server(node.host, node.port, user, password, tls, authority)

    def _authority(self, node: Node) -> str:
        """Who vouches for a node of another machine; it is asked once, when it is made."""
        return self.inventory.node_authority(node.id) if node.host_id else ""

    def task_spec(self, task_id: str) -> TaskSpec:
        """What the next start of a task's process is told; takes a fresh fencing epoch."""
        cluster_id = self.cluster_of_task(task_id)
        task = self.tasks.task(task_id)
        forward = task.direction == "Forward"
        source, cluster = self.source(cluster_id).server, self.cluster(cluster_id).server
        direction = FORWARD if forward else REVERSE
        # What is known of the latency is another process's; this one has so long to speak as any.
        self.tasks.progress(task_id, lag_seconds=None, lag_at=now())
        return TaskSpec(
            task_id=task_id,
            direction=direction,
            epoch=self.tasks.next_epoch(task_id),
            origin=source if forward else cluster,
            destination=cluster if forward else source,
            spool=self.spool_folder(task_id) / direction,
            server_id=self.replica_id(task_id),
            rate=task.rate,
        )

    def resolve_statement(self, task_id: str, *, was_applied: bool) -> None:
        """Tell the task's destination what became of the DDL statement it stopped at."""
        spec = self.task_spec(task_id)
        with self.sessions.lend(spec.destination) as session:
            checkpoint.resolve_pending(
                session, spec.checkpoint, spec.epoch, was_applied=was_applied
            )

    @staticmethod
    def replica_id(task_id: str) -> int:
        """What a task calls itself as a replica; the next number is for short probes."""
        return SERVER_ID_BASE + 2 * (int(task_id[4:10], 16) % 50_000_000)

    def spool_folder(self, task_id: str) -> Path:
        """Where a task keeps the stream on its way."""
        return self.settings.home / "spool" / task_id

    def cluster_of_task(self, task_id: str) -> str:
        """The cluster whose migration owns the task."""
        migrations = self.journal.migrations()
        return next(m.cluster_id for m in migrations if m.task_id == task_id)

    def apply_routes(self) -> None:
        """Make the proxy serve what the store says, held endpoints held."""
        endpoints = self.inventory.endpoints()
        held = [e.id for e in endpoints if e.state == "Held"]
        self.proxy.apply([route_of(endpoint) for endpoint in endpoints])
        if held:
            self.proxy.hold(held)

    def node_spec(self, cluster_id: str, node: Node) -> NodeSpec:
        """The node as the provisioner wants it, open for writing only when the writes are there."""
        cluster = self.inventory.cluster(cluster_id)
        user, password = self.inventory.cluster_admin(cluster_id)
        engine = choose_engine(self.engines_at(node.host_id), cluster.engine)
        return NodeSpec(
            id=node.id,
            engine=engine.with_myrocks() if cluster.myrocks_memory_percent else engine,
            cluster=self._clusters_folder(node.host_id) / cluster_id,
            port=node.port,
            server_id=self.inventory.node_server_id(node.id),
            admin=Admin(user, password, host="%" if node.host_id else LOOPBACK),
            place=node.host_id,
            host=node.host,
            role="Writer" if node.role == "Writer" else "Reader",
            memory_bytes=NODE_CLASSES[node.node_class or cluster.node_class],
            parameters=self._node_parameters(cluster_id, node),
            authority=self._authority(node),
        )

    def engines_at(self, host_id: str) -> tuple[Engine, ...]:
        """The server versions of a host, or of this machine for ""."""
        return tuple(map(from_data, self.hosts.engines(host_id))) if host_id else self.engines

    def target(self, wanted: str) -> Version:
        """The version that is meant, of all this machine or any host has."""
        hosts = [host.id for host in self.hosts.hosts()]
        everywhere = [engine for host_id in ("", *hosts) for engine in self.engines_at(host_id)]
        return choose_engine(everywhere, wanted).version

    def _clusters_folder(self, host_id: str) -> Path:
        return Path(self.hosts.host(host_id).folder) if host_id else self.settings.home / "clusters"

    def _node_parameters(self, cluster_id: str, node: Node) -> dict[str, str]:
        cluster = self.inventory.cluster(cluster_id)
        class_ = CLASSES[node.node_class or cluster.node_class]
        kept = class_.parameters(self.inventory.cluster_parameters(cluster_id))
        if cluster.semi_sync:
            kept |= semi_sync_parameters(node.role, self.target(cluster.engine))
        if percent := cluster.myrocks_memory_percent:
            kept |= myrocks_parameters(class_.memory_bytes, percent)
        if node.status == "Creating":
            kept = can_start_with(kept)
        if node.role == "Writer":
            return kept
        # Its copies of the events would run as well, and write where read_only binds nobody.
        closed = {"read_only": "ON", "event_scheduler": "OFF"}
        return {**kept, **reader_parameters(self.target(cluster.engine)), **closed}

    def keep_cluster_mode(self, cluster_id: str, *, writable: bool, event_scheduler: str) -> None:
        """Make a restart of the primary come back in the mode it has now."""
        parameters = {
            **self.inventory.cluster_parameters(cluster_id),
            "read_only": "OFF" if writable else "ON",
            "event_scheduler": event_scheduler if writable else "OFF",
        }
        self.configure_cluster(cluster_id, parameters)

    def configure_cluster(self, cluster_id: str, parameters: dict[str, str]) -> None:
        """Keep these parameters for the next start of the primary."""
        self.inventory.set_cluster_parameters(cluster_id, parameters)
        writer = self.writer(cluster_id)
        self.provisioner.configure_node(self.node_spec(cluster_id, writer))

    def start_node(self, cluster_id: str, node: Node) -> None:
        """Start a node that should run and does not, or adopt it when it does."""
        self.provisioner.start_node(self.node_spec(cluster_id, node))

    def home_routes(self, cluster_id: str) -> dict[str, tuple[str, ...]]:
        """Endpoint id → its own side's servers, as if nothing had been exchanged."""
        instance_id = self.journal.migration(cluster_id).instance_id
        return {**self.own_routes(cluster_id), **self.own_routes(instance_id)}

    def own_routes(self, owner_id: str) -> dict[str, tuple[str, ...]]:
        """The same of a cluster or an instance alone."""
        return {e.id: self.route_of(e) for e in self.inventory.endpoints(owner_id)}

    def route_of(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Where an endpoint leads while nothing is exchanged."""
        if endpoint.owner_id.startswith("pc-"):
            return own_route(endpoint, self.inventory.nodes(endpoint.owner_id))
        instance = self.inventory.instance(endpoint.owner_id)
        return instance_route(endpoint, f"{instance.host}:{instance.port}")

    def leading_to(self, node: Node) -> tuple[str, ...]:
        """The endpoints, whosever they are, that lead to a node now."""
        address = address_of(node)
        return tuple(e.id for e in self.inventory.endpoints() if address in e.routes_to)

    def add_node(self, cluster_id: str, role: str) -> None:
        """Note down a new node; it is made later, on the host of its cluster that has fewest."""
        cluster = self.inventory.cluster(cluster_id)
        server_id = secrets.randbelow(2**30) + 2**30
        if not cluster.hosts:
            node = Node(new_id("pi"), role, LOOPBACK, self.free_port(), "Creating")
        else:
            used = Counter(node.host_id for node in cluster.nodes)
            host = self.hosts.host(min(cluster.hosts, key=lambda host_id: used[host_id]))
            is_there = host.kind == EXISTING
            port = host.port if is_there else self.next_port()
            node = Node(new_id("pi"), role, host.address, port, "Creating", host_id=host.id)
            server_id = host.server_id if is_there else server_id
        self.inventory.add_node(cluster_id, node, server_id=server_id)

    def is_adopted(self, cluster: Cluster) -> bool:
        """Whether the cluster is a server somebody else has made."""
        known = [host_id for host_id in cluster.hosts if self.hosts.knows(host_id)]
        return any(self.hosts.host(host_id).kind == EXISTING for host_id in known)

    def refuse_adopted(self, cluster: Cluster) -> None:
        """Refused (NodeNotOurs) where the cluster is a server somebody else has made."""
        if self.is_adopted(cluster):
            raise Refused(
                f"The primary of {cluster.id} is a server that Sterna has not made: it gets no"
                " other nodes, no other class and no restart from Sterna.",
                code="NodeNotOurs",
                remedy="Do it by your own means; Sterna goes on when the server answers.",
            )

    def make_node(
        self, cluster_id: str, node_id: str, *, create: Callable[[NodeSpec], None] | None = None
    ) -> NodeSpec:
        """Create and start a node that nothing depends on yet; returns when it answers.

        A port that somebody else has been faster to take is replaced by another. `create` stands
        for the provisioner's own, which makes an empty one.
        """
        create = create or self.provisioner.create_node
        for tries_left in reversed(range(PORT_TRIES)):
            node = self.node(cluster_id, node_id)
            spec = self.node_spec(cluster_id, node)
            if tries_left and self._is_lost(node, spec):
                self.inventory.change_node(node_id, port=self.next_port(after=node.port))
                continue
            create(spec)
            try:
                self.provisioner.start_node(spec)
            except Refused:
                if not (tries_left and self._is_lost(node, spec)):
                    raise
            else:
                authority = self.provisioner.authority_of(spec)
                self.inventory.change_node(node_id, authority=authority)
                return replace(spec, authority=authority)
        raise AssertionError("unreachable")

    def _is_lost(self, node: Node, spec: NodeSpec) -> bool:
        """Whether somebody else listens on the port of a node that has never run."""
        if node.status != "Creating" or self.provisioner.is_running(spec):
            return False
        return not self.provisioner.port_is_free(spec)

    def delete_node(self, cluster_id: str, node: Node) -> None:
        """Delete a node with its data; what is on a host that was removed stays there."""
        if not node.host_id or self.hosts.knows(node.host_id):
            self.provisioner.delete_node(self.node_spec(cluster_id, node))
        self.inventory.remove_node(node.id)

    def add_endpoint(
        self,
        owner_id: str,
        type_: str,
        address: str,
        *,
        port: int | None = None,
        net_type: str = "Private",
        allowed_networks: Collection[str] = EVERYBODY,
    ) -> str:
        """Keep a new endpoint of an instance or a cluster that leads to `address`; its id."""
        endpoint = Endpoint(
            id=new_id("pe"),
            owner_id=owner_id,
            type=type_,
            read_write_mode="ReadWrite",
            host=self.settings.host,
            port=port or self.free_port(),
            net_type=net_type,
            ssl_enabled=False,
            state="Open",
            routes_to=(address,),
            allowed_networks=normal_networks(allowed_networks),
        )
        self.inventory.add_endpoint(endpoint)
        return endpoint.id

    def route_reads(self, cluster_id: str, readers: Sequence[Node]) -> None:
        """Let the cluster endpoint lead to the read-only nodes, in turn."""
        addresses = tuple(address_of(node) for node in readers)
        for endpoint in self.inventory.endpoints(cluster_id):
            if endpoint.type == "Cluster":
                self.inventory.set_routes({endpoint.id: addresses}, read_write_mode="ReadOnly")
        self.apply_routes()

    def serve_new(self, endpoint_ids: Collection[str]) -> None:
        """Serve endpoints nobody knows yet, whose ports were chosen by Sterna.

        A port that somebody else has been faster to take is replaced by another.
        """
        for tries_left in reversed(range(PORT_TRIES)):
            try:
                self.apply_routes()
            except Refused as error:
                if error.code != "PortTaken" or not tries_left:
                    raise
                for endpoint in map(self.inventory.endpoint, endpoint_ids):
                    if not port_is_free(endpoint.host, endpoint.port):
                        port = self.free_port(after=endpoint.port)
                        self.inventory.change_endpoint(endpoint.id, port=port)
            else:
                return

    def free_port(self, *, after: int | None = None) -> int:
        """A port nobody listens on and that no endpoint or node has been given."""
        port = self.next_port(after=after)
        while not (port_is_free(LOOPBACK, port) and port_is_free(self.settings.host, port)):
            port = self.next_port(after=port)
        return port

    def next_port(self, *, after: int | None = None) -> int:
        """One that no endpoint or node has been given; whether it is free is not looked at."""
        taken = self.taken_ports()
        for port in range(self._first_port() if after is None else after + 1, LAST_PORT + 1):
            if port not in taken:
                return port
        raise Refused(
            f"All ports from {self._first_port()} to {LAST_PORT} are taken.",
            code="NoFreePort",
            remedy="Delete clusters that are no longer needed, or choose another range of ports.",
        )

    def taken_ports(self, *, here_only: bool = False) -> dict[int, str]:
        """Port → the endpoint or node, on other machines too, that has been given it."""
        nodes = (node for cluster in self.inventory.clusters() for node in cluster.nodes)
        taken = {n.port: n.id for n in nodes if not (here_only and n.host_id)}
        return taken | {e.port: e.id for e in self.inventory.endpoints()}

    def refuse_taken(self, port: int | None, *, but_of: str = "") -> None:
        """Refused PortTaken where another endpoint than `but_of`, or a node of this machine, has
        been given it."""
        owner = self.taken_ports(here_only=True).get(port, but_of) if port else but_of
        if owner != but_of:
            raise Refused(
                f"Port {port} is the port of {owner} already.",
                code="PortTaken",
                remedy="Choose another one, or none: Sterna then takes a free one.",
            )

    def _first_port(self) -> int:
        """Where to begin looking: different for each home, so two servers do not race."""
        spread = zlib.crc32(str(self.settings.home).encode()) % (LAST_PORT - FIRST_PORT - 200)
        return FIRST_PORT + spread
