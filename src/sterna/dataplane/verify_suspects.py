"""Judges rows that looked different while they may have been written. No I/O.

A row is equal as soon as the destination shows a state that the origin showed in the same round
or shows in a later one: the origin was read before the position that the destination had applied
when it was read. A row that stays as it is on both sides is a difference after a few rounds; one
that is written all the time gets many, because each round may miss the states in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sterna.dataplane.verify_scope import Identity

ROUNDS_UNCHANGED = 3
ROUNDS_MAX = 60
KEPT_MAX = 100_000  # rows of a table that differ and are remembered; all are counted

State = tuple[int, ...]  # the hashes of all rows with one identity, sorted; () where there is none
Rows = dict[Identity, State]
Differing = dict[Identity, tuple[State, State]]  # what the origin has, what the destination has


class Suspects:
    """The rows of a chunk that have not been seen equal. `open` are those to read again, `unfound`
    those that at last no side had under their keys."""

    def __init__(self) -> None:
        self.open: set[Identity] = set()
        self.unfound: set[Identity] = set()
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
                if not any(reading.get(row) for reading in (*origin, *destination)):
                    self.unfound.add(row)
                continue
            states = (origin[-1].get(row, ()), destination[-1].get(row, ()))
            self.differing[row] = states
            same = before.get(row) == states
            self._unchanged[row] = self._unchanged.get(row, 0) + 1 if same else 1


@dataclass
class Outcome:
    """What is known of a table until now.

    Attributes:
        low: the key up to which it is compared; None at its beginning and its end.
        beyond: differences that were only counted.
        is_whole: whether all of it is compared.
    """

    rows_verified: int = 0
    low: Identity | None = None
    differing: Differing = field(default_factory=dict)
    beyond: int = 0
    is_whole: bool = False

    @property
    def differences(self) -> int:
        """Rows that differ, all of them."""
        return len(self.differing) + self.beyond

    def add(self, rows: int, differing: Differing) -> None:
        """One more chunk. A row that sorts into another chunk over there is found again here."""
        self.rows_verified += rows
        for identity, (here, there) in differing.items():
            before = self.differing.pop(identity, ((), ()))
            here, there = tuple(sorted(before[0] + here)), tuple(sorted(before[1] + there))
            if here == there:
                continue
            if len(self.differing) < KEPT_MAX:
                self.differing[identity] = (here, there)
            else:
                self.beyond += 1

    def fields(self) -> dict[str, Any]:
        """For a JSON document."""
        rows = [[list(row), *map(list, states)] for row, states in self.differing.items()]
        return {
            "rows_verified": self.rows_verified,
            "low": self.low,
            "differing": rows,
            "beyond": self.beyond,
            "is_whole": self.is_whole,
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Outcome:
        """The outcome that `fields` was made from."""
        return cls(
            fields["rows_verified"],
            tuple(fields["low"]) if fields["low"] is not None else None,
            {tuple(row): (tuple(here), tuple(there)) for row, here, there in fields["differing"]},
            fields["beyond"],
            fields["is_whole"],
        )
