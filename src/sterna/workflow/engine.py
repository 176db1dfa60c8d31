"""Makes the story durable. The only file that knows DBOS.

An operation is a function of the story; its steps are run one after the other, each at least once
and each recorded. A process may be killed at any instruction: the next one goes on after the last
recorded step.

    step fails before the point of no return   every step tried so far is undone, newest first,
                                               until the undo has worked; the operation has failed
    step fails after it                        it is tried again until it works, but for one cause:
                                               it is no longer known who owns the writes
    operation that keeps what it did           (upgrade) nothing is undone; the user continues
                                               or gives up
    the store cannot be written                nothing goes on until it can; but before the point
                                               of no return nobody waits for that: whoever was made
                                               to wait goes on at once, and the operation has failed
    it is full after that point                a reserve of room is used to end it
"""

from __future__ import annotations

import errno
import time
from collections import defaultdict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy.exc import SQLAlchemyError

from sterna.errors import Ambiguous, SternaError, Transient
from sterna.migration.status import Status
from sterna.store.database import now
from sterna.store.journal import Journal, OperationRow, StepUnderWay
from sterna.store.records import HistoryEntry, OutlineStep

QUEUE = "operations"
POLL_SECONDS = 0.1
RETRY_SECONDS_MAX = 5.0
STORE_RETRY_SECONDS = 0.5

ToolsT = TypeVar("ToolsT")
Answer = TypeVar("Answer")
log = structlog.get_logger("sterna.engine")


@dataclass(frozen=True)
class Step:
    """One idempotent action beside its undo. `do` and `undo` return the fact as a sentence.

    Attributes:
        detains: applications wait until it is undone, so its undo waits for no store.
    """

    name: str
    title: str
    do: Callable[[Any], str]
    undo: Callable[[Any], str] | None
    no_undo_because: str
    detains: bool = False


def step(
    *,
    undo: Callable[[Any], str] | None = None,
    no_undo_because: str = "",
    detains: bool = False,
) -> Callable[[Callable[[Any], str]], Step]:
    """Make a function of a Run into a step; an undo or the reason why there is none is given."""
    if (undo is None) == (not no_undo_because):
        raise TypeError("a step has either an undo or a reason why it needs none")

    def decorate(do: Callable[[Any], str]) -> Step:
        title = (do.__doc__ or "").strip().splitlines()[0].rstrip(".")
        return Step(do.__name__, title, do, undo, no_undo_because, detains)

    return decorate


@dataclass(frozen=True)
class Operation:
    """A function of the story and what becomes of a failure."""

    name: str
    title: str
    tell: Callable[[Any], None]
    busy: Status
    done: Status
    failed: Status | None  # None: back to the status before, everything undone
    attempts: int  # of a step that fails for a transient cause before the point of no return


STORY: dict[str, Operation] = {}


def operation(
    *, busy: Status, done: Status, failed: Status | None = None, attempts: int = 1
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Enter a function into the story: its status while it runs, after success, after failure."""

    def decorate(tell: Callable[[Any], None]) -> Callable[[Any], None]:
        title = (tell.__doc__ or "").strip().splitlines()[0].rstrip(".")
        STORY[tell.__name__] = Operation(tell.__name__, title, tell, busy, done, failed, attempts)
        return tell

    return decorate


class HasJournal(Protocol):
    """What the engine itself needs of the tools that the steps use."""

    @property
    def journal(self) -> Journal: ...


class StepFailedError(Exception):
    """A step has failed for good; carries its message for the history."""


class Run:
    """One operation on one migration under way; what a step is given.

    Attributes:
        id: the operation's id.
        cluster_id: the migration it works on.
        arguments: what the user asked for, JSON values.
        tools: the world: store, servers, proxy, supervisor.
    """

    def __init__(self, row: OperationRow, tools: Any) -> None:
        self.id = row.id
        self.cluster_id = row.cluster_id
        self.arguments = row.arguments
        self.tools = tools
        self.operation = STORY[row.name]
        self.committed = False
        self._tried: list[Step] = []
        self._turning = False
        self._let_go_because = ""

    def __call__(self, each: Step) -> None:
        """Do one step, durably."""
        self._tried.append(each)
        error = self.durably(each.name, self._do, each)
        if error:
            raise StepFailedError(error)

    def point_of_no_return(self, each: Step) -> None:
        """Do the step after which the operation is only ever finished."""
        self._turning = True
        self(each)
        self.committed = True

    @property
    def facts(self) -> dict[str, Any]:
        """What earlier steps learned; survives a crash."""
        facts: dict[str, Any] = self.tools.journal.operation(self.id).facts
        return facts

    def learn(self, **facts: Any) -> None:
        """Keep facts for later steps and for the undo."""
        self.tools.journal.learn(self.id, **facts)

    def undo_all(self) -> None:
        """Undo every step tried, newest first; the one that failed may be half done."""
        for each in reversed(self._tried):
            if each.undo is not None:
                self.durably(f"undo {each.name}", self._undo, each)

    def durably(self, name: str, work: Callable[[Step], str], each: Step) -> str:
        """Do a piece of work and record its answer; a recorded one is not done again."""
        return recorded(name, work, each, meanwhile=self.let_go)

    def let_go(self, error: SQLAlchemyError) -> None:
        """The store takes nothing: nobody waits for that while all can still be put back."""
        if not self._may_let_go(error):
            self._use_reserve(error)
            return
        self._let_go_because = (
            f"The store cannot be written ({getattr(error, 'orig', error)}); nobody was made to"
            " wait for it. Make room on its disk, or bring it back, then try again."
        )
        for each in reversed(self._tried):
            if each.detains and each.undo is not None:
                # What it has to write fails as well; it is undone again when that works.
                try:
                    each.undo(self)
                except Exception as trouble:
                    log.warning("undone but for the store", step=each.name, error=describe(trouble))

    def _may_let_go(self, error: SQLAlchemyError) -> bool:
        """Only where it is certain that the point of no return has not been passed.

        A commit that failed may have been kept all the same, unless there was no room for it.
        """
        if self.committed or self.operation.failed or (self._turning and not _is_full(error)):
            return False
        try:
            return bool(self.tools.journal.operation(self.id).committed_at is None)
        except SQLAlchemyError:
            return False

    def _use_reserve(self, error: Exception) -> None:
        """Past the point of no return the end is what the last room is for."""
        if self.operation.failed is None and _is_full(error):
            self.tools.journal.reserve.use()

    def _do(self, each: Step) -> str:
        """Empty when done, else the error."""
        if self._let_go_because:
            self._write(each, "failed", self._let_go_because, time.monotonic())
            return self._let_go_because
        attempt = 0
        while True:
            attempt += 1
            started = self._note_begin(each)
            try:
                sentence = each.do(self)
            except Exception as error:
                if self._turning and isinstance(error, SQLAlchemyError):
                    raise  # it may have been kept all the same: asked again, nothing is undone
                self._write(each, "failed", describe(error), started)
                if not self._again(error, attempt):
                    return describe(error)
                self._tell_waiting(each, error)
                time.sleep(min(RETRY_SECONDS_MAX, 0.1 * 2**attempt))
            else:
                self._write(each, "done", sentence, started)
                return ""

    def _again(self, error: Exception, attempt: int) -> bool:
        if isinstance(error, Ambiguous):
            return False
        if self.committed:
            self._use_reserve(error)
            return True
        return isinstance(error, Transient) and attempt < self.operation.attempts

    def _undo(self, each: Step) -> str:
        """Until it has worked: nothing may be left half way."""
        attempt = 0
        while True:
            attempt += 1
            started = self._note_begin(each, is_undo=True)
            try:
                sentence = each.undo(self) if each.undo else ""
            except Exception as error:
                self._write(each, "undo failed", describe(error), started)
                self._tell_waiting(each, error)
                time.sleep(min(RETRY_SECONDS_MAX, 0.1 * 2**attempt))
            else:
                if sentence:
                    self._write(each, "undone", sentence, started)
                return sentence

    def _note_begin(self, each: Step, *, is_undo: bool = False) -> float:
        """Say to who watches what is done now; the monotonic time."""
        under_way = StepUnderWay(self.id, each.name, now(), is_undo)
        self.tools.journal.under_way[self.cluster_id] = under_way
        return time.monotonic()

    def _tell_waiting(self, each: Step, error: Exception) -> None:
        comment = f"{each.title}: trying again. {describe(error)}"
        self.tools.journal.change_migration(self.cluster_id, comment=comment)
        log.warning("step will be tried again", step=each.name, cluster=self.cluster_id)

    def _write(self, each: Step, state: str, sentence: str, started: float) -> None:
        self.tools.journal.write(
            self.cluster_id,
            HistoryEntry(
                at=now(),
                operation=self.operation.name,
                step=each.name,
                title=each.title,
                state=state,
                sentence=sentence,
                seconds=round(time.monotonic() - started, 3),
            ),
        )


def recorded(
    name: str,
    work: Callable[..., Answer],
    *given: Any,
    meanwhile: Callable[[SQLAlchemyError], None] = lambda error: None,
) -> Answer:
    """Do it as a step of DBOS; what was done and could not be recorded is not done again."""
    done: list[Answer] = []

    def once() -> Answer:
        if not done:
            done.append(insist(work, *given, meanwhile=meanwhile))
        return done[0]

    # One that has run is used up, whether its record was kept or not: each try has its own copy.
    place = DBOS.reserve_step()
    return insist(lambda: copy(place).run({"name": name}, once), meanwhile=meanwhile)


def insist(
    work: Callable[..., Answer],
    *given: Any,
    meanwhile: Callable[[SQLAlchemyError], None] = lambda error: None,
) -> Answer:
    """Do it until the store takes what it writes: a full disk ends no operation half way."""
    while True:
        try:
            return work(*given)
        except SQLAlchemyError as error:
            log.error("the store cannot be written; tried again", error=str(error))
            meanwhile(error)
            time.sleep(STORE_RETRY_SECONDS)


def _is_full(error: Exception) -> bool:
    """Whether nothing was kept because there was no room."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "")
    no_room = any(getattr(each, "errno", 0) == errno.ENOSPC for each in (error, error.__cause__))
    return no_room or code in ("SQLITE_FULL", "53100")


def describe(error: Exception) -> str:
    """An error for the history: what happened and what to do, or its type when unknown."""
    if isinstance(error, SternaError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full: {error.filename or error}. Make room, then try again."
    return f"{type(error).__name__}: {error}"


class Engine:
    """Begins operations and carries those under way across crashes."""

    def __init__(self, *, database_url: str, tools: HasJournal) -> None:
        self._tools = tools
        config: DBOSConfig = {
            "name": "sterna",
            "system_database_url": database_url,
            "application_version": "1",
            "executor_id": "sterna",
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "db_engine_kwargs": {"connect_args": {"timeout": 30}},
        }
        DBOS(config=config)

        @DBOS.workflow(name="operate", max_recovery_attempts=None)
        def operate(operation_id: str) -> None:
            self._operate(operation_id)

        self._workflow = operate

    def launch(self) -> None:
        """Recover what a dead process left, then take new work."""
        DBOS.launch()
        DBOS.register_queue(QUEUE, polling_interval_sec=POLL_SECONDS)
        for row in self._tools.journal.unfinished():
            self.enqueue(row.id)

    def enqueue(self, operation_id: str) -> None:
        """Have the operation run; doing so again changes nothing."""
        with SetWorkflowID(operation_id):
            insist(DBOS.enqueue_workflow, QUEUE, self._workflow, operation_id)

    def close(self) -> None:
        """Take no more work; what is under way goes on after the next launch."""
        DBOS.destroy()

    def _operate(self, operation_id: str) -> None:
        row = insist(self._tools.journal.operation, operation_id)
        if row.state != "started":
            return
        run = Run(row, self._tools)
        try:
            run.operation.tell(run)
        except StepFailedError as error:
            if run.committed:  # nothing else ends an operation there
                recorded("end", self._unknown, row, str(error))
                return
            run.undo_all() if run.operation.failed is None else None
            recorded("end", self._failed, row, str(error))
        else:
            recorded("end", self._finished, row, meanwhile=run.let_go)

    def _finished(self, row: OperationRow) -> None:
        journal = self._tools.journal
        title = STORY[row.name].title
        self._last_word(row, "finished", f"{title}: done.")
        journal.change_migration(row.cluster_id, status=STORY[row.name].done, comment="")
        journal.end(row)

    def _failed(self, row: OperationRow, error: str) -> None:
        journal = self._tools.journal
        kept = STORY[row.name].failed
        aftermath = "" if kept else " Everything is as it was before."
        self._last_word(row, "failed", f"{STORY[row.name].title}: failed. {error}{aftermath}")
        status = kept or row.facts["status_before"]
        journal.change_migration(row.cluster_id, status=status, comment=error)
        journal.end(row, error=error)

    def _unknown(self, row: OperationRow, error: str) -> None:
        """After the point of no return the world was found to be another one."""
        journal = self._tools.journal
        self._last_word(row, "ambiguous", f"{STORY[row.name].title}: stopped. {error}")
        journal.change_migration(row.cluster_id, status=Status.AMBIGUOUS, comment=error)
        journal.end(row, error=error)

    def _last_word(self, row: OperationRow, state: str, sentence: str) -> None:
        seconds = (now() - row.created_at).total_seconds()
        title = STORY[row.name].title
        self._tools.journal.write(
            row.cluster_id,
            HistoryEntry(now(), row.name, "operation", title, state, sentence, round(seconds, 3)),
        )


class _Outline:
    """A Run that does nothing but write down the steps; what is not said is asked for."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = defaultdict(lambda: True, arguments)
        self.steps: list[Step] = []
        self.turning_points: list[str] = []

    def __call__(self, each: Step) -> None:
        self.steps.append(each)

    def point_of_no_return(self, each: Step) -> None:
        self.steps.append(each)
        self.turning_points.append(each.name)


def outline(name: str, arguments: dict[str, Any]) -> list[OutlineStep]:
    """The steps of an operation in sentences, without doing them."""
    listener = _Outline(arguments)
    STORY[name].tell(listener)
    return [
        OutlineStep(
            name,
            number,
            each.title,
            _undo_title(each),
            each.name,
            each.name in listener.turning_points,
        )
        for number, each in enumerate(listener.steps, start=1)
    ]


def _undo_title(each: Step) -> str:
    if each.undo is None:
        return each.no_undo_because
    return (each.undo.__doc__ or "").strip().splitlines()[0].rstrip(".")
