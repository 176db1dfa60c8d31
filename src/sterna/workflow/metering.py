"""What clusters use: hours of their nodes, and of the storage their nodes fill, for charge-back.

A node is counted from the moment it runs until it is deleted, also while nobody looks: its server
goes on when Sterna is down. It is counted as the class it has, whatever its cluster is to have.
Each node has its data for itself, and all of it is counted. What it takes is measured now and then,
of all nodes at once; a node that cannot be asked counts with what was measured last, and the report
says for how many of its hours that was so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sterna.errors import Refused
from sterna.store.cluster_records import Usage
from sterna.store.records import Cluster, Node
from sterna.store.usage import UsageBook
from sterna.workflow.abreast import Abreast, attempt
from sterna.workflow.tools import Tools

INTERVAL_SECONDS = 60.0
STORAGE_INTERVAL = timedelta(minutes=10)
MEASURE_SECONDS_MAX = 10.0  # what takes longer is known the next time
HOUR = timedelta(hours=1)
GB = 1_000_000_000
NOT_COUNTED = ("Creating",)


class Metering:
    """Counts, and reports what was counted."""

    def __init__(self, tools: Tools, book: UsageBook) -> None:
        self._tools = tools
        self._book = book
        self._hands = Abreast("usage")

    def tick(self) -> None:
        """Count what every cluster has used since it was counted last."""
        clusters = self._tools.inventory.clusters()
        asked = {n.id: partial(self._measure, c, n) for c in clusters for n in c.nodes}
        if asked:
            self._hands.look(asked, within_seconds=MEASURE_SECONDS_MAX)
        for cluster in clusters:
            attempt(f"the usage of {cluster.id}", partial(self.count, cluster))

    def count(self, cluster: Cluster) -> None:
        """Count what a cluster has used since then; also right before it is given another size."""
        until = self._tools.clock()
        since = self._book.counted_until(cluster.id)
        if since is not None and since >= until:
            return
        nodes = [node for node in cluster.nodes if node.status not in NOT_COUNTED] if since else []
        stored = {node.id: self._tools.inventory.node_storage(node.id) for node in nodes}
        with self._book.claimed(cluster.id, since, until) as is_ours:
            for hour, seconds in hours_of(since, until) if since and is_ours else ():
                for node in nodes:
                    size, measured_at = stored[node.id]
                    self._book.add(
                        cluster,
                        hour,
                        node_class=node.node_class or cluster.node_class,
                        node_seconds=seconds,
                        storage_byte_seconds=seconds * size,
                        assumed_seconds=0 if _is_recent(measured_at, until) else seconds,
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

    def _measure(self, cluster: Cluster, node: Node) -> None:
        """Now and then: it means looking at every file."""
        inventory, now = self._tools.inventory, self._tools.clock()
        _, measured_at = inventory.node_storage(node.id)
        if node.status in NOT_COUNTED or (measured_at and now - measured_at < STORAGE_INTERVAL):
            return
        size = self._tools.provisioner.storage_bytes(self._tools.node_spec(cluster.id, node))
        inventory.change_node(node.id, storage_bytes=size, storage_measured_at=now)


def _is_recent(measured_at: datetime | None, now: datetime) -> bool:
    return measured_at is not None and now - measured_at < 2 * STORAGE_INTERVAL


def hours_of(since: datetime, until: datetime) -> Iterator[tuple[datetime, float]]:
    """(beginning of the hour, seconds of it) for every hour of a time."""
    while since < until:
        hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        end = min(until, hour + HOUR)
        yield hour, (end - since).total_seconds()
        since = end
