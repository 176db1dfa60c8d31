"""Spares an origin that suffers: copy and verification slow down in steps, and come back.

Once a second the origin is looked at (`vitals`) and compared with how it usually is. While
something is bad the share of time the workers work is halved, down to a twentieth; while all is
well it grows by a tenth, up to full speed. *Usual* is what was seen while neither copy nor
verification was at work. What stays bad for long although we nearly rest is not our doing: it
becomes usual after some minutes, or a busy day would keep a copy waiting that was begun at night.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable
from statistics import median

from sterna.dataplane.paces import Paces
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.vitals import Vitals, VitalsReader
from sterna.errors import SternaError
from sterna.mysql.connection import Server, open_session

LOOK_SECONDS = 1.0
FIRST_LOOK_SECONDS = 0.2
SILENCE_SECONDS_MAX = 10.0
SHARE_MIN = 0.05
SHARE_STEP = 0.1
BAD_LOOKS = 2  # in a row, before anything is slowed down
WELL_LOOKS = 10  # in a row at full speed, before it is said that all is well again
USUAL_LOOKS = 60
FIRST_LOOKS = 3  # taken as usual whatever we are doing
FLOOR_LOOKS = 15  # at the smallest share every so many looks one counts as usual
REPLICA_LOOKS = 30  # a replica that was never seen to have been sent everything is behind

RUNNING_MORE = 16
SECONDS_MORE = 0.05
SECONDS_TIMES = 5
HISTORY_MORE = 1_000_000


def complaints(now: Vitals, usual: Vitals) -> tuple[str, ...]:
    """What is worse than usual, in words; what is usual must be known, or nothing is said of it."""
    found = []
    if now.running > max(2 * usual.running, usual.running + RUNNING_MORE):
        found.append(f"{now.running} statements run at once (usually {usual.running})")
    seconds = now.statement_seconds or 0.0
    before = seconds if usual.statement_seconds is None else usual.statement_seconds
    if seconds > max(SECONDS_TIMES * before, before + SECONDS_MORE):
        found.append(f"statements take {seconds * 1000:.0f} ms (usually {before * 1000:.0f})")
    history, before_length = now.history_length or 0, usual.history_length or 0
    if history > max(2 * before_length, before_length + HISTORY_MORE):
        found.append(f"{history:,} row versions wait to be purged (usually {before_length:,})")
    if now.replicas_behind > usual.replicas_behind:
        found.append(f"{now.replicas_behind} replicas have not been sent everything for a while")
    return tuple(found)


class Usual:
    """What a server is like when we do not load it: the median of its looks."""

    def __init__(self) -> None:
        self._looks: deque[Vitals] = deque(maxlen=USUAL_LOOKS)

    def add(self, vitals: Vitals) -> None:
        """One more look that counts; the first few count for all that are not there yet."""
        self._looks.extend([vitals] * (USUAL_LOOKS // FIRST_LOOKS if self.is_new else 1))

    @property
    def is_new(self) -> bool:
        """Whether there are too few looks to judge by."""
        return len(self._looks) < USUAL_LOOKS

    @property
    def look_seconds(self) -> float:
        """How long to wait for the next look: the first ones come before much is at work."""
        return FIRST_LOOK_SECONDS if self.is_new else LOOK_SECONDS

    @property
    def vitals(self) -> Vitals:
        """The medians."""
        looks = self._looks
        seconds = [v.statement_seconds for v in looks if v.statement_seconds is not None]
        return Vitals(
            running=_median(v.running for v in looks),
            statement_seconds=median(seconds) if seconds else None,
            history_length=_median(v.history_length or 0 for v in looks),
            replicas_behind=_median(v.replicas_behind for v in looks),
        )


def _median(values: Iterable[int]) -> int:
    return round(median([*values] or [0]))


class BackOff:
    """Watches one origin and changes the paces. `because` says why they are slowed down now."""

    def __init__(
        self,
        origin: Server,
        paces: Paces,
        report: ReportTo,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.because = ""
        self.share = 1.0
        self._origin = origin
        self._paces = paces
        self._report = report
        self._look_seconds = look_seconds
        self._usual = Usual()
        self._bad_looks = self._well_looks = self._floor_looks = self._replica_looks = 0
        self._is_said = self._is_blind = False

    def run(self, stop: threading.Event) -> None:
        """Look until `stop`. While the origin cannot be asked, nothing is slowed down further."""
        while not stop.is_set():
            if not self._paces.rate.back_off:
                self._recover(1.0)
            else:
                try:
                    self._watch(stop)
                except SternaError as error:
                    self._say_blind(error)
            stop.wait(self._look_seconds)

    def _say_blind(self, error: SternaError) -> None:
        """Once: others who read from the origin say when it comes and goes."""
        if not self._is_blind:
            self._is_blind = True
            sentence = f"How the origin feels cannot be seen, so nothing spares it: {error.message}"
            self._report(LogReport("WARN", sentence))

    def _watch(self, stop: threading.Event) -> None:
        session = open_session(self._origin, read_timeout_seconds=SILENCE_SECONDS_MAX)
        with contextlib.closing(session):
            reader = VitalsReader(self._origin, session)
            while self._paces.rate.back_off and not stop.is_set():
                self.look(reader.read())
                self._is_blind = False
                stop.wait(min(self._look_seconds, self._usual.look_seconds))

    def look(self, vitals: Vitals) -> None:
        """Judge one look and change the share. Where nothing is at work there is only to learn."""
        vitals = self._patient(vitals)
        is_busy = self._paces.is_busy
        self._learn(vitals, is_busy=is_busy)
        found = complaints(vitals, self._usual.vitals) if is_busy else ()
        self._bad_looks = self._bad_looks + 1 if found else 0
        if self._bad_looks >= BAD_LOOKS:
            self.because = " and ".join(found)
            self._change(max(SHARE_MIN, self.share / 2))
            self._say_begin()
        elif not found:
            self._recover(SHARE_STEP if is_busy else 1.0)

    def _patient(self, vitals: Vitals) -> Vitals:
        """A replica is being sent something all the time; behind is one that never has all."""
        self._replica_looks = self._replica_looks + 1 if vitals.replicas_behind else 0
        behind = vitals.replicas_behind if self._replica_looks >= REPLICA_LOOKS else 0
        return Vitals(vitals.running, vitals.statement_seconds, vitals.history_length, behind)

    def _learn(self, vitals: Vitals, *, is_busy: bool) -> None:
        self._floor_looks = self._floor_looks + 1 if self.share <= SHARE_MIN else 0
        is_due = self._floor_looks > 0 and self._floor_looks % FLOOR_LOOKS == 0
        is_first = vitals.statement_seconds and self._usual.vitals.statement_seconds is None
        if not is_busy or is_due or is_first or self._usual.is_new:
            self._usual.add(vitals)

    def _recover(self, step: float) -> None:
        if self.share < 1.0:
            self._well_looks = 0
            self._change(min(1.0, self.share + step))
        self._well_looks += 1
        if self.share == 1.0:
            self.because = ""
        if self._is_said and (self._well_looks >= WELL_LOOKS or step == 1.0):
            self._is_said = False
            sentence = "Copy and verification are not slowed down for the origin any more."
            self._report(LogReport("NORMAL", sentence))

    def _change(self, share: float) -> None:
        self.share = share
        self._paces.slow_down(share)

    def _say_begin(self) -> None:
        if not self._is_said:
            self._is_said = True
            sentence = f"The origin suffers, {self.because}: copy and verification slow down."
            self._report(LogReport("WARN", sentence))
