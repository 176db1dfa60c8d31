"""Clusters that follow their load, within limits: memory of the nodes, number of read-only nodes.

The nodes of every serverless cluster that is at rest are asked every few seconds what they do;
`migration.scaling` decides, and the keeper of the nodes does it. What was seen is kept in memory
alone: a new server begins anew, and therefore shrinks nothing in its first quarter of an hour.

While a migration is under way such a cluster has the most memory it may have, for the copy and for
the load that arrives with a switchover, and nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from sterna.clusters.classes import CLASSES
from sterna.errors import Refused
from sterna.migration.scaling import (
    RULES,
    Bounds,
    Change,
    Load,
    Rules,
    Serverless,
    Size,
    decide,
)
from sterna.mysql.connection import Session, query
from sterna.store.cluster_records import ServerlessState
from sterna.store.records import Cluster, HistoryEntry, Node
from sterna.workflow.abreast import Abreast
from sterna.workflow.metering import Metering
from sterna.workflow.node_life import Nodes
from sterna.workflow.steps.sides import NOT_SESSIONS, SYSTEM_USERS
from sterna.workflow.tools import Tools
from sterna.workflow.wishes import refuse_limits

INTERVAL_SECONDS = 5.0
EVENTS_MAX = 20
OPERATION = "serverless"

_COUNTERS = {
    "innodb_buffer_pool_reads": "missed",
    "innodb_buffer_pool_read_requests": "requested",
    "innodb_buffer_pool_pages_data": "pages",
    "innodb_buffer_pool_pages_total": "pages_max",
}
_SESSIONS = (
    "SELECT COUNT(*) / @@GLOBAL.max_connections,"
    " COALESCE(SUM(command NOT IN ({commands}) AND user NOT IN ({users})"
    " AND user <> SUBSTRING_INDEX(USER(), '@', 1)), 0)"
    " FROM information_schema.processlist"
)


@dataclass(frozen=True)
class Reading:
    """What a node says: counters since its start, and how it is now."""

    missed: int
    requested: int
    pages: int
    pages_max: int
    connections_share: float
    sessions: int


@dataclass(frozen=True)
class Seen:
    """What is known of a cluster since its last change."""

    at_seconds: float = 0.0
    readings: Mapping[str, Reading] = field(default_factory=dict, hash=False)
    looks: tuple[Load, ...] = ()

    def then(self, at_seconds: float, readings: Mapping[str, Reading]) -> Seen:
        """With one look more, the primary's reading first; with none, where a node is new."""
        if readings.keys() != self.readings.keys() or at_seconds <= self.at_seconds:
            return Seen(at_seconds, readings)
        pairs = [(self.readings[name], readings[name]) for name in readings]
        if any(after.requested < before.requested for before, after in pairs):
            return Seen(at_seconds, readings)  # it was restarted
        load = _load(at_seconds, at_seconds - self.at_seconds, pairs)
        return Seen(at_seconds, readings, (*self.looks, load))


def _load(at_seconds: float, seconds: float, pairs: list[tuple[Reading, Reading]]) -> Load:
    now = [after for _, after in pairs]
    primary, readers = now[0], now[1:]
    return Load(
        at_seconds,
        misses_per_second=max(after.missed - before.missed for before, after in pairs) / seconds,
        requests_per_second=max(b.requested - a.requested for a, b in pairs) / seconds,
        pool_share=max(each.pages / (each.pages_max or 1) for each in now),
        sessions=sum(each.sessions for each in readers),
        connections_share=sum(each.connections_share for each in readers),
        primary_sessions=primary.sessions,
        primary_connections_share=primary.connections_share,
    )


def read_node(session: Session) -> Reading:
    """Ask a server of any version."""
    marks = ", ".join(["%s"] * len(_COUNTERS))
    sql = f"SHOW GLOBAL STATUS WHERE Variable_name IN ({marks})"
    counted = {_COUNTERS[str(n).lower()]: int(v) for n, v in query(session, sql, [*_COUNTERS])}
    idle = ("Sleep", *NOT_SESSIONS)
    lists = {"commands": idle, "users": SYSTEM_USERS}
    sql = _SESSIONS.format(**{n: ", ".join(["%s"] * len(v)) for n, v in lists.items()})
    ((share, sessions),) = query(session, sql, [*idle, *SYSTEM_USERS])
    return Reading(**counted, connections_share=float(share), sessions=int(sessions))


class ServerlessClusters:
    """Shows and changes the limits, and keeps clusters as large as their load asks for."""

    def __init__(
        self,
        tools: Tools,
        nodes: Nodes,
        metering: Metering,
        *,
        clock: Callable[[], float] = time.monotonic,
        rules: Rules = RULES,
    ) -> None:
        self._tools = tools
        self._nodes = nodes
        self._metering = metering
        self._clock = clock
        self._rules = rules
        self._lookers = Abreast("serverless")
        self._seen: dict[str, Seen] = {}

    def state(self, cluster_id: str) -> ServerlessState:
        """Limits, what the cluster has, how it was seen last, what was changed."""
        cluster = self._tools.inventory.cluster(cluster_id)
        looks = self._seen.get(cluster_id, Seen()).looks
        history = self._tools.journal.history(cluster_id)
        events = [entry for entry in history if entry.operation == OPERATION]
        return ServerlessState(
            cluster_id=cluster_id,
            limits=_limits(cluster),
            node_class=cluster.node_class,
            nodes=len(_readers(cluster)),
            load=looks[-1] if looks else None,
            resting_because=self._nodes.why_busy(cluster_id),
            events=tuple(reversed(events[-EVENTS_MAX:])),
        )

    def change(self, cluster_id: str, **asked: Any) -> ServerlessState:
        """Other limits; None leaves one as it is. What is outside of them is brought inside next.

        Args:
            asked: fields of `Serverless`.
        """
        cluster = self._tools.inventory.cluster(cluster_id)
        given = {name: value for name, value in asked.items() if value is not None}
        limits = replace(_limits(cluster), **given)
        refuse_limits(limits, self._tools.target(cluster.engine))
        if limits.nodes_max:
            self._nodes.refuse_without_binlog(cluster_id)
        if limits != cluster.serverless:
            self._tools.inventory.change_cluster(cluster_id, serverless=asdict(limits))
            self._tell(cluster_id, "limits", f"the limits are {limits} now")
        return self.state(cluster_id)

    def tick(self) -> None:
        """Look at every serverless cluster; a slow one keeps no other waiting."""
        clusters = [each for each in self._tools.inventory.clusters() if each.serverless]
        looks = {each.id: partial(self._look, each) for each in clusters}
        if looks:
            self._lookers.look(looks, within_seconds=INTERVAL_SECONDS)

    def _look(self, cluster: Cluster) -> None:
        """What was seen is put back only when every node has answered and nothing was changed."""
        seen = self._seen.pop(cluster.id, Seen())
        if self._nodes.why_busy(cluster.id) or any(n.status != "Running" for n in cluster.nodes):
            return
        readings = {node.id: self._ask(cluster, node) for node in cluster.nodes}
        seen = seen.then(self._clock(), readings)
        since = seen.at_seconds - 2 * self._rules.down_seconds
        seen = replace(seen, looks=tuple(x for x in seen.looks if x.at_seconds > since))
        size = Size(CLASSES[cluster.node_class].memory_bytes, len(_readers(cluster)))
        change = decide(size, bounds_of(_limits(cluster)), seen.looks, rules=self._rules)
        if change is None:
            self._seen[cluster.id] = seen
        else:
            self._begin(cluster, size, change)

    def _ask(self, cluster: Cluster, node: Node) -> Reading:
        with self._tools.sessions.lend(self._tools.node_server(cluster.id, node)) as session:
            return read_node(session)

    def _begin(self, cluster: Cluster, size: Size, change: Change) -> None:
        """Note it down; the keeper does it. Until now the cluster had what it had."""
        self._metering.count(cluster)
        what = "memory" if change.to.memory_bytes != size.memory_bytes else "nodes"
        if what == "memory":
            node_class = _class_of(change.to.memory_bytes)
            self._nodes.change_class(cluster.id, node_class, online=True)
            did = f"each node goes from {cluster.node_class} to {node_class}"
        elif change.to.nodes > size.nodes:
            self._nodes.add(cluster.id, change.to.nodes - size.nodes)
            did = f"from {size.nodes} to {change.to.nodes} read-only nodes"
        else:
            self._nodes.remove(cluster.id, self._dispensable(cluster).id)
            did = f"from {size.nodes} to {size.nodes - 1} read-only nodes"
        self._tell(cluster.id, what, f"{did}: {change.because}")

    def _dispensable(self, cluster: Cluster) -> Node:
        """The youngest read-only node that no endpoint depends on. Refused: there is none."""
        *others, last = _readers(cluster)
        for node in (last, *reversed(others)):
            if self._nodes.is_removable(cluster.id, node.id):
                return node
        return last  # its removal says what stands in the way

    def _tell(self, cluster_id: str, step: str, sentence: str) -> None:
        at = self._tools.clock()
        entry = HistoryEntry(at, OPERATION, step, "Serverless", "done", sentence, 0)
        self._tools.journal.write(cluster_id, entry)


def bounds_of(limits: Serverless) -> Bounds:
    """The limits with bytes for the classes between them."""
    lowest = CLASSES[limits.memory_min_class].memory_bytes
    highest = CLASSES[limits.memory_max_class].memory_bytes
    memories = sorted(each.memory_bytes for each in CLASSES.values())
    allowed = tuple(each for each in memories if lowest <= each <= highest)
    return Bounds(allowed, limits.nodes_min, limits.nodes_max)


def _class_of(memory_bytes: int) -> str:
    return next(each.name for each in CLASSES.values() if each.memory_bytes == memory_bytes)


def _limits(cluster: Cluster) -> Serverless:
    if cluster.serverless is None:
        raise Refused(
            f"{cluster.id} is not serverless; its billing method is {cluster.pay_type}.",
            code="NotServerless",
            remedy="Change its class and its nodes yourself: sterna cluster change-class,"
            " sterna cluster add-nodes.",
        )
    return cluster.serverless


def _readers(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.nodes if node.role == "Reader"]
