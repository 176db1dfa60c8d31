"""Slows down who guesses passwords.

Counted in memory: a restart, which no guesser can bring about, forgets, and a guesser must not be
able to fill the database. Every attempt counts until it has proved right, so many at once gain
nothing. Nobody is locked out for long: an account waits half a minute at most, so that whoever
attacks it does not take it away from its owner.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sterna.errors import Refused

KEYS_MAX = 10_000
FORGOTTEN_SECONDS = 900.0


class TooManyAttemptsError(Refused):
    """Refused for a while; `wait_seconds` says how long."""

    code = "TooManyAttempts"

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = math.ceil(wait_seconds)
        super().__init__(
            f"Too many attempts failed; the next one is looked at in {self.wait_seconds} s.",
            code="TooManyAttempts",
            remedy="Wait. Who has forgotten the password: sterna user set-password NAME, on the "
            "server's machine.",
        )


@dataclass
class _Count:
    """Failures in a row, and when the last one was."""

    failures: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Limit:
    """So many failures cost nothing; each one more doubles the wait, up to `seconds_max`."""

    free: int
    seconds_max: float

    def wait_seconds(self, failures: int) -> float:
        """How long to wait after so many failures."""
        over = failures - self.free
        return min(self.seconds_max, 2.0 ** min(over, 30)) if over >= 0 else 0.0


ACCOUNT = Limit(free=5, seconds_max=30.0)
ADDRESS = Limit(free=20, seconds_max=300.0)


class Throttle:
    """Counts failures by name of account and by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[Limit, str], _Count] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(self, account: str, address: str) -> None:
        """Count an attempt as a failure until `succeed`; TooManyAttemptsError when not yet due."""
        keys = ((ACCOUNT, account), (ADDRESS, address))
        with self._lock:
            moment = self._clock()
            wait = max(self._left(key, moment) for key in keys)
            if wait > 0:
                raise TooManyAttemptsError(wait)
            for key in keys:
                count = self._count(key, moment)
                count.failures, count.at = count.failures + 1, moment

    def succeed(self, account: str, address: str) -> None:
        """The attempt was right: the account's failures are forgotten, the address's are one less.

        An address that owns one account must not get free guesses at the others by it.
        """
        with self._lock:
            self._counts.pop((ACCOUNT, account), None)
            if count := self._counts.get((ADDRESS, address)):
                count.failures = max(count.failures - 1, 0)

    def _left(self, key: tuple[Limit, str], moment: float) -> float:
        count = self._count(key, moment)
        return count.at + key[0].wait_seconds(count.failures) - moment if count.failures else 0.0

    def _count(self, key: tuple[Limit, str], moment: float) -> _Count:
        count = self._counts.setdefault(key, _Count())
        if moment - count.at > FORGOTTEN_SECONDS:
            count.failures = 0
        self._counts.move_to_end(key)
        if len(self._counts) > KEYS_MAX:
            self._counts.popitem(last=False)
        return count
