"""`sterna evaluate`: all prechecks, nothing created."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, out, say, show
from sterna.errors import Refused
from sterna.store.records import Evaluation, Finding

Version = Annotated[str, typer.Option(help="Version of the cluster, as `engine list` shows it.")]


def evaluate(
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE")],
    version: Version,
    as_json: Json = False,
) -> None:
    """Run all prechecks for an upgrade to a version; nothing is created or changed.

    Exits with 3 when there are errors an upgrade would stop at.
    """
    path = f"/instances/{instance_id}/evaluations"
    report = connect().post(path, Evaluation, {"target_version": version})
    show(report, as_json=as_json, human=lambda: _print(report))
    if report.result == "failed":
        raise Refused(
            f"An upgrade of {instance_id} to {version} would stop at its prechecks.",
            code="PrecheckFailed",
            remedy="Do what the findings advise, then evaluate again.",
        )


def _print(report: Evaluation) -> None:
    for finding in report.findings:
        _print_finding(finding)
    kept = f"{report.expires_at:%Y-%m-%d}"
    say(f"{report.id}: {report.result}, {len(report.findings)} findings, kept until {kept}")


def _print_finding(finding: Finding) -> None:
    ignorable = " (may be ignored)" if finding.ignorable else ""
    say(f"{finding.severity}  {finding.check}  {finding.object}{ignorable}")
    console = out()
    for text in (finding.message, finding.why, finding.remedy):
        if text:
            console.print(f"    {text}", markup=False)
    console.print()
