"""Instances, their evaluations and their accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import Field

from sterna.server.api.common import TheService
from sterna.store.records import (
    AccountPlan,
    Evaluation,
    EvaluationComparison,
    Finding,
    Instance,
    Plan,
)
from sterna.store.view_records import ConnectionTest

router = APIRouter(prefix="/instances", tags=["instances"])

Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True)
class NewInstance:
    """A server to register. `endpoint_port` is chosen when it is left out."""

    host: str
    port: Port
    user: str
    password: str = field(repr=False)
    description: str = ""
    tls: Literal["Disabled", "Preferred", "Required"] = "Preferred"
    endpoint_port: Port | None = None


@dataclass(frozen=True)
class Connection:
    """A server to try."""

    host: str
    port: Port
    user: str
    password: str = field(repr=False)
    tls: Literal["Disabled", "Preferred", "Required"] = "Preferred"


@dataclass(frozen=True)
class OwnPassword:
    """The password that Sterna's own account on an instance has now."""

    password: str = field(repr=False)


@dataclass(frozen=True)
class NewEvaluation:
    """The version to evaluate for, and how long rows may be looked at."""

    target_version: str
    sample_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0


@dataclass(frozen=True)
class CheckName:
    """One precheck."""

    check: str


@dataclass(frozen=True)
class AccountPassword:
    """The password an account will have on the cluster. `account` is 'user'@'host'."""

    account: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class AccountName:
    """One account, written 'user'@'host'."""

    account: str


@router.post("", status_code=201)
def add_instance(new: NewInstance, service: TheService) -> Instance:
    """Register a server and give it an endpoint. Nothing on the server changes."""
    return service.instances.add(
        new.host,
        new.port,
        new.user,
        new.password,
        description=new.description,
        tls=new.tls,
        endpoint_port=new.endpoint_port,
    )


@router.post("/test")
def test_connection(given: Connection, service: TheService) -> ConnectionTest:
    """Log in to a server and look at it. Nothing is kept, and nothing on the server changes."""
    return service.instances.test(given.host, given.port, given.user, given.password, given.tls)


@router.get("")
def list_instances(service: TheService) -> list[Instance]:
    """All registered instances."""
    return service.instances.all()


@router.get("/{instance_id}")
def show_instance(instance_id: str, service: TheService) -> Instance:
    """One instance."""
    return service.instances.one(instance_id)


@router.post("/{instance_id}/set-password")
def set_password(instance_id: str, given: OwnPassword, service: TheService) -> Instance:
    """Tell the password Sterna's own account has now; it is tried first. A sync task under way
    goes on with it. Nothing on the server changes."""
    return service.instances.set_password(instance_id, given.password)


@router.get("/{instance_id}/release/plan")
def plan_release(instance_id: str, service: TheService) -> Plan:
    """What a release would do, and why it would be refused. Changes nothing."""
    return service.instances.plan_release(instance_id)


@router.post("/{instance_id}/release", status_code=204)
def release_instance(instance_id: str, service: TheService) -> None:
    """Forget an instance; the server stays as it is. Refused while a migration is under way."""
    service.instances.release(instance_id)


@router.post("/{instance_id}/evaluations", status_code=201)
def evaluate(instance_id: str, new: NewEvaluation, service: TheService) -> Evaluation:
    """Run all prechecks and keep the report for seven days. Nothing is created."""
    return service.evaluating.evaluate(
        instance_id, new.target_version, sample_seconds=new.sample_seconds
    )


@router.get("/{instance_id}/evaluations")
def list_evaluations(instance_id: str, service: TheService) -> list[Evaluation]:
    """The kept reports of an instance."""
    return service.evaluating.reports(instance_id)


@router.get("/{instance_id}/evaluations/{evaluation_id}")
def show_evaluation(instance_id: str, evaluation_id: str, service: TheService) -> Evaluation:
    """One kept report."""
    return service.evaluating.report(instance_id, evaluation_id)


@router.get("/{instance_id}/evaluations/{evaluation_id}/comparison")
def compare_evaluation(
    instance_id: str, evaluation_id: str, service: TheService
) -> EvaluationComparison:
    """What is new, gone and still there since the report before."""
    return service.evaluating.comparison(instance_id, evaluation_id)


@router.get("/{instance_id}/evaluations/{evaluation_id}/page", response_class=HTMLResponse)
def evaluation_page(instance_id: str, evaluation_id: str, service: TheService) -> str:
    """A kept report as one HTML page to print or send; it loads nothing."""
    return service.evaluating.page(instance_id, evaluation_id)


@router.get("/{instance_id}/fixes")
def plan_fix(
    instance_id: str, check: Annotated[str, Query()], service: TheService
) -> list[Finding]:
    """What Sterna may put right by itself of what a check finds now, with the SQL. Changes
    nothing."""
    return service.evaluating.fixable(instance_id, check)


@router.post("/{instance_id}/fixes", status_code=201)
def fix(instance_id: str, what: CheckName, service: TheService) -> Evaluation:
    """Run that SQL on the source, then evaluate anew; the report keeps what was run."""
    return service.evaluating.fix(instance_id, what.check)


@router.get("/{instance_id}/accounts")
def list_accounts(
    instance_id: str, target_version: Annotated[str, Query()], service: TheService
) -> list[AccountPlan]:
    """How each account of the instance would reach a cluster of `target_version`."""
    return service.evaluating.accounts(instance_id, target_version)


@router.post("/{instance_id}/accounts/set-password", status_code=204)
def set_account_password(instance_id: str, given: AccountPassword, service: TheService) -> None:
    """Supply the password of an account whose stored hash the target cannot use."""
    service.evaluating.set_password(instance_id, given.account, given.password)


@router.post("/{instance_id}/accounts/leave-out", status_code=204)
def leave_out_account(instance_id: str, given: AccountName, service: TheService) -> None:
    """Do not carry an account to the cluster."""
    service.evaluating.leave_out(instance_id, given.account)
