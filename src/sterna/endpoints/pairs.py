"""Which endpoints of an instance and a cluster may be exchanged at a switch. Pure.

Allowed pairs: the instance's primary endpoint with the cluster's primary or cluster endpoint; the
instance's read-only (or proxy) endpoints with a cluster or custom endpoint. Both must be in the
same network with the same TLS setting; each endpoint is in at most one pair; at most seven pairs.
What applications write through is exchanged only with what takes writes, and a read-only port goes
nowhere without its endpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sterna.errors import Refused

PAIRS_MAX = 7

PARTNERS: Mapping[str, tuple[str, ...]] = {
    "Primary": ("Primary", "Cluster"),
    "ReadOnly": ("Cluster", "Custom"),
    "Proxy": ("Cluster", "Custom"),
}
"""Type of an instance's endpoint -> types of a cluster's endpoint, the proposed one first."""


class PairedEndpoint(Protocol):
    """What is looked at in an endpoint; `sterna.store.records.Endpoint` fits."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def net_type(self) -> str: ...
    @property
    def ssl_enabled(self) -> bool: ...
    @property
    def read_write_mode(self) -> str: ...
    @property
    def part_of(self) -> str: ...


EndpointT = TypeVar("EndpointT", bound=PairedEndpoint)


@dataclass(frozen=True, order=True)
class Pair:
    """Two endpoints, by id, whose servers are exchanged."""

    instance_endpoint: str
    cluster_endpoint: str


def propose_pairs(
    instance_endpoints: Collection[PairedEndpoint], cluster_endpoints: Collection[PairedEndpoint]
) -> tuple[Pair, ...]:
    """Pairs that pass `check_pairs`: primaries first, preferred partners first, in order of id."""
    order = list(PARTNERS)
    wanting = [e for e in instance_endpoints if e.type in PARTNERS]
    wanting.sort(key=lambda endpoint: (order.index(endpoint.type), endpoint.id))
    free = sorted(cluster_endpoints, key=lambda endpoint: endpoint.id)
    pairs: list[Pair] = []
    for endpoint in wanting:
        candidates = [other for other in free if _why_not(endpoint, other) is None]
        if candidates and len(pairs) < PAIRS_MAX:
            partners = PARTNERS[endpoint.type]
            chosen = min(candidates, key=lambda other: (partners.index(other.type), other.id))
            free.remove(chosen)
            pairs.append(Pair(endpoint.id, chosen.id))
    return tuple(pairs)


def check_pairs(
    pairs: Collection[Pair],
    instance_endpoints: Collection[PairedEndpoint],
    cluster_endpoints: Collection[PairedEndpoint],
) -> Refused | None:
    """Why these pairs may not be exchanged, as an error to raise or show; None if they may."""
    if len(pairs) > PAIRS_MAX:
        return _refused(
            f"{len(pairs)} pairs were given; at most {PAIRS_MAX} can be exchanged.",
            remedy="Leave some pairs out.",
        )
    instances = {endpoint.id: endpoint for endpoint in instance_endpoints}
    clusters = {endpoint.id: endpoint for endpoint in cluster_endpoints}
    if repeated := _repeated(pairs):
        return _refused(
            f"The endpoint {repeated} is in more than one pair.",
            remedy="Name each endpoint once.",
        )
    reasons = (_why_not_pair(pair, instances, clusters) for pair in pairs)
    return next((reason for reason in reasons if reason is not None), None)


def unpaired(pairs: Iterable[Pair], endpoints: Collection[EndpointT]) -> tuple[EndpointT, ...]:
    """The endpoints, of either side, that no pair names; they stay where they are."""
    named = _named(pairs)
    return tuple(endpoint for endpoint in endpoints if endpoint.id not in named)


def _repeated(pairs: Iterable[Pair]) -> str | None:
    return next((name for name, count in _named(pairs).items() if count > 1), None)


def _named(pairs: Iterable[Pair]) -> Counter[str]:
    """How often each endpoint is named."""
    return Counter(
        side for pair in pairs for side in (pair.instance_endpoint, pair.cluster_endpoint)
    )


def _why_not_pair(
    pair: Pair, instances: Mapping[str, PairedEndpoint], clusters: Mapping[str, PairedEndpoint]
) -> Refused | None:
    one, other = instances.get(pair.instance_endpoint), clusters.get(pair.cluster_endpoint)
    if one is None or other is None:
        side = "instance" if one is None else "cluster"
        missing = pair.instance_endpoint if one is None else pair.cluster_endpoint
        return _refused(
            f"The {side} has no endpoint {missing}.",
            remedy="Create it first, or leave the pair out.",
        )
    return _why_not(one, other)


def _why_not(one: PairedEndpoint, other: PairedEndpoint) -> Refused | None:
    """Why an instance's and a cluster's endpoint cannot be exchanged."""
    names = f"{one.id} and {other.id}"
    partners = PARTNERS.get(one.type, ())
    if other.type not in partners:
        allowed = " or ".join(partners) or "nothing"
        return _refused(
            f"{names} cannot be exchanged: {one.type} of the instance goes with {allowed}"
            f" of the cluster, not with {other.type}.",
            remedy="Choose another endpoint of the cluster, or create one.",
        )
    if one.part_of or other.part_of:
        return _refused(
            f"{names} cannot be exchanged: one of them is the read-only port of another endpoint.",
            remedy="Name that endpoint, or leave the pair out.",
        )
    if one.read_write_mode == "ReadWrite" and other.read_write_mode != "ReadWrite":
        return _refused(
            f"{names} cannot be exchanged: {other.id} takes no writes.",
            remedy="Choose an endpoint of the cluster for reading and writing, or create one.",
        )
    if one.net_type != other.net_type:
        return _refused(
            f"{names} are in different networks: {one.net_type} and {other.net_type}.",
            remedy=f"Choose or create a cluster endpoint in the network {one.net_type}.",
        )
    if one.ssl_enabled != other.ssl_enabled:
        return _refused(
            f"TLS is on for only one of {names}.",
            remedy="Turn TLS on, or off, for both.",
        )
    return None


def _refused(message: str, *, remedy: str) -> Refused:
    return Refused(f"{message} No endpoint was changed.", code="BadEndpointPair", remedy=remedy)
