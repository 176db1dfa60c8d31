"""The prechecks, run against a registered instance, and what follows from their findings."""

from __future__ import annotations

import dataclasses

from sterna.clusters.accounts import AccountPlan
from sterna.clusters.engines import choose_engine
from sterna.errors import Refused
from sterna.mysql.connection import open_session
from sterna.mysql.version import Version
from sterna.prechecks import Context, run_prechecks
from sterna.store.records import Finding
from sterna.workflow.inheritance import carried
from sterna.workflow.tools import Tools


def run(
    tools: Tools, instance_id: str, target_version: str, *, migrating: bool = False
) -> tuple[Finding, ...]:
    """All findings in their fixed order. Nothing is changed anywhere.

    `migrating`: the instance is on its way already, so our own traces are no findings.
    """
    target = choose_engine(tools.engines, target_version).version
    accounts = _account_plans(tools, instance_id, target)
    with open_session(tools.instance_server(instance_id)) as source:
        context = Context(
            source, target, accounts=accounts, migrating=migrating, instance=instance_id
        )
        return tuple(Finding(**dataclasses.asdict(f)) for f in run_prechecks(context))


def _account_plans(tools: Tools, instance_id: str, target: Version) -> tuple[AccountPlan, ...]:
    """The plans of all accounts; none where they may not be read, which is a finding of its own."""
    try:
        return carried(tools, instance_id, target).plans
    except Refused as error:
        if error.code != "AccessDenied":
            raise
        return ()


def refuse_errors(findings: tuple[Finding, ...], ignored: tuple[str, ...]) -> None:
    """Refused when an error was found that is not ignored or must not be."""
    errors = [
        finding
        for finding in findings
        if finding.severity == "error" and not (finding.ignorable and finding.check in ignored)
    ]
    if errors:
        raise Refused(
            " ".join(f"{e.check} ({e.object}): {e.message}" for e in errors),
            code="PrecheckFailed",
            remedy=" ".join(dict.fromkeys(e.remedy for e in errors)),
        )
