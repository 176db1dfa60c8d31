"""A new cluster and its migration are noted down; the first operation then begins to fill it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable

from sterna.clusters.engines import choose_engine
from sterna.clusters.readers import can_have_readers
from sterna.errors import Refused
from sterna.migration.policy import MIGRATION_LIFETIME
from sterna.migration.status import Status
from sterna.mysql.version import Version
from sterna.store.database import now
from sterna.store.records import Cluster, Migration
from sterna.store.repository import new_id
from sterna.workflow import evaluation
from sterna.workflow.tools import ADMIN_USER, NODE_CLASSES, Tools

NODES_MAX = 15
PAY_TYPES = ("Postpaid", "Prepaid", "Serverless")


class Creating:
    """Clusters with the method Migrate from RDS.

    `claiming` is held from looking whether an instance is free to keeping that it is not.
    """

    def __init__(self, tools: Tools, claiming: threading.Lock) -> None:
        self._tools = tools
        self._claiming = claiming

    def create(
        self,
        instance_id: str,
        target_version: str,
        *,
        nodes: int = 0,
        ignore: Iterable[str] = (),
        description: str = "",
        node_class: str = "sterna.small",
        pay_type: str = "Postpaid",
    ) -> str:
        """Keep a cluster and its migration unless a precheck stands against it; returns its id."""
        ignored = tuple(ignore)
        self._tools.journal.refuse_second(instance_id)
        engine = choose_engine(self._tools.engines, target_version)
        refuse_node_class(node_class)
        _refuse_pay_type(pay_type)
        _refuse_nodes(nodes, engine.version)
        evaluation.refuse_errors(evaluation.run(self._tools, instance_id, target_version), ignored)
        cluster = Cluster(
            id=new_id("pc"),
            description=description,
            version=str(engine.version),
            engine=f"{engine.version.flavor} {engine.version.series}.{engine.version.patch}",
            node_class=node_class,
            storage_engine="InnoDB",
            pay_type=pay_type,
            status="Creating",
            created_at=now(),
        )
        with self._claiming, self._tools.inventory.at_once():
            self._tools.inventory.instance(instance_id)
            self._tools.journal.refuse_second(instance_id)
            self._keep(cluster, instance_id, nodes, ignored)
        return cluster.id

    def _keep(
        self, cluster: Cluster, instance_id: str, nodes: int, ignored: tuple[str, ...]
    ) -> None:
        """The rows of a new migration; nothing runs yet, and it could be continued or given up."""
        tools = self._tools
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
        tools.inventory.add_cluster(
            cluster, admin_user=ADMIN_USER, admin_password=secrets.token_urlsafe(24)
        )
        for role in ("Writer", *["Reader"] * nodes):
            tools.add_node(cluster.id, role)
        tools.tasks.add(task_id, f"{instance_id} to {cluster.id}")
        tools.journal.add_migration(migration, ignored)


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
