"""What is looked at before an upgrade: the prechecks, and how each account will travel."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from sterna.errors import Refused
from sterna.migration.policy import EVALUATION_LIFETIME
from sterna.mysql.connection import execute, open_session
from sterna.prechecks.base import SAMPLING_SECONDS_MAX
from sterna.store.database import now
from sterna.store.records import AccountPlan, Evaluation, EvaluationComparison, Finding
from sterna.store.repository import new_id
from sterna.workflow import evaluation, inheritance
from sterna.workflow.report_page import render_page
from sterna.workflow.tools import Tools


class Evaluating:
    """Nothing here changes anything on a source but `fix`, which runs what it showed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def evaluate(
        self, instance_id: str, target_version: str, *, sample_seconds: float = SAMPLING_SECONDS_MAX
    ) -> Evaluation:
        """Run all prechecks; nothing is created, nothing is changed on the source. Rows are looked
        at for `sample_seconds`, all tables together."""
        found = evaluation.run(
            self._tools, instance_id, target_version, sample_seconds=sample_seconds
        )
        return self._keep(instance_id, target_version, found)

    def _keep(
        self, instance_id: str, target_version: str, findings: tuple[Finding, ...]
    ) -> Evaluation:
        report = Evaluation(
            id=new_id("ev"),
            instance_id=instance_id,
            target_version=target_version,
            created_at=now(),
            expires_at=now() + EVALUATION_LIFETIME,
            result=_result(findings),
            findings=findings,
        )
        self._tools.journal.add_evaluation(report)
        return report

    def reports(self, instance_id: str) -> list[Evaluation]:
        """The reports of the last seven days."""
        self._tools.inventory.instance(instance_id)
        return self._tools.journal.evaluations(instance_id)

    def report(self, instance_id: str, evaluation_id: str) -> Evaluation:
        """One kept report; Refused NotFound."""
        found = [each for each in self.reports(instance_id) if each.id == evaluation_id]
        if not found:
            raise Refused(
                f"{instance_id} has no report {evaluation_id}, or it has expired.",
                code="NotFound",
                remedy=f"List them with: sterna evaluation list {instance_id}",
            )
        return found[0]

    def comparison(self, instance_id: str, evaluation_id: str) -> EvaluationComparison:
        """A report beside the one before it, for the same version."""
        report = self.report(instance_id, evaluation_id)
        before = [
            each
            for each in self.reports(instance_id)
            if each.target_version == report.target_version and each.created_at < report.created_at
        ]
        return compare(report, before[-1] if before else None)

    def page(self, instance_id: str, evaluation_id: str) -> str:
        """A report as one HTML page that needs nothing else."""
        report = self.report(instance_id, evaluation_id)
        return render_page(report, self.comparison(instance_id, evaluation_id))

    def fixable(self, instance_id: str, check: str) -> list[Finding]:
        """What the check finds now and Sterna may put right: each with its SQL. Changes nothing."""
        findings = evaluation.run(self._tools, instance_id, self._version(instance_id), only=check)
        return [finding for finding in findings if finding.fix]

    def fix(self, instance_id: str, check: str) -> Evaluation:
        """Run that SQL on the source, evaluate anew, and keep in the report what was run."""
        version = self._version(instance_id)
        findings = self.fixable(instance_id, check)
        if not findings:
            raise Refused(
                f"There is nothing that Sterna may put right by itself: {check}.",
                code="NothingToChange",
                remedy="Do what its findings advise, or leave it.",
            )
        with open_session(self._tools.instance_server(instance_id)) as session:
            for sql in _statements(findings):
                execute(session, sql)
        left = evaluation.run(self._tools, instance_id, version)
        return self._keep(instance_id, version, (*map(_done, findings), *left))

    def _version(self, instance_id: str) -> str:
        reports = self.reports(instance_id)
        if not reports:
            raise Refused(
                f"{instance_id} has not been evaluated in the last seven days.",
                code="NotFound",
                remedy=f"Evaluate it: sterna evaluate {instance_id} --version V",
            )
        return reports[-1].target_version

    def accounts(self, instance_id: str, target_version: str) -> list[AccountPlan]:
        """How each account will reach a cluster of that version."""
        return inheritance.account_plans(self._tools, instance_id, target_version)

    def set_password(self, instance_id: str, account: str, password: str) -> None:
        """Supply the password of an account whose hash the target cannot take."""
        inheritance.check_account_password(self._tools, instance_id, account, password)
        self._tools.inventory.decide_account(instance_id, account, password)

    def leave_out(self, instance_id: str, account: str) -> None:
        """Decide that an account is not carried over."""
        inheritance.check_account(self._tools, instance_id, account)
        self._tools.inventory.decide_account(instance_id, account, None)


def compare(report: Evaluation, before: Evaluation | None) -> EvaluationComparison:
    """What is new, gone and still there; the same check about the same object is the same."""
    known = {_key(f): f for f in before.findings} if before else {}
    now_there = {_key(finding) for finding in report.findings}
    return EvaluationComparison(
        report.id,
        before.id if before else "",
        new=tuple(f for f in report.findings if before and _key(f) not in known),
        gone=tuple(f for key, f in known.items() if key not in now_there),
        still_there=tuple(f for f in report.findings if _key(f) in known),
    )


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.check, finding.object, finding.severity


def _statements(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield from (line.removesuffix(";") for line in finding.fix.splitlines())


def _done(finding: Finding) -> Finding:
    """What was run, as a note of the report after it."""
    message = f"Put right by Sterna: {' '.join(finding.fix.splitlines())}"
    return dataclasses.replace(
        finding, category="notes", severity="note", message=message, remedy="", fix=""
    )


def _result(findings: tuple[Finding, ...]) -> str:
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "failed"
    return "warnings" if "warning" in severities else "passed"
