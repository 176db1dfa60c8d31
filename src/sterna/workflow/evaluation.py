"""The prechecks, run against a registered instance, and what follows from their findings."""

from __future__ import annotations

import dataclasses
import shutil
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from sterna.clusters.accounts import AccountPlan
from sterna.dataplane.schema import show_create_table
from sterna.dataplane.schema_tables import Facts, convert_table
from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.mysql.catalog import Column, Table
from sterna.mysql.connection import Session, execute, greeting_version, open_session, query
from sterna.mysql.statements import statement
from sterna.mysql.version import Version
from sterna.prechecks import Context, run_prechecks
from sterna.prechecks.base import OPENING_SECONDS_MAX, SAMPLING_SECONDS_MAX, Convert, Sampling
from sterna.prechecks.unknown_collations import known_collations
from sterna.store.records import Finding
from sterna.workflow.hosting import rooms
from sterna.workflow.inheritance import carried
from sterna.workflow.sessions import CATALOG_SECONDS_MAX
from sterna.workflow.tools import SERVER_ID_BASE, Tools

LOCK_WAIT_SECONDS = 2
SERVER_IDS = range(SERVER_ID_BASE, SERVER_ID_BASE + 100_000_000)
NODE_ADDRESS = "127.0.0.1"  # where nodes are made that are on no other host


def run(
    tools: Tools,
    instance_id: str,
    target_version: str,
    *,
    migrating: bool = False,
    only: str = "",
    hosts: Collection[str] = (),
    sample_seconds: float = SAMPLING_SECONDS_MAX,
) -> tuple[Finding, ...]:
    """All findings in their fixed order, or those of one check. Nothing is changed anywhere.

    `migrating`: the instance is on its way already, so our own traces are no findings. `hosts`:
    ids of those the nodes are to be made on; none: this machine. `sample_seconds`: how long rows
    may be looked at, all tables together.
    """
    target = tools.target(target_version)
    with _looking(tools, instance_id) as source:
        context = Context(
            source,
            target,
            accounts=_account_plans(tools, instance_id, target),
            migrating=migrating,
            instance=instance_id,
            endpoint_addresses=_endpoint_addresses(tools, instance_id, hosts),
            whitelists=_whitelists(tools, instance_id),
            free_bytes=shutil.disk_usage(tools.settings.home).free,
            host_rooms=tuple(rooms(tools, hosts)),
            reserved_server_ids=SERVER_IDS,
            convert=table_converter(source, target),
            sampling=Sampling(sample_seconds),
            opening=Sampling(max(sample_seconds, OPENING_SECONDS_MAX)),
            own_account=tools.own_accounts(instance_id)[0],
        )
        found = run_prechecks(context, only)
        return tuple(Finding(**dataclasses.asdict(finding)) for finding in found)


@contextmanager
def _looking(tools: Tools, instance_id: str) -> Iterator[Session]:
    """A session that cannot write, waits for no lock and asks for nothing that takes long."""
    session = open_session(
        tools.instance_server(instance_id),
        # 5.6 cannot end a statement by itself: there the connection is given up.
        read_timeout_seconds=CATALOG_SECONDS_MAX + 1,
        lock_wait_seconds=LOCK_WAIT_SECONDS,
    )
    with closing(session):
        execute(session, "SET SESSION TRANSACTION READ ONLY")
        if limit := statement("time_limit", greeting_version(session)):
            execute(session, limit.format(seconds=round(CATALOG_SECONDS_MAX)))
        yield session


def _account_plans(tools: Tools, instance_id: str, target: Version) -> tuple[AccountPlan, ...]:
    """The plans of all accounts; none where they may not be read, which is a finding of its own."""
    try:
        return carried(tools, instance_id, target).plans
    except Refused as error:
        if error.code != "AccessDenied":
            raise
        return ()


def _endpoint_addresses(tools: Tools, instance_id: str, hosts: Collection[str]) -> tuple[str, ...]:
    """What the source and the nodes see of clients that come by an endpoint: the address that this
    machine, where the proxy runs, has on the way to each."""
    instance = tools.inventory.instance(instance_id)
    nodes = [
        (node.host, node.port)
        for migration in tools.journal.migrations()
        if migration.instance_id == instance_id and migration.status != Status.CLOSED
        for node in tools.inventory.nodes(migration.cluster_id)
    ]
    wanted = [(tools.hosts.host(host_id).address, 0) for host_id in hosts]
    servers = [(instance.host, instance.port), *(nodes or wanted or [(NODE_ADDRESS, 0)])]
    found = (outgoing_address(host, port) for host, port in servers)
    return tuple(dict.fromkeys(address for address in found if address))


def outgoing_address(host: str, port: int) -> str:
    """The address this machine comes from when it connects to `host`; "" where no way leads there.
    Nothing is sent."""
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, port or 1, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    return ""


def _whitelists(tools: Tools, instance_id: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(e.type, e.allowed_networks) for e in tools.inventory.endpoints(instance_id)]


def table_converter(source: Session, target: Version) -> Convert:
    """What the copy makes of a table, as far as it can be known before there is a target."""
    is_new_mysql = not target.is_mariadb and target.at_least(8)
    own = query(source, "SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
    collations = known_collations() if is_new_mysql else frozenset(str(row[0]) for row in own)
    facts = Facts(greeting_version(source), target, collations)

    def convert(table: Table, columns: list[Column]) -> Sequence[str]:
        definition = show_create_table(source, table)
        return convert_table(definition, table, columns=columns, facts=facts).notes

    return convert


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
            remedy="\n".join(dict.fromkeys(e.remedy for e in errors)),
        )
