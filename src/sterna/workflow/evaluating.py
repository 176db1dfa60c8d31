"""What is looked at before an upgrade: the prechecks, and how each account will travel."""

from __future__ import annotations

from sterna.migration.policy import EVALUATION_LIFETIME
from sterna.store.database import now
from sterna.store.records import AccountPlan, Evaluation, Finding
from sterna.store.repository import new_id
from sterna.workflow import evaluation, inheritance
from sterna.workflow.tools import Tools


class Evaluating:
    """Nothing here changes anything on a source."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def evaluate(self, instance_id: str, target_version: str) -> Evaluation:
        """Run all prechecks; nothing is created, nothing is changed on the source."""
        findings = evaluation.run(self._tools, instance_id, target_version)
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


def _result(findings: tuple[Finding, ...]) -> str:
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "failed"
    return "warnings" if "warning" in severities else "passed"
