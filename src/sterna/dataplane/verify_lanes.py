"""Statements that run on a server while others run on the other one, each side on sessions of its
own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Self

from sterna.dataplane.verify_scope import Layout, Range
from sterna.errors import Stopped
from sterna.mysql.connection import Server, Session, execute, open_session, query

Answer = list[tuple[Any, ...]]

_CUT_OFF = 1301  # a warning: the result was larger than max_allowed_packet, so it is NULL
_WARNINGS_MAX = 65_535  # as many as a server keeps at most, and can count in its answer


class Lane:
    """Some sessions of one server, opened as they are needed; statements begin in their order. A
    context manager."""

    def __init__(self, server: Server, sessions: int = 1) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(sessions, thread_name_prefix="verify")
        self._free: SimpleQueue[Session] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        while not self._free.empty():
            self._free.get().cut()

    def begin(self, layout: Layout, sql: str) -> Future[Answer]:
        """Ask for hashes of rows; Stopped where a row was too long to be hashed."""
        return self._threads.submit(self._read, layout, sql)

    def _read(self, layout: Layout, sql: str) -> Answer:
        session = self._open() if self._free.empty() else self._free.get()
        try:
            return _read(session, layout, sql)
        finally:
            self._free.put(session)

    def _open(self) -> Session:
        session = open_session(self._server)
        execute(session, f"SET SESSION max_error_count = {_WARNINGS_MAX}")
        return session


@dataclass(frozen=True)
class Scan:
    """A chunk that is read on both sides."""

    scope: Range
    here: Future[Answer]
    there: Future[Answer]

    def answers(self) -> tuple[Answer, Answer]:
        """Of the origin and of the destination, as soon as they are there."""
        return self.here.result(), self.there.result()


def _read(session: Session, layout: Layout, sql: str) -> Answer:
    rows = query(session, sql)
    if session.warnings:
        warnings = query(session, "SHOW WARNINGS")
        # One that was not kept may be of this kind.
        is_complete = len(warnings) < _WARNINGS_MAX
        if not is_complete or any(number == _CUT_OFF for _, number, _ in warnings):
            raise too_long(layout)
    return rows


def too_long(layout: Layout) -> Stopped:
    """What stops a comparison that would leave a row out."""
    return Stopped(
        f"A row of {layout.name} is longer than max_allowed_packet and cannot be compared.",
        code="RowTooLong",
        remedy="SET GLOBAL max_allowed_packet = 67108864 on both servers, then verify again.",
    )
