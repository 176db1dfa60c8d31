"""A new cluster and its migration are noted down; the first operation then begins to fill it."""

from __future__ import annotations

import threading

from sterna.clusters.engines import choose_engine
from sterna.clusters.myrocks import MYROCKS
from sterna.migration.policy import MIGRATION_LIFETIME
from sterna.migration.status import Status
from sterna.store.database import now
from sterna.store.records import Cluster, Migration
from sterna.store.repository import new_id
from sterna.workflow import evaluation
from sterna.workflow.joining import refuse_uncopied
from sterna.workflow.placing import admin_of, common_version, hosts_of, refuse_occupied
from sterna.workflow.tools import Tools
from sterna.workflow.wishes import ClusterWish, refuse_wish


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
        findings = evaluation.run(
            self._tools, wish.instance_id, cluster.engine, hosts=cluster.hosts
        )
        evaluation.refuse_errors(findings, wish.ignore)
        with self._claiming, self._tools.inventory.at_once():
            self._tools.inventory.instance(wish.instance_id)
            self._tools.journal.refuse_second(wish.instance_id)
            refuse_occupied(self._tools, cluster.hosts)
            self._keep(cluster, wish)
        return cluster.id

    def _drafted(self, wish: ClusterWish) -> Cluster:
        """The cluster as it is asked for; Refused where it cannot be made."""
        hosts = hosts_of(self._tools, wish)
        version = common_version(self._tools, hosts, wish.target_version)
        refuse_wish(wish, version)
        name = f"{version.flavor} {version.series}.{version.patch}"
        limits, percent = wish.serverless, 0
        if wish.storage_engine == MYROCKS:
            percent = wish.myrocks_memory_percent
            for host_id in [host.id for host in hosts] or [""]:
                choose_engine(self._tools.engines_at(host_id), name).with_myrocks()
        if wish.nodes or (limits and limits.nodes_max):
            refuse_uncopied(self._tools, name, [host.id for host in hosts])
        return Cluster(
            id=new_id("pc"),
            description=wish.description,
            version=str(version),
            engine=name,
            # The copy, and the load of a switchover, meet the most a serverless cluster may have.
            node_class=limits.memory_max_class if limits else wish.node_class,
            storage_engine=wish.storage_engine,
            pay_type=wish.pay_type,
            status="Creating",
            created_at=now(),
            network_label=wish.network_label,
            hosts=tuple(host.id for host in hosts),
            serverless=limits,
            semi_sync=wish.semi_sync,
            myrocks_memory_percent=percent,
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
        least = wish.serverless.nodes_min if wish.serverless else 0
        for role in ("Writer", *["Reader"] * max(wish.nodes, least)):
            tools.add_node(cluster.id, role)
        tools.tasks.add(task_id, f"{instance_id} to {cluster.id}")
        tools.journal.add_migration(migration, wish.ignore)
