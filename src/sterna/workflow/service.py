"""What an operator can ask for; the API and through it the CLI and the console call only this.

Every method either answers with a record or raises Refused before anything was changed.
"""

from __future__ import annotations

import dataclasses
import secrets
import threading
from collections.abc import Iterable

from sterna.clusters.engines import choose_engine
from sterna.clusters.readers import can_have_readers
from sterna.errors import Refused
from sterna.migration.policy import EVALUATION_LIFETIME, MIGRATION_LIFETIME, rollback_readiness
from sterna.migration.status import REMEDIES, TITLES, Action, Status
from sterna.mysql.connection import Server, open_session, server_version
from sterna.mysql.version import Version
from sterna.store.database import now
from sterna.store.records import (
    AccountPlan,
    Cluster,
    Endpoint,
    EngineInfo,
    Evaluation,
    Finding,
    Instance,
    LogLine,
    Migration,
    Node,
    OutlineStep,
    Plan,
    Resolution,
    SyncTask,
    Verification,
)
from sterna.store.repository import new_id
from sterna.workflow import evaluation, inheritance, probing, releasing, upgrade
from sterna.workflow.binlog_off import refuse_binlog_off
from sterna.workflow.engine import STORY, Engine, outline
from sterna.workflow.guards import current_refusals, joined, snapshot_from, waived_by
from sterna.workflow.hooks import Hooks
from sterna.workflow.plans import plan, plan_end
from sterna.workflow.positions import Positions
from sterna.workflow.scheduling import Schedules
from sterna.workflow.speeds import Speeds
from sterna.workflow.steps.resolving import POSITIONS_UNKNOWN
from sterna.workflow.tools import ADMIN_USER, NODE_CLASSES, Tools
from sterna.workflow.verifying import Verifying

assert upgrade  # the story registers its operations when it is imported

NODES_MAX = 15
DDL_CODES = ("DdlPending", "DdlFailed", "Unrepresentable")
RESUMABLE = (Status.CLONING, Status.PRE_CHECK_FAIL, Status.SYNCING, Status.REVERSED)
PAY_TYPES = ("Postpaid", "Prepaid", "Serverless")


class Service:
    """The operator's desk."""

    def __init__(self, tools: Tools, engine: Engine) -> None:
        self._tools = tools
        self._engine = engine
        self._claiming = threading.Lock()  # of instances and ports, from looking to keeping
        self.schedules = Schedules(tools, self.begin)
        self.hooks = Hooks(tools)
        self.speeds = Speeds(tools)
        self.positions = Positions(tools)
        self.verifying = Verifying(tools)

    # Instances

    def engines(self) -> list[EngineInfo]:
        """Server versions that can be a target on this machine."""
        return [EngineInfo(e.name, str(e.version), str(e.binary)) for e in self._tools.engines]

    def add_instance(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        *,
        description: str = "",
        tls: str = "Preferred",
        endpoint_port: int | None = None,
    ) -> Instance:
        """Register a server after logging in to it, and give it its primary endpoint."""
        server = Server(host, port, user, password, tls)  # type: ignore[arg-type]
        for known in self.instances():
            if (known.host, known.port) == (host, port):
                raise Refused(
                    f"{host}:{port} is registered already as {known.id}.",
                    code="InstanceExists",
                    remedy=f"Use that one: sterna instance show {known.id}.",
                )
        connection = open_session(server)
        version = str(server_version(connection))
        connection.close()
        self._refuse_taken(endpoint_port)
        instance = Instance(
            id=new_id("rm"),
            description=description,
            host=host,
            port=port,
            user=user,
            version=version,
            tls=tls,
            status="Running",
            created_at=now(),
        )
        self._tools.inventory.add_instance(instance, password)
        self._add_endpoint(instance.id, "Primary", f"{host}:{port}", port=endpoint_port)
        return instance

    def instances(self) -> list[Instance]:
        """All registered instances."""
        return self._tools.inventory.instances()

    def instance(self, instance_id: str) -> Instance:
        """One instance."""
        return self._tools.inventory.instance(instance_id)

    def plan_release(self, instance_id: str) -> Plan:
        """The dry run of a release."""
        return releasing.plan_release(self._tools, instance_id)

    def release_instance(self, instance_id: str) -> None:
        """Forget an instance; the server itself is not touched."""
        with self._claiming:
            releasing.release(self._tools, instance_id)

    # Before the upgrade

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

    def evaluations(self, instance_id: str) -> list[Evaluation]:
        """The reports of the last seven days."""
        self.instance(instance_id)
        return self._tools.journal.evaluations(instance_id)

    def accounts(self, instance_id: str, target_version: str) -> list[AccountPlan]:
        """How each account will reach a cluster of that version."""
        return inheritance.account_plans(self._tools, instance_id, target_version)

    def set_account_password(self, instance_id: str, account: str, password: str) -> None:
        """Supply the password of an account whose hash the target cannot take."""
        inheritance.check_account_password(self._tools, instance_id, account, password)
        self._tools.inventory.decide_account(instance_id, account, password)

    def leave_out_account(self, instance_id: str, account: str) -> None:
        """Decide that an account is not carried over."""
        inheritance.check_account(self._tools, instance_id, account)
        self._tools.inventory.decide_account(instance_id, account, None)

    # The upgrade

    def upgrade(
        self,
        instance_id: str,
        target_version: str,
        *,
        nodes: int = 0,
        ignore: Iterable[str] = (),
        description: str = "",
        node_class: str = "sterna.small",
        pay_type: str = "Postpaid",
    ) -> Migration:
        """Create a cluster with the method Migrate from RDS and begin to fill it."""
        ignored = tuple(ignore)
        self._tools.journal.refuse_second(instance_id)
        engine = choose_engine(self._tools.engines, target_version)
        _refuse_unknown(node_class, pay_type)
        _refuse_nodes(nodes, engine.version)
        evaluation.refuse_errors(evaluation.run(self._tools, instance_id, target_version), ignored)
        cluster = Cluster(
            id=new_id("pc"),
            description=description,
            version=str(engine.version),
            engine=f"{engine.version.flavor} {engine.version.series}.{engine.version.patch}",
            node_class=node_class,
            storage_engine="InnoDB",
            pay_type=pay_type,
            status="Creating",
            created_at=now(),
        )
        with self._claiming:
            self.instance(instance_id)
            self._tools.journal.refuse_second(instance_id)
            self._keep(cluster, instance_id, nodes, ignored)
        return self._begin(cluster.id, Action.CONTINUE)

    def _keep(
        self, cluster: Cluster, instance_id: str, nodes: int, ignored: tuple[str, ...]
    ) -> None:
        """The rows of a new migration; nothing runs yet, and it could be continued or given up."""
        tools = self._tools
        task_id = new_id("dts")
        migration = Migration(
            cluster_id=cluster.id,
            instance_id=instance_id,
            status=Status.PRE_CHECK_FAIL,
            topology="RDS2POLARDB",
            source_mode="rw",
            cluster_mode="ro",
            method="logical",
            lag_seconds=None,
            stalled_because="",
            expires_at=now() + MIGRATION_LIFETIME,
            created_at=now(),
            task_id=task_id,
            comment="",
            operation="",
            with_endpoints=False,
            switch_outage_ms=None,
            rollback_outage_ms=None,
        )
        tools.inventory.add_cluster(
            cluster, admin_user=ADMIN_USER, admin_password=secrets.token_urlsafe(24)
        )
        for role in ("Writer", *["Reader"] * nodes):
            node = Node(new_id("pi"), role, "127.0.0.1", tools.free_port(), "Creating")
            server_id = secrets.randbelow(2**30) + 2**30
            tools.inventory.add_node(cluster.id, node, server_id=server_id)
        tools.tasks.add(task_id, f"{instance_id} to {cluster.id}")
        tools.journal.add_migration(migration, ignored)

    def migrations(self) -> list[Migration]:
        """All migrations, without their tables and history."""
        return [self._with_task(m) for m in self._tools.journal.migrations()]

    def migration(self, cluster_id: str) -> Migration:
        """One migration with its task, tables and history."""
        migration = self._with_task(self._tools.journal.migration(cluster_id))
        history = self._tools.journal.history(cluster_id)
        return dataclasses.replace(migration, history=history)

    def _with_task(self, migration: Migration) -> Migration:
        task = self.task(migration.task_id)
        ready, because = rollback_readiness(snapshot_from(migration, task))
        return dataclasses.replace(
            migration,
            lag_seconds=task.lag_seconds,
            stalled_because=task.stalled_because,
            rollback_ready=ready,
            rollback_blocked_because=because,
            task=task,
        )

    def continue_migrating(self, cluster_id: str, ignore: Iterable[str] = ()) -> Migration:
        """After a failed precheck: try again, ignoring what may be ignored."""
        self._refuse(cluster_id, Action.CONTINUE)
        ignored = {*self._tools.journal.ignored(cluster_id), *ignore}
        self._tools.journal.change_migration(cluster_id, ignored=sorted(ignored))
        return self._begin(cluster_id, Action.CONTINUE)

    def give_up(self, cluster_id: str) -> Migration:
        """After a failed precheck: end the migration, keep the cluster."""
        self._refuse(cluster_id, Action.GIVE_UP)
        return self._begin(cluster_id, Action.GIVE_UP)

    def plan_switch_over(self, cluster_id: str, with_endpoints: bool, **asked: object) -> Plan:
        """The dry run of a switchover."""
        arguments = {**asked, "with_endpoints": with_endpoints}
        return plan(self._tools, cluster_id, Action.SWITCH_OVER, arguments)

    def plan_roll_back(self, cluster_id: str, **asked: object) -> Plan:
        """The dry run of a rollback."""
        exchanged = self._tools.journal.migration(cluster_id).with_endpoints
        arguments = {**asked, "with_endpoints": exchanged}
        return plan(self._tools, cluster_id, Action.ROLL_BACK, arguments)

    def plan_end(self, cluster_id: str, action: Action, **asked: object) -> Plan:
        """The dry run of complete, cancel or give up."""
        return plan_end(self._tools, cluster_id, action, asked)

    def switch_over(self, cluster_id: str, *, with_endpoints: bool, **asked: object) -> Migration:
        """Move the writes to the cluster.

        `asked`: wait_for_transactions_seconds, end_transactions; what long transactions meet.
        """
        arguments = {**asked, "with_endpoints": with_endpoints}
        return self.begin(cluster_id, Action.SWITCH_OVER, **arguments)

    def roll_back(self, cluster_id: str, **asked: object) -> Migration:
        """Move the writes back to the source, and the endpoints if they were exchanged."""
        return self.begin(cluster_id, Action.ROLL_BACK, **asked)

    def complete(self, cluster_id: str, *, disable_binlog: bool = False) -> Migration:
        """Close the way back; the cluster owns the writes from now on."""
        return self.begin(cluster_id, Action.COMPLETE, disable_binlog=disable_binlog)

    def cancel(self, cluster_id: str) -> Migration:
        """End the migration; the source keeps the writes."""
        self._refuse(cluster_id, Action.CANCEL)
        return self._begin(cluster_id, Action.CANCEL)

    def resolution(self, cluster_id: str) -> Resolution:
        """Both sides beside each other, as they answer now; changes nothing."""
        return probing.look_at_both(self._tools, cluster_id)

    def resolve(self, cluster_id: str, writes_are_on: str) -> Migration:
        """A person says which side, source or cluster, owns the writes."""
        return self.begin(cluster_id, Action(f"resolve_to_{writes_are_on}"))

    def expire(self, cluster_id: str) -> Migration:
        """Close a migration whose time is over."""
        self._refuse(cluster_id, Action.EXPIRE)
        return self._begin(cluster_id, Action.EXPIRE)

    def verify(
        self,
        cluster_id: str,
        *,
        tables: Iterable[str] = (),
        repair: bool = False,
        values: bool = False,
    ) -> Verification:
        """Compare all rows again, or those of some tables, in the background."""
        return self.verifying.begin(cluster_id, tables=tables, repair=repair, values=values)

    def resume_task(self, task_id: str, statement_applied: bool | None = None) -> SyncTask:
        """Start a stopped sync task again; what became of a pending DDL statement is said first."""
        task = self.task(task_id)
        if task.status != "Failed":
            raise Refused(
                f"{task_id} has not stopped; its status is {task.status}.",
                code="StatusNotSupported",
                remedy=f"See what it does: sterna task show {task_id}.",
            )
        self._refuse_resume(task_id)
        if task.error_code == POSITIONS_UNKNOWN:
            raise Refused(task.error, code=POSITIONS_UNKNOWN, remedy=task.remedy)
        pending = task.error_code in DDL_CODES
        if pending and statement_applied is None:
            raise Refused(
                f"{task_id} stopped at a DDL statement: {task.error}",
                code="StatementUndecided",
                remedy=task.remedy,
            )
        if pending:
            self._tools.resolve_statement(task_id, was_applied=bool(statement_applied))
        self._tools.tasks.want(task_id, running=True)
        status = "Synchronizing" if task.stage == "incremental" else "Initializing"
        self._tools.tasks.change(task_id, status=status, stalled_because="", error_code="")
        self._tools.tasks.change(task_id, rollback_impossible_because="")
        self._tools.supervisor.ensure(task_id)
        return self.task(task_id)

    def _refuse_resume(self, task_id: str) -> None:
        """Not while the writes move, and not before it is known who has them."""
        migration = self._tools.journal.migration(self._tools.cluster_of_task(task_id))
        status = Status(migration.status)
        if status not in RESUMABLE:
            raise Refused(
                f"{task_id} cannot be resumed in status {status} ({TITLES[status]}).",
                code="StatusNotSupported",
                remedy=REMEDIES[status].replace("CLUSTER", migration.cluster_id),
            )

    # Looking around

    def clusters(self) -> list[Cluster]:
        """All clusters."""
        return self._tools.inventory.clusters()

    def cluster(self, cluster_id: str) -> Cluster:
        """One cluster with its nodes."""
        return self._tools.inventory.cluster(cluster_id)

    def endpoints(self, owner_id: str | None = None) -> list[Endpoint]:
        """Endpoints of an instance or a cluster, or all."""
        return self._tools.inventory.endpoints(owner_id)

    def task_log(self, task_id: str) -> list[LogLine]:
        """What a sync task has met, oldest first."""
        self._tools.tasks.task(task_id)
        return [LogLine(*line) for line in self._tools.tasks.logs(task_id)]

    def task(self, task_id: str) -> SyncTask:
        """One sync task with its tables and what it does just now."""
        return self.speeds.with_sample(self._tools.tasks.task(task_id))

    def explain(self, operation: str | None = None) -> list[OutlineStep]:
        """The steps of one operation, or of all, in sentences."""
        if operation is not None and operation not in STORY:
            raise Refused(
                f"There is no operation {operation}.",
                code="NotFound",
                remedy=f"There are: {', '.join(STORY)}.",
            )
        names = [operation] if operation else list(STORY)
        return [each for name in names for each in outline(name, {})]

    def _refuse(self, cluster_id: str, action: Action, waived: Iterable[str] = ()) -> None:
        """Raise the reasons against an action, all in one sentence after the other."""
        refusals = current_refusals(self._tools, cluster_id, action, waived=tuple(waived))
        if refusal := joined(refusals):
            raise refusal

    def begin(self, cluster_id: str, action: Action, **arguments: object) -> Migration:
        """Begin an operation unless something stands in its way."""
        self._refuse(cluster_id, action, waived_by(arguments))
        if arguments.get("disable_binlog"):
            refuse_binlog_off(self._tools, cluster_id)
        if action is Action.ROLL_BACK:
            exchanged = self._tools.journal.migration(cluster_id).with_endpoints
            arguments["with_endpoints"] = exchanged
        return self._begin(cluster_id, action, **arguments)

    def _begin(self, cluster_id: str, action: Action, **arguments: object) -> Migration:
        operation = self._tools.journal.begin(
            cluster_id,
            action,
            {"with_endpoints": False, "disable_binlog": False, **arguments},
            STORY[action].busy,
        )
        self._engine.enqueue(operation.id)
        return self.migration(cluster_id)

    def _add_endpoint(
        self, owner_id: str, type_: str, address: str, *, port: int | None = None
    ) -> None:
        self._tools.add_endpoint(owner_id, type_, address, port=port)
        self._tools.apply_routes()

    def _refuse_taken(self, port: int | None) -> None:
        for endpoint in self.endpoints():
            if endpoint.port == port:
                raise Refused(
                    f"Port {port} is the port of endpoint {endpoint.id} already.",
                    code="PortTaken",
                    remedy="Choose another one, or none: Sterna then takes a free one.",
                )


def _refuse_unknown(node_class: str, pay_type: str) -> None:
    if node_class not in NODE_CLASSES:
        raise Refused(
            f"There is no node class {node_class}.",
            code="NodeClassNotFound",
            remedy=f"There are: {', '.join(NODE_CLASSES)}.",
        )
    if pay_type not in PAY_TYPES:
        raise Refused(
            f"There is no billing method {pay_type}.",
            code="PayTypeNotFound",
            remedy=f"There are: {', '.join(PAY_TYPES)}.",
        )


def _refuse_nodes(nodes: int, target: Version) -> None:
    if nodes > NODES_MAX:
        raise Refused(
            f"{nodes} read-only nodes are more than a cluster can have.",
            code="TooManyNodes",
            remedy=f"Ask for {NODES_MAX} at most.",
        )
    if nodes and not can_have_readers(target):
        raise Refused(
            f"{target} cannot clone itself, so a cluster of it has no read-only nodes yet.",
            code="NodesNotSupported",
            remedy="Leave out --nodes, or choose MySQL 8.0.17 or newer as the target.",
        )


def _result(findings: tuple[Finding, ...]) -> str:
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "failed"
    return "warnings" if "warning" in severities else "passed"
