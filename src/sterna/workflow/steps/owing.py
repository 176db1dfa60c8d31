"""What an ended migration still owes a side that could not be reached at its end.

A side without the writes is closed, and both are freed of everything of ours. Nobody waits for one
that is away: what it is owed is a fact of the operation, the watch does it the moment the side
answers, and until then it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sterna.dataplane import checkpoint
from sterna.dataplane.spec import FORWARD, REVERSE, checkpoint_name
from sterna.migration.status import Status
from sterna.store.records import Migration
from sterna.workflow.steps import resolving, sides
from sterna.workflow.tools import Side, Tools

# The facts that say that a side is still to be left as it should be.
OWED = {"source": "owed_to_source", "cluster": "owed_to_cluster"}


@dataclass(frozen=True)
class Debt:
    """A side, source or cluster, that an operation could not leave as it should be."""

    operation_id: str
    cluster_id: str
    word: str


def leave(tools: Tools, cluster_id: str, side: Side) -> str:
    """Leave a side as the end of its migration wants it; may be done again."""
    migration = tools.journal.migration(cluster_id)
    closed = _close_open(tools, side) if is_to_be_closed(migration, side.word) else ""
    with tools.sessions.lend(side.server) as connection:
        for direction in (FORWARD, REVERSE):
            checkpoint.remove(connection, checkpoint_name(migration.task_id, direction))
    return f"the {side.word} is {closed}free of our tables"


def _close_open(tools: Tools, side: Side) -> str:
    """It may have forgotten in a restart that it only followed."""
    with tools.sessions.lend(side.server) as connection:
        if sides.is_read_only(connection):
            return ""
    cut = resolving.close(tools, side)
    return f"read-only again (cut {sides.whose(cut)}), and "


def is_to_be_closed(migration: Migration, word: str) -> bool:
    """Whether a side had no writes when its migration ended, and has been given none since."""
    return (migration.source_mode if word == "source" else migration.cluster_mode) == "ro"


def debts(tools: Tools) -> Iterator[Debt]:
    """Every side that is still owed something."""
    for word, fact in OWED.items():
        for row in tools.journal.with_fact(fact):
            yield Debt(row.id, row.cluster_id, word)


def is_void(tools: Tools, debt: Debt) -> bool:
    """The side is not ours any more, or is on its way again."""
    migration = tools.journal.migration(debt.cluster_id)
    if debt.word == "cluster":
        return all(cluster.id != debt.cluster_id for cluster in tools.inventory.clusters())
    is_known = any(each.id == migration.instance_id for each in tools.inventory.instances())
    return not is_known or any(
        each.instance_id == migration.instance_id and each.status != Status.CLOSED
        for each in tools.journal.migrations()
    )


def pay(tools: Tools, debt: Debt) -> str:
    """Leave the side as it should be; what was done, nothing where there was nothing to do.

    Raises SternaError while the side is away.
    """
    sentence = ""
    if tools.journal.migration(debt.cluster_id).operation:
        return sentence
    if not is_void(tools, debt):
        side = (tools.source if debt.word == "source" else tools.cluster)(debt.cluster_id)
        sentence = leave(tools, debt.cluster_id, side)
    tools.journal.learn(debt.operation_id, **{OWED[debt.word]: False})
    return sentence
