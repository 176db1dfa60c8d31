"""A new cluster and its migration are noted down; the first operation then begins to fill it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sterna.clusters.readers import can_have_readers
from sterna.clusters.resizing import can_resize
from sterna.errors import Refused
from sterna.migration.policy import MIGRATION_LIFETIME
from sterna.migration.scaling import Serverless
from sterna.migration.status import Status
from sterna.mysql.version import Version
from sterna.store.database import now
from sterna.store.records import Cluster, Migration
from sterna.store.repository import new_id
from sterna.workflow import evaluation
from sterna.workflow.placing import admin_of, common_version, hosts_of
from sterna.workflow.tools import NODE_CLASSES, Tools

NODES_MAX = 15
PAY_TYPES = ("Postpaid", "Prepaid", "Serverless")


@dataclass(frozen=True)
class ClusterWish:
    """What is asked of a new cluster.

    Attributes:
        nodes: read-only nodes besides the primary, 0..15.
        ignore: names of prechecks whose findings are accepted.
        network_label: the network of its endpoints; empty: Private.
        hosts: ids or names of hosts the nodes are made on in turn, the primary first; none: here.
        existing: id or name of a registered server that becomes the primary; excludes `hosts`.
    """

    instance_id: str
    target_version: str
    nodes: int = 0
    ignore: tuple[str, ...] = ()
    description: str = ""
    node_class: str = "sterna.small"
    pay_type: str = "Postpaid"
    network_label: str = ""
    hosts: tuple[str, ...] = ()
    existing: str = ""


class Creating:
    """Clusters with the method Migrate from RDS.

    `claiming` is held from looking whether an instance is free to keeping that it is not.
    """

    def __init__(self, tools: Tools, claiming: threading.Lock) -> None:
        self._tools = tools
        self._claiming = claiming

    def create(self, wish: ClusterWish) -> str:
        """Keep a cluster and its migration unless a precheck stands against it; returns its id."""
        self._tools.journal.refuse_second(wish.instance_id)
        cluster = self._drafted(wish)
        findings = evaluation.run(self._tools, wish.instance_id, cluster.engine)
        evaluation.refuse_errors(findings, wish.ignore)
        with self._claiming, self._tools.inventory.at_once():
            self._tools.inventory.instance(wish.instance_id)
            self._tools.journal.refuse_second(wish.instance_id)
            self._keep(cluster, wish)
        return cluster.id

    def _drafted(self, wish: ClusterWish) -> Cluster:
        """The cluster as it is asked for; Refused where it cannot be made."""
        hosts = hosts_of(self._tools, wish)
        version = common_version(self._tools, hosts, wish.target_version)
        refuse_node_class(wish.node_class)
        _refuse_pay_type(wish.pay_type)
        _refuse_nodes(wish.nodes, version)
        return Cluster(
            id=new_id("pc"),
            description=wish.description,
            version=str(version),
            engine=f"{version.flavor} {version.series}.{version.patch}",
            node_class=wish.node_class,
            storage_engine="InnoDB",
            pay_type=wish.pay_type,
            status="Creating",
            created_at=now(),
            network_label=wish.network_label,
            hosts=tuple(host.id for host in hosts),
        )

    def _keep(self, cluster: Cluster, wish: ClusterWish) -> None:
        """The rows of a new migration; nothing runs yet, and it could be continued or given up."""
        tools = self._tools
        instance_id = wish.instance_id
        task_id = new_id("dts")
        migration = Migration(
            cluster_id=cluster.id,
            instance_id=instance_id,
            status=Status.PRE_CHECK_FAIL,
            topology="RDS2POLARDB",
            source_mode="rw",
            cluster_mode="ro",
            method="logical",
            lag_seconds=None,
            stalled_because="",
            expires_at=now() + MIGRATION_LIFETIME,
            created_at=now(),
            task_id=task_id,
            comment="",
            operation="",
            with_endpoints=False,
            switch_outage_ms=None,
            rollback_outage_ms=None,
        )
        user, password = admin_of(tools, cluster)
        tools.inventory.add_cluster(cluster, admin_user=user, admin_password=password)
        for role in ("Writer", *["Reader"] * wish.nodes):
            tools.add_node(cluster.id, role)
        tools.tasks.add(task_id, f"{instance_id} to {cluster.id}")
        tools.journal.add_migration(migration, wish.ignore)


def refuse_limits(limits: Serverless, version: Version) -> None:
    """Refused: NodeClassNotFound, BadLimits, TooManyNodes, NodesNotSupported."""
    for name in (limits.memory_min_class, limits.memory_max_class):
        refuse_node_class(name)
    least, most = NODE_CLASSES[limits.memory_min_class], NODE_CLASSES[limits.memory_max_class]
    if least > most or not 0 <= limits.nodes_min <= limits.nodes_max:
        raise Refused(
            f"The limits {limits} leave nothing between them.",
            code="BadLimits",
            remedy="Give the smaller first: --classes sterna.small:sterna.large --nodes 0:3.",
        )
    _refuse_nodes(limits.nodes_max, version)
    if not can_resize(version):
        raise Refused(
            f"{version} changes the memory it uses only with a restart.",
            code="ServerlessNotSupported",
            remedy="Choose another billing method, or MySQL 5.7.5 or newer as the target.",
        )


def refuse_node_class(node_class: str) -> None:
    """Refused: NodeClassNotFound."""
    if node_class not in NODE_CLASSES:
        raise Refused(
            f"There is no node class {node_class}.",
            code="NodeClassNotFound",
            remedy=f"There are: {', '.join(NODE_CLASSES)}.",
        )


def _refuse_pay_type(pay_type: str) -> None:
    if pay_type not in PAY_TYPES:
        raise Refused(
            f"There is no billing method {pay_type}.",
            code="PayTypeNotFound",
            remedy=f"There are: {', '.join(PAY_TYPES)}.",
        )


def _refuse_nodes(nodes: int, target: Version) -> None:
    if nodes > NODES_MAX:
        raise Refused(
            f"{nodes} read-only nodes are more than a cluster can have.",
            code="TooManyNodes",
            remedy=f"Ask for {NODES_MAX} at most.",
        )
    if nodes and not can_have_readers(target):
        raise Refused(
            f"{target} cannot clone itself, so a cluster of it has no read-only nodes yet.",
            code="NodesNotSupported",
            remedy="Leave out --nodes, or choose MySQL 8.0.17 or newer as the target.",
        )
