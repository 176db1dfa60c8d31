"""What clusters use: hours of their nodes, and of the storage their nodes fill, for charge-back.

A node is counted from the moment it runs until it is deleted, also while nobody looks: its server
goes on when Sterna is down. It is counted as the class it has, whatever its cluster is to have.
Each node has its data for itself, and all of it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sterna.errors import Refused, SternaError
from sterna.store.cluster_records import Usage
from sterna.store.records import Cluster
from sterna.store.usage import UsageBook
from sterna.workflow.tools import Tools

INTERVAL_SECONDS = 60.0
STORAGE_INTERVAL = timedelta(minutes=10)
HOUR = timedelta(hours=1)
GB = 1_000_000_000
NOT_COUNTED = ("Creating",)


class Metering:
    """Counts, and reports what was counted."""

    def __init__(self, tools: Tools, book: UsageBook) -> None:
        self._tools = tools
        self._book = book
        self._stored: dict[str, tuple[datetime, int]] = {}  # node → when measured, bytes

    def tick(self) -> None:
        """Count what every cluster has used since it was counted last."""
        for cluster in self._tools.inventory.clusters():
            self.count(cluster)

    def count(self, cluster: Cluster) -> None:
        """Count what a cluster has used since then; also right before it is given another size."""
        until = self._tools.clock()
        since = self._book.counted_until(cluster.id)
        if since is not None and since >= until:
            return
        nodes = [node for node in cluster.nodes if node.status not in NOT_COUNTED] if since else []
        stored = {node.id: self._storage_bytes(cluster, node.id, until) for node in nodes}
        with self._book.claimed(cluster.id, since, until) as is_ours:
            for hour, seconds in hours_of(since, until) if since and is_ours else ():
                for node in nodes:
                    self._book.add(
                        cluster,
                        hour,
                        node_class=node.node_class or cluster.node_class,
                        node_seconds=seconds,
                        storage_byte_seconds=seconds * stored[node.id],
                    )

    def report(self, since: datetime, until: datetime) -> list[Usage]:
        """What each cluster has used in the hours that begin in a time.

        Raises:
            Refused: BadPeriod; it ends before it begins.
        """
        if since >= until:
            raise Refused(
                f"The time from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} is empty.",
                code="BadPeriod",
                remedy="Give a beginning before the end; times without a zone are in UTC.",
            )
        return self._book.between(since, until)

    def _storage_bytes(self, cluster: Cluster, node_id: str, now: datetime) -> int:
        """Measured now and then: it means looking at every file."""
        measured_at, size = self._stored.get(node_id, (None, 0))
        if measured_at is not None and now - measured_at < STORAGE_INTERVAL:
            return size
        node = next(node for node in cluster.nodes if node.id == node_id)
        try:
            spec = self._tools.node_spec(cluster.id, node)
            size = self._tools.provisioner.storage_bytes(spec)
        except SternaError:
            return size  # what it was; the node is looked after elsewhere
        self._stored[node_id] = (now, size)
        return size


def hours_of(since: datetime, until: datetime) -> Iterator[tuple[datetime, float]]:
    """(beginning of the hour, seconds of it) for every hour of a time."""
    while since < until:
        hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        end = min(until, hour + HOUR)
        yield hour, (end - since).total_seconds()
        since = end
