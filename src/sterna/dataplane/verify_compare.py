"""Compares one table on two servers while writes flow from one to the other.

Chunks are read ahead, each side at its own speed: the servers need not be equally fast, and none
waits for the other. A chunk whose count and checksum agree is equal. One that differs is compared
row by row, and what differs there is read again, origin first: the destination is only read once it
has applied the position the origin had after its read, so it must by then show that state or a
later one. See `verify_suspects` for the judgement.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from sterna.dataplane.pace import Pace
from sterna.dataplane.verify_chunks import Chunks, split
from sterna.dataplane.verify_lanes import Lane, Scan, too_long
from sterna.dataplane.verify_layout import Pair, is_altered
from sterna.dataplane.verify_scope import (
    Buckets,
    Identity,
    Keys,
    Layout,
    Range,
    Scanned,
    Scope,
    buckets_sql,
    checksum_sql,
    in_parts,
    rows_sql,
)
from sterna.dataplane.verify_suspects import Differing, Outcome, Rows, Suspects
from sterna.errors import Stopped, Transient
from sterna.mysql.connection import Server, Session, greeting_version, open_session, query
from sterna.mysql.position import Position
from sterna.mysql.statements import statement

WAIT_SECONDS_MAX = 600.0
POLL_SECONDS = 0.002
POLL_SECONDS_MAX = 0.2  # after a while: what takes that long may take longer
POLL_GROWTH = 1.2
CHUNK_QUERIES = 2  # one finds where a chunk ends, one sums it
DESTINATION_READINGS = 10
ROWS_COMPARED_MAX = 200_000  # of one side, one by one at a time
CHUNKS_AHEAD = 4  # under way at once, at full speed
SESSIONS = 2  # that read chunks on each side


class Halted(Exception):
    """Somebody asked the comparison to end."""


@dataclass(frozen=True)
class Sides:
    """The two servers, how far the second has applied the first one's binary log, and how fast
    the first may be read."""

    origin: Server
    destination: Server
    applied: Callable[[], Position]
    pace: Pace = field(default_factory=Pace, compare=False, repr=False)


class Comparer:
    """A session on each side, and those that read chunks. Not shared between threads; close it."""

    def __init__(self, sides: Sides, stop: Event) -> None:
        self._sides = sides
        self._stop = stop
        with contextlib.ExitStack() as opened:
            self._origin = opened.enter_context(open_session(sides.origin))
            self._destination = opened.enter_context(open_session(sides.destination))
            self._here = opened.enter_context(Lane(sides.origin, SESSIONS))
            self._there = opened.enter_context(Lane(sides.destination, SESSIONS))
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close all sessions."""
        self._opened.close()

    def compare(self, pair: Pair, outcome: Outcome, after_chunk: Callable[[], None]) -> None:
        """All rows of a table, from where `outcome` ends; each chunk is added to it.

        Raises Halted, or what the servers raise.
        """
        chunks = Chunks(self._origin, pair.origin, outcome.low)
        for scan in () if outcome.is_whole else self._scans(pair, chunks):
            rows, scopes = self._suspicious(pair, scan)
            chunks.found(rows)
            found = Outcome()
            for scope in scopes:
                found.add(0, self._settle(pair, scope))
            outcome.add(rows, found.differing)
            outcome.beyond += found.beyond
            outcome.low, outcome.is_whole = scan.scope.high, scan.scope.high is None
            self._sides.pace.settle(rows, 0, queries=CHUNK_QUERIES, stop=self._stop)
            after_chunk()

    def is_altered(self, pair: Pair) -> bool:
        """Whether the origin's table is another than the one that is compared."""
        return is_altered(self._origin, pair.origin)

    def compare_again(self, pair: Pair, identities: Collection[Identity]) -> Differing:
        """Which of these rows differ now."""
        scope = Range().narrowed(pair.origin, identities)
        differing = self._settle(pair, scope)
        return {row: states for row, states in differing.items() if row in identities}

    def read_rows(
        self, pair: Pair, sql: Callable[[Layout], str]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The answers of both sides to a statement, as they are now."""
        return self._at_once(pair, sql)

    def read_both(self, read: Callable[[Session], Any]) -> tuple[Any, Any]:
        """What `read` returns on the origin, then what on a destination that has caught up."""
        origin = read(self._origin)
        self._catch_up()
        return origin, read(self._destination)

    def _scans(self, pair: Pair, chunks: Chunks) -> Iterator[Scan]:
        """All chunks in their order, some of them begun ahead."""
        under_way: deque[Scan] = deque()
        for scope in chunks:
            self._check_stop()
            under_way.append(self._begin(pair, scope))
            while len(under_way) >= self._ahead:
                yield under_way.popleft()
        yield from under_way

    @property
    def _ahead(self) -> int:
        """What is under way cannot be called back when the origin is to be spared."""
        pace = self._sides.pace
        return 1 if pace.is_limited or pace.share < 1 else CHUNKS_AHEAD

    def _begin(self, pair: Pair, scope: Range) -> Scan:
        here = self._here.begin(pair.origin, checksum_sql(pair.origin, scope))
        there = self._there.begin(pair.origin, checksum_sql(pair.destination, scope))
        return Scan(scope, here, there)

    def _suspicious(self, pair: Pair, scan: Scan) -> tuple[int, Iterable[Scope]]:
        """How many rows the origin has in a chunk, and what of it is to be compared row by row, in
        parts that fit into memory however many rows the other side has."""
        self._check_stop()
        origin, destination = scan.answers()
        rows, rows_there = int(origin[0][0]), int(destination[0][0])
        if origin == destination:
            return rows, ()
        if not pair.origin.key:
            return rows, self._differing_buckets(pair)
        if not pair.origin.walk or max(rows, rows_there) <= ROWS_COMPARED_MAX:
            return rows, (scan.scope,)
        if rows > rows_there:
            return rows, split(self._origin, pair.origin, scan.scope)
        return rows, split(self._destination, pair.destination, scan.scope)

    def _differing_buckets(self, pair: Pair) -> Iterator[Buckets]:
        """None where they are equal by now."""
        here, there = self._at_once(pair, buckets_sql)
        counts: dict[int, int] = {}
        for number, count, _ in set(here) ^ set(there):
            counts[int(number)] = max(counts.get(int(number), 0), int(count))
        return in_parts(counts, ROWS_COMPARED_MAX)

    def _settle(self, pair: Pair, scope: Scope) -> Differing:
        """Rows of a scope that differ. What no side has under its key may be there all the same:
        in a partition that is not its own, or behind an index that has lost it."""
        suspects = self._judged(pair, scope)
        if not suspects.unfound or not pair.origin.walk:
            return suspects.differing
        within = scope if isinstance(scope, Range) else Range()
        scanned = self._judged(pair, Scanned(within, frozenset(suspects.unfound)))
        return suspects.differing | scanned.differing

    def _judged(self, pair: Pair, scope: Scope) -> Suspects:
        suspects = Suspects()
        while True:
            origin = self._read_and_wait(pair.origin, scope)
            # Few rows are read several times: of a row that is written all the time both sides
            # must show one state in common, and another wait costs as long as the lag is.
            readings = DESTINATION_READINGS if isinstance(scope, Keys) else 1
            suspects.judge(
                origin,
                [self._rows(self._destination, pair.destination, scope) for _ in range(readings)],
            )
            if suspects.decided:
                return suspects
            scope = scope.narrowed(pair.origin, suspects.open)

    def _read_and_wait(self, layout: Layout, scope: Scope) -> list[Rows]:
        """What the origin shows from now until the destination has caught up with now."""
        shown = [self._rows(self._origin, layout, scope)]

        def read_again() -> None:
            pace = self._sides.pace
            if isinstance(scope, Keys) and pace.is_paid:  # few rows: more is not worth the load
                rows = self._rows(self._origin, layout, scope)
                pace.pay(len(rows), 0, queries=1)
                if rows != shown[-1]:
                    shown.append(rows)

        self._catch_up(read_again)
        return shown

    def _rows(self, session: Session, layout: Layout, scope: Scope) -> Rows:
        self._check_stop()
        rows: Rows = {}
        for row in query(session, rows_sql(layout, scope)):
            if row[-1] is None:
                raise too_long(layout)
            identity = tuple(map(_text, row[:-1] or row))
            rows[identity] = tuple(sorted((*rows.get(identity, ()), int(row[-1]))))
        return rows

    def _at_once(self, pair: Pair, sql: Callable[[Layout], str]) -> tuple[Any, Any]:
        self._check_stop()
        here = self._here.begin(pair.origin, sql(pair.origin))
        there = self._there.begin(pair.origin, sql(pair.destination))
        return here.result(), there.result()

    def _catch_up(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until the destination has applied all the origin has logged by now."""
        wanted = read_position(self._origin)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        pause_seconds = POLL_SECONDS
        while self._sides.applied() < wanted:
            if self._stop.wait(pause_seconds):
                raise Halted
            pause_seconds = min(pause_seconds * POLL_GROWTH, POLL_SECONDS_MAX)
            meanwhile()
            if time.monotonic() > deadline:
                raise Transient(
                    f"The destination has not applied {wanted} within {WAIT_SECONDS_MAX:.0f} s,"
                    " so rows that differ could not be judged.",
                    code="VerificationWaits",
                )

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Halted


def read_position(session: Session) -> Position:
    """The end of a server's binary log; Stopped where it writes none."""
    rows = query(session, statement("read_position", greeting_version(session)))
    if not rows:
        raise Stopped(
            "The origin writes no binary log.",
            code="BinaryLogOff",
            remedy="Switch its binary log on; without it nothing can be kept in sync.",
        )
    return Position.parse(f"{rows[0][0]}:{rows[0][1]}")


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
