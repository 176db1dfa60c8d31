"""What belongs to the instance besides its data: accounts with their passwords, parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sterna.clusters import accounts
from sterna.clusters.account_copy import Carried, apply_accounts, compare_accounts
from sterna.clusters.account_reading import read_accounts, read_definers, read_vocabulary
from sterna.clusters.accounts import Account, Decision, plan_accounts
from sterna.clusters.parameters import ZONE_OPTION, can_start_with, read_inherited
from sterna.clusters.time_zones import carry_time_zones
from sterna.errors import Refused
from sterna.mysql.connection import Server, Session, execute, open_session, scalar
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version
from sterna.store.records import AccountPlan
from sterna.workflow.sessions import CATALOG_SECONDS_MAX
from sterna.workflow.tools import Tools


@contextmanager
def _session(server: Server) -> Iterator[Session]:
    connection = open_session(server, read_timeout_seconds=CATALOG_SECONDS_MAX)
    try:
        yield connection
    finally:
        connection.close()


def decisions(tools: Tools, instance_id: str, source: Session) -> dict[str, Decision]:
    """What the user decided; the account Sterna itself uses brings its password along."""
    user, _, host = str(scalar(source, "SELECT CURRENT_USER()")).rpartition("@")
    ours = f"{quote_text(user)}@{quote_text(host)}"
    decided = {ours: Decision(tools.inventory.instance_password(instance_id))}
    chosen = tools.inventory.account_decisions(instance_id)
    return {**decided, **{name: Decision(password) for name, password in chosen.items()}}


def carried(tools: Tools, instance_id: str, target: Version) -> Carried:
    """The accounts of an instance and what becomes of each at a target of that version."""
    with _session(tools.instance_server(instance_id)) as source:
        found = read_accounts(source)
        plans = plan_accounts(
            found,
            target,
            decisions=decisions(tools, instance_id, source),
            definers=read_definers(source),
            existing=tools.own_accounts(instance_id),
        )
        return Carried(found, plans, read_vocabulary(source))


def account_plans(tools: Tools, instance_id: str, target_version: str) -> list[AccountPlan]:
    """The same for the user's eyes."""
    target = tools.target(target_version)
    plans = carried(tools, instance_id, target).plans
    return [AccountPlan(p.account, p.plugin, p.how, p.reason) for p in plans]


def check_account(tools: Tools, instance_id: str, name: str) -> Account:
    """The account of that name; Refused when the instance has none."""
    with _session(tools.instance_server(instance_id)) as source:
        found = {account.name: account for account in read_accounts(source)}
    if name in found:
        return found[name]
    raise Refused(
        f"{instance_id} has no account {name}.",
        code="NotFound",
        remedy=f"Write it as one of these: {', '.join(found)}.",
    )


def check_account_password(tools: Tools, instance_id: str, name: str, password: str) -> None:
    """Refused when the password is not the one the account has on the source."""
    if not accounts.fits(check_account(tools, instance_id, name), password):
        raise Refused(
            f"That is not the password {name} has on {instance_id}.",
            code="WrongPassword",
            remedy="Supply the password the applications use today, so that they still get in.",
        )


def carry_accounts(tools: Tools, cluster_id: str) -> str:
    """Create the accounts on the cluster; what did not make it is in the sentence."""
    return _apply(tools, cluster_id, "accounts")


def carry_grants(tools: Tools, cluster_id: str) -> str:
    """Grant what needs the objects to be there."""
    return _apply(tools, cluster_id, "objects")


def _apply(tools: Tools, cluster_id: str, phase: str) -> str:
    instance_id = tools.journal.migration(cluster_id).instance_id
    target = tools.target(tools.inventory.cluster(cluster_id).engine)
    accounts_ = carried(tools, instance_id, target)
    with _session(tools.cluster(cluster_id).server) as session:
        notes = apply_accounts(session, accounts_, phase=phase)  # type: ignore[arg-type]
    names = [account.name for account, _ in accounts_.pairs()]
    left = [f"{p.account} left out: {p.reason}" for p in accounts_.plans if p.how == "left out"]
    told = " ".join([*notes, *(left if phase == "accounts" else [])])
    return f"{len(names)} accounts: {', '.join(names)}. {told}".strip()


def bring_up_to_date(tools: Tools, cluster_id: str) -> str:
    """Carry what changed in the source's accounts since the copy; Refused when it cannot be."""
    instance_id = tools.journal.migration(cluster_id).instance_id
    target = tools.target(tools.inventory.cluster(cluster_id).engine)
    accounts_ = carried(tools, instance_id, target)
    _refuse_undecided(instance_id, accounts_.plans)
    source, cluster = tools.source(cluster_id).server, tools.cluster(cluster_id).server
    with _session(source) as there, _session(cluster) as here:
        apply_accounts(here, accounts_, phase="accounts")
        apply_accounts(here, accounts_, phase="objects")
        differences = compare_accounts(there, here, accounts_.plans)
    if differences:
        raise Refused(
            f"The accounts of cluster and source differ: {' '.join(differences)}",
            code="AccountsDiffer",
            remedy="Make them alike on the cluster, or change the source, then try again.",
        )
    return f"{len(list(accounts_.pairs()))} accounts are on the cluster as they are on the source"


def _refuse_undecided(instance_id: str, plans: Iterable[accounts.AccountPlan]) -> None:
    names = [plan.account for plan in plans if plan.how == accounts.UNDECIDED]
    if names:
        raise Refused(
            f"Nobody has decided yet how these accounts reach the cluster: {', '.join(names)}.",
            code="AccountsUndecided",
            remedy=f"For each: sterna account set-password {instance_id} ACCOUNT, "
            f"or: sterna account leave-out {instance_id} ACCOUNT.",
        )


def inherited_parameters(tools: Tools, cluster_id: str) -> dict[str, str]:
    """The source's parameters that the cluster is started with."""
    target = tools.target(tools.inventory.cluster(cluster_id).engine)
    with _session(tools.source(cluster_id).server) as source:
        return read_inherited(source, target)


def teach_time_zones(tools: Tools, cluster_id: str) -> int:
    """Let a new primary know the zones the source knows by name; how many it knows then."""
    with (
        _session(tools.source(cluster_id).server) as source,
        _session(tools.cluster(cluster_id).server) as cluster,
    ):
        return carry_time_zones(source, cluster)


def settle_time_zone(tools: Tools, cluster_id: str, node_id: str) -> None:
    """Let a node run in the inherited zone from now on, where it could not start in it because it
    is known by name. The node knows zones by name now, and is Running."""
    kept = tools.inventory.cluster_parameters(cluster_id)
    if can_start_with(kept) == kept:
        return
    node = tools.node(cluster_id, node_id)
    tools.provisioner.configure_node(tools.node_spec(cluster_id, node))
    with _session(tools.node_server(cluster_id, node)) as session:
        execute(session, "SET GLOBAL time_zone = %s", [kept[ZONE_OPTION]])
