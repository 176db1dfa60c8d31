"""Sets of transactions by their numbers: MySQL's GTID sets and MariaDB's positions by domain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_INTERVAL = re.compile(r"(\d+)(?:-(\d+))?")
_OF_DOMAIN = re.compile(r"(\d+)-\d+-(\d+)")

Interval = tuple[int, int]  # first and last


@dataclass(frozen=True)
class Gtids:
    """Which transactions a server has.

    Attributes:
        intervals: by what numbers them: "uuid", "uuid:tag", or a domain of MariaDB, which always
            has all from 1 on.
    """

    intervals: Mapping[str, tuple[Interval, ...]]

    @classmethod
    def parse(cls, text: str) -> Gtids:
        """The set in what a server prints; ValueError for anything else, also for nothing."""
        parts = "".join(text.lower().split()).split(",")
        read = _read_domain if _OF_DOMAIN.fullmatch(parts[0]) else _read_source
        found: dict[str, list[Interval]] = {}
        for part in parts:
            for name, interval in read(part):
                found.setdefault(name, []).append(interval)
        return cls({name: _merged(intervals) for name, intervals in found.items()})

    def holds(self, other: Gtids) -> bool:
        """Whether every transaction of the other is in this one."""
        return all(
            any(first <= begin and end <= last for first, last in self.intervals.get(name, ()))
            for name, intervals in other.intervals.items()
            for begin, end in intervals
        )


def _read_domain(part: str) -> list[tuple[str, Interval]]:
    match = _OF_DOMAIN.fullmatch(part)
    if match is None:
        raise ValueError(f"not a position of a domain: {part!r}")
    return [(match[1], (1, int(match[2])))]


def _read_source(part: str) -> list[tuple[str, Interval]]:
    uuid, *rest = part.split(":")
    if not _UUID.fullmatch(uuid) or not rest:
        raise ValueError(f"not a set of transactions: {part!r}")
    name, found = uuid, list[tuple[str, Interval]]()
    for item in rest:
        match = _INTERVAL.fullmatch(item)
        if match:
            found.append((name, (int(match[1]), int(match[2] or match[1]))))
        elif _TAG.fullmatch(item):
            name = f"{uuid}:{item}"
        else:
            raise ValueError(f"neither a number nor a tag: {item!r}")
    return found


def _merged(intervals: list[Interval]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)
