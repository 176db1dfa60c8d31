"""Judges rows that looked different while they may have been written. No I/O.

A row is equal as soon as the destination shows a state that the origin showed in the same round
or shows in a later one: the origin was read before the position that the destination had applied
when it was read. A row that stays as it is on both sides is a difference after a few rounds; one
that is written all the time gets many, because each round may miss the states in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from sterna.dataplane.verify_scope import Identity

ROUNDS_UNCHANGED = 3
ROUNDS_MAX = 60

State = tuple[int, ...]  # the hashes of all rows with one identity, sorted; () where there is none
Rows = dict[Identity, State]
Differing = dict[Identity, tuple[State, State]]  # what the origin has, what the destination has


class Suspects:
    """The rows of a chunk that have not been seen equal. `open` are those to read again."""

    def __init__(self) -> None:
        self.open: set[Identity] = set()
        self.differing: Differing = {}
        self._shown: dict[Identity, set[State]] = {}  # by the destination, in any round
        self._unchanged: dict[Identity, int] = {}
        self._rounds = 0

    @property
    def decided(self) -> bool:
        """Whether `differing` is final."""
        return self._rounds >= ROUNDS_MAX or all(
            self._unchanged[identity] >= ROUNDS_UNCHANGED for identity in self.open
        )

    def judge(self, origin: Sequence[Rows], destination: Sequence[Rows]) -> None:
        """One round: the readings of the origin, then those of the destination."""
        if self._rounds == 0:
            self.open = set().union(*origin, *destination)
        self._rounds += 1
        before, self.differing = self.differing, {}
        for row in sorted(self.open):
            shown = self._shown.setdefault(row, set())
            shown.update(reading.get(row, ()) for reading in destination)
            if any(reading.get(row, ()) in shown for reading in origin):
                self.open.discard(row)
                continue
            states = (origin[-1].get(row, ()), destination[-1].get(row, ()))
            self.differing[row] = states
            same = before.get(row) == states
            self._unchanged[row] = self._unchanged.get(row, 0) + 1 if same else 1
