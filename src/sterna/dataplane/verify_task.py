"""The verification of a sync task: its passes one after the other, in a thread of its own.

A pass that was under way when the process ended is gone on with, and so is one whose server is away
for a while. What goes wrong in a pass ends the pass, not the task: the stream is worth more.
"""

from __future__ import annotations

import threading

from sterna.dataplane import checkpoint
from sterna.dataplane.pace import Pace
from sterna.dataplane.reports import ReportTo, VerifyDoneReport
from sterna.dataplane.spec import FORWARD, REVERSE, TaskSpec
from sterna.dataplane.verify import Sides, verify_tables
from sterna.dataplane.verify_order import Orders, VerifyOrder, new_pass_id, order_from_line
from sterna.dataplane.verify_progress import Progress, read_progress
from sterna.dataplane.verify_repair import Repairer
from sterna.errors import SternaError, Transient
from sterna.mysql.connection import Session, open_session
from sterna.mysql.position import Position

PROGRESS_FILE, ORDERS_FILE = "verify.json", "verify-orders.jsonl"
ATTEMPTS = 10
LOOK_SECONDS = 0.2


class VerifyTask:
    """Takes orders at any time; works on them once `run` is called.

    Args:
        pace: how fast rows may be read.
    """

    def __init__(
        self, spec: TaskSpec, *, pace: Pace, report: ReportTo, stop: threading.Event
    ) -> None:
        self._spec = spec
        self._report = report
        self._stop = stop
        self._sides = Sides(spec.origin, spec.destination, self._applied, pace)
        self._file = spec.spool / PROGRESS_FILE
        self._orders = Orders(spec.spool / ORDERS_FILE)
        self._progress = Progress(VerifyOrder(new_pass_id()), self._file)
        self._session: Session | None = None

    def order(self, line: str) -> None:
        """Do another pass when those before are done; a line made by `order_to_line`."""
        self._orders.add(order_from_line(line))

    def forget(self) -> None:
        """What an earlier pass has found is of no use: all rows are copied anew."""
        self._file.unlink(missing_ok=True)

    def _forget_other_direction(self) -> None:
        """A pass that a switch has interrupted is not gone on with after the way back."""
        other = REVERSE if self._spec.direction == FORWARD else FORWARD
        (self._spec.spool.parent / other / PROGRESS_FILE).unlink(missing_ok=True)

    def run(self) -> None:
        """Go on with the pass under way, else begin a whole one where rows were copied; then take
        orders until the task stops."""
        self._forget_other_direction()
        kept = read_progress(self._file)
        if kept is None and self._spec.direction == FORWARD:
            kept = Progress(VerifyOrder(new_pass_id()), self._file)
        if kept is not None:
            self._verify(kept)
        self.take_orders()

    def take_orders(self) -> None:
        """One pass after the other, as they are ordered, until the task stops."""
        while not self._stop.is_set():
            order = self._orders.first
            if order is None:
                self._stop.wait(LOOK_SECONDS)
                continue
            progress = Progress(order, self._file)
            progress.keep()
            self._orders.remove_first()
            self._verify(progress)

    def _verify(self, progress: Progress) -> None:
        """One pass to its end; after a broken connection it goes on where it was.

        A server that is away is waited for: the stream says that it is. Other failures count only
        as long as nothing is verified in between.
        """
        failures, self._progress = 0, progress
        while not self._stop.is_set():
            progress.keep()
            rows_before = progress.rows_verified
            try:
                self._verify_once(progress)
                return
            except SternaError as error:
                is_away = error.code == "Unreachable"
                failures = failures if is_away else failures + 1
                if progress.rows_verified > rows_before:
                    failures = 1
                if self._stop.is_set():
                    return
                if not (is_away or isinstance(error, Transient)) or failures >= ATTEMPTS:
                    self.give_up(str(error))
                    return
            self._stop.wait(failures + 1.0)

    def _verify_once(self, progress: Progress) -> None:
        repairer = None
        if progress.order.repair:
            repairer = Repairer(
                self._sides,
                checkpoint=self._spec.checkpoint,
                epoch=self._spec.epoch,
                report=self._report,
                stop=self._stop,
            )
        try:
            verify_tables(
                self._sides,
                report=self._report,
                stop=self._stop,
                progress=progress,
                repairer=repairer,
            )
        finally:
            self._forget_session()

    def give_up(self, problem: str) -> None:
        """End the pass under way; what is compared until now is only counted."""
        progress = self._progress
        progress.forget()
        differences = sum(each.differences for each in progress.done.values())
        repaired = sum(each.repaired for each in progress.done.values())
        self._report(
            VerifyDoneReport(
                *(progress.order.id, progress.rows_verified, differences, repaired),
                progress.seconds,
                progress.order.is_whole,
                problem,
            )
        )

    def _applied(self) -> Position:
        """On one session: it is asked hundreds of times while the destination catches up."""
        try:
            if self._session is None:
                self._session = open_session(self._spec.destination)
            return checkpoint.read_position(self._session, self._spec.checkpoint)
        except SternaError:
            self._forget_session()
            raise

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.cut()
            self._session = None
