"""Readers of the source's binary log besides Sterna, on their way to the cluster's and back.

A server tells of a reader its account and its host, and whether it has been sent all there is; not
how far it has come. So a person moves it, with a pair of positions, and says so; whose log it reads
then is seen. What reads with Sterna's own account is not told apart from Sterna.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from sterna.errors import Refused, SternaError
from sterna.migration.status import Status
from sterna.mysql.connection import open_session, query
from sterna.store.database import now
from sterna.store.reader_records import KnownReader, LogReader, LogReaders
from sterna.store.records import Migration
from sterna.workflow.positions import Positions
from sterna.workflow.sessions import LOOK_SECONDS_MAX
from sterna.workflow.tools import Tools

_READERS = (
    "SELECT user, host, state FROM information_schema.processlist"
    " WHERE command LIKE 'Binlog Dump%%' AND user <> %s"
)
_SENT = "has sent all"  # of the state of one that waits for more; so since 5.5, MariaDB too
OTHER = {"source": "cluster", "cluster": "source"}


@dataclass
class Seen:
    """What both servers say of one reader."""

    reads: set[str] = field(default_factory=set)
    connections: int = 0
    caught_up: bool = True


class Readers:
    """The part of the operator's desk that is about other readers of the logs."""

    def __init__(self, tools: Tools, positions: Positions) -> None:
        self._tools = tools
        self._positions = positions
        self._keeping = threading.Lock()  # two may look at once

    def look(self, cluster_id: str) -> LogReaders:
        """All that read now, or were seen to; keeps who was seen. The two servers are asked."""
        migration = self._tools.journal.migration(cluster_id)
        seen = {} if migration.status == Status.CLOSED else self._ask_both(cluster_id)
        with self._keeping:
            self._keep(migration, seen)
        return self._known(migration, seen)

    def left_behind(self, cluster_id: str) -> tuple[str, ...]:
        """A sentence for each reader of a log that gets nothing more once the link is cut."""
        try:
            found = self.look(cluster_id)
        except SternaError as error:
            return (f"Who else reads the binary logs cannot be seen now: {error.message}",)
        other = OTHER[found.belong_to]
        return tuple(
            f"{one.name} is still on the {other}'s binary log. After this nobody can say where it"
            f" would go on; move it first: sterna reader move {cluster_id} {one.name}."
            for one in found.readers
            if one.is_left
        )

    def move(self, cluster_id: str, name: str, *, at: str | None = None) -> LogReaders:
        """A person has moved a reader to the log of the side with the writes.

        `at` is how far it had read the other side's log; where it went on is kept with it.

        Raises:
            Refused: NotFound, StatusNotSupported, BadPosition, PositionUnknown.
        """
        migration = self._tools.journal.migration(cluster_id)
        known = self._tools.journal.readers.all(cluster_id)
        if name not in [one.name for one in known]:
            raise Refused(
                f"Nobody called {name} was seen to read a binary log of {cluster_id}.",
                code="NotFound",
                remedy=f"See who was: sterna reader list {cluster_id}.",
            )
        if migration.status == Status.CLOSED:
            raise Refused(
                f"The migration to {cluster_id} is closed; its logs are not followed any more.",
                code="StatusNotSupported",
                remedy="Nothing is left to do here.",
            )
        side = belong_to(migration)
        position = self._position(cluster_id, at, side) if at else ""
        self._tools.journal.readers.note(
            cluster_id, name, side=side, moved_at=now(), position=position
        )
        return self.look(cluster_id)

    def _ask_both(self, cluster_id: str) -> dict[str, Seen]:
        """By name, what both servers say now."""
        found: dict[str, Seen] = {}
        for side in (self._tools.source(cluster_id), self._tools.cluster(cluster_id)):
            with open_session(side.server, read_timeout_seconds=LOOK_SECONDS_MAX) as session:
                rows = query(session, _READERS, [side.server.user])
            for user, host, state in rows:
                each = found.setdefault(f"{user}@{str(host).rpartition(':')[0] or host}", Seen())
                each.reads.add(side.word)
                each.connections += 1
                each.caught_up = each.caught_up and _SENT in str(state)
        return found

    def _position(self, cluster_id: str, at: str, side: str) -> str:
        (pair,) = self._positions.find(cluster_id, at=at, side=OTHER[side])
        return pair.cluster_position if side == "cluster" else pair.source_position

    def _keep(self, migration: Migration, seen: Mapping[str, Seen]) -> None:
        """One that reads both logs is still where it does not belong."""
        here = belong_to(migration)
        for name, each in seen.items():
            side = OTHER[here] if OTHER[here] in each.reads else here
            self._tools.journal.readers.note(migration.cluster_id, name, side=side, seen_at=now())

    def _known(self, migration: Migration, seen: Mapping[str, Seen]) -> LogReaders:
        side = belong_to(migration)
        known = self._tools.journal.readers.all(migration.cluster_id)
        readers = tuple(_now(one, seen.get(one.name), side) for one in known)
        pairs = self._positions.find(migration.cluster_id)
        return LogReaders(
            belong_to=side,
            left=sum(one.is_left for one in readers),
            sentence=_sentence(readers, side),
            readers=readers,
            newest=pairs[0] if pairs else None,
        )


def belong_to(migration: Migration) -> str:
    """The side with the writes: whose log has everything."""
    return "source" if migration.source_mode == "rw" else "cluster"


def _now(known: KnownReader, seen: Seen | None, side: str) -> LogReader:
    """One that is nowhere to be seen is where it was seen last, or was moved to."""
    now_ = seen or Seen(caught_up=False)
    return LogReader(
        **asdict(known),
        reads=tuple(word for word in OTHER if word in now_.reads),
        connections=now_.connections,
        caught_up=now_.caught_up,
        is_left=known.side != side,
    )


def _sentence(readers: Sequence[LogReader], side: str) -> str:
    other, left = OTHER[side], [one.name for one in readers if one.is_left]
    if not readers:
        return f"Nobody but Sterna was seen to read the binary log of the {side}."
    if left:
        return (
            f"{len(left)} of {len(readers)} readers are still to be moved from the {other}'s"
            f" binary log to the {side}'s: {', '.join(left)}."
        )
    if side == "source":
        return "All readers are where they belong: they are moved after the switchover."
    return "Nothing is left on the source: every reader is on the cluster's binary log."
