"""Where endpoints lead by themselves, and how that becomes the proxy's route. Pure.

An address that stands twice in `routes_to` gets twice the connections: so weights survive an
exchange, which knows only addresses.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from sterna.endpoints.proxy import Backend, Route
from sterna.store.records import Endpoint, Node


def address_of(node: Node) -> str:
    """ "host:port"."""
    return f"{node.host}:{node.port}"


def own_route(endpoint: Endpoint, nodes: Sequence[Node]) -> tuple[str, ...]:
    """Where an endpoint of a cluster leads while nothing is exchanged.

    Args:
        nodes: the cluster's, the primary first; those that are not running are left out.
    """
    if endpoint.type == "Custom":
        return _custom_route(endpoint, nodes)
    readers = [address_of(n) for n in nodes if n.role == "Reader" and n.status == "Running"]
    if endpoint.type == "Cluster" and endpoint.read_write_mode == "ReadOnly" and readers:
        return tuple(readers)
    return tuple(address_of(node) for node in nodes[:1])


def instance_route(endpoint: Endpoint, instance: str) -> tuple[str, ...]:
    """The same for an endpoint of an instance at `instance`, "host:port"."""
    if endpoint.type == "ReadOnly" and endpoint.nodes:
        return _weighted(endpoint.nodes.items())
    return (instance,)


def _custom_route(endpoint: Endpoint, nodes: Sequence[Node]) -> tuple[str, ...]:
    """One that came from an instance knows no nodes: it stays where it is."""
    if not endpoint.nodes:
        there = {address_of(node) for node in nodes}
        return tuple(address for address in endpoint.routes_to if address in there)
    # Who connects while the primary restarts waits; nobody waits for another node.
    serving = (n for n in nodes if n.role == "Writer" or n.status == "Running")
    chosen = [node for node in serving if node.id in endpoint.nodes]
    return _weighted((address_of(node), endpoint.nodes[node.id]) for node in chosen)


def _weighted(weights: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Each address as often as its weight, in lowest terms."""
    pairs = list(weights)
    divisor = math.gcd(*(weight for _, weight in pairs)) or 1
    return tuple(address for address, weight in pairs for _ in range(weight // divisor))


def route_of(endpoint: Endpoint) -> Route:
    """What the proxy is asked for."""
    return Route(
        name=endpoint.id,
        host=endpoint.host,
        port=endpoint.port,
        backends=tuple(
            backend_of(address, weight) for address, weight in Counter(endpoint.routes_to).items()
        ),
        allowed_networks=endpoint.allowed_networks,
    )


def backend_of(address: str, weight: int = 1) -> Backend:
    """The server at "host:port"."""
    host, _, port = address.rpartition(":")
    return Backend(host, int(port), weight)
