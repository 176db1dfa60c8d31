"""What is observed of clusters, as frozen values; the API returns them as they are."""

from __future__ import annotations

from dataclasses import dataclass

from sterna.migration.scaling import Load, Serverless
from sterna.store.records import HistoryEntry

# The parameter of a primary that is started without a binary log; it comes after log_bin.
NO_BINLOG = {"skip_log_bin": "ON"}


@dataclass(frozen=True)
class NodeHealth:
    """How a read-only node is, and whether it is sent connections."""

    node_id: str
    cluster_id: str
    address: str
    state: str  # fresh | stale | out
    in_rotation: bool
    lag_seconds: float | None  # behind its primary; None: not known
    problem: str
    semi_sync: bool | None = None  # whether commits wait for it; None: not asked for


@dataclass(frozen=True)
class Usage:
    """What nodes of one class of a cluster have used."""

    cluster_id: str
    node_class: str
    pay_type: str
    node_hours: float
    storage_gb_hours: float  # GB of 10^9 bytes, over all nodes
    assumed_node_hours: float  # of these the storage is what was measured last, not then


@dataclass(frozen=True)
class ServerlessState:
    """How a cluster that follows its load stands."""

    cluster_id: str
    limits: Serverless
    node_class: str
    nodes: int  # read-only
    load: Load | None  # as it was seen last; None: not looked at since its last change
    resting_because: str  # why nothing is changed now; empty: it follows its load
    events: tuple[HistoryEntry, ...]  # newest first
