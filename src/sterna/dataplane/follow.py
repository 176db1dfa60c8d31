"""Follow the origin: whole transactions from the spool onto the destination, exactly once.

    spool ─▶ Assembler ─▶ pieces, boundaries, DDL ─▶ Applier ─▶ windows on the destination

A window is whatever whole transactions have arrived; while one is being committed the next
gathers, so windows grow with the load and an idle stream applies a lone transaction at once.
Every failure goes back to the checkpoint, which lies beside the rows: nothing is applied twice or
left out.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field

from sterna.dataplane import checkpoint
from sterna.dataplane.apply import Applier
from sterna.dataplane.lag import LagMeter, sample_positions
from sterna.dataplane.pace import StreamPace
from sterna.dataplane.range_starts import Starts, read_ties, require_groups_together
from sterna.dataplane.receive import receive
from sterna.dataplane.regroup import Irregular
from sterna.dataplane.reports import LagReport, ReportTo
from sterna.dataplane.rolled_back import RolledBack, Undone, require_transactions
from sterna.dataplane.spool import Spool
from sterna.dataplane.transactions import Assembler
from sterna.dataplane.windows import Applied, Sides, WindowLoop
from sterna.errors import Refused, Stopped, Transient
from sterna.mysql.binlog.events import Format
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server, ServerError, greeting_version, open_session
from sterna.mysql.position import Position
from sterna.mysql.replication import read_format_description
from sterna.mysql.version import Version

__all__ = ["FollowTask", "Follower", "applied_position", "follow", "receive"]

ATTEMPTS_MAX = 30
BACKOFF_SECONDS_MAX = 5.0
REPORT_SECONDS = 0.5

applied_position = checkpoint.read_position


@dataclass(frozen=True)
class FollowTask:
    """What is followed: from where, to where, under which name and epoch.

    `server_id` is needed where events have to be rewritten in the destination's own format, which
    is read from its binary log. Tables in `start_positions` hold a copy up to their position, as
    a whole or range by range; all definitions are as they were at `complete_at`. `pace` counts
    what is applied and says how fast it may be. `altered` is set when somebody altered the
    destination.
    """

    origin: Server
    destination: Server
    task: str
    epoch: int
    server_id: int
    start_positions: Starts = field(default_factory=dict)
    complete_at: Position | None = None
    pace: StreamPace = field(default_factory=StreamPace, compare=False, repr=False)
    altered: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)


def follow(task: FollowTask, spool: Spool, *, stop: threading.Event, report: ReportTo) -> None:
    """Apply what the spool holds and gets, until `stop`; reports the lag twice a second.

    Raises Stopped or Ambiguous for what must not be guessed, Transient when the destination was
    away for too long. What is applied then stands in the checkpoint.
    """
    meter = LagMeter()
    ended = threading.Event()
    follower = Follower(task, spool, meter=meter, report=report, stop=stop)
    helpers = [
        threading.Thread(target=follower.watch_origin, args=(ended,), daemon=True),
        threading.Thread(target=follower.report_lag, args=(ended,), daemon=True),
    ]
    for helper in helpers:
        helper.start()
    try:
        follower.run()
    finally:
        ended.set()
        for helper in helpers:
            helper.join(BACKOFF_SECONDS_MAX)


class Follower:
    """Applies one spool to one destination."""

    def __init__(
        self,
        task: FollowTask,
        spool: Spool,
        *,
        meter: LagMeter,
        report: ReportTo,
        stop: threading.Event,
    ) -> None:
        self._task = task
        self._spool = spool
        self._meter = meter
        self._report = report
        self._stop = stop
        self._is_careful = False
        self._applied: Position | None = None
        self._trouble = ""
        self._undone: set[Undone] = set()
        self._doubtful: set[TableName] = set()  # whose rows were rolled back, they say
        self._replaced: Stopped | None = None
        self.transactions = 0
        self.row_events = 0

    def run(self) -> None:
        """Follow until `stop`; reconnects where the destination was lost."""
        failures = 0
        while not self._stop.is_set():
            began_at = self._applied
            try:
                self._follow_once()
            except ServerError as error:
                # Once more from the checkpoint, one statement at a time, to name the culprit.
                if self._is_careful:
                    raise
                self._trouble, self._is_careful = error.message, True
            except RolledBack as error:
                self._learn(error)
            except Irregular as error:
                self._trouble, self._is_careful = f"The log is irregular: {error}.", True
            except (Transient, Refused) as error:
                failures = 0 if self._applied != began_at else failures + 1
                self._trouble = error.message
                if failures >= ATTEMPTS_MAX or not _may_pass(error):
                    raise
                self._stop.wait(min(0.1 * 2**failures, BACKOFF_SECONDS_MAX))
        if self._replaced is not None:
            raise self._replaced

    def watch_origin(self, ended: threading.Event) -> None:
        """Sample the origin's position until `ended`; a log that goes back ends all following."""
        try:
            sample_positions(self._task.origin, self._meter, ended)
        except Stopped as error:
            self._replaced = error
            self._stop.set()

    def _follow_once(self) -> None:
        task = self._task
        sides = Sides(task.origin, task.destination, self._relay_format(), task.altered)
        with contextlib.closing(
            Applier(task.destination, task.task, task.epoch, is_careful=self._is_careful)
        ) as applier:
            start = applier.read_checkpoint().position
            self._applied = start
            self._require_groups_together(start)
            self._require_transactions()
            self._meter.applied(start, 0)
            loop = WindowLoop(
                sides,
                spool=self._spool,
                applier=applier,
                assembler=Assembler(
                    task.start_positions,
                    sides.relay_format,
                    takes_partial_json=_takes_partial_json(applier.version),
                    complete_at=task.complete_at,
                    undone=self._undone,
                ),
                report=self._report,
                pace=task.pace,
            )
            loop.run(start, self._note_applied, self._stop)

    def _learn(self, error: RolledBack) -> None:
        """Which rows to leave out when they are read once more."""
        self._undone = {each for each in self._undone if self._is_to_come(each)}
        self._undone.update(error.undone)
        self._doubtful.update(error.tables)

    def _is_to_come(self, undone: Undone) -> bool:
        return self._applied is None or undone.begun > self._applied

    def _require_transactions(self) -> None:
        if self._doubtful:
            with contextlib.closing(open_session(self._task.origin)) as session:
                require_transactions(session, self._doubtful)
            self._doubtful.clear()

    def _require_groups_together(self, applied: Position) -> None:
        """What is tied by foreign keys on the destination was copied at one moment."""
        if self._task.start_positions:
            with contextlib.closing(open_session(self._task.destination)) as session:
                require_groups_together(self._task.start_positions, read_ties(session), applied)

    def _relay_format(self) -> Format | None:
        """MySQL does not take MariaDB's events as they are: they are written in its own format."""
        if not _is_mariadb(self._task.origin) or _is_mariadb(self._task.destination):
            return None
        return read_format_description(self._task.destination, self._task.server_id)

    def _note_applied(self, applied: Applied) -> None:
        self._applied = applied.position
        self._trouble, self._is_careful = "", False
        self.transactions += applied.transactions
        self.row_events += applied.row_events
        self._meter.applied(applied.position, applied.committed_at)

    def report_lag(self, ended: threading.Event) -> None:
        """Report the lag until `ended`."""
        while not ended.is_set():
            newest, at = self._meter.newest, time.monotonic()
            lag_seconds = self._meter.lag_seconds(at)
            stalled_because = self._spool.interruption or self._trouble
            if not stalled_because and self._meter.is_silent(at):
                stalled_because = "The origin does not say where its binary log ends."
            self._report(
                LagReport(
                    None if stalled_because else lag_seconds,
                    str(newest.position) if newest else "",
                    str(self._applied or ""),
                    stalled_because,
                    self.transactions,
                    self.row_events,
                )
            )
            ended.wait(REPORT_SECONDS)


def _is_mariadb(server: Server) -> bool:
    with contextlib.closing(open_session(server)) as session:
        return greeting_version(session).is_mariadb


def _takes_partial_json(version: Version) -> bool:
    return not version.is_mariadb and version.at_least(8, 0)


def _may_pass(error: Transient | Refused) -> bool:
    return isinstance(error, Transient) or error.code == "Unreachable"
