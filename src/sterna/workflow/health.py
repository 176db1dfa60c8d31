"""Which read-only nodes may be sent connections: twice a second each is asked how it is.

    fresh ──lags, or its replication stands still──▶ stale ──catches up──▶ fresh
      └──────────── does not answer ────────▶ out ──has what the primary has──▶ fresh

One that is out gets no connection. One that is stale gets none while its cluster has a better one:
late answers are better than none. What is avoided is kept by the proxy, so that neither its crash
nor ours brings a bad node back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sterna.clusters.readers import has_written, is_semi_sync, reader_lag, written
from sterna.errors import SternaError
from sterna.mysql.connection import Server, Session, open_session
from sterna.store.cluster_records import NodeHealth
from sterna.store.records import Cluster, Node
from sterna.workflow.abreast import Abreast
from sterna.workflow.routing import address_of, backend_of
from sterna.workflow.tools import Tools

INTERVAL_SECONDS = 0.4
ANSWER_SECONDS_MAX = 1.0
OLD_SECONDS = 1.2  # an answer older than this is none
STALE_SECONDS = 10.0
FRESH_SECONDS = 2.0

State = Literal["fresh", "stale", "out"]


@dataclass(frozen=True)
class Probe:
    """What a node said.

    Attributes:
        at: monotonic time of the answer.
        lag_seconds: None where its replication stands still, for `problem`.
        has_all: whether it has everything the primary had half a second before; None: not known.
        semi_sync: whether the primary's commits wait for it; None: not asked for.
    """

    at: float
    lag_seconds: float | None
    problem: str
    has_all: bool | None
    semi_sync: bool | None = None


def judge(before: State | None, probe: Probe | None, now: float) -> State:
    """The state of a node after its last answer; `before` is None for one not seen yet."""
    if probe is None or now - probe.at > OLD_SECONDS:
        return "out"
    lag_seconds = probe.lag_seconds
    if lag_seconds is None or lag_seconds > STALE_SECONDS:
        return "out" if before in ("out", None) else "stale"
    has_caught_up = lag_seconds <= FRESH_SECONDS and probe.has_all is not False
    if before == "fresh" or has_caught_up:
        return "fresh"
    return before or "out"


def avoided(states: Mapping[str, State]) -> set[str]:
    """Nodes of one cluster that get no connection."""
    bad = ("out", "stale") if "fresh" in states.values() else ("out",)
    return {name for name, state in states.items() if state in bad}


class Health:
    """Asks the nodes; what it knows is forgotten when the process ends."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lookers = Abreast("health")
        self._sessions: dict[Server, Session] = {}
        self._gtids: dict[str, str] = {}  # cluster → what its primary had executed
        self._waiting: set[str] = set()  # clusters whose commits wait for a reader
        self._probes: dict[str, Probe] = {}
        self._states: dict[str, State] = {}

    def tick(self) -> None:
        """Ask every node that serves reads, and tell the proxy whom to avoid."""
        clusters = [each for each in self._tools.inventory.clusters() if _readers(each)]
        looks = {n.id: partial(self._ask, c, n) for c in clusters for n in _readers(c)}
        looks |= {c.id: partial(self._ask_primary, c) for c in clusters}
        if looks:
            self._lookers.look(looks, within_seconds=ANSWER_SECONDS_MAX)
        now = time.monotonic()
        states = {
            node.id: judge(self._states.get(node.id), self._probes.get(node.id), now)
            for cluster in clusters
            for node in _readers(cluster)
        }
        found = [each for cluster in clusters for each in self._of(cluster, states)]
        bad = [backend_of(each.address) for each in found if not each.in_rotation]
        self._tools.proxy.avoid(bad)
        self._states = states  # nobody is told before it is so

    def nodes(self, clusters: Iterable[Cluster] | None = None) -> list[NodeHealth]:
        """Every read-only node as it was seen last."""
        if clusters is None:
            clusters = self._tools.inventory.clusters()
        return [each for cluster in clusters for each in self._of(cluster, self._states)]

    def _of(self, cluster: Cluster, known: Mapping[str, State]) -> list[NodeHealth]:
        states: dict[str, State] = {n.id: known.get(n.id, "out") for n in _readers(cluster)}
        bad = avoided(states)
        found = []
        for node in _readers(cluster):
            probe = self._probes.get(node.id) if states[node.id] != "out" else None
            found.append(
                NodeHealth(
                    node_id=node.id,
                    cluster_id=cluster.id,
                    address=address_of(node),
                    state=states[node.id],
                    in_rotation=node.id not in bad,
                    lag_seconds=probe.lag_seconds if probe else None,
                    problem=probe.problem if probe else "it does not answer",
                    semi_sync=bool(probe and probe.semi_sync) if cluster.semi_sync else None,
                )
            )
        return found

    def _ask(self, cluster: Cluster, node: Node) -> None:
        """The node's own answer; one that gives none has none that is young enough."""
        wanted = self._gtids.get(cluster.id)
        server = self._tools.node_server(cluster.id, node)
        try:
            session = self._session(server)
            lag_seconds, problem = reader_lag(session)
            has_all = None
            if wanted is not None:
                has_all = has_written(session, wanted)
            semi_sync = cluster.id in self._waiting and is_semi_sync(session, "Reader")
        except SternaError:
            self._drop(server)
            return
        self._probes[node.id] = Probe(time.monotonic(), lag_seconds, problem, has_all, semi_sync)

    def _ask_primary(self, cluster: Cluster) -> None:
        """What it has executed; asked now, wanted of the nodes by the next look."""
        server = self._tools.node_server(cluster.id, cluster.nodes[0])
        try:
            session = self._session(server)
            self._gtids[cluster.id] = written(session)
            waits = cluster.semi_sync and is_semi_sync(session, "Writer")
            (self._waiting.add if waits else self._waiting.discard)(cluster.id)
        except SternaError:
            self._drop(server)
            self._gtids.pop(cluster.id, None)
            self._waiting.discard(cluster.id)

    def _session(self, server: Server) -> Session:
        if server not in self._sessions:
            session = open_session(server, read_timeout_seconds=ANSWER_SECONDS_MAX)
            self._sessions[server] = session
        return self._sessions[server]

    def _drop(self, server: Server) -> None:
        if session := self._sessions.pop(server, None):
            session.cut()


def _readers(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.nodes if node.role == "Reader" and node.status == "Running"]
