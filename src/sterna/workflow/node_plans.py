"""Dry runs of what an operator may ask of a cluster's nodes: every action, and every refusal.

The checks are those of `node_life`; nothing is changed here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from sterna.errors import Refused
from sterna.store.records import Cluster, Node, Plan
from sterna.workflow.health import FRESH_SECONDS
from sterna.workflow.joining import who_stands_still
from sterna.workflow.node_life import Nodes
from sterna.workflow.routing import address_of
from sterna.workflow.tools import Tools

STANDS_STILL: tuple[str, ...] = (
    "the primary is ended while its files are copied: its sessions are cut, new ones wait",
)
GONE: tuple[str, ...] = ("there is no way back: the data is gone",)


class NodePlans:
    """What would be done to a cluster. Refused only for a cluster that is not there."""

    def __init__(self, tools: Tools, nodes: Nodes) -> None:
        self._tools = tools
        self._nodes = nodes

    def add(self, cluster_id: str, count: int) -> Plan:
        """Of adding so many read-only nodes."""
        cluster = self._tools.inventory.cluster(cluster_id)
        still = who_stands_still(self._tools, cluster_id)
        donor = _named(still or cluster.nodes[0])
        meanwhile = "which stands still meanwhile" if still else "which goes on working"
        actions = (
            *(f"A read-only node gets the data of {donor}, {meanwhile}" for _ in range(count)),
            f"Each serves once it is at most {FRESH_SECONDS:.0f} s behind the primary",
        )
        figures = self._figures(cluster, [still] if still else ())
        figures |= {"read-only nodes": str(len(cluster.nodes) - 1)}
        check = partial(self._nodes.growable, cluster_id, count)
        plan = _plan("add_nodes", check, actions, figures)
        is_primary = still is not None and still.role == "Writer"
        return dataclasses.replace(plan, warnings=STANDS_STILL if is_primary else ())

    def remove(self, cluster_id: str, node_id: str) -> Plan:
        """Of removing a read-only node."""
        cluster = self._tools.inventory.cluster(cluster_id)
        doomed = [node for node in cluster.nodes if node.id == node_id]
        return _plan(
            "remove_node",
            partial(self._nodes.removable, cluster_id, node_id),
            [action for node in doomed for action in self._removal(node)],
            self._figures(cluster, doomed),
        )

    def change_class(self, cluster_id: str, node_class: str) -> Plan:
        """Of giving every node another class."""
        cluster = self._tools.inventory.cluster(cluster_id)
        return _plan(
            "change_class",
            partial(self._nodes.resizable, cluster_id, node_class),
            _restarts(cluster.nodes, f"restarts as {node_class}"),
            self._figures(cluster, cluster.nodes) | {"class now": cluster.node_class},
        )

    def restart(self, cluster_id: str, node_id: str | None = None) -> Plan:
        """Of restarting one node, or all of them."""
        cluster = self._tools.inventory.cluster(cluster_id)
        chosen = [node for node in cluster.nodes if node_id in (None, node.id)]
        return _plan(
            "restart",
            partial(self._nodes.restartable, cluster_id, node_id),
            _restarts(chosen, "restarts"),
            self._figures(cluster, chosen),
        )

    def enable_binlog(self, cluster_id: str) -> Plan:
        """Of switching the binary log on again."""
        cluster = self._tools.inventory.cluster(cluster_id)
        primary = cluster.nodes[:1]
        return _plan(
            "enable_binlog",
            partial(self._nodes.loggable, cluster_id),
            _restarts(primary, "restarts with its binary log"),
            self._figures(cluster, primary),
        )

    def change_semi_sync(self, cluster_id: str, *, on: bool) -> Plan:
        """Of letting commits wait for a read-only node, or no longer."""
        cluster = self._tools.inventory.cluster(cluster_id)
        how = f"restarts {'with' if on else 'without'} semi-synchronous replication"
        return _plan(
            "change_semi_sync",
            partial(self._nodes.semi_syncable, cluster_id, on=on),
            _restarts(cluster.nodes, how),
            self._figures(cluster, cluster.nodes),
        )

    def delete(self, cluster_id: str) -> Plan:
        """Of deleting the cluster with all its data."""
        cluster = self._tools.inventory.cluster(cluster_id)
        closed = self._tools.inventory.endpoints(cluster_id)
        fate, warnings = "is deleted with all its data", GONE
        if self._tools.is_adopted(cluster):
            fate, warnings = "is forgotten, and stays as it is with all its data", ()
        actions = (
            *(f"{e.id} ({e.host}:{e.port}) is closed" for e in closed),
            *(f"{_named(node)} {fate}" for node in cluster.nodes),
        )
        figures = self._figures(cluster, cluster.nodes)
        found = _plan("delete", partial(self._nodes.deletable, cluster_id), actions, figures)
        return dataclasses.replace(found, warnings=warnings)

    def _removal(self, node: Node) -> Iterator[str]:
        address = address_of(node)
        yield f"{_named(node)} leaves the rotation"
        for endpoint in self._tools.inventory.endpoints():
            if address in endpoint.routes_to:
                left = len(set(endpoint.routes_to) - {address}) or "the primary alone"
                yield f"{endpoint.id} ({endpoint.host}:{endpoint.port}) leads to others: {left}"
        yield f"{node.id} is deleted with its data"

    def _figures(self, cluster: Cluster, touched: Collection[Node]) -> dict[str, str]:
        """With the connections of the endpoints that lead to the nodes that are touched."""
        figures = {"cluster": cluster.id, "version": cluster.version}
        if touched:
            names = {name for node in touched for name in self._tools.leading_to(node)}
            counted = self._tools.proxy.statistics()
            connected = sum(counted[name].sessions for name in names & counted.keys())
            figures["connections at their endpoints"] = str(connected)
        return figures


def _named(node: Node) -> str:
    return f"{node.id} ({address_of(node)})"


def _restarts(nodes: Collection[Node], how: str) -> Iterator[str]:
    """In the order it is done: the primary last."""
    for node in sorted(nodes, key=lambda each: each.role == "Writer"):
        if node.role == "Writer":
            yield f"{_named(node)}, the primary, {how}: its sessions are cut, new ones wait"
        else:
            yield f"{_named(node)} leaves the rotation, {how}, and comes back when it is fresh"


def _plan(
    operation: str, check: Callable[[], object], actions: Iterable[str], figures: dict[str, str]
) -> Plan:
    refusals: tuple[str, ...] = ()
    try:
        check()
    except Refused as error:
        refusals = (str(error),)
    return Plan(operation, not refusals, refusals, tuple(actions), figures)
