"""Lag by sampling: where the origin was at which time, and which of that is applied.

No heartbeat rows are written anywhere. A thread asks the origin for its position several times a
second; the lag is the age of the newest sample that is applied, and 0 when that is the newest of
all.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass

from sterna.errors import SternaError, Stopped
from sterna.mysql.connection import Server, Session, open_session
from sterna.mysql.position import Position
from sterna.mysql.replication import (
    SILENCE_SECONDS_MAX,
    log_replaced,
    read_current_position,
)

SAMPLE_SECONDS = 0.2
SAMPLES_MAX = 20_000  # over an hour at full density; thinned out when there are more


@dataclass(frozen=True)
class Sample:
    """The origin's log ended at `position` at `taken_at` (monotonic seconds)."""

    taken_at: float
    position: Position


class LagMeter:
    """Keeps the samples; `applied` tells it what is done, `lag_seconds` what that means."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._newest: Sample | None = None
        self._applied_sample: Sample | None = None
        self._applied_to: Position | None = None
        self._behind_seconds: float | None = None

    def add(self, sample: Sample) -> None:
        """A new sample."""
        with self._lock:
            self._newest = sample
            self._samples.append(sample)
            if len(self._samples) > SAMPLES_MAX:
                self._samples = deque(list(self._samples)[::2])
            self._move_on()

    def applied(self, position: Position, committed_at: int) -> None:
        """Everything up to `position` is applied; `committed_at` is the origin's clock (seconds
        since 1970) at its last transaction, 0 when not known."""
        with self._lock:
            self._applied_to = position
            self._move_on()
            if committed_at:
                self._behind_seconds = max(0.0, time.time() - committed_at)

    def _move_on(self) -> None:
        while self._samples and self._applied_to and self._samples[0].position <= self._applied_to:
            self._applied_sample = self._samples.popleft()

    @property
    def newest(self) -> Sample | None:
        """The newest sample."""
        with self._lock:
            return self._newest

    @property
    def reached(self) -> Position | None:
        """What the origin's log surely held until now."""
        with self._lock:
            return self._newest.position if self._newest else self._applied_to

    def is_silent(self, now: float) -> bool:
        """The origin has said where its log ends, but not lately."""
        newest = self.newest
        return newest is not None and now - newest.taken_at > SILENCE_SECONDS_MAX

    def lag_seconds(self, now: float) -> float | None:
        """The lag at `now` (monotonic); None while it cannot be known.

        Until a first sample is applied, the age of the last applied transaction by the origin's
        own clock stands in.
        """
        with self._lock:
            if self._newest is None or now - self._newest.taken_at > SILENCE_SECONDS_MAX:
                return None
            if not self._samples:
                return 0.0
            if self._applied_sample is None:
                return self._behind_seconds
            return now - self._applied_sample.taken_at


def sample_positions(origin: Server, meter: LagMeter, stop: threading.Event) -> None:
    """Feed the meter until `stop`; while the origin cannot be asked, nothing is fed.

    Stopped (BinlogReplaced) where the origin's log ends before what it held already.
    """
    while not stop.is_set():
        try:
            with contextlib.closing(
                open_session(origin, read_timeout_seconds=SILENCE_SECONDS_MAX)
            ) as session:
                while not stop.is_set():
                    meter.add(_sample(origin, session, meter.reached))
                    stop.wait(SAMPLE_SECONDS)
        except Stopped:
            raise
        except SternaError:
            stop.wait(1.0)  # the lag becomes unknown and is shown as such


def _sample(origin: Server, session: Session, reached: Position | None) -> Sample:
    asked_at = time.monotonic()
    position = read_current_position(session)
    if reached is not None and not reached.is_followed_by(position):
        raise log_replaced(origin, reached, position)
    return Sample(asked_at, position)
