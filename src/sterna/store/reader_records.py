"""Who else reads a binary log, as frozen values; the API returns them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sterna.store.records import PositionPair


@dataclass(frozen=True)
class KnownReader:
    """A program or server that has read the source's or the cluster's binary log."""

    name: str  # user@host: all that a server tells of it
    side: str  # source | cluster: where it was seen last, or was moved to since
    seen_at: datetime
    moved_at: datetime | None = None  # when a person said that it was moved
    position: str = ""  # in the log it was moved to: from where it went on


@dataclass(frozen=True)
class LogReader(KnownReader):
    """The same with what it does now."""

    reads: tuple[str, ...] = ()  # source, cluster: whose log it reads now
    connections: int = 0
    caught_up: bool = False  # it has been sent all there is, wherever it reads
    is_left: bool = False  # it has still to be moved to the side with the writes


@dataclass(frozen=True)
class LogReaders:
    """All readers of both logs but Sterna's own, and where they belong."""

    belong_to: str  # source | cluster: the side with the writes
    left: int  # how many are still to be moved
    sentence: str
    readers: tuple[LogReader, ...]
    newest: PositionPair | None  # of the pairs to move them with
