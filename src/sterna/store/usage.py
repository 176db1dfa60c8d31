"""What clusters have used, hour by hour; it outlives the clusters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select

from sterna.store import tables
from sterna.store.cluster_records import Usage
from sterna.store.records import Cluster
from sterna.store.repository import Database

GB = 1_000_000_000
HOUR_SECONDS = 3600


class UsageBook:
    """Adds up, and reads the sums."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasty = database.hasty

    def counted_until(self, cluster_id: str) -> datetime | None:
        """Up to when a cluster has been counted; None: not yet, or it is gone."""
        row = self._database.row(tables.clusters, id=cluster_id)
        return row.counted_until if row else None

    @contextmanager
    def claimed(self, cluster_id: str, since: datetime | None, until: datetime) -> Iterator[bool]:
        """Whether the time between is ours to add, and no other hand has counted it; it is kept
        together with what is added within, or not at all."""
        where = {"id": cluster_id, "counted_until": since}
        with self._hasty.at_once():
            yield bool(self._hasty.change(tables.clusters, where, counted_until=until))

    def add(
        self,
        cluster: Cluster,
        hour: datetime,
        *,
        node_class: str,
        node_seconds: float,
        storage_byte_seconds: float,
        assumed_seconds: float = 0.0,
    ) -> None:
        """Add to an hour; assumed are those of its seconds whose storage was not measured."""
        table = tables.usage
        where = {"cluster_id": cluster.id, "hour": hour, "node_class": node_class}
        sums = {
            "node_seconds": node_seconds,
            "storage_byte_seconds": storage_byte_seconds,
            "assumed_seconds": assumed_seconds,
        }
        larger = {name: table.c[name] + more for name, more in sums.items()}
        if not self._hasty.change(table, where, **larger):
            self._hasty.add(table, **where, **sums, pay_type=cluster.pay_type)

    def between(self, since: datetime, until: datetime) -> list[Usage]:
        """The sums of each cluster and node class over the hours that begin in a time."""
        table = tables.usage
        statement = (
            select(
                table.c.cluster_id,
                table.c.node_class,
                func.max(table.c.pay_type),
                func.sum(table.c.node_seconds),
                func.sum(table.c.storage_byte_seconds),
                func.sum(table.c.assumed_seconds),
            )
            .where(table.c.hour >= since, table.c.hour < until)
            .group_by(table.c.cluster_id, table.c.node_class)
            .order_by(table.c.cluster_id, table.c.node_class)
        )
        with self._database.engine.connect() as connection:
            return [
                Usage(
                    cluster_id=cluster_id,
                    node_class=node_class,
                    pay_type=pay_type,
                    node_hours=round(node_seconds / HOUR_SECONDS, 4),
                    storage_gb_hours=round(byte_seconds / GB / HOUR_SECONDS, 6),
                    assumed_node_hours=round(assumed / HOUR_SECONDS, 4),
                )
                for cluster_id, node_class, pay_type, node_seconds, byte_seconds, assumed in (
                    connection.execute(statement)
                )
            ]
