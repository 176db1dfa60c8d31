"""From nothing to a cluster that follows: nodes, endpoints, accounts, copy.

Nothing here is undone: when a step fails the cluster stays as it is, the migration shows
Pre-check failed, and the user continues or gives up. Nothing is ever changed on the source.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from sterna.endpoints.render import NETWORKS_MAX
from sterna.endpoints.whitelist import merged
from sterna.errors import Refused, SternaError, Transient
from sterna.store.records import Endpoint, SyncTask
from sterna.workflow import evaluation, inheritance, inherited, joining
from sterna.workflow.engine import Run, step
from sterna.workflow.routing import address_of
from sterna.workflow.steps import sides

POLL_SECONDS = 0.2
KEPT = "the cluster is kept; the user continues or gives up"


@step(no_undo_because="reads only")
def check_before_creating(run: Run) -> str:
    """Run all prechecks against the source."""
    tools = run.tools
    migration = tools.journal.migration(run.cluster_id)
    cluster = tools.inventory.cluster(run.cluster_id)
    findings = evaluation.run(
        tools, migration.instance_id, cluster.engine, migrating=True, hosts=cluster.hosts
    )
    evaluation.refuse_errors(findings, tools.journal.ignored(run.cluster_id))
    return f"{len(findings)} findings, none of which stands in the way"


@step(no_undo_because=KEPT)
def create_nodes(run: Run) -> str:
    """Create the primary: its own data directory, read-only to applications, binary log on."""
    tools = run.tools
    writer = tools.writer(run.cluster_id)
    if writer.status == "Creating":
        parameters = inheritance.inherited_parameters(tools, run.cluster_id)
        tools.inventory.set_cluster_parameters(run.cluster_id, parameters)
    spec = tools.make_node(run.cluster_id, writer.id)
    zones = inheritance.teach_time_zones(tools, run.cluster_id)
    tools.inventory.set_node_status(writer.id, "Running")
    inheritance.settle_time_zone(tools, run.cluster_id, writer.id)
    known = f"; it knows {zones} time zones by name" if zones else ""
    return f"{writer.id} runs {spec.engine.version} at {spec.host}:{spec.port}, read-only{known}"


@step(no_undo_because=KEPT)
def open_cluster_endpoints(run: Run) -> str:
    """Give the cluster its primary and its cluster endpoint."""
    tools = run.tools
    there = {endpoint.type for endpoint in tools.inventory.endpoints(run.cluster_id)}
    writer = tools.writer(run.cluster_id)
    address, allowed = address_of(writer), _inherited_whitelist(run)
    network = tools.inventory.cluster(run.cluster_id).network_label or "Private"
    fresh = [
        tools.add_endpoint(
            run.cluster_id, type_, address, net_type=network, allowed_networks=allowed
        )
        for type_ in ("Primary", "Cluster")
        if type_ not in there
    ]
    tools.serve_new(fresh)
    addresses = [f"{e.host}:{e.port}" for e in tools.inventory.endpoints(run.cluster_id)]
    return f"the cluster answers at {' and '.join(addresses)}"


def _inherited_whitelist(run: Run) -> tuple[str, ...]:
    instance_id = run.tools.journal.migration(run.cluster_id).instance_id
    return inherited_whitelist(run.tools.inventory.endpoints(instance_id))


def inherited_whitelist(endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """Whoever may come in at any endpoint of the instance, its read-only ones included.

    Refused before such an endpoint is kept: it would be in the way of every exchange of others.
    """
    allowed = merged(network for each in endpoints for network in each.allowed_networks)
    if len(allowed) > NETWORKS_MAX:
        raise Refused(
            f"The whitelists of the instance's endpoints have {len(allowed)} networks together;"
            f" {NETWORKS_MAX} are possible.",
            code="BadEndpoint",
            remedy="Name fewer and larger ones: sterna endpoint alter ENDPOINT --allow NETWORK.",
        )
    return allowed


@step(no_undo_because=KEPT)
def carry_accounts(run: Run) -> str:
    """Create the accounts with their passwords and global privileges."""
    return inheritance.carry_accounts(run.tools, run.cluster_id)


@step(no_undo_because=KEPT)
def start_synchronization(run: Run) -> str:
    """Start the sync task: schema, full copy, then every change since."""
    task = sides.task_id(run)
    run.tools.tasks.want(task, running=True, direction="Forward")
    run.tools.tasks.change(task, status="Initializing")
    run.tools.supervisor.ensure(task)
    return f"{task} runs"


@step(no_undo_because=KEPT)
def wait_for_full_copy(run: Run) -> str:
    """Wait until everything is copied and the cluster follows."""
    task_id = sides.task_id(run)
    while (task := run.tools.tasks.task(task_id)).stage != "incremental":
        _raise_if_failed(task)
        time.sleep(POLL_SECONDS)
    return f"{task.rows_copied} rows in {len(task.tables)} tables in {task.copy_seconds or 0:.1f} s"


def _raise_if_failed(task: SyncTask) -> None:
    if task.status == "Failed":
        raise SternaError(task.error, code="SyncFailed", remedy=task.remedy)


@step(no_undo_because=KEPT)
def carry_grants(run: Run) -> str:
    """Grant the privileges on databases, tables and routines, now that they exist."""
    told = inheritance.carry_grants(run.tools, run.cluster_id)
    return f"{told} {inherited.sentence(inherited.look(run.tools, run.cluster_id))}"


@step(no_undo_because=KEPT)
def add_read_only_nodes(run: Run) -> str:
    """Add the read-only nodes: copies of the primary that follow it."""
    tools = run.tools
    for node in tools.readers(run.cluster_id):
        joining.make_reader(tools, run.cluster_id, node.id)
        tools.inventory.set_node_status(node.id, "Running")
        inheritance.settle_time_zone(tools, run.cluster_id, node.id)
    if not (readers := tools.readers(run.cluster_id)):
        return "none were asked for"
    tools.route_reads(run.cluster_id, readers)
    return f"{len(readers)} read-only nodes follow the primary; the cluster endpoint leads there"


@step(no_undo_because=KEPT)
def announce_running(run: Run) -> str:
    """Wait until the latency is known, and call the cluster running."""
    task_id = sides.task_id(run)
    deadline = time.monotonic() + 60
    while (task := run.tools.tasks.task(task_id)).lag_seconds is None:
        _raise_if_failed(task)
        if time.monotonic() > deadline:
            raise Transient("The replication latency is still not known.")
        time.sleep(POLL_SECONDS)
    run.tools.inventory.set_cluster_status(run.cluster_id, "Running")
    return f"the cluster follows with a replication latency of {task.lag_seconds:.3f} s"
