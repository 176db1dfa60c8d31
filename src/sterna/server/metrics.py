"""`/metrics`: what all sync tasks do, in the text format Prometheus reads.

It is behind the same bearer token as the rest; in Prometheus: `authorization: credentials_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sterna.errors import Transient
from sterna.server.access import check_access
from sterna.server.api.common import TheService
from sterna.store.cluster_records import NodeHealth
from sterna.store.records import Migration, SyncTask, TaskSample
from sterna.workflow.addressing import EndpointLoad
from sterna.workflow.service import Service

LABELS = ("task", "cluster", "instance", "direction")
router = APIRouter(dependencies=[Depends(check_access)])

# Name → (what it is, where it stands); None is left out.
_OF_TASKS: dict[str, tuple[str, Callable[[SyncTask], float | None]]] = {
    "lag_seconds": ("Replication latency; absent while it is not known", lambda t: t.lag_seconds),
    "stalled": ("1 while the stream stands still", lambda t: bool(t.stalled_because)),
    "failed": (
        "1 while the task has stopped and waits for a person",
        lambda t: t.status == "Failed",
    ),
    "throttled": (
        "1 while a limit or a suffering source slows it",
        lambda t: bool(t.throttled_because),
    ),
    "rows_copied": ("Rows of the full copy until now", lambda t: t.rows_copied),
    "bytes_copied": ("Bytes of the full copy until now", lambda t: t.bytes_copied),
    "rows_verified": ("Rows compared by the last verification", lambda t: t.rows_verified),
    "differences": ("Rows that differed in the last verification", lambda t: t.differences),
}
_OF_SAMPLES: dict[str, tuple[str, Callable[[TaskSample], float | None]]] = {
    "copy_rows_per_second": ("Rows copied", lambda s: s.rows_per_second),
    "copy_bytes_per_second": ("Bytes copied", lambda s: s.bytes_per_second),
    "verify_rows_per_second": ("Rows verified", lambda s: s.rows_verified_per_second),
    "transactions_per_second": ("Transactions applied", lambda s: s.transactions_per_second),
    "row_events_per_second": ("Row events applied", lambda s: s.row_events_per_second),
    "stream_bytes_per_second": ("Bytes of the log applied", lambda s: s.stream_bytes_per_second),
    "window_transactions": ("Transactions committed as one", lambda s: s.window_transactions),
    "spool_bytes": ("Bytes the spool holds", lambda s: s.spool_bytes),
    "share": ("Share of full speed copy and verification are allowed", lambda s: s.share),
}


@router.get("/metrics", include_in_schema=False)
def metrics(service: TheService) -> Response:
    """All sync tasks, endpoints and read-only nodes."""
    registry = CollectorRegistry()
    registry.register(_Tasks(service.migrations()))
    registry.register(_Endpoints(service))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Tasks(Collector):
    """The figures of the tasks behind some migrations."""

    def __init__(self, migrations: Iterable[Migration]) -> None:
        self._tasks = [(m, m.task) for m in migrations if m.task is not None]

    def collect(self) -> Iterator[Metric]:
        """One family for each figure."""
        for name, (text, value) in _OF_TASKS.items():
            yield self._family(name, text, value)
        for name, (text, measured) in _OF_SAMPLES.items():
            yield self._family(name, text, _sampled(measured))

    def _family(
        self, name: str, text: str, value: Callable[[SyncTask], float | None]
    ) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"sterna_task_{name}", text, labels=LABELS)
        for migration, task in self._tasks:
            found = value(task)
            if found is not None:
                labels = (task.id, migration.cluster_id, migration.instance_id, task.direction)
                family.add_metric(labels, float(found))
        return family


class _Endpoints(Collector):
    """Who is connected where, and which read-only nodes are sent connections."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """One family for each figure; those of a proxy that does not answer are absent."""
        up = GaugeMetricFamily("sterna_proxy_up", "1 while the proxy answers")
        try:
            loads = self._service.addresses.statistics()
        except Transient:
            loads = []
            up.add_metric((), 0.0)
        else:
            up.add_metric((), 1.0)
        yield up
        yield from _loads(loads)
        yield from _nodes(self._service.health.nodes())


def _loads(loads: Iterable[EndpointLoad]) -> Iterator[Metric]:
    labels = ("endpoint", "owner", "type")
    sessions = GaugeMetricFamily(
        "sterna_endpoint_sessions", "Connections that have reached a server", labels=labels
    )
    waiting = GaugeMetricFamily(
        "sterna_endpoint_waiting", "Connections that wait for a server", labels=labels
    )
    for load in loads:
        values = (load.endpoint.id, load.endpoint.owner_id, load.endpoint.type)
        sessions.add_metric(values, load.sessions)
        waiting.add_metric(values, load.waiting)
    yield from (sessions, waiting)


def _nodes(nodes: Iterable[NodeHealth]) -> Iterator[Metric]:
    labels = ("node", "cluster")
    rotation = GaugeMetricFamily(
        "sterna_node_in_rotation", "1 while a read-only node is sent connections", labels=labels
    )
    lag = GaugeMetricFamily(
        "sterna_node_lag_seconds",
        "How far it is behind its primary; absent while not known",
        labels=labels,
    )
    for node in nodes:
        rotation.add_metric((node.node_id, node.cluster_id), float(node.in_rotation))
        if node.lag_seconds is not None:
            lag.add_metric((node.node_id, node.cluster_id), node.lag_seconds)
    yield from (rotation, lag)


def _sampled(measured: Callable[[TaskSample], float | None]) -> Callable[[SyncTask], float | None]:
    return lambda task: measured(task.sample) if task.sample else None
