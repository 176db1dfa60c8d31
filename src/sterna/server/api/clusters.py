"""Clusters and endpoints."""

from __future__ import annotations

from fastapi import APIRouter

from sterna.server.api.common import TheService
from sterna.store.records import Cluster, Endpoint

router = APIRouter(tags=["clusters"])


@router.get("/clusters")
def list_clusters(service: TheService) -> list[Cluster]:
    """All clusters."""
    return service.clusters()


@router.get("/clusters/{cluster_id}")
def show_cluster(cluster_id: str, service: TheService) -> Cluster:
    """One cluster with its nodes."""
    return service.cluster(cluster_id)


@router.get("/endpoints")
def list_endpoints(service: TheService, owner_id: str | None = None) -> list[Endpoint]:
    """All endpoints, or those of one instance or cluster."""
    return service.endpoints(owner_id)
