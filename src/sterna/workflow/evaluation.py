"""The prechecks, run against a registered instance, and what follows from their findings."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sterna.clusters.accounts import AccountPlan
from sterna.clusters.engines import choose_engine
from sterna.errors import Refused
from sterna.mysql.connection import Session, execute, greeting_version, open_session
from sterna.mysql.identifiers import quote_text
from sterna.mysql.statements import statement
from sterna.mysql.version import Version
from sterna.prechecks import Context, run_prechecks
from sterna.store.records import Finding
from sterna.workflow.inheritance import carried
from sterna.workflow.tools import ADMIN_USER, SERVER_ID_BASE, Tools

LOCK_WAIT_SECONDS = 2
# 5.6 cannot end a statement by itself: there the connection is given up.
READ_TIMEOUT_SECONDS = 60.0
SERVER_IDS = range(SERVER_ID_BASE, SERVER_ID_BASE + 100_000_000)
ENDPOINT_ADDRESS = "127.0.0.1"  # the endpoints run beside the nodes


def run(
    tools: Tools, instance_id: str, target_version: str, *, migrating: bool = False, only: str = ""
) -> tuple[Finding, ...]:
    """All findings in their fixed order, or those of one check. Nothing is changed anywhere.

    `migrating`: the instance is on its way already, so our own traces are no findings.
    """
    target = choose_engine(tools.engines, target_version).version
    with _looking(tools, instance_id) as source:
        context = Context(
            source,
            target,
            accounts=_account_plans(tools, instance_id, target),
            migrating=migrating,
            instance=instance_id,
            endpoint_address=ENDPOINT_ADDRESS,
            free_bytes=shutil.disk_usage(tools.settings.home).free,
            reserved_server_ids=SERVER_IDS,
            own_account=f"{quote_text(ADMIN_USER)}@{quote_text(ENDPOINT_ADDRESS)}",
        )
        found = run_prechecks(context, only)
        return tuple(Finding(**dataclasses.asdict(finding)) for finding in found)


@contextmanager
def _looking(tools: Tools, instance_id: str) -> Iterator[Session]:
    """A session that cannot write, waits for no lock and asks for nothing that takes long."""
    session = open_session(
        tools.instance_server(instance_id),
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
        lock_wait_seconds=LOCK_WAIT_SECONDS,
    )
    with closing(session):
        execute(session, "SET SESSION TRANSACTION READ ONLY")
        if limit := statement("time_limit", greeting_version(session)):
            execute(session, limit)
        yield session


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
