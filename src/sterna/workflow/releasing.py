"""Releasing an instance: Sterna forgets it. The server is somebody else's and is left as it is."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.errors import Refused
from sterna.store.records import Endpoint, Plan
from sterna.workflow.routing import address_of
from sterna.workflow.tools import Tools


def plan_release(tools: Tools, instance_id: str) -> Plan:
    """What a release would do; nothing is changed. Refused: NotFound."""
    instance = tools.inventory.instance(instance_id)
    refusals = tuple(str(refusal) for refusal in _refusals(tools, instance_id))
    return Plan(
        operation="release",
        allowed=not refusals,
        refusals=refusals,
        actions=(
            *(_fate(endpoint, heir) for endpoint, heir in _endpoints(tools, instance_id)),
            f"{instance_id}, its evaluations and the decisions about its accounts are forgotten",
        ),
        figures={
            "server": f"{instance.host}:{instance.port} keeps running; nothing is deleted on it",
            "version": instance.version,
        },
    )


def release(tools: Tools, instance_id: str) -> None:
    """Forget an instance; endpoints that lead to a cluster become that cluster's own.

    Raises:
        Refused: NotFound; MigrationExists, a migration from it has not ended.
    """
    tools.inventory.instance(instance_id)
    for refusal in _refusals(tools, instance_id):
        raise refusal
    for endpoint, heir in _endpoints(tools, instance_id):
        if heir:
            tools.inventory.give_endpoint(endpoint.id, heir)
    tools.inventory.remove_instance(instance_id)
    tools.apply_routes()


def _refusals(tools: Tools, instance_id: str) -> Iterator[Refused]:
    try:
        tools.journal.refuse_second(instance_id)
    except Refused as error:
        yield error


def _endpoints(tools: Tools, instance_id: str) -> Iterator[tuple[Endpoint, str]]:
    """Each endpoint of the instance and the cluster it leads to, or nothing."""
    owners = {
        address_of(node): cluster.id
        for cluster in tools.inventory.clusters()
        for node in cluster.nodes
    }
    for endpoint in tools.inventory.endpoints(instance_id):
        yield endpoint, owners.get(endpoint.routes_to[0], "") if endpoint.routes_to else ""


def _fate(endpoint: Endpoint, heir: str) -> str:
    address = f"{endpoint.id} ({endpoint.host}:{endpoint.port})"
    if heir:
        return f"{address} stays open and becomes a custom endpoint of {heir}"
    return f"{address} is closed; applications that use it lose their address"
