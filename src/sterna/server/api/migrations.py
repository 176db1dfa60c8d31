"""Migrations: start one, look at it, and the operations on it.

An operation answers at once with `operation` set; it is over when `operation` is "" again, and the
newest history entry with step "operation" says whether it finished or failed.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse
from pydantic import Field

from sterna.migration.scaling import Serverless
from sterna.migration.status import Action
from sterna.server.access import Who
from sterna.server.api.common import TheService
from sterna.server.events import Presence, changes
from sterna.store.records import ActionInfo, Migration, Plan, PositionPair, Resolution
from sterna.store.view_records import OperationRun
from sterna.workflow.wishes import ClusterWish

router = APIRouter(prefix="/migrations", tags=["migrations"])


@dataclass(frozen=True)
class NewMigration:
    """An upgrade to start: what is asked of the new cluster.

    `nodes` counts the read-only nodes besides the primary. `network_label` is the network of its
    endpoints. `hosts` are where the nodes are made in turn, `existing` is a registered server that
    becomes the primary; without either the nodes are made on Sterna's machine. `serverless` are the
    limits of a cluster of that billing method; `semi_sync` lets commits wait for a read-only node.
    """

    instance_id: str
    target_version: str
    nodes: Annotated[int, Field(ge=0, le=15)] = 0
    ignore: tuple[str, ...] = ()
    description: str = ""
    node_class: str = "sterna.small"
    pay_type: Literal["Postpaid", "Prepaid", "Serverless"] = "Postpaid"
    network_label: Annotated[str, Field(max_length=64)] = ""
    hosts: tuple[str, ...] = ()
    existing: str = ""
    serverless: Serverless | None = None
    semi_sync: bool = False
    storage_engine: Literal["InnoDB", "InnoDB & MyRocks"] = "InnoDB"
    myrocks_memory_percent: Annotated[int, Field(ge=10, le=90)] = 50


@dataclass(frozen=True)
class Continuation:
    """Names of the prechecks whose findings are accepted."""

    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transactions:
    """What becomes of transactions open for more than 10 s: waited for, then ended, or refused."""

    wait_for_transactions_seconds: Annotated[float, Field(ge=0, le=86400)] = 0
    end_transactions: bool = False


@dataclass(frozen=True, kw_only=True)
class Move(Transactions):
    """Whether the endpoints move with the writes, and what long transactions meet."""

    with_endpoints: bool


@dataclass(frozen=True, kw_only=True)
class SwitchOver(Move):
    """`pairs` are endpoint of the instance → endpoint of the cluster; left out: the proposed."""

    pairs: dict[str, str] | None = None


@dataclass(frozen=True)
class Completion:
    """Whether the cluster's binary log is switched off too, which restarts its primary."""

    disable_binlog: bool = False


@dataclass(frozen=True)
class Decision:
    """Which side owns the writes."""

    writes_are_on: Literal["source", "cluster"]


@router.post("", status_code=202)
def upgrade(new: NewMigration, service: TheService) -> Migration:
    """Create a cluster and start the migration to it."""
    # The limits stay what they are: asdict would make a plain dict of them.
    return service.upgrade(ClusterWish(**{**asdict(new), "serverless": new.serverless}))


@router.get("")
def list_migrations(service: TheService) -> list[Migration]:
    """All migrations, without their tables and history."""
    return service.migrations()


@router.get("/{cluster_id}")
def show_migration(cluster_id: str, service: TheService, tables: bool = True) -> Migration:
    """One migration with its sync task, its tables unless they are left out, and its history."""
    return service.migration(cluster_id, with_tables=tables)


@router.get("/{cluster_id}/actions")
def list_actions(cluster_id: str, service: TheService) -> list[ActionInfo]:
    """Every operation: whether it could begin now, as far as the store knows, and why not."""
    return list(service.migration(cluster_id, with_tables=False).actions)


@router.get("/{cluster_id}/timeline")
def show_timeline(cluster_id: str, service: TheService) -> list[OperationRun]:
    """All operations with their steps, what became of each, and those to come; oldest first."""
    return service.looking.timeline(cluster_id)


@router.get("/{cluster_id}/positions")
def show_positions(
    cluster_id: str,
    service: TheService,
    at: str | None = None,
    of: Literal["source", "cluster"] = "source",
) -> list[PositionPair]:
    """Positions of both binary logs at the same data, newest first; or the pair to go on from for
    who has read one log up to `at`."""
    return service.positions.find(cluster_id, at=at, side=of)


@router.get("/{cluster_id}/events", response_class=EventSourceResponse)
async def watch_migration(
    now: Annotated[Migration, Depends(show_migration)], service: TheService, who: Who
) -> AsyncIterable[Migration]:
    """The migration now, and again whenever it has changed, as server-sent events."""
    async for migration in changes(now, service.migration, Presence(service.people, who)):
        yield migration


@router.post("/{cluster_id}/continue", status_code=202)
def continue_migrating(cluster_id: str, given: Continuation, service: TheService) -> Migration:
    """Go on after a failed precheck."""
    return service.continue_migrating(cluster_id, ignore=given.ignore)


@router.post("/{cluster_id}/give-up", status_code=202)
def give_up(cluster_id: str, service: TheService) -> Migration:
    """Give the migration up after a failed precheck. The cluster stays."""
    return service.give_up(cluster_id)


@router.post("/{cluster_id}/open-cluster", status_code=202)
def open_cluster(cluster_id: str, service: TheService) -> Migration:
    """Let a cluster take writes that was left read-only when its migration expired."""
    return service.open_cluster(cluster_id)


@router.get("/{cluster_id}/give-up/plan")
def plan_give_up(cluster_id: str, service: TheService) -> Plan:
    """What giving up would do, and why it would be refused. Changes nothing."""
    return service.plan_end(cluster_id, Action.GIVE_UP)


@router.get("/{cluster_id}/switch-over/plan")
def plan_switch_over(
    cluster_id: str,
    given: Annotated[Move, Depends()],
    service: TheService,
    pair: Annotated[tuple[str, ...], Query()] = (),
) -> Plan:
    """What a switchover would do, and why it would be refused. Changes nothing.

    Each `pair` is an endpoint of the instance, "=", an endpoint of the cluster.
    """
    pairs = dict(text.split("=", 1) for text in pair if "=" in text) if pair else None
    return service.plan_switch_over(cluster_id, **asdict(given), pairs=pairs)


@router.post("/{cluster_id}/switch-over", status_code=202)
def switch_over(cluster_id: str, given: SwitchOver, service: TheService) -> Migration:
    """Move the writes to the cluster."""
    return service.switch_over(cluster_id, **asdict(given))


@router.get("/{cluster_id}/roll-back/plan")
def plan_roll_back(
    cluster_id: str, given: Annotated[Transactions, Depends()], service: TheService
) -> Plan:
    """What a rollback would do, and why it would be refused. Changes nothing."""
    return service.plan_roll_back(cluster_id, **asdict(given))


@router.post("/{cluster_id}/roll-back", status_code=202)
def roll_back(cluster_id: str, service: TheService, given: Transactions | None = None) -> Migration:
    """Move the writes back to the instance."""
    return service.roll_back(cluster_id, **asdict(given or Transactions()))


@router.get("/{cluster_id}/complete/plan")
def plan_complete(
    cluster_id: str, given: Annotated[Completion, Depends()], service: TheService
) -> Plan:
    """What completing would do, and why it would be refused. Changes nothing."""
    return service.plan_end(cluster_id, Action.COMPLETE, **asdict(given))


@router.post("/{cluster_id}/complete", status_code=202)
def complete(cluster_id: str, service: TheService, given: Completion | None = None) -> Migration:
    """Cut the link and keep the cluster. There is no way back after it."""
    return service.complete(cluster_id, disable_binlog=bool(given and given.disable_binlog))


@router.get("/{cluster_id}/cancel/plan")
def plan_cancel(cluster_id: str, service: TheService) -> Plan:
    """What cancelling would do, and why it would be refused. Changes nothing."""
    return service.plan_end(cluster_id, Action.CANCEL)


@router.post("/{cluster_id}/cancel", status_code=202)
def cancel(cluster_id: str, service: TheService) -> Migration:
    """Cut the link and keep the instance. The cluster stays, on its own."""
    return service.cancel(cluster_id)


@router.get("/{cluster_id}/resolution")
def look_at_both(cluster_id: str, service: TheService) -> Resolution:
    """Both sides beside each other, and who should have the writes. Changes nothing."""
    return service.resolution(cluster_id)


@router.post("/{cluster_id}/resolve", status_code=202)
def resolve(cluster_id: str, given: Decision, service: TheService) -> Migration:
    """Where it is not known who owns the writes: say it, and the roles are put in order."""
    return service.resolve(cluster_id, given.writes_are_on)
