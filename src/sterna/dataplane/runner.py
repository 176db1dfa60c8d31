"""The process of one sync task: the second story.

    forward   spool the stream → copy every table under a snapshot → create the objects
              → follow the stream from the snapshot on → verify
    reverse   spool the stream → follow it from the position the switch left

The process may be killed at any instruction. What it has done is on the destination: the copied
tables with their start positions, then the checkpoint; the next start goes on from there.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

from sterna.dataplane import checkpoint
from sterna.dataplane.backoff import BackOff
from sterna.dataplane.copy import copy_all
from sterna.dataplane.copy_ddl import SpooledChanges
from sterna.dataplane.copy_prepare import EPOCH_SECONDS, CopyTask
from sterna.dataplane.copy_starts import read_starts
from sterna.dataplane.copy_state import (
    create_state_tables,
    read_complete,
    state_session,
    write_complete,
)
from sterna.dataplane.follow import FollowTask, follow
from sterna.dataplane.meter import Meter
from sterna.dataplane.paces import Paces
from sterna.dataplane.range_starts import Starts
from sterna.dataplane.receive import receive
from sterna.dataplane.reports import (
    Gathered,
    LogReport,
    Report,
    StageReport,
    StoppedReport,
    to_line,
)
from sterna.dataplane.rogue import RogueWatch, watched_file
from sterna.dataplane.schema_objects import create_objects
from sterna.dataplane.spec import FORWARD, TaskSpec, from_line, rate_from_line
from sterna.dataplane.spool import Spool
from sterna.dataplane.verify_task import VerifyTask
from sterna.errors import SternaError, Transient
from sterna.mysql.connection import open_session, scalar
from sterna.mysql.position import Position
from sterna.mysql.replication import read_current_position

POLL_SECONDS = 0.05
END_SECONDS = 3.0


class Task:
    """One sync task in this process."""

    def __init__(
        self, spec: TaskSpec, report: Callable[[Report], None], stop: threading.Event
    ) -> None:
        self._spec = spec
        self._report = report
        self._stop = stop
        self.paces = Paces(spec.rate, workers=spec.workers)
        self.epoch_seconds = EPOCH_SECONDS
        self._failure: Exception | None = None
        self.verifier = VerifyTask(spec, pace=self.paces.verify, report=report, stop=stop)

    def run(self) -> None:
        """Work until asked to stop; raises what stopped the task otherwise."""
        start = self._take_over()
        spool = self._open_spool(start)
        self._background("receive", lambda: self._receive(spool, start))
        back_off = BackOff(self._spec.origin, self.paces, self._report)
        self._background("back off", lambda: back_off.run(self._stop))
        meter = Meter(self.paces, back_off, spool, self._report)
        self._background("meter", lambda: meter.run(self._stop))
        try:
            if self._spec.direction == FORWARD and start is None:
                self._copy(spool)
            self._follow(spool)
        except Transient:
            if not self._stop.is_set():
                raise
        finally:
            self._stop.set()
        if self._failure is not None:
            raise self._failure

    # Beginning

    def _take_over(self) -> Position | None:
        """Fence older processes; where following goes on, None before the copy is complete."""
        with open_session(self._spec.destination) as session:
            if not int(scalar(session, "SELECT @@GLOBAL.read_only")):
                raise Transient(
                    "The destination is open for writing; nothing is applied to it until it is "
                    "closed.",
                    code="DestinationOpen",
                )
            checkpoint.create(session)
            checkpoint.take_over(session, self._spec.checkpoint, self._spec.epoch)
            found = checkpoint.read(session, self._spec.checkpoint)
        return found.position if found else None

    def _open_spool(self, start: Position | None) -> Spool:
        """The spool; what it holds from an earlier time in this direction is of no use."""
        spool = Spool(self._spec.spool, when_full=self._say_full)
        if start is None or spool.end is None or spool.end >= start:
            return spool
        spool.close()
        for segment in spool.segments:
            segment.path.unlink()
        return Spool(self._spec.spool, when_full=self._say_full)

    def _say_full(self, size_bytes: int) -> None:
        self._report(
            LogReport(
                "WARN",
                f"The spool holds {size_bytes} bytes, all it may: the stream waits until the "
                "destination has applied some of it.",
            )
        )

    def _receive(self, spool: Spool, start: Position | None) -> None:
        if start is None:
            with open_session(self._spec.origin) as session:
                start = read_current_position(session)
        receive(
            self._spec.origin,
            spool,
            start=start,
            server_id=self._spec.server_id,
            stop=self._stop,
            report=self._report,
        )

    # The copy

    def _copy(self, spool: Spool) -> None:
        self._wait(lambda: spool.end is not None)
        self.verifier.forget()
        self._report(StageReport("full", "copying all tables"))
        copied = copy_all(
            CopyTask(
                self._spec.origin,
                self._spec.destination,
                self.paces.copy,
                self._report,
                self._stop,
                SpooledChanges(spool, self._wait),
                self.epoch_seconds,
            )
        )
        create_objects(self._spec.origin, self._spec.destination, self._report, copied.objects)
        with state_session(self._spec.destination) as session:
            write_complete(session, copied.complete_at)
        with open_session(self._spec.destination) as session:
            checkpoint.write_start(
                session, self._spec.checkpoint, self._spec.epoch, copied.smallest
            )

    # Following

    def _follow(self, spool: Spool) -> None:
        starts, complete_at = self._copied()
        self._report(StageReport("incremental", "following every change"))
        self._background("verify", self._verify)
        spec = self._spec
        rogue = RogueWatch(spec.destination, watched_file(spec.spool), server_id=spec.server_id + 1)
        self._background("rogue", lambda: rogue.run(self._report, self._stop))
        task = FollowTask(
            *(spec.origin, spec.destination, spec.checkpoint, spec.epoch, spec.server_id, starts),
            pace=self.paces.stream,
            complete_at=complete_at,
            altered=rogue.altered,
        )
        follow(task, spool, stop=self._stop, report=self._report)

    def _verify(self) -> None:
        """What nobody foresaw ends a pass as well, and not the stream."""
        work = self.verifier.run
        while not self._stop.is_set():
            try:
                work()
            except Exception as error:
                if not self._stop.is_set():
                    traceback.print_exc()
                    self.verifier.give_up(_unexpected(error).message)
                    work = self.verifier.take_orders
                    self._stop.wait(1.0)

    def _copied(self) -> tuple[Starts, Position | None]:
        """The start positions of all tables, and where all definitions are complete."""
        if self._spec.direction != FORWARD:
            return {}, None
        with state_session(self._spec.destination) as session:
            create_state_tables(session)
            complete_at = read_complete(session)
            applied = checkpoint.read_position(session, self._spec.checkpoint)
            is_passed = complete_at is not None and applied >= complete_at
            return read_starts(session, is_passed=is_passed), complete_at

    # Threads

    def _background(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True).start()

    def _guarded(self, work: Callable[[], None]) -> None:
        """What goes wrong in a thread ends the task."""
        try:
            work()
        except Exception as error:
            if not self._stop.is_set():
                self._failure = error
                self._stop.set()

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self._failure is not None:
                raise self._failure
            if self._stop.wait(POLL_SECONDS):
                raise Transient("The task was asked to stop.")


def main() -> None:
    """Run the task described on standard input; report on standard output."""
    spec = from_line(sys.stdin.readline())
    stop = threading.Event()
    say = Gathered(lambda report: print(to_line(report), flush=True))
    task = Task(spec, say, stop)
    threading.Thread(target=_listen, args=(task, stop), daemon=True).start()
    try:
        task.run()
    except SternaError as error:
        retry = isinstance(error, Transient) or error.code == "Unreachable"
        say(StoppedReport(error.code, error.message, error.remedy, retry))
    except Exception as error:
        traceback.print_exc()
        say(_unexpected(error))


def _unexpected(error: Exception) -> StoppedReport:
    return StoppedReport(
        "Unexpected",
        f"The sync task met something nobody foresaw: {type(error).__name__}: {error}.",
        "The data is as the checkpoint says. See the task's log in STERNA_HOME/logs and report it.",
        retry=False,
    )


def _listen(task: Task, stop: threading.Event) -> None:
    """Commands of the supervisor, one a line. When it is gone, so are we."""
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "verify":
            task.verifier.order(rest)
        elif command == "rate":
            task.paces.change(rate_from_line(rest))
        elif command == "hurry":
            task.paces.hurry()
    stop.set()
    time.sleep(END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
