"""Says once a second what a task does: speeds of the last second, and what slows it down."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sterna.dataplane.backoff import BackOff
from sterna.dataplane.pace import Pace
from sterna.dataplane.paces import Paces
from sterna.dataplane.reports import ReportTo, SampleReport
from sterna.dataplane.spool import Spool

SAMPLE_SECONDS = 1.0
HELD_SHARE = 0.2  # of the time waited for a budget, from which on it is what slows the work down


@dataclass(frozen=True)
class _Counts:
    """Totals at one moment."""

    at: float
    copy: tuple[int, int]
    verified: int
    stream: tuple[int, int, int, int]


class Meter:
    """Reads what the paces have counted and reports the differences."""

    def __init__(self, paces: Paces, back_off: BackOff, spool: Spool, report: ReportTo) -> None:
        self._paces = paces
        self._back_off = back_off
        self._spool = spool
        self._report = report
        self._held: dict[Pace, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Report until `stop`."""
        before = self._count()
        while not stop.wait(SAMPLE_SECONDS):
            now = self._count()
            self._report(self._sample(before, now))
            before = now

    def _count(self) -> _Counts:
        copy, stream = self._paces.copy, self._paces.stream
        return _Counts(
            at=time.monotonic(),
            copy=(copy.rows, copy.bytes),
            verified=self._paces.verify.rows,
            stream=(stream.transactions, stream.rows, stream.bytes, stream.windows),
        )

    def _sample(self, before: _Counts, now: _Counts) -> SampleReport:
        seconds = now.at - before.at
        rows, octets = (b - a for a, b in zip(before.copy, now.copy, strict=True))
        transactions, row_events, stream_bytes, windows = (
            b - a for a, b in zip(before.stream, now.stream, strict=True)
        )
        return SampleReport(
            rows_per_second=rows / seconds,
            bytes_per_second=octets / seconds,
            rows_verified_per_second=(now.verified - before.verified) / seconds,
            transactions_per_second=transactions / seconds,
            row_events_per_second=row_events / seconds,
            stream_bytes_per_second=stream_bytes / seconds,
            window_transactions=transactions / windows if windows else 0.0,
            spool_bytes=self._spool.size_bytes,
            share=self._back_off.share,
            throttled_because=self._reasons(seconds),
        )

    def _reasons(self, seconds: float) -> str:
        """What slows the task down, in words."""
        works = {
            "the full copy": self._paces.copy,
            "the verification": self._paces.verify,
            "the incremental synchronization": self._paces.stream,
        }
        reasons = [
            f"{work} is limited to {pace.rate}"
            for work, pace in works.items()
            if self._is_held(pace, seconds)
        ]
        if self._back_off.because:
            reasons.append(
                f"the origin suffers: {self._back_off.because}; copy and verification work"
                f" {self._back_off.share:.0%} of the time"
            )
        return "; ".join(reasons)

    def _is_held(self, pace: Pace, seconds: float) -> bool:
        held, self._held[pace] = self._held.get(pace, 0.0), pace.held_seconds
        return pace.is_limited and self._held[pace] - held > HELD_SHARE * seconds
