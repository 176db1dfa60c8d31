"""Clusters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from sterna.server.api.common import TheService
from sterna.store.cluster_records import NodeHealth, ServerlessState
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
class SemiSync:
    """Whether commits are to wait for a read-only node."""

    on: bool


@dataclass(frozen=True)
class Restart:
    """The node to restart; left out: all, one after the other."""

    node_id: str | None = None


@dataclass(frozen=True)
class Limits:
    """Node classes and numbers of read-only nodes; what is left out stays."""

    memory_min_class: str | None = None
    memory_max_class: str | None = None
    nodes_min: Annotated[int, Field(ge=0, le=15)] | None = None
    nodes_max: Annotated[int, Field(ge=0, le=15)] | None = None


@router.get("/clusters")
def list_clusters(service: TheService) -> list[Cluster]:
    """All clusters."""
    return service.clusters()


@router.get("/clusters/{cluster_id}")
def show_cluster(cluster_id: str, service: TheService) -> Cluster:
    """One cluster with its nodes."""
    return service.cluster(cluster_id)


@router.get("/clusters/{cluster_id}/nodes/plan")
def plan_nodes(
    cluster_id: str, service: TheService, count: Annotated[int, Query(ge=1, le=15)] = 1
) -> Plan:
    """What adding read-only nodes would do, and why it would be refused. Changes nothing."""
    return service.node_plans.add(cluster_id, count)


@router.post("/clusters/{cluster_id}/nodes", status_code=202)
def add_nodes(cluster_id: str, new: NewNodes, service: TheService) -> Cluster:
    """Begin to add read-only nodes; the cluster is Running again when they serve."""
    return service.nodes.add(cluster_id, new.count)


@router.get("/clusters/{cluster_id}/nodes/{node_id}/plan")
def plan_removal(cluster_id: str, node_id: str, service: TheService) -> Plan:
    """What removing a node would do, and why it would be refused. Changes nothing."""
    return service.node_plans.remove(cluster_id, node_id)


@router.delete("/clusters/{cluster_id}/nodes/{node_id}", status_code=202)
def remove_node(cluster_id: str, node_id: str, service: TheService) -> Cluster:
    """Begin to remove a read-only node with its data."""
    return service.nodes.remove(cluster_id, node_id)


@router.get("/clusters/{cluster_id}/class/plan")
def plan_class(cluster_id: str, node_class: str, service: TheService) -> Plan:
    """What another class would do, and why it would be refused. Changes nothing."""
    return service.node_plans.change_class(cluster_id, node_class)


@router.post("/clusters/{cluster_id}/class", status_code=202)
def change_class(cluster_id: str, wanted: NodeClass, service: TheService) -> Cluster:
    """Begin to give every node another class; each restarts once, the primary last."""
    return service.nodes.change_class(cluster_id, wanted.node_class)


@router.get("/clusters/{cluster_id}/restart/plan")
def plan_restart(cluster_id: str, service: TheService, node_id: str | None = None) -> Plan:
    """What a restart would do, and why it would be refused. Changes nothing."""
    return service.node_plans.restart(cluster_id, node_id)


@router.post("/clusters/{cluster_id}/restart", status_code=202)
def restart_cluster(cluster_id: str, service: TheService, wanted: Restart | None = None) -> Cluster:
    """Begin to restart a node, or all one after the other."""
    return service.nodes.restart(cluster_id, wanted.node_id if wanted else None)


@router.get("/clusters/{cluster_id}/binlog/plan")
def plan_binlog(cluster_id: str, service: TheService) -> Plan:
    """What switching the binary log on again would do, and why it would be refused. Changes
    nothing."""
    return service.node_plans.enable_binlog(cluster_id)


@router.get("/clusters/{cluster_id}/semi-sync/plan")
def plan_semi_sync(cluster_id: str, service: TheService, on: bool) -> Plan:
    """What changing whether commits wait would do, and why it would be refused."""
    return service.node_plans.change_semi_sync(cluster_id, on=on)


@router.post("/clusters/{cluster_id}/semi-sync", status_code=202)
def change_semi_sync(cluster_id: str, wanted: SemiSync, service: TheService) -> Cluster:
    """Begin to let commits wait for a read-only node, or no longer; every node restarts."""
    return service.nodes.change_semi_sync(cluster_id, on=wanted.on)


@router.post("/clusters/{cluster_id}/binlog", status_code=202)
def enable_binlog(cluster_id: str, service: TheService) -> Cluster:
    """Begin to switch the binary log on again, which restarts the primary."""
    return service.nodes.enable_binlog(cluster_id)


@router.get("/clusters/{cluster_id}/serverless")
def show_serverless(cluster_id: str, service: TheService) -> ServerlessState:
    """How a cluster follows its load: its limits, what it has, what was changed and why."""
    return service.serverless.state(cluster_id)


@router.patch("/clusters/{cluster_id}/serverless")
def change_serverless(cluster_id: str, wanted: Limits, service: TheService) -> ServerlessState:
    """Other limits for a cluster that follows its load."""
    return service.serverless.change(cluster_id, **asdict(wanted))


@router.get("/clusters/{cluster_id}/delete/plan")
def plan_delete(cluster_id: str, service: TheService) -> Plan:
    """What a deletion would do, and why it would be refused. Changes nothing."""
    return service.node_plans.delete(cluster_id)


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
