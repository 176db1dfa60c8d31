"""Operations that begin by themselves, within a window.

A schedule that is waiting is looked at once a second. When its window opens the operation is asked
for as a person would; a refusal is tried again until the window closes. An operation that failed
before it had touched anything is tried again too; one that made applications wait is not repeated.
Once a person has moved the roles within the window, it is not for a schedule to move them again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sterna.errors import Refused, SternaError
from sterna.migration.status import Action, Status
from sterna.store.database import now
from sterna.store.journal import OperationRow
from sterna.store.records import HistoryEntry, Schedule
from sterna.store.repository import new_id
from sterna.store.standing import WAITING
from sterna.workflow.binlog_off import refuse_binlog_off
from sterna.workflow.guards import current_refusals
from sterna.workflow.pairing import pair_refusals
from sterna.workflow.tools import Tools

ACTIONS = (Action.SWITCH_OVER, Action.ROLL_BACK, Action.COMPLETE)
USUAL_WINDOW = timedelta(minutes=15)
LATE = timedelta(minutes=1)  # from thinking of a time until it arrives here
RETRY_SECONDS = 10.0
RETRY_BEGUN_SECONDS = 60.0  # each of these is told to everybody

Begin = Callable[..., object]


class Schedules:
    """The list of schedules, and the clock hand.

    Args:
        begin: `begin(cluster_id, action, **arguments)` starts an operation or raises Refused.
    """

    def __init__(self, tools: Tools, begin: Begin) -> None:
        self._tools = tools
        self._begin = begin
        self._deciding = threading.Lock()  # a schedule is cancelled or begun, never both

    def schedules(self) -> list[Schedule]:
        """All schedules, also those that have ended, in the order of their times."""
        return self._tools.standing.schedules()

    def add(
        self,
        cluster_id: str,
        operation: str,
        *,
        starts_at: datetime,
        ends_at: datetime | None = None,
        **arguments: Any,
    ) -> Schedule:
        """Begin the operation by itself between `starts_at` and `ends_at`; 15 minutes by default.

        What stands in the way now is in `refusal`; it may have passed by then.

        Raises:
            Refused: BadSchedule, ScheduleExists, StatusNotSupported, BinaryLogNeeded,
                BadEndpointPair.
        """
        action = _action(operation)
        with self._deciding:
            ends_at = self._check(cluster_id, starts_at, ends_at)
            if arguments.get("disable_binlog"):
                refuse_binlog_off(self._tools, cluster_id)
            self._refuse_pairs(cluster_id, action, arguments)
            refusals = current_refusals(self._tools, cluster_id, action)
            schedule = Schedule(
                id=new_id("sc"),
                cluster_id=cluster_id,
                operation=action,
                arguments=arguments,
                starts_at=starts_at,
                ends_at=ends_at,
                state=WAITING,
                tries=0,
                tried_at=None,
                refusal=" ".join(refusal.message for refusal in refusals),
                created_at=now(),
            )
            self._tools.standing.add_schedule(schedule)
        self._note(schedule, "done", f"will begin between {_window(schedule)}")
        return schedule

    def cancel(self, schedule_id: str) -> Schedule:
        """Let a waiting schedule not begin. Refused: StatusNotSupported."""
        standing = self._tools.standing
        schedule = standing.schedule(schedule_id)
        with self._deciding:
            begun = standing.operation_of(schedule)
            is_begun = begun is not None and not _was_harmless(begun)
            is_cancelled = not is_begun and standing.end_schedule(schedule_id, "cancelled")
        if not is_cancelled:
            what = "it has begun" if is_begun else standing.schedule(schedule_id).state
            raise Refused(
                f"{schedule_id} is not waiting any more: {what}.",
                code="StatusNotSupported",
                remedy=f"See what it did: sterna migration show {schedule.cluster_id}.",
            )
        self._note(schedule, "done", "the schedule is cancelled")
        return standing.schedule(schedule_id)

    def tick(self) -> None:
        """Begin what is due, give up what is over."""
        for schedule in self._tools.standing.schedules(state=WAITING):
            with self._deciding:
                if self._tools.standing.schedule(schedule.id).state == WAITING:
                    self._look_at(schedule)

    def _look_at(self, schedule: Schedule) -> None:
        begun = self._tools.standing.operation_of(schedule)
        if begun is None or _was_harmless(begun):
            if by_hand := self._tools.standing.done_by_hand(schedule):
                what = by_hand.name.replace("_", " ")
                self._give_up(schedule, f"Somebody did {what} by hand within that time.")
            else:
                self._try(schedule, begun)
        elif begun.state != "started":
            self._close(schedule, begun)

    def _try(self, schedule: Schedule, begun: OperationRow | None) -> None:
        at = self._tools.clock()
        rest_seconds = RETRY_BEGUN_SECONDS if begun else RETRY_SECONDS
        if at < schedule.starts_at or _rests(schedule, at, rest_seconds):
            return
        refusal = begun.error if begun else schedule.refusal
        if at >= schedule.ends_at:
            self._give_up(schedule, refusal if schedule.tries else "no server was running then")
            return
        self._tools.standing.change_schedule(
            schedule.id, tries=schedule.tries + 1, tried_at=at, refusal=refusal
        )
        try:
            self._begin(
                schedule.cluster_id,
                Action(schedule.operation),
                **schedule.arguments,
                schedule=schedule.id,
            )
        except SternaError as error:
            self._refused(schedule, error.message)

    def _refused(self, schedule: Schedule, reason: str) -> None:
        """Each reason is told once, however often it is met."""
        self._tools.standing.change_schedule(schedule.id, refusal=reason)
        if not schedule.tries or reason != schedule.refusal:
            until = schedule.ends_at.isoformat(timespec="seconds")
            self._note(schedule, "refused", f"refused now: {reason} Tried again until {until}.")

    def _close(self, schedule: Schedule, begun: OperationRow) -> None:
        """The operation has ended and said so itself."""
        state = "done" if begun.state == "finished" else "failed"
        if self._tools.standing.end_schedule(schedule.id, state) and begun.error:
            self._tools.standing.change_schedule(schedule.id, refusal=begun.error)

    def _give_up(self, schedule: Schedule, reason: str) -> None:
        if self._tools.standing.end_schedule(schedule.id, "given up"):
            sentence = f"given up: it could not begin between {_window(schedule)}. {reason}"
            self._note(schedule, "warning", sentence)

    def _note(self, schedule: Schedule, state: str, sentence: str) -> None:
        title = f"Schedule of {schedule.operation} ({schedule.id})"
        entry = HistoryEntry(now(), "schedule", schedule.id, title, state, sentence, 0)
        self._tools.journal.write(schedule.cluster_id, entry)

    def _refuse_pairs(self, cluster_id: str, action: Action, arguments: dict[str, Any]) -> None:
        """Pairs that do not fit now are not kept; they are looked at again when it begins."""
        if action is Action.SWITCH_OVER:
            for refusal in pair_refusals(self._tools, cluster_id, arguments):
                raise refusal
        elif arguments.get("pairs") is not None:
            raise Refused(
                f"Only a switchover exchanges pairs, and not {action}.",
                code="BadEndpointPair",
                remedy="Name no pairs.",
            )

    def _check(self, cluster_id: str, starts_at: datetime, ends_at: datetime | None) -> datetime:
        """The end of the window."""
        migration = self._tools.journal.migration(cluster_id)
        waiting = self._tools.standing.schedules(cluster_id=cluster_id, state=WAITING)
        if migration.status == Status.CLOSED:
            raise Refused(
                f"The migration of {cluster_id} has ended; nothing can begin any more.",
                code="StatusNotSupported",
                remedy="A new upgrade starts with: sterna upgrade INSTANCE.",
            )
        if waiting:
            raise Refused(
                f"{cluster_id} has a schedule already: {waiting[0].operation} between "
                f"{_window(waiting[0])}.",
                code="ScheduleExists",
                remedy=f"Cancel that one first: sterna schedule cancel {waiting[0].id}.",
            )
        # The last moment there is cannot be added to; it is refused below.
        ends_at = ends_at or min(starts_at, migration.expires_at) + USUAL_WINDOW
        earliest = self._tools.clock() - LATE
        if not earliest <= starts_at < ends_at <= migration.expires_at:
            raise Refused(
                "A window begins in the future, ends after it has begun, and lies before the "
                f"migration expires ({migration.expires_at.isoformat(timespec='seconds')}); "
                f"{starts_at.isoformat()} to {ends_at.isoformat()} does not.",
                code="BadSchedule",
                remedy="Give the times with their time zones, such as 2027-01-31T02:00+01:00.",
            )
        return ends_at


def _action(operation: str) -> Action:
    for action in ACTIONS:
        if action == operation:
            return action
    raise Refused(
        f"{operation} cannot be scheduled.",
        code="BadSchedule",
        remedy=f"There are: {', '.join(ACTIONS)}.",
    )


def _was_harmless(begun: OperationRow) -> bool:
    """It failed before anybody had to wait."""
    touched = begun.committed_at is not None or "held_at" in begun.facts
    return begun.state == "failed" and not touched


def _rests(schedule: Schedule, at: datetime, seconds: float) -> bool:
    if schedule.tried_at is None or at >= schedule.ends_at:
        return False
    return (at - schedule.tried_at).total_seconds() < seconds


def _window(schedule: Schedule) -> str:
    first, last = schedule.starts_at, schedule.ends_at
    return f"{first.isoformat(timespec='seconds')} and {last.isoformat(timespec='seconds')}"
