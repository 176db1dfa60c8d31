"""Looks at one side of a migration, or at both beside each other; changes nothing."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from sterna.dataplane import checkpoint
from sterna.dataplane.spec import FORWARD, REVERSE, checkpoint_name
from sterna.errors import Refused, SternaError
from sterna.mysql.connection import Session, query, scalar
from sterna.mysql.replication import read_current_position
from sterna.mysql.variables import read_variables
from sterna.store.records import Resolution, SideProbe
from sterna.workflow.routing import address_of
from sterna.workflow.steps import sides
from sterna.workflow.tools import Side, Tools

_LAST_WRITE = (
    "SELECT UNIX_TIMESTAMP(MAX(update_time)) FROM information_schema.tables WHERE table_schema"
    " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'sterna')"
)


def probe(tools: Tools, cluster_id: str, word: str) -> SideProbe:
    """One side as it answers now; `reachable` is False where it does not."""
    side = tools.source(cluster_id) if word == "source" else tools.cluster(cluster_id)
    nothing = SideProbe(
        word=word,
        id=side.id,
        address=f"{side.server.host}:{side.server.port}",
        reachable=False,
        error="",
        read_only=None,
        position="",
        last_write_at=None,
        sessions=(),
        endpoints=_leading_to(tools, cluster_id, side),
        checkpoint_position="",
        checkpoint_epoch=0,
    )
    try:
        with tools.sessions.lend(side.server) as session:
            found = _ask(session, _incoming(tools, cluster_id, word))
    except SternaError as error:
        return dataclasses.replace(nothing, error=error.message)
    return dataclasses.replace(nothing, reachable=True, **found)


def look_at_both(tools: Tools, cluster_id: str) -> Resolution:
    """Both sides, and who should have the writes as far as can be told."""
    migration = tools.journal.migration(cluster_id)
    both = tuple(probe(tools, cluster_id, word) for word in ("source", "cluster"))
    says = _checkpoint_says(both)
    journal_says = "source" if migration.source_mode == "rw" else "cluster"
    # A store from a backup knows nothing of what the servers remember.
    is_old = max(each.checkpoint_epoch for each in both) > tools.tasks.epoch(migration.task_id)
    recommended, because = recommend(both, says, "" if is_old else journal_says)
    everybody_there = all(each.reachable for each in both)
    return Resolution(
        cluster_id=cluster_id,
        status=migration.status,
        reason=migration.comment,
        sides=both,
        journal_says=journal_says,
        checkpoint_says=says,
        rogue=tools.tasks.task(migration.task_id).rogue,
        recommended=recommended,
        because=because,
        resumable=(says,) if says and everybody_there else (),
    )


def _ask(session: Session, task: str) -> dict[str, Any]:
    applied = checkpoint.read(session, task) if checkpoint.exists(session) else None
    return {
        "read_only": sides.is_read_only(session),
        "position": str(read_current_position(session)),
        "last_write_at": _last_write(session),
        "sessions": tuple(name for _, name in sides.foreign_sessions(session)),
        "checkpoint_position": str(applied.position) if applied else "",
        "checkpoint_epoch": applied.epoch if applied else 0,
    }


def _incoming(tools: Tools, cluster_id: str, word: str) -> str:
    """Name of the checkpoint of what this side has applied of the other."""
    task = tools.journal.migration(cluster_id).task_id
    return checkpoint_name(task, REVERSE if word == "source" else FORWARD)


def _last_write(session: Session) -> datetime | None:
    """When a table changed last; None where the server does not know (before 5.7, or never)."""
    if "information_schema_stats_expiry" in read_variables(
        session, "information_schema_stats_expiry"
    ):
        query(session, "SET SESSION information_schema_stats_expiry = 0")
    found = scalar(session, _LAST_WRITE)
    return None if found is None else datetime.fromtimestamp(float(found), UTC)


def _leading_to(tools: Tools, cluster_id: str, side: Side) -> tuple[str, ...]:
    addresses = {f"{side.server.host}:{side.server.port}"}
    if side.word == "cluster":
        addresses |= {address_of(node) for node in tools.inventory.nodes(cluster_id)}
    return tuple(
        f"{endpoint.host}:{endpoint.port}"
        for endpoint in tools.inventory.endpoints()
        if addresses & set(endpoint.routes_to)
    )


def _checkpoint_says(both: tuple[SideProbe, ...]) -> str:
    """The direction that was in force last had the higher epoch; its origin had the writes."""
    source, cluster = both
    if source.checkpoint_epoch == cluster.checkpoint_epoch:
        return ""
    return "source" if cluster.checkpoint_epoch > source.checkpoint_epoch else "cluster"


def recommend(
    both: tuple[SideProbe, ...], says: str, store_says: str
) -> tuple[str, tuple[str, ...]]:
    """Who should have the writes, where everything that speaks for a side agrees, and why.

    Args:
        both: the source, then the cluster, as they answer.
        says: which side's checkpoint speaks for it; empty where they say nothing.
        store_says: who had the writes last by a store that is not older than the servers; else "".
    """
    missing = [each for each in both if not each.reachable]
    if missing:
        names = " and ".join(f"the {each.word}" for each in missing)
        return "", (f"{names} cannot be asked; bring it back before you choose, if you can",)
    opened = [each.word for each in both if not each.read_only]
    speaking = {
        f"only the {''.join(opened)} is open for writing": opened[0] if len(opened) == 1 else "",
        f"the checkpoints say that the {says} had the writes last": says,
        f"Sterna gave the writes to the {store_says}": store_says,
    }
    because = tuple(reason for reason, word in speaking.items() if word)
    if len(opened) != 1:
        because = (f"both sides are {'open for writing' if opened else 'closed'}", *because)
    named = {word for word in speaking.values() if word}
    if len(named) > 1:
        return "", (*because, "these do not agree: look at the data")
    # The store alone speaks for nobody: it may be older than it can know.
    return (min(named), because) if says or len(opened) == 1 else ("", because)


def refuse_away(tools: Tools, cluster_id: str, word: str) -> None:
    """Refused SideDown where a side cannot be asked."""
    found = probe(tools, cluster_id, word)
    if not found.reachable:
        raise Refused(
            f"The {word} cannot be asked: {found.error}",
            code="SideDown",
            remedy="Bring it back first.",
        )
