"""Nodes of a cluster added, removed, restarted, given another class; clusters deleted.

What is asked for is noted in the statuses of the cluster and its nodes, and answered at once. The
keeper then makes it so, and goes on where it stopped after any crash: every turn looks only at the
statuses. One node at a time leaves the rotation; the primary comes last, and whoever connects
meanwhile waits at its endpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import structlog

from sterna.clusters.config import sizes_of
from sterna.clusters.readers import can_have_readers, reader_lag
from sterna.clusters.resizing import resize
from sterna.errors import Refused, SternaError, Transient
from sterna.migration.status import Status
from sterna.mysql.connection import open_session
from sterna.store.cluster_records import NO_BINLOG
from sterna.store.records import Cluster, Migration, Node
from sterna.workflow.abreast import Abreast
from sterna.workflow.health import FRESH_SECONDS
from sterna.workflow.inheritance import settle_time_zone
from sterna.workflow.joining import make_reader, refuse_uncopied
from sterna.workflow.routing import address_of
from sterna.workflow.tools import Tools
from sterna.workflow.wishes import NODES_MAX, refuse_node_class, refuse_semi_sync

FRESH_SECONDS_MAX = 120.0
POLL_SECONDS = 0.2
TURN_SECONDS_MAX = 5.0
LOG_LINES_MAX = 10_000
BUSY = ("DBNodeCreating", "DBNodeDeleting", "ClassChanging", "Rebooting", "Deleting")

log = structlog.get_logger("sterna.nodes")


class Nodes:
    """What an operator asks for; the keeper does it. Refused before anything was changed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def add(self, cluster_id: str, count: int) -> Cluster:
        """Add read-only nodes: copies of the primary that follow it."""
        cluster = self.growable(cluster_id, count)
        with self._beginning(cluster, "DBNodeCreating"):
            for _ in range(count):
                self._tools.add_node(cluster_id, "Reader")
        return self._tools.inventory.cluster(cluster_id)

    def remove(self, cluster_id: str, node_id: str) -> Cluster:
        """Remove a read-only node with its data."""
        cluster, _ = self.removable(cluster_id, node_id)
        with self._beginning(cluster, "DBNodeDeleting"):
            self._tools.inventory.set_node_status(node_id, "Deleting")
        return self._tools.inventory.cluster(cluster_id)

    def change_class(self, cluster_id: str, node_class: str, *, online: bool = False) -> Cluster:
        """Give every node another class, one after the other: by a restart, or while it runs."""
        cluster = self.resizable(cluster_id, node_class)
        inventory = self._tools.inventory
        with self._beginning(cluster, "ClassChanging"):
            for node in cluster.nodes:
                # Until its turn has come a node that dies is started as it was.
                kept = node.node_class or cluster.node_class
                status = node.status if online else "ClassChanging"
                inventory.change_node(node.id, node_class=kept, status=status)
            inventory.change_cluster(cluster_id, node_class=node_class)
        return inventory.cluster(cluster_id)

    def restart(self, cluster_id: str, node_id: str | None = None) -> Cluster:
        """Restart one node, or all of them one after the other."""
        cluster, chosen = self.restartable(cluster_id, node_id)
        with self._beginning(cluster, "Rebooting"):
            for node in chosen:
                self._tools.inventory.set_node_status(node.id, "Rebooting")
        return self._tools.inventory.cluster(cluster_id)

    def change_semi_sync(self, cluster_id: str, *, on: bool) -> Cluster:
        """Let commits wait for a read-only node, or no longer; every node restarts for it."""
        cluster = self.semi_syncable(cluster_id, on=on)
        with self._beginning(cluster, "Rebooting"):
            self._tools.inventory.change_cluster(cluster_id, semi_sync=on)
            for node in cluster.nodes:
                self._tools.inventory.set_node_status(node.id, "Rebooting")
        return self._tools.inventory.cluster(cluster_id)

    def enable_binlog(self, cluster_id: str) -> Cluster:
        """Switch the binary log on again, which restarts the primary; without it there are no
        other nodes."""
        cluster = self.loggable(cluster_id)
        inventory = self._tools.inventory
        kept = inventory.cluster_parameters(cluster_id)
        with self._beginning(cluster, "Rebooting"):
            without = {name: value for name, value in kept.items() if name not in NO_BINLOG}
            inventory.set_cluster_parameters(cluster_id, without)
            inventory.set_node_status(cluster.nodes[0].id, "Rebooting")
        return inventory.cluster(cluster_id)

    def delete(self, cluster_id: str) -> Cluster:
        """Delete a cluster with all its data. There is no way back."""
        cluster = self.deletable(cluster_id)
        with self._beginning(cluster, "Deleting"):
            pass
        return self._tools.inventory.cluster(cluster_id)

    def logs(self, cluster_id: str, node_id: str | None = None, *, lines: int = 100) -> list[str]:
        """The last lines of what a node said; of the primary where none is named."""
        cluster = self._tools.inventory.cluster(cluster_id)
        node = cluster.nodes[0] if node_id is None else self._node(cluster, node_id)
        spec = self._tools.node_spec(cluster_id, node)
        text = self._tools.provisioner.read_log(spec, lines=min(lines, LOG_LINES_MAX))
        return text.splitlines()

    # --- what is refused

    def growable(self, cluster_id: str, count: int) -> Cluster:
        """The cluster, if so many read-only nodes may be added to it."""
        cluster = self._idle(cluster_id)
        self._tools.refuse_adopted(cluster)
        if len(cluster.nodes) - 1 + count > NODES_MAX:
            raise Refused(
                f"{cluster_id} has {len(cluster.nodes) - 1} read-only nodes; {count} more are"
                " more than a cluster can have.",
                code="TooManyNodes",
                remedy=f"Ask for {NODES_MAX} at most.",
            )
        if not can_have_readers(self._tools.target(cluster.engine)):
            raise Refused(
                f"{cluster.version} has no replication by GTIDs that read-only nodes of"
                f" {cluster_id} could follow.",
                code="NodesNotSupported",
                remedy="Use a cluster of MySQL 5.7 or MariaDB 10.3, or newer.",
            )
        refuse_uncopied(self._tools, cluster.engine, cluster.hosts)
        self.refuse_without_binlog(cluster_id)
        return cluster

    def refuse_without_binlog(self, cluster_id: str) -> None:
        """Refused (BinaryLogNeeded) where read-only nodes would have nothing to follow."""
        if not self._tools.inventory.cluster(cluster_id).binary_log:
            raise Refused(
                f"{cluster_id} has no binary log, which read-only nodes follow.",
                code="BinaryLogNeeded",
                remedy=f"Switch it on first: sterna cluster enable-binlog {cluster_id}.",
            )

    def loggable(self, cluster_id: str) -> Cluster:
        """The cluster, if its binary log is off and may be switched on."""
        cluster = self._idle(cluster_id)
        if cluster.binary_log:
            raise Refused(
                f"{cluster_id} has its binary log.",
                code="NothingToDo",
                remedy="Nothing is left to do.",
            )
        return cluster

    def why_busy(self, cluster_id: str) -> str:
        """Why nothing may be changed about the cluster's nodes now; empty when it may."""
        try:
            self._idle(cluster_id)
        except Refused as error:
            return error.message
        return ""

    def is_removable(self, cluster_id: str, node_id: str) -> bool:
        """Whether the node may be removed."""
        try:
            self.removable(cluster_id, node_id)
        except Refused:
            return False
        return True

    def removable(self, cluster_id: str, node_id: str) -> tuple[Cluster, Node]:
        """The cluster and the node, if it may be removed; one that does not come to life, or back,
        may be while that is tried, and keeps its cluster busy no longer."""
        cluster = self._tools.inventory.cluster(cluster_id)
        node = self._node(cluster, node_id)
        is_tried = "Deleting" not in (cluster.status, node.status) and node.status != "Running"
        self._idle(cluster_id, busy_with=cluster.status if is_tried else "")
        if node.role == "Writer":
            raise Refused(
                f"{node_id} is the primary of {cluster_id}.",
                code="PrimaryNeeded",
                remedy=f"Delete the whole cluster: sterna cluster delete {cluster_id}.",
            )
        self._refuse_only_node(node)
        return cluster, node

    def resizable(self, cluster_id: str, node_class: str) -> Cluster:
        """The cluster, if its nodes may have this class."""
        cluster = self._idle(cluster_id)
        self._tools.refuse_adopted(cluster)
        refuse_node_class(node_class)
        if node_class == cluster.node_class:
            raise Refused(
                f"{cluster_id} has the class {node_class} already.",
                code="NothingToDo",
                remedy="Choose another class.",
            )
        return cluster

    def semi_syncable(self, cluster_id: str, *, on: bool) -> Cluster:
        """The cluster, if its commits may wait, or no longer wait, for a read-only node."""
        cluster, _ = self.restartable(cluster_id, None)
        if cluster.semi_sync == on:
            raise Refused(
                f"Commits of {cluster_id} {'wait' if on else 'do not wait'} for read-only nodes"
                " already.",
                code="NothingToDo",
                remedy=f"See whether they wait now: sterna cluster health {cluster_id}.",
            )
        if on:
            refuse_semi_sync(self._tools.target(cluster.engine))
            self.refuse_without_binlog(cluster_id)
        return cluster

    def restartable(self, cluster_id: str, node_id: str | None) -> tuple[Cluster, tuple[Node, ...]]:
        """The cluster and the nodes that may be restarted: one, or all of them."""
        cluster = self._idle(cluster_id)
        self._tools.refuse_adopted(cluster)
        return cluster, cluster.nodes if node_id is None else (self._node(cluster, node_id),)

    def deletable(self, cluster_id: str) -> Cluster:
        """The cluster, if it may be deleted."""
        status = self._tools.inventory.cluster(cluster_id).status
        cluster = self._idle(cluster_id, busy_with=status if status != "Deleting" else "")
        self._refuse_in_use(cluster)
        return cluster

    def _idle(self, cluster_id: str, *, busy_with: str = "") -> Cluster:
        """The cluster; Refused while a migration or the keeper is at work on it, but for what it
        may be stuck with."""
        cluster = self._tools.inventory.cluster(cluster_id)
        for migration in self._tools.journal.migrations():
            way = self._way_of(migration, cluster)
            if way and (migration.operation or migration.status != Status.CLOSED):
                raise Refused(
                    f"{cluster_id} is being migrated {way} (status {migration.status}).",
                    code="MigrationExists",
                    remedy="Complete or cancel that first: "
                    f"sterna migration show {migration.cluster_id}.",
                )
        if not busy_with or cluster.status != busy_with:
            self.refuse_busy(cluster_id)
        return cluster

    def _way_of(self, migration: Migration, cluster: Cluster) -> str:
        """Whether a migration leads to the cluster, or from it: its primary may be an instance."""
        if migration.cluster_id == cluster.id:
            return "to"
        # A closed one has let go of its instance, which may have been released.
        if migration.status == Status.CLOSED:
            return ""
        instance = self._tools.inventory.instance(migration.instance_id)
        address = instance.host.replace("localhost", "127.0.0.1"), instance.port
        return "from" if address in {(n.host, n.port) for n in cluster.nodes} else ""

    def refuse_busy(self, cluster_id: str) -> None:
        """Refused while the keeper is at work on the cluster."""
        cluster = self._tools.inventory.cluster(cluster_id)
        if cluster.status in BUSY:
            raise Refused(
                f"{cluster_id} is {cluster.status}.",
                code="ClusterNotRunning",
                remedy=f"Wait until it is Running: sterna cluster show {cluster_id}.",
            )

    def _refuse_in_use(self, cluster: Cluster) -> None:
        """An instance's endpoint may lead here since a switchover that was completed."""
        ours = {address_of(node) for node in cluster.nodes}
        for endpoint in self._tools.inventory.endpoints():
            if endpoint.owner_id != cluster.id and ours & set(endpoint.routes_to):
                raise Refused(
                    f"{endpoint.id} of {endpoint.owner_id} leads to {cluster.id}.",
                    code="EndpointNeeded",
                    remedy=f"Release the instance first: sterna instance release "
                    f"{endpoint.owner_id}.",
                )

    def _refuse_only_node(self, node: Node) -> None:
        for endpoint in self._tools.inventory.endpoints():
            is_home = endpoint.owner_id.startswith("pc-") and endpoint.type != "Custom"
            if set(endpoint.routes_to) == {address_of(node)} and not is_home:
                raise Refused(
                    f"{node.id} is the only node of {endpoint.id}.",
                    code="EndpointNeeded",
                    remedy=f"Alter or delete that endpoint first: sterna endpoint show "
                    f"{endpoint.id}.",
                )

    def _node(self, cluster: Cluster, node_id: str) -> Node:
        for node in cluster.nodes:
            if node.id == node_id:
                return node
        raise Refused(
            f"{cluster.id} has no node {node_id}.",
            code="NotFound",
            remedy=f"See which there are: sterna cluster show {cluster.id}.",
        )

    @contextmanager
    def _beginning(self, cluster: Cluster, status: str) -> Iterator[None]:
        """Keep all of it or nothing; Refused when another hand has begun since it was looked at."""
        inventory = self._tools.inventory
        with inventory.at_once():
            if not inventory.turn_cluster(cluster.id, cluster.status, status):
                raise Refused(
                    f"{cluster.id} is no longer {cluster.status}: something else has just begun.",
                    code="ClusterNotRunning",
                    remedy=f"See what: sterna cluster show {cluster.id}.",
                )
            yield


class NodeKeeper:
    """Makes clusters what their statuses ask for."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._hands = Abreast("keeper")

    def tick(self) -> None:
        """Work on every cluster that is busy; a slow one keeps no other waiting."""
        clusters = [c for c in self._tools.inventory.clusters() if c.status in BUSY]
        works: Mapping[str, Callable[[], object]] = {
            each.id: partial(self.work, each.id) for each in clusters
        }
        if works:
            self._hands.look(works, within_seconds=TURN_SECONDS_MAX)

    def work(self, cluster_id: str) -> None:
        """Everything that is left to do on one cluster."""
        inventory = self._tools.inventory
        cluster = inventory.cluster(cluster_id)
        if cluster.status == "Deleting":
            self._delete(cluster)
            return
        # Who goes comes first, and the primary last: the others are there again by then.
        order = lambda node: (node.status != "Deleting", node.role == "Writer")  # noqa: E731
        for known in sorted(cluster.nodes, key=order):
            node = self._tools.node(cluster_id, known.id)  # another's turn may have changed it
            try:
                self._work_on(cluster, node)
            except SternaError as error:
                # Whoever waits for it sees why.
                lines = error.message.splitlines()
                progress = " ".join(dict.fromkeys((lines[0], lines[-1])))
                inventory.change_node(node.id, progress=progress)
                raise
            inventory.change_node(node.id, progress="")
        # It may have been asked to be deleted meanwhile.
        if inventory.turn_cluster(cluster_id, cluster.status, "Running"):
            log.info("a cluster is as it was asked to be", cluster=cluster_id)

    def _work_on(self, cluster: Cluster, node: Node) -> None:
        if node.status == "Creating":
            self._add(cluster, node)
        elif node.status == "Deleting":
            self._remove(cluster, node)
        elif node.status in ("Rebooting", "ClassChanging"):
            self._restart(cluster, node)
        elif node.node_class not in ("", cluster.node_class):
            self._resize(cluster, node)

    def _add(self, cluster: Cluster, node: Node) -> None:
        tools = self._tools
        make_reader(tools, cluster.id, node.id)
        made = tools.node(cluster.id, node.id)
        self._back_in_rotation(cluster, replace(made, status=node.status))
        settle_time_zone(tools, cluster.id, node.id)

    def _remove(self, cluster: Cluster, node: Node) -> None:
        tools = self._tools
        self._route(cluster)
        for endpoint in tools.inventory.endpoints():
            nodes = {name: w for name, w in endpoint.nodes.items() if name != node.id}
            left = [address for address in endpoint.routes_to if address != address_of(node)]
            if (nodes, left) != (endpoint.nodes, list(endpoint.routes_to)):
                tools.inventory.change_endpoint(endpoint.id, nodes=nodes, routes_to=left)
        tools.apply_routes()
        tools.delete_node(cluster.id, node)

    def _resize(self, cluster: Cluster, node: Node) -> None:
        """While it runs and serves; its next start finds the same."""
        tools = self._tools
        spec = tools.node_spec(cluster.id, replace(node, node_class=cluster.node_class))
        with open_session(tools.node_server(cluster.id, node)) as session:
            resize(session, sizes_of(spec))
        tools.inventory.change_node(node.id, node_class=cluster.node_class)
        tools.provisioner.configure_node(spec)

    def _restart(self, cluster: Cluster, node: Node) -> None:
        if node.status == "ClassChanging":
            self._tools.inventory.change_node(node.id, node_class=cluster.node_class)
        if node.role == "Reader":
            self._route(cluster)
            self._restart_process(cluster, node)
            self._back_in_rotation(cluster, node)
        else:
            self._restart_primary(cluster, node)

    def _restart_primary(self, cluster: Cluster, node: Node) -> None:
        """New connections wait at the endpoints that lead there."""
        tools, names = self._tools, self._tools.leading_to(node)
        tools.inventory.set_endpoint_state(names, "Held")
        tools.proxy.hold(names)
        tools.proxy.sweep(names)
        try:
            self._restart_process(cluster, node)
        finally:
            tools.inventory.set_endpoint_state(names, "Open")
            tools.proxy.release(names)
        tools.inventory.set_node_status(node.id, "Running")

    def _restart_process(self, cluster: Cluster, node: Node) -> None:
        node = next(n for n in self._tools.inventory.nodes(cluster.id) if n.id == node.id)
        self._tools.provisioner.restart_node(self._tools.node_spec(cluster.id, node))

    def _back_in_rotation(self, cluster: Cluster, node: Node) -> None:
        self._wait_until_fresh(cluster, node)
        # It may have been asked to be removed meanwhile.
        self._tools.inventory.turn_node(node.id, node.status, "Running")
        self._route(cluster)

    def _wait_until_fresh(self, cluster: Cluster, node: Node) -> None:
        deadline = time.monotonic() + FRESH_SECONDS_MAX
        while True:
            with open_session(self._tools.node_server(cluster.id, node)) as session:
                lag_seconds, problem = reader_lag(session)
            if lag_seconds is not None and lag_seconds <= FRESH_SECONDS:
                return
            if time.monotonic() > deadline:
                behind = problem or f"it is {lag_seconds:.0f} s behind"
                if problem and node.status == "Creating":
                    # What it would have to follow is gone, or does not fit: made anew, it will.
                    self._tools.provisioner.delete_node(self._tools.node_spec(cluster.id, node))
                    behind += "; it is thrown away and made anew"
                raise Transient(f"Node {node.id} does not catch up: {behind}.")
            time.sleep(POLL_SECONDS)

    def _route(self, cluster: Cluster) -> None:
        """The cluster's endpoints lead to the nodes that run now."""
        self._tools.inventory.set_routes(self._tools.own_routes(cluster.id))
        self._tools.apply_routes()

    def _delete(self, cluster: Cluster) -> None:
        """Endpoints first: nobody is led to what is not there."""
        tools = self._tools
        for endpoint in tools.inventory.endpoints(cluster.id):
            tools.inventory.remove_endpoint(endpoint.id)
        tools.apply_routes()
        for node in reversed(cluster.nodes):
            tools.delete_node(cluster.id, node)
        tools.inventory.remove_cluster(cluster.id)
