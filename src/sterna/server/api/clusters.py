"""Clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from sterna.server.api.common import TheService
from sterna.store.cluster_records import NodeHealth
from sterna.store.records import Cluster, InheritedParameter, InheritedState, Plan

router = APIRouter(tags=["clusters"])


@dataclass(frozen=True)
class NewNodes:
    """How many read-only nodes to add."""

    count: Annotated[int, Field(ge=1, le=15)] = 1


@dataclass(frozen=True)
class NodeClass:
    """The class every node is to have."""

    node_class: str


@dataclass(frozen=True)
class Restart:
    """The node to restart; left out: all, one after the other."""

    node_id: str | None = None


@router.get("/clusters")
def list_clusters(service: TheService) -> list[Cluster]:
    """All clusters."""
    return service.clusters()


@router.get("/clusters/{cluster_id}")
def show_cluster(cluster_id: str, service: TheService) -> Cluster:
    """One cluster with its nodes."""
    return service.cluster(cluster_id)


@router.post("/clusters/{cluster_id}/nodes", status_code=202)
def add_nodes(cluster_id: str, new: NewNodes, service: TheService) -> Cluster:
    """Begin to add read-only nodes; the cluster is Running again when they serve."""
    return service.nodes.add(cluster_id, new.count)


@router.delete("/clusters/{cluster_id}/nodes/{node_id}", status_code=202)
def remove_node(cluster_id: str, node_id: str, service: TheService) -> Cluster:
    """Begin to remove a read-only node with its data."""
    return service.nodes.remove(cluster_id, node_id)


@router.post("/clusters/{cluster_id}/class", status_code=202)
def change_class(cluster_id: str, wanted: NodeClass, service: TheService) -> Cluster:
    """Begin to give every node another class; each restarts once, the primary last."""
    return service.nodes.change_class(cluster_id, wanted.node_class)


@router.post("/clusters/{cluster_id}/restart", status_code=202)
def restart_cluster(cluster_id: str, service: TheService, wanted: Restart | None = None) -> Cluster:
    """Begin to restart a node, or all one after the other."""
    return service.nodes.restart(cluster_id, wanted.node_id if wanted else None)


@router.get("/clusters/{cluster_id}/delete/plan")
def plan_delete(cluster_id: str, service: TheService) -> Plan:
    """What a deletion would do, and why it would be refused. Changes nothing."""
    return service.nodes.plan_delete(cluster_id)


@router.delete("/clusters/{cluster_id}", status_code=202)
def delete_cluster(cluster_id: str, service: TheService) -> Cluster:
    """Begin to delete a cluster with all its data. There is no way back."""
    return service.nodes.delete(cluster_id)


@router.get("/clusters/{cluster_id}/logs")
def read_logs(
    cluster_id: str,
    service: TheService,
    node_id: str | None = None,
    lines: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[str]:
    """The last lines a node's server wrote; of the primary where none is named."""
    return service.nodes.logs(cluster_id, node_id, lines=lines)


@router.get("/clusters/{cluster_id}/health")
def show_health(cluster_id: str, service: TheService) -> list[NodeHealth]:
    """How the read-only nodes are, and whether they are sent connections."""
    return service.health.nodes([service.cluster(cluster_id)])


@router.get("/clusters/{cluster_id}/parameters")
def list_parameters(cluster_id: str, service: TheService) -> list[InheritedParameter]:
    """The source's parameters beside the cluster's: what was carried, what was not, and why."""
    return service.inherited.parameters(cluster_id)


@router.get("/clusters/{cluster_id}/inherited")
def show_inherited(cluster_id: str, service: TheService) -> InheritedState:
    """Accounts, grants, views, routines, triggers and events of both sides, compared now."""
    return service.inherited.state(cluster_id)
