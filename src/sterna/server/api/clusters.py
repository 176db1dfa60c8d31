"""Clusters."""

from __future__ import annotations

from fastapi import APIRouter

from sterna.server.api.common import TheService
from sterna.store.records import Cluster

router = APIRouter(tags=["clusters"])


@router.get("/clusters")
def list_clusters(service: TheService) -> list[Cluster]:
    """All clusters."""
    return service.clusters()


@router.get("/clusters/{cluster_id}")
def show_cluster(cluster_id: str, service: TheService) -> Cluster:
    """One cluster with its nodes."""
    return service.cluster(cluster_id)
