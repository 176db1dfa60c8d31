"""What a cluster has inherited, looked at side by side: parameters, accounts, objects.

Only looks. What is carried, and when, is `inheritance.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sterna.clusters.account_copy import compare_accounts
from sterna.clusters.carried_objects import compare_objects, count_objects
from sterna.clusters.parameters import plan_parameters
from sterna.mysql.connection import Session, open_session
from sterna.mysql.variables import read_variables
from sterna.store.records import InheritedParameter, InheritedState
from sterna.workflow import inheritance
from sterna.workflow.tools import Tools

_PLURALS = {"view": "views", "procedure": "procedures", "function": "functions"}
_PLURALS |= {"trigger": "triggers", "event": "events", "database": "databases"}


class Inherited:
    """Compares both sides of a migration."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def parameters(self, cluster_id: str) -> list[InheritedParameter]:
        """The source's parameters that matter, what became of each, and what holds now."""
        tools = self._tools
        target = tools.target(tools.inventory.cluster(cluster_id).engine)
        with _both(tools, cluster_id) as (source, cluster):
            planned = plan_parameters(source, target)
            found = read_variables(cluster, *sorted({p.name for p in planned}))
        return [
            InheritedParameter(p.name, p.source_value, found.get(p.name, ""), p.how, p.why)
            for p in planned
        ]

    def state(self, cluster_id: str) -> InheritedState:
        """Accounts, grants and objects of both sides, compared now."""
        return look(self._tools, cluster_id)


def look(tools: Tools, cluster_id: str) -> InheritedState:
    """Compare what both sides have now; every difference in one sentence."""
    instance_id = tools.journal.migration(cluster_id).instance_id
    target = tools.target(tools.inventory.cluster(cluster_id).engine)
    plans = inheritance.carried(tools, instance_id, target).plans
    with _both(tools, cluster_id) as (source, cluster):
        return InheritedState(
            accounts=sum(plan.how in ("carried", "password supplied") for plan in plans),
            objects=count_objects(source),
            account_differences=compare_accounts(source, cluster, plans),
            object_differences=compare_objects(source, cluster),
        )


def sentence(state: InheritedState) -> str:
    """What was found, for the history of the migration."""
    differences = (*state.account_differences, *state.object_differences)
    counts = ", ".join(
        f"{number} {kind if number == 1 else _PLURALS.get(kind, kind)}"
        for kind, number in state.objects.items()
    )
    told = f"Compared {state.accounts} accounts and {counts or 'no objects'}: "
    return told + (" ".join(differences) if differences else "the same on both sides.")


@contextmanager
def _both(tools: Tools, cluster_id: str) -> Iterator[tuple[Session, Session]]:
    source, cluster = tools.source(cluster_id).server, tools.cluster(cluster_id).server
    with open_session(source) as there, open_session(cluster) as here:
        yield there, here
