"""Compares one table on two servers while writes flow from one to the other.

A chunk whose count and checksum agree is equal. One that differs is compared row by row, and what
differs there is read again, origin first: the destination is only read once it has applied the
position the origin had after its read, so it must by then show that state or a later one. See
`verify_suspects` for the judgement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from sterna.dataplane.pace import Pace
from sterna.dataplane.verify_chunks import Chunks
from sterna.dataplane.verify_layout import Pair, is_altered
from sterna.dataplane.verify_scope import (
    Buckets,
    Identity,
    Keys,
    Layout,
    Range,
    Scope,
    buckets_sql,
    checksum_sql,
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
_CUT_OFF = 1301  # a warning: the result was larger than max_allowed_packet, so it is NULL


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
    """A session on each side. Not shared between threads; close it."""

    def __init__(self, sides: Sides, stop: Event) -> None:
        self._sides = sides
        self._stop = stop
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="verify")
        self._origin = open_session(sides.origin)
        self._destination = open_session(sides.destination)

    def close(self) -> None:
        """Close both sessions."""
        self._threads.shutdown()
        self._origin.close()
        self._destination.close()

    def compare(self, pair: Pair, outcome: Outcome, after_chunk: Callable[[], None]) -> None:
        """All rows of a table, from where `outcome` ends; each chunk is added to it.

        Raises Halted, or what the servers raise.
        """
        chunks = Chunks(self._origin, pair.origin, outcome.low)
        for scope in () if outcome.is_whole else chunks:
            self._check_stop()
            rows, differing = self._compare_scope(pair, scope)
            chunks.found(rows)
            outcome.add(rows, differing)
            outcome.low, outcome.is_whole = scope.high, scope.high is None
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

    def _compare_scope(self, pair: Pair, scope: Scope) -> tuple[int, Differing]:
        origin, destination = self._at_once(pair, lambda layout: checksum_sql(layout, scope))
        rows = int(origin[0][0])
        if origin == destination:
            return rows, {}
        if not pair.origin.key:
            scope = buckets = self._differing_buckets(pair)
            if not buckets.numbers:  # equal by now
                return rows, {}
        return rows, self._settle(pair, scope)

    def _differing_buckets(self, pair: Pair) -> Buckets:
        here, there = self._at_once(pair, buckets_sql)
        return Buckets(frozenset(int(row[0]) for row in set(here) ^ set(there)))

    def _settle(self, pair: Pair, scope: Scope) -> Differing:
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
                return suspects.differing
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
                raise _too_long(layout)
            identity = tuple(map(_text, row[:-1] or row))
            rows[identity] = tuple(sorted((*rows.get(identity, ()), int(row[-1]))))
        return rows

    def _at_once(self, pair: Pair, sql: Callable[[Layout], str]) -> tuple[Any, Any]:
        self._check_stop()
        here = self._threads.submit(_read, self._origin, pair.origin, sql(pair.origin))
        there = self._threads.submit(_read, self._destination, pair.origin, sql(pair.destination))
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


def _read(session: Session, layout: Layout, sql: str) -> list[tuple[Any, ...]]:
    """The answer to a statement that hashes; Stopped where a row's text did not fit."""
    rows = query(session, sql)
    if session.warnings and any(
        number == _CUT_OFF for _, number, _ in query(session, "SHOW WARNINGS")
    ):
        raise _too_long(layout)
    return rows


def _too_long(layout: Layout) -> Stopped:
    return Stopped(
        f"A row of {layout.name} is longer than max_allowed_packet and cannot be compared.",
        code="RowTooLong",
        remedy="SET GLOBAL max_allowed_packet = 67108864 on both servers, then verify again.",
    )


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
