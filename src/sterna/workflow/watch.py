"""Keeps the world as the store says it is: nodes up, proxy up, the following side closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from functools import partial

import structlog

from sterna.errors import SternaError
from sterna.migration.policy import expiry_warning
from sterna.migration.status import TRANSITIONS, Action, Status
from sterna.mysql.connection import execute, scalar
from sterna.store.database import now
from sterna.store.records import Cluster, HistoryEntry, Migration, Node
from sterna.workflow import ambiguity
from sterna.workflow.abreast import Abreast, attempt
from sterna.workflow.steps import owing, resolving, sides
from sterna.workflow.ticker import Ticker
from sterna.workflow.tools import Side, Tools

INTERVAL_SECONDS = 0.25
SLOW_TURNS = 4
LAST_LOOK_SECONDS_MAX = 10.0
# A server behind a network that swallows everything is left to itself after this long.
SERVER_SECONDS_MAX = 1.0
DEBT_SECONDS_MAX = 0.1
NODE_SECONDS_MAX = 5.0
FOLLOWERS = {Status.CLONING: "cluster", Status.SYNCING: "cluster", Status.REVERSED: "source"}

log = structlog.get_logger("sterna.watch")


class Watch(threading.Thread):
    """Looks around four times a second and mends what it may mend; the rest it says aloud."""

    def __init__(self, tools: Tools, expire: Callable[[str], object]) -> None:
        super().__init__(name="watch", daemon=True)
        self._tools = tools
        self._expire = expire
        self._stopping = threading.Event()
        self._told: dict[tuple[str, str], str] = {}
        self._servers, self._nodes = Abreast("servers"), Abreast("nodes")
        # No look ends the thread, whatever it meets: nobody else closes a side that only follows.
        self._looks = Abreast("watch")

    def run(self) -> None:
        """Look around until stopped. A node may take minutes to start: nothing waits for that."""
        nodes = Ticker("nodes", self.look_at_nodes)
        nodes.start()
        for turn in itertools.count():
            if self._stopping.wait(INTERVAL_SECONDS):
                break
            # Who may write is looked at in every turn, the rest once a second.
            for look in self.looks() if turn % SLOW_TURNS == 0 else (self._look_at_followers,):
                self._looks.look({look.__name__: look}, within_seconds=None)
        nodes.stop()
        nodes.join(LAST_LOOK_SECONDS_MAX)
        for each in (self._looks, self._servers, self._nodes):
            each.close()

    def looks(self) -> tuple[Callable[[], None], ...]:
        """Everything that is looked at, in order, but for the nodes."""
        return (
            self._look_at_proxy,
            self._look_at_followers,
            self._look_at_tasks,
            self._look_at_debts,
            self._look_at_dates,
        )

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.join()

    def _look_at_proxy(self) -> None:
        self._tools.proxy.ensure_running()

    def look_after_proxy(self) -> None:
        """Start a proxy that has died again: asked so often that nobody waits for a second."""
        if not self._tools.proxy.is_running():
            log.warning("the proxy did not answer; where it has died, it is started again")
            self._tools.proxy.ensure_running()

    def look_at_nodes(self) -> None:
        """Start nodes that have died again."""
        clusters = self._tools.inventory.clusters()
        looks = {
            node.id: partial(self._look_at_node, cluster, node)
            for cluster in clusters
            for node in cluster.nodes
            if node.status == "Running" and cluster.status != "Deleting"
        }
        self._nodes.look(looks, within_seconds=NODE_SECONDS_MAX)

    def _look_at_node(self, cluster: Cluster, node: Node) -> None:
        spec = self._tools.node_spec(cluster.id, node)
        if not self._tools.provisioner.is_running(spec):
            log.warning("a node had died and is started again", node=node.id)
            self._tools.provisioner.start_node(spec)

    def _look_at_followers(self) -> None:
        """A restarted server may have forgotten that it is only following: nobody may write."""
        migrations = self._tools.journal.migrations()
        looks = {each.cluster_id: partial(self._look_at_follower, each) for each in migrations}
        self._servers.look(looks, within_seconds=SERVER_SECONDS_MAX)

    def _look_at_follower(self, migration: Migration) -> None:
        if migration.operation:
            sides_ = self._left_side(migration)
        elif migration.status in FOLLOWERS:
            sides_ = self._follower(migration.cluster_id, Status(migration.status))
        else:
            return
        self._close_left_open(migration)
        for side in sides_:
            self._close(side, migration)

    def _close_left_open(self, migration: Migration) -> None:
        """Who could not be closed when a person decided is closed before anything else."""
        for row, side in resolving.left_open(self._tools, migration):
            cut = resolving.close(self._tools, side)
            self._tools.journal.learn(row.id, **{resolving.LEFT_OPEN: False})
            sentence = f"the {side.word} is back, and read-only now; cut {sides.whose(cut)}"
            entry = HistoryEntry(now(), "watch", "closed_late", "Follower", "warning", sentence, 0)
            self._tools.journal.write(migration.cluster_id, entry)

    def _look_at_debts(self) -> None:
        """Who was away when a migration ended is left as it should be when it is back."""
        looks = {
            f"{debt.operation_id} {debt.word}": partial(self._pay, debt)
            for debt in owing.debts(self._tools)
        }
        self._servers.look(looks, within_seconds=DEBT_SECONDS_MAX)

    def _pay(self, debt: owing.Debt) -> None:
        try:
            sentence = owing.pay(self._tools, debt)
        except SternaError:
            return  # it is away still, and shown as such
        if sentence:
            entry = HistoryEntry(now(), "watch", "left_late", "Follower", "warning", sentence, 0)
            self._tools.journal.write(debt.cluster_id, entry)

    def _look_at_tasks(self) -> None:
        """Say once in the history what keeps a sync task, or who else writes; hooks read it."""
        for each in self._tools.journal.migrations():
            attempt(f"the task of {each.cluster_id}", partial(self._look_at_task, each))

    def _look_at_task(self, migration: Migration) -> None:
        if migration.status not in FOLLOWERS:
            return
        task = self._tools.tasks.task(migration.task_id)
        stopped = f"{task.error} {task.remedy}".strip() if task.status == "Failed" else ""
        is_fenced = task.error_code == "Fenced" and not migration.operation
        if is_fenced and (reason := ambiguity.later_epoch(self._tools, migration)):
            ambiguity.declare(self._tools, migration, reason)
        self._tell_once(migration, "task_stopped", "Sync task", stopped)
        self._tell_once(migration, "rogue_writer", "Rogue writer", task.rogue)

    def _tell_once(self, migration: Migration, step: str, title: str, sentence: str) -> None:
        key = (migration.cluster_id, step)
        if key not in self._told:
            history = self._tools.journal.history(migration.cluster_id)
            told = [entry.sentence for entry in history if entry.step == step]
            self._told[key] = told[-1] if told else ""
        if sentence and sentence != self._told[key]:
            entry = HistoryEntry(now(), "watch", step, title, "warning", sentence, 0)
            self._tools.journal.write(migration.cluster_id, entry)
        self._told[key] = sentence

    def _look_at_dates(self) -> None:
        """Warn before the thirty days are over, and close the migration when they are; reports of
        prechecks have their seven days."""
        self._tools.journal.drop_evaluations(self._tools.clock())
        for each in self._tools.journal.migrations():
            attempt(f"the date of {each.cluster_id}", partial(self._look_at_date, each))

    def _look_at_date(self, migration: Migration) -> None:
        today = self._tools.clock()
        if migration.operation or migration.status not in TRANSITIONS[Action.EXPIRE]:
            return
        if today >= migration.expires_at:
            self._expire(migration.cluster_id)
        elif days := expiry_warning(today, migration.expires_at):
            self._warn_once(migration, days)

    def _warn_once(self, migration: Migration, days: int) -> None:
        """One entry in the history per warning."""
        step = f"expiry_{days}"
        journal = self._tools.journal
        if any(entry.step == step for entry in journal.history(migration.cluster_id)):
            return
        sentence = (
            f"less than {days} days are left: complete or cancel before "
            f"{migration.expires_at:%Y-%m-%d %H:%M} UTC, or the link is cut"
        )
        entry = HistoryEntry(self._tools.clock(), "expire", step, "Expiry", "warning", sentence, 0)
        journal.write(migration.cluster_id, entry)
        log.warning(sentence, cluster=migration.cluster_id)

    def _follower(self, cluster_id: str, status: Status) -> Iterator[Side]:
        if FOLLOWERS[status] == "source":
            yield self._tools.source(cluster_id)
        elif self._tools.writer(cluster_id).status == "Running":
            yield self._tools.cluster(cluster_id)

    def _left_side(self, migration: Migration) -> Iterator[Side]:
        """Past the point of no return the side that had the writes is a follower already."""
        for row in self._tools.journal.unfinished():
            if row.cluster_id == migration.cluster_id and row.committed_at is not None:
                if row.name == Action.SWITCH_OVER:
                    yield self._tools.source(row.cluster_id)
                elif row.name == Action.ROLL_BACK:
                    yield self._tools.cluster(row.cluster_id)
                elif row.name in resolving.RESTS_IN:
                    yield resolving.other_side(self._tools, row)

    def _is_another_story(self, migration: Migration) -> bool:
        """The roles are not what the store says, or an operation has begun to change them."""
        if migration.status in ambiguity.OWNERS and (
            reason := ambiguity.contradiction(self._tools, migration)
        ):
            ambiguity.declare(self._tools, migration, reason)
            return True
        newest = self._tools.journal.migration(migration.cluster_id)
        return (newest.operation, newest.status) != (migration.operation, migration.status)

    def _close(self, side: Side, migration: Migration) -> None:
        with self._tools.sessions.lend(side.server) as connection:
            if int(scalar(connection, "SELECT @@GLOBAL.read_only")):
                return
            if self._is_another_story(migration):
                return
            execute(connection, "SET GLOBAL read_only = ON")
        sentence = (
            f"the {side.word} was open for writing although it only follows (restarted?); it is "
            "read-only again. Verify the data before the next switch."
        )
        self._tools.tasks.log(migration.task_id, "WARN", sentence)
        self._tools.tasks.change(migration.task_id, verified_at=None)
        entry = HistoryEntry(now(), "watch", "closed_again", "Follower", "warning", sentence, 0)
        self._tools.journal.write(migration.cluster_id, entry)
        log.warning(sentence, server=str(side.server))
