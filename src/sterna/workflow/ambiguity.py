"""When it is not known who owns the writes: noticing it, saying so, touching nothing.

    the roles are found exchanged    the side that should have the writes is read-only, the one that
                                     only follows is open: a store from a backup, or somebody's hand
    the cluster is open and the      a cluster never forgets that it follows, its configuration says
    source cannot be asked           so: somebody has opened it
    a server knows a later epoch     the store is older than the servers
    than the store
    the leaving side was opened and  seen by the switch itself, after its point of no return
    written to during a switch

A side that only follows and is open while the other has the writes is no such case: it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from sterna.dataplane import checkpoint
from sterna.dataplane.spec import FORWARD, REVERSE, checkpoint_name
from sterna.errors import SternaError
from sterna.migration.status import Status
from sterna.mysql.connection import Session
from sterna.store.database import now
from sterna.store.records import HistoryEntry, Migration
from sterna.workflow.steps import sides
from sterna.workflow.tools import Side, Tools

OWNERS = {Status.SYNCING: "source", Status.REVERSED: "cluster"}

log = structlog.get_logger("sterna.ambiguity")


def check(tools: Tools, migration: Migration) -> None:
    """Look at a migration that is at rest, before anything of it is started."""
    if migration.operation or migration.status not in OWNERS:
        return
    if reason := contradiction(tools, migration) or later_epoch(tools, migration):
        declare(tools, migration, reason)


def contradiction(tools: Tools, migration: Migration) -> str:
    """Why the roles on the servers are not those of the store; empty when they may be."""
    owner, follower = _roles(tools, migration)
    if _is_closed(tools, follower) is not False:
        return ""
    owner_is_closed = _is_closed(tools, owner)
    if owner_is_closed:
        return (
            f"the {follower.word} is open for writing and the {owner.word} is read-only, the "
            "opposite of what is known here"
        )
    if owner_is_closed is None and follower.word == "cluster":
        return "the cluster has been opened for writing, and the source cannot be asked"
    return ""


def later_epoch(tools: Tools, migration: Migration) -> str:
    """Why the store is older than the servers; empty when it is not, or they cannot be asked."""
    known = tools.tasks.epoch(migration.task_id)
    for side, direction in (
        (tools.cluster(migration.cluster_id), FORWARD),
        (tools.source(migration.cluster_id), REVERSE),
    ):
        for session in _session(tools, side):
            name = checkpoint_name(migration.task_id, direction)
            found = checkpoint.read(session, name) if checkpoint.exists(session) else None
            if found and found.epoch > known:
                return (
                    f"the {side.word} remembers a later start of the sync task (epoch "
                    f"{found.epoch}) than is known here ({known}): this store is an older one"
                )
    return ""


def declare(tools: Tools, migration: Migration, reason: str) -> None:
    """Stop the synchronization and leave everything else to a person."""
    cluster_id = migration.cluster_id
    if not tools.journal.declare(cluster_id, migration.status, Status.AMBIGUOUS, reason):
        return
    tools.tasks.want(migration.task_id, running=False)
    tools.supervisor.stop(migration.task_id)
    tools.tasks.change(migration.task_id, stalled_because="it is not known who owns the writes")
    sentence = (
        f"It is not known who owns the writes: {reason}. Nothing was changed on the servers. "
        f"Look at both sides: sterna migration resolve {cluster_id}."
    )
    entry = HistoryEntry(now(), "watch", "ambiguous", "Ambiguous", "warning", sentence, 0)
    tools.journal.write(cluster_id, entry)
    log.error(sentence, cluster=cluster_id)


def _roles(tools: Tools, migration: Migration) -> tuple[Side, Side]:
    source, cluster = tools.source(migration.cluster_id), tools.cluster(migration.cluster_id)
    if OWNERS[Status(migration.status)] == "source":
        return source, cluster
    return cluster, source


def _is_closed(tools: Tools, side: Side) -> bool | None:
    """None: it cannot be asked."""
    for session in _session(tools, side):
        return sides.is_read_only(session)
    return None


def _session(tools: Tools, side: Side) -> Iterator[Session]:
    """One session, or none where the side cannot be asked."""
    try:
        with tools.sessions.lend(side.server) as session:
            yield session
    except SternaError as error:
        log.info("a side could not be asked", side=side.word, error=error.message)
