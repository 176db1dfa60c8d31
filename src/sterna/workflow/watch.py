"""Keeps the world as the store says it is: nodes up, proxy up, the following side closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sterna.errors import SternaError
from sterna.migration.policy import expiry_warning
from sterna.migration.status import TRANSITIONS, Action, Status
from sterna.mysql.connection import execute, scalar
from sterna.store.database import now
from sterna.store.records import Cluster, HistoryEntry, Migration
from sterna.workflow import ambiguity
from sterna.workflow.ticker import Ticker
from sterna.workflow.tools import Side, Tools

INTERVAL_SECONDS = 0.25
SLOW_TURNS = 4
LAST_LOOK_SECONDS_MAX = 10.0
FOLLOWERS = {Status.CLONING: "cluster", Status.SYNCING: "cluster", Status.REVERSED: "source"}

Thing = TypeVar("Thing")
log = structlog.get_logger("sterna.watch")


class Watch(threading.Thread):
    """Looks around four times a second and mends what it may mend; the rest it says aloud."""

    def __init__(self, tools: Tools, expire: Callable[[str], object]) -> None:
        super().__init__(name="watch", daemon=True)
        self._tools = tools
        self._expire = expire
        self._stopping = threading.Event()
        self._told: dict[tuple[str, str], str] = {}

    def run(self) -> None:
        """Look around until stopped. A node may take minutes to start: nothing waits for that."""
        nodes = Ticker("nodes", self.look_at_nodes)
        nodes.start()
        for turn in itertools.count():
            if self._stopping.wait(INTERVAL_SECONDS):
                break
            # Who may write is looked at in every turn, the rest once a second.
            looks = self.looks() if turn % SLOW_TURNS == 0 else (self._look_at_followers,)
            _each(looks, lambda look: look())
        nodes.stop()
        nodes.join(LAST_LOOK_SECONDS_MAX)

    def looks(self) -> tuple[Callable[[], None], ...]:
        """Everything that is looked at, in order, but for the nodes."""
        return (
            self._look_at_proxy,
            self._look_at_followers,
            self._look_at_tasks,
            self._look_at_dates,
        )

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.join()

    def _look_at_proxy(self) -> None:
        self._tools.proxy.ensure_running()

    def look_at_nodes(self) -> None:
        """Start nodes that have died again."""
        _each(self._tools.inventory.clusters(), self._look_at_cluster)

    def _look_at_cluster(self, cluster: Cluster) -> None:
        for node in cluster.nodes:
            spec = self._tools.node_spec(cluster.id, node)
            if node.status == "Running" and not self._tools.provisioner.is_running(spec):
                log.warning("a node had died and is started again", node=node.id)
                self._tools.provisioner.start_node(spec)

    def _look_at_followers(self) -> None:
        """A restarted server may have forgotten that it is only following: nobody may write."""
        _each(self._tools.journal.migrations(), self._look_at_follower)

    def _look_at_follower(self, migration: Migration) -> None:
        if migration.operation:
            sides_ = self._left_side(migration)
        elif migration.status in FOLLOWERS:
            sides_ = self._follower(migration.cluster_id, Status(migration.status))
        else:
            return
        for side in sides_:
            self._close(side, migration)

    def _look_at_tasks(self) -> None:
        """Say once in the history what keeps a sync task, or who else writes; hooks read it."""
        _each(self._tools.journal.migrations(), self._look_at_task)

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
        """Warn before the thirty days are over, and close the migration when they are."""
        _each(self._tools.journal.migrations(), self._look_at_date)

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


def _each(things: Iterable[Thing], look: Callable[[Thing], object]) -> None:
    """Look at each; one that cannot be mended now hides none of the others."""
    for thing in things:
        try:
            look(thing)
        except (SternaError, SQLAlchemyError, OSError) as error:
            log.warning("could not be mended yet", what=str(thing)[:60], error=str(error))
