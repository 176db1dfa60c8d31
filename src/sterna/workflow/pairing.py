"""Which endpoints a switchover exchanges: those that were named, or those that are proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sterna.endpoints.pairs import PARTNERS, Pair, check_pairs, propose_pairs, unpaired
from sterna.errors import Refused
from sterna.migration.status import Action
from sterna.store.records import Endpoint
from sterna.workflow.tools import Tools


def pairs_of(tools: Tools, cluster_id: str, given: Mapping[str, str] | None) -> tuple[Pair, ...]:
    """The pairs: instance endpoint → cluster endpoint as `given`, proposed where that is None."""
    if given is not None:
        return tuple(Pair(one, other) for one, other in given.items())
    return propose_pairs(*_sides(tools, cluster_id))


def pair_refusals(
    tools: Tools, cluster_id: str, arguments: Mapping[str, Any]
) -> tuple[Refused, ...]:
    """Why the pairs of a switchover cannot be exchanged; none when they can."""
    given = arguments.get("pairs")
    if given is None:
        return ()
    if not arguments["with_endpoints"]:
        return (
            Refused(
                "Pairs were named, but no endpoint is to be exchanged.",
                code="BadEndpointPair",
                remedy="Switch over with endpoints, or name no pairs.",
            ),
        )
    refusal = check_pairs(pairs_of(tools, cluster_id, given), *_sides(tools, cluster_id))
    return (refusal,) if refusal else ()


def routes_after(
    tools: Tools, cluster_id: str, action: str, given: Mapping[str, str] | None
) -> dict[str, tuple[str, ...]]:
    """Endpoint id → where it leads after a switchover or a rollback with endpoints.

    A rollback leads every endpoint home, whatever was exchanged.
    """
    if action == Action.ROLL_BACK:
        return tools.home_routes(cluster_id)
    ours, theirs = ({e.id: e for e in side} for side in _sides(tools, cluster_id))
    routes: dict[str, tuple[str, ...]] = {}
    for pair in pairs_of(tools, cluster_id, given):
        one, other = ours[pair.instance_endpoint], theirs[pair.cluster_endpoint]
        routes[one.id], routes[other.id] = other.routes_to, one.routes_to
    return routes


def last_pairs(tools: Tools, cluster_id: str) -> dict[str, str] | None:
    """Those the newest switchover was asked to exchange; None where it took the proposed ones.

    Also None where one of them is no longer there.
    """
    newest = tools.journal.newest(cluster_id, Action.SWITCH_OVER)
    given: dict[str, str] | None = newest.arguments.get("pairs") if newest else None
    asked = {"pairs": given, "with_endpoints": True}
    return None if pair_refusals(tools, cluster_id, asked) else given


def warnings_of(tools: Tools, cluster_id: str, pairs: tuple[Pair, ...]) -> Iterator[str]:
    """A sentence for each endpoint of the instance that stays where it is."""
    instance_endpoints, cluster_endpoints = _sides(tools, cluster_id)
    free = unpaired(pairs, cluster_endpoints)
    for endpoint in instance_endpoints:
        if endpoint.id not in {pair.instance_endpoint for pair in pairs}:
            partner = next((other.id for other in free if _fits(endpoint, other)), "")
            yield _left_behind(endpoint, partner or _missing(endpoint, cluster_id))


def _missing(endpoint: Endpoint, cluster_id: str) -> str:
    """The command that makes the endpoint that would fit."""
    type_ = PARTNERS.get(endpoint.type, ("Cluster",))[0]
    words = ["sterna endpoint create", cluster_id, f"--type {type_}"]
    words += [f"--mode {endpoint.read_write_mode}"] if type_ == "Cluster" else []
    words += [f"--network {endpoint.net_type}"]
    return " ".join([*words, "--tls"] if endpoint.ssl_enabled else words)


def _left_behind(endpoint: Endpoint, partner: str) -> str:
    sentence = (
        f"{endpoint.id} ({endpoint.type}, {endpoint.host}:{endpoint.port}) is in no pair: it keeps"
        " leading to the source, where nobody can write then"
    )
    if partner.startswith("pe-"):
        return f"{sentence}; add --pair {endpoint.id}={partner}"
    return f"{sentence}; no free endpoint of the cluster fits it, this makes one: {partner}"


def _fits(one: Endpoint, other: Endpoint) -> bool:
    return check_pairs([Pair(one.id, other.id)], [one], [other]) is None


def _sides(tools: Tools, cluster_id: str) -> tuple[list[Endpoint], list[Endpoint]]:
    """Endpoints of the instance and of the cluster."""
    instance_id = tools.journal.migration(cluster_id).instance_id
    return tools.inventory.endpoints(instance_id), tools.inventory.endpoints(cluster_id)
