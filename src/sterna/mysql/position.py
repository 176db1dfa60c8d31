"""A place in one server's binary log. Only this file knows what a position is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

FIRST_OFFSET_BYTES = 4  # behind the four magic bytes every binary log file begins with

_FORMAT = re.compile(r"(?P<file>[^:]+\.(?P<number>\d+)):(?P<offset>\d+)", re.DOTALL)


@total_ordering
@dataclass(frozen=True)
class Position:
    """The end of an event, so: everything up to here is done, go on from here.

    Totally ordered within one server; comparing positions of two servers is a ValueError where
    it can be noticed (another base name).
    """

    file: str
    offset_bytes: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """The position in `str(position)`; ValueError for anything else."""
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise ValueError(f"not a binary log position: {text!r}")
        return cls(match["file"], int(match["offset"]))

    @classmethod
    def start_of(cls, file: str) -> Position:
        """Before the first event of a binary log file."""
        return cls(file, FIRST_OFFSET_BYTES)

    def in_same_file(self, offset_bytes: int) -> Position:
        """The position `offset_bytes` in this position's file."""
        return Position(self.file, offset_bytes)

    def is_followed_by(self, other: Position) -> bool:
        """Whether the same log may go on at `other`: nothing of it lies before this position."""
        try:
            return self <= other
        except ValueError:
            return False

    def __lt__(self, other: Position) -> bool:
        return self._order(other) < other._order(self)

    def _order(self, other: Position) -> tuple[int, int]:
        base, number = self.file.rsplit(".", 1)
        if base != other.file.rsplit(".", 1)[0]:
            raise ValueError(f"{self} and {other} are positions of two servers")
        return int(number), self.offset_bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.offset_bytes}"
