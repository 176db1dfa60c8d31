"""What the application was promised, kept outside every database.

A ledger is a file of JSON lines, only ever appended to: {id, state, at, error}, `at` in seconds
since 1970. A transfer is first `attempted`, and then one of:

- acknowledged: COMMIT was answered; it must be there, once.
- failed: COMMIT was never sent; it must not be there.
- unknown: the connection or the server failed at COMMIT; it may be there, at most once.

Without a second line (the application was killed) it is as unknown.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

State = Literal["attempted", "acknowledged", "failed", "unknown"]


class LedgerWriter:
    """Appends to a ledger; many threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, transfer_id: str, state: State, error: str | None = None) -> None:
        """One line, in one write, so that a kill leaves no half of it."""
        entry = {"id": transfer_id, "state": state, "at": time.time(), "error": error}
        line = json.dumps(entry).encode() + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError("the ledger's disk is full")


@dataclass(frozen=True)
class Ledger:
    """One or more ledgers, read.

    Attributes:
        states: the last state of every transfer by its id.
        acknowledged_at: times of all acknowledgements, in seconds since 1970, ascending.
        errors: how often each error was met.
    """

    states: Mapping[str, State]
    acknowledged_at: tuple[float, ...]
    errors: Mapping[str, int]

    def totals(self) -> dict[State, int]:
        """How many transfers ended in each state; `attempted` is those without an end."""
        found = Counter(self.states.values())
        names: tuple[State, ...] = ("attempted", "acknowledged", "failed", "unknown")
        return {name: found[name] for name in names}

    def ids(self, *states: State) -> set[str]:
        """Transfers in one of these states."""
        return {transfer_id for transfer_id, state in self.states.items() if state in states}


def read_ledger(ledgers: Path | Iterable[Path]) -> Ledger:
    """Read one or more ledgers, also while they are written.

    Raises:
        ValueError: a line is not of a ledger, or a transfer ended twice.
    """
    states: dict[str, State] = {}
    times: list[float] = []
    errors: Counter[str] = Counter()
    for entry in _entries([ledgers] if isinstance(ledgers, Path) else ledgers):
        name, state = entry["id"], entry["state"]
        if states.get(name) != (None if state == "attempted" else "attempted"):
            raise ValueError(f"transfer {name} is {state} after {states.get(name)}")
        states[name] = state
        if state == "acknowledged":
            times.append(entry["at"])
        if entry["error"]:
            errors[entry["error"]] += 1
    return Ledger(states, tuple(sorted(times)), errors)


def _entries(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open("rb") as lines:
            # The last line may still be on its way.
            yield from (json.loads(line) for line in lines if line.endswith(b"\n"))


def longest_gap_ms(ledger: Path | Ledger, since: float, until: float) -> float:
    """The longest time in milliseconds between two acknowledged commits, over all threads.

    Counted are intervals that overlap the window from `since` to `until` (seconds since 1970),
    whole. Where nothing was acknowledged before or after the window, its border counts instead.
    """
    times = (read_ledger(ledger) if isinstance(ledger, Path) else ledger).acknowledged_at
    before = max((at for at in times if at <= since), default=since)
    after = min((at for at in times if at >= until), default=until)
    marks = [before, *(at for at in times if since < at < until), after]
    return max(later - earlier for earlier, later in pairwise(marks)) * 1000
