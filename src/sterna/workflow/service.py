"""What an operator can ask for; the API and through it the CLI and the console call only this.

Every method either answers with a record or raises Refused before anything was changed.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable

from sterna.errors import Refused
from sterna.migration.policy import rollback_readiness
from sterna.migration.status import REMEDIES, TITLES, Action, Status
from sterna.store.records import (
    Cluster,
    Endpoint,
    EngineInfo,
    LogLine,
    Migration,
    OutlineStep,
    Plan,
    Resolution,
    SyncTask,
    Verification,
)
from sterna.workflow import probing, upgrade
from sterna.workflow.addressing import Addresses
from sterna.workflow.auditing import Auditing
from sterna.workflow.binlog_off import refuse_binlog_off
from sterna.workflow.creating import Creating
from sterna.workflow.engine import STORY, Engine, outline
from sterna.workflow.evaluating import Evaluating
from sterna.workflow.guards import current_refusals, joined, snapshot_from, waived_by
from sterna.workflow.health import Health
from sterna.workflow.hooks import Hooks
from sterna.workflow.hosting import Hosts
from sterna.workflow.inherited import Inherited
from sterna.workflow.log_readers import Readers
from sterna.workflow.looking import Looking
from sterna.workflow.metering import Metering
from sterna.workflow.node_life import Nodes
from sterna.workflow.node_plans import NodePlans
from sterna.workflow.overlooking import actions_of
from sterna.workflow.pairing import pair_refusals
from sterna.workflow.people import People
from sterna.workflow.plans import plan, plan_end
from sterna.workflow.positions import Positions
from sterna.workflow.registering import Instances
from sterna.workflow.resuming import resume
from sterna.workflow.scheduling import Schedules
from sterna.workflow.serverless import ServerlessClusters
from sterna.workflow.speeds import Speeds
from sterna.workflow.steps.resolving import POSITIONS_UNKNOWN
from sterna.workflow.tools import Tools
from sterna.workflow.verifying import Verifying
from sterna.workflow.wishes import ClusterWish

assert upgrade  # the story registers its operations when it is imported

DDL_CODES = ("DdlPending", "DdlFailed", "Unrepresentable")
RESUMABLE = (Status.CLONING, Status.PRE_CHECK_FAIL, Status.SYNCING, Status.REVERSED)


class Service:
    """The operator's desk."""

    def __init__(self, tools: Tools, engine: Engine) -> None:
        self._tools = tools
        self._engine = engine
        claiming = threading.Lock()
        self.instances = Instances(tools, claiming)
        self.evaluating = Evaluating(tools)
        self.inherited = Inherited(tools)
        self._creating = Creating(tools, claiming)
        self.addresses = Addresses(tools)
        self.health = Health(tools)
        self.nodes = Nodes(tools)
        self.node_plans = NodePlans(tools, self.nodes)
        self.metering = Metering(tools, tools.usage)
        self.serverless = ServerlessClusters(tools, self.nodes, self.metering)
        self.schedules = Schedules(tools, self.begin)
        self.hooks = Hooks(tools)
        self.hosts = Hosts(tools)
        self.speeds = Speeds(tools)
        self.positions = Positions(tools)
        self.readers = Readers(tools, self.positions)
        self.verifying = Verifying(tools)
        self.people = People(tools.access)
        self.auditing = Auditing(tools.access)
        self.looking = Looking(tools, self.migrations)

    def engines(self) -> list[EngineInfo]:
        """Server versions that can be a target on this machine."""
        return list(self.looking.engines())

    # The upgrade

    def upgrade(self, wish: ClusterWish) -> Migration:
        """Create a cluster with the method Migrate from RDS and begin to fill it."""
        return self._begin(self._creating.create(wish), Action.CONTINUE)

    def migrations(self) -> list[Migration]:
        """All migrations, without their tables and history."""
        known = self._tools.journal.migrations()
        return [self._with_task(m, with_tables=False) for m in known]

    def migration(self, cluster_id: str, *, with_tables: bool = True) -> Migration:
        """One migration with its task, tables unless they are left out, and history."""
        known = self._tools.journal.migration(cluster_id)
        migration = self._with_task(known, with_tables=with_tables)
        history = self._tools.journal.history(cluster_id)
        return dataclasses.replace(migration, history=history)

    def _with_task(self, migration: Migration, *, with_tables: bool) -> Migration:
        task = self.task(migration.task_id, with_tables=with_tables)
        ready, because = rollback_readiness(snapshot_from(migration, task))
        return dataclasses.replace(
            migration,
            lag_seconds=task.lag_seconds,
            stalled_because=task.stalled_because,
            rollback_ready=ready,
            rollback_blocked_because=because,
            title=TITLES[Status(migration.status)],
            actions=actions_of(migration, task),
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
        found = plan_end(self._tools, cluster_id, action, asked)
        if action is Action.GIVE_UP:
            return found  # nothing has followed yet
        return dataclasses.replace(found, warnings=self.readers.left_behind(cluster_id))

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
        action = Action(f"resolve_to_{writes_are_on}")
        self._refuse(cluster_id, action)
        probing.refuse_away(self._tools, cluster_id, writes_are_on)
        return self.begin(cluster_id, action)

    def expire(self, cluster_id: str) -> Migration:
        """Close a migration whose time is over."""
        self._refuse(cluster_id, Action.EXPIRE)
        return self._begin(cluster_id, Action.EXPIRE)

    def open_cluster(self, cluster_id: str) -> Migration:
        """Let a cluster take writes that was left read-only when its migration expired."""
        self._refuse(cluster_id, Action.OPEN)
        if self._tools.journal.migration(cluster_id).cluster_mode == "rw":
            raise Refused(
                f"{cluster_id} takes writes already.",
                code="StatusNotSupported",
                remedy="Nothing is left to do.",
            )
        self.nodes.refuse_busy(cluster_id)
        return self._begin(cluster_id, Action.OPEN)

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
        resume(self._tools, task)
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

    def task(self, task_id: str, *, with_tables: bool = True) -> SyncTask:
        """One sync task with its tables, unless left out, and what it does just now."""
        return self.speeds.with_sample(self._tools.tasks.task(task_id, with_tables=with_tables))

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
        for refusal in pair_refusals(self._tools, cluster_id, arguments):
            raise refusal
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
        if action is Action.EXPIRE or "schedule" in arguments:
            self.auditing.note(action, cluster_id, arguments)
        self._engine.enqueue(operation.id)
        return self.migration(cluster_id)
