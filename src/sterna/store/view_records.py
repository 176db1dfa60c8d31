"""What people look at, put together from what the store keeps; nothing of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sterna.store.records import ActionInfo, EngineInfo, TableProgress


@dataclass(frozen=True)
class Alert:
    """Something a person should look at."""

    severity: str  # error | warning | note
    # task_failed | task_stalled | pre_check_failed | ambiguous | rogue_writer | differences |
    # expires_soon | rollback_impossible | schedule_refused | node_stopped | left_behind
    kind: str
    cluster_id: str
    object: str  # the id it is about
    sentence: str
    remedy: str
    at: datetime | None  # since when, where that is known


@dataclass(frozen=True)
class Overview:
    """How much there is of everything, and what wants a person."""

    instances: int
    clusters: int
    endpoints: int
    migrations_open: int
    migrations_closed: int
    operations_under_way: int
    tasks_failed: int
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class TimelineStep:
    """One step of an operation: what it is, and what became of it."""

    number: int
    name: str
    title: str
    undo: str  # title of the undo, or why there is none
    point_of_no_return: bool
    state: str  # waiting | running | done | failed | undone
    sentence: str
    began_at: datetime | None
    seconds: float | None
    tries: int  # that have ended


@dataclass(frozen=True)
class OperationRun:
    """One run of an operation with all its steps, also those to come."""

    id: str
    cluster_id: str
    name: str
    title: str
    arguments: dict[str, Any]
    state: str  # started | finished | failed
    began_at: datetime
    committed_at: datetime | None  # the point of no return
    ended_at: datetime | None
    error: str
    blocked_at: datetime | None  # since when applications wait
    outage_ms: float | None  # how long they waited
    steps: tuple[TimelineStep, ...]


@dataclass(frozen=True)
class TablePage:
    """Some tables of a sync task: `total` there are, `matching` of them were asked for."""

    total: int
    matching: int
    offset: int
    items: tuple[TableProgress, ...]


@dataclass(frozen=True)
class LogItem:
    """One line of a sync task's log."""

    number: int
    at: datetime
    level: str  # NORMAL | WARN
    kind: str  # ddl: an object was changed; or empty
    sentence: str


@dataclass(frozen=True)
class LogPage:
    """Some lines, newest first; `next_before` asks for those behind them."""

    items: tuple[LogItem, ...]
    next_before: int | None


@dataclass(frozen=True)
class Limit:
    """A figure Sterna holds itself to."""

    name: str
    value: float
    unit: str
    text: str


@dataclass(frozen=True)
class ServerSettings:
    """How the server was started, and what it holds itself to. No secrets."""

    version: str
    python: str
    home: str
    host: str
    port: int
    url: str
    servers: str
    names: tuple[str, ...]
    proxies: tuple[str, ...]
    started_at: datetime
    database_bytes: int
    engines: tuple[EngineInfo, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class NodeClassInfo:
    """A size of node: memory, sessions at once, pages a second written in the background."""

    name: str
    memory_bytes: int
    connections_max: int
    io_per_second: int


@dataclass(frozen=True)
class Choices:
    """What a new cluster can be made of."""

    node_classes: tuple[NodeClassInfo, ...]
    pay_types: tuple[str, ...]
    storage_engines: tuple[str, ...]
    nodes_max: int
    engines: tuple[EngineInfo, ...]


@dataclass(frozen=True)
class ConnectionTest:
    """What a server answers to Sterna's account."""

    version: str
    flavor: str  # mysql | mariadb
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class EndpointActions:
    """What may be done with an endpoint now; where `endpoint_id` is empty, whether one is made."""

    endpoint_id: str
    actions: tuple[ActionInfo, ...]  # create | alter | route (its mode and nodes) | delete


@dataclass(frozen=True)
class HookTest:
    """What became of telling a hook something that has not happened."""

    hook_id: str
    error: str  # why it could not be told; empty when it could
