"""The prechecks, run against a registered instance, and what follows from their findings."""

from __future__ import annotations

from sterna.clusters.engines import choose_engine
from sterna.errors import Refused
from sterna.store.records import Finding
from sterna.workflow.tools import Tools


def run(tools: Tools, instance_id: str, target_version: str) -> tuple[Finding, ...]:
    """All findings in their fixed order. Nothing is changed anywhere."""
    choose_engine(tools.engines, target_version)
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
            " ".join(f"{e.check}: {e.message}" for e in errors),
            code="PrecheckFailed",
            remedy=" ".join(dict.fromkeys(e.remedy for e in errors)),
        )
