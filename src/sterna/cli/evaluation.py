"""`sterna evaluate` and `sterna evaluation`: all prechecks, their reports, and what puts right."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import Client, connect
from sterna.cli.output import Json, out, print_table, say, show
from sterna.errors import Refused
from sterna.prechecks import CATEGORIES
from sterna.store.records import Evaluation, EvaluationComparison, Finding

app = typer.Typer(no_args_is_help=True, help="Reports of the prechecks, kept for seven days.")

InstanceId = Annotated[str, typer.Argument(metavar="INSTANCE")]
EvaluationId = Annotated[str, typer.Argument(metavar="EVALUATION")]
Version = Annotated[str, typer.Option(help="Version of the cluster, as `engine list` shows it.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", dir_okay=False, help="Write the report as an HTML page to this file."),
]


def evaluate(
    instance_id: InstanceId,
    version: Version,
    sample_seconds: Annotated[
        float,
        typer.Option(
            min=0, max=3600, help="How long rows may be looked at, not definitions alone."
        ),
    ] = 20.0,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Run all prechecks for an upgrade to a version; nothing is created or changed.

    Exits with 3 when there are errors an upgrade would stop at.
    """
    client = connect()
    path = f"/instances/{instance_id}/evaluations"
    asked = {"target_version": version, "sample_seconds": sample_seconds}
    report = client.post(path, Evaluation, asked)
    _show(client, report, html=html, as_json=as_json)
    if report.result == "failed":
        raise Refused(
            f"An upgrade of {instance_id} to {version} would stop at its prechecks.",
            code="PrecheckFailed",
            remedy="Do what the findings advise, then evaluate again.",
        )


@app.command("list")
def list_evaluations(instance_id: InstanceId, as_json: Json = False) -> None:
    """List the reports of an instance, oldest first."""
    reports = connect().get(f"/instances/{instance_id}/evaluations", list[Evaluation])
    rows = ((r.id, r.target_version, r.created_at, r.result, len(r.findings)) for r in reports)
    columns = ("Evaluation", "Version", "Made", "Result", "Findings")
    empty = f"None. Make one: sterna evaluate {instance_id} --version V"
    show(reports, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_evaluation(
    instance_id: InstanceId, evaluation_id: EvaluationId, html: Html = None, as_json: Json = False
) -> None:
    """Show one report again."""
    client = connect()
    report = client.get(f"/instances/{instance_id}/evaluations/{evaluation_id}", Evaluation)
    _show(client, report, html=html, as_json=as_json)


@app.command("fix")
def fix(
    instance_id: InstanceId,
    check: Annotated[str, typer.Argument(metavar="CHECK", help="Name of a precheck.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the SQL.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Run the SQL that puts right what a precheck finds, where that is safe; then evaluate anew.

    The SQL is shown first. The new report says what was run.
    """
    client, path = connect(), f"/instances/{instance_id}/fixes"
    findings = client.get(path, list[Finding], check=check)
    if dry_run:
        show(findings, as_json=as_json, human=lambda: _print_fixes(findings))
        return
    if not as_json:
        _print_fixes(findings)
    if findings:
        confirm(f"Run this on {instance_id}?", yes=yes)
    report = client.post(path, Evaluation, {"check": check})
    show(report, as_json=as_json, human=lambda: say(_summary(report)))


def _print_fixes(findings: list[Finding]) -> None:
    for finding in findings:
        say(f"-- {finding.object}: {finding.message}\n{finding.fix}")
    if not findings:
        say("There is nothing that Sterna may put right by itself.")


def _show(client: Client, report: Evaluation, *, html: Path | None, as_json: bool) -> None:
    path = f"/instances/{report.instance_id}/evaluations/{report.id}"
    if html is not None:
        html.write_text(client.text(f"{path}/page"), encoding="utf-8")
    if as_json:
        show(report, as_json=True, human=lambda: None)
        return
    _print(report, client.get(f"{path}/comparison", EvaluationComparison))


def _print(report: Evaluation, comparison: EvaluationComparison) -> None:
    new = set(comparison.new)
    for category, findings in groupby(report.findings, key=lambda finding: finding.category):
        say(f"{CATEGORIES[category]}\n")
        for finding in findings:
            _print_finding(finding, is_new=finding in new)
    say(_summary(report))
    if comparison.previous_id:
        say(
            f"Since {comparison.previous_id}: {len(comparison.new)} new,"
            f" {len(comparison.gone)} gone, {len(comparison.still_there)} still there"
        )
        for finding in comparison.gone:
            say(f"    gone: {finding.check}  {finding.object}")


def _summary(report: Evaluation) -> str:
    found = Counter(finding.severity for finding in report.findings)
    counts = ", ".join(f"{found[kind]} {kind}s" for kind in ("error", "warning", "note"))
    return f"{report.id}: {report.result}. {counts}. Kept until {report.expires_at:%Y-%m-%d}"


def _print_finding(finding: Finding, *, is_new: bool) -> None:
    words = {
        "new": is_new,
        "may be ignored": finding.severity == "error" and finding.ignorable,
        f"sterna evaluation fix … {finding.check}": bool(finding.fix),
    }
    told = [word for word, holds in words.items() if holds]
    more = f" ({'; '.join(told)})" if told else ""
    say(f"{finding.severity}  {finding.check}  {finding.object}{more}")
    console = out()
    for text in (finding.message, finding.why, finding.remedy):
        if text:
            console.print(indent(text, "    "), markup=False)
    console.print()
