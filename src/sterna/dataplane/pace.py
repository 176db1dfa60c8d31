"""How fast the copy may go: workers, and a budget of rows and bytes a second.

The budget is shared by all workers and may be changed while they work; whoever waits for the old
one goes on under the new one at once.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

BURST_SECONDS = 0.2


@dataclass(frozen=True)
class Rate:
    """What may be moved in a second; 0 stands for no limit."""

    rows_per_second: int = 0
    bytes_per_second: int = 0

    @classmethod
    def parse(cls, text: str) -> Rate:
        """`rows_per_second=1000 bytes_per_second=0`, either may be left out.

        ValueError for anything else.
        """
        found = dict(re.findall(r"(?<!\S)(rows_per_second|bytes_per_second)=(\d+)(?!\S)", text))
        if len(found) != len(text.split()):
            raise ValueError(f"not a rate: {text!r}")
        return cls(**{name: int(value) for name, value in found.items()})

    def seconds(self, rows: int, octets: int) -> float:
        """How long moving so much must take at least."""
        by_rows = rows / self.rows_per_second if self.rows_per_second else 0.0
        by_bytes = octets / self.bytes_per_second if self.bytes_per_second else 0.0
        return max(by_rows, by_bytes)


class Pace:
    """Shared by the workers of one copy."""

    def __init__(self, workers: int, rate: Rate | None = None) -> None:
        self.workers = workers
        self._rate = rate or Rate()
        self._changed = threading.Condition()
        self._due = 0.0

    @property
    def rate(self) -> Rate:
        """The budget now."""
        return self._rate

    def change(self, rate: Rate) -> None:
        """Go on with another budget."""
        with self._changed:
            self._rate, self._due = rate, time.monotonic()
            self._changed.notify_all()

    def pay(self, rows: int, octets: int) -> None:
        """Count what was moved, and wait a moment while it is more than the budget.

        A moment at most: call again with nothing until `is_paid`, looking for reasons to stop.
        """
        with self._changed:
            now = time.monotonic()
            self._due = max(self._due, now - BURST_SECONDS) + self._rate.seconds(rows, octets)
            if self._due > now:
                self._changed.wait(min(self._due - now, BURST_SECONDS))

    @property
    def is_paid(self) -> bool:
        """Whether more may be moved now."""
        return self._due <= time.monotonic()
