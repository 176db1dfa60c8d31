"""A witness of both sides: were they ever writable at the same instant?"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Self

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import ConnectionParameters, connect, rows

SAMPLE_SECONDS = 0.002


class Witness(threading.Thread):
    """Asks the source, the cluster and the source again, for as long as the context lasts.

    The source was writable all the time between two answers that say so, because nobody moves the
    writes away and back in milliseconds; a cluster writable in between is the worst that can be.

    Attributes:
        samples: how often both sides were asked.
        seen: (source writable, cluster writable) as they were seen.
        doubly_writable: how often both were.
    """

    def __init__(self, source: ConnectionParameters, cluster: ConnectionParameters) -> None:
        super().__init__(name="witness")
        self.samples = self.doubly_writable = 0
        self.seen: set[tuple[bool, bool]] = set()
        self._sides = (_Side(source), _Side(cluster))
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        """Until the context ends."""
        source, cluster = self._sides
        while not self._stopping.wait(SAMPLE_SECONDS):
            answers = [source.is_writable(), cluster.is_writable(), source.is_writable()]
            if None not in answers and answers[0] == answers[2]:
                self.samples += 1
                self.seen.add((bool(answers[0]), bool(answers[1])))
                self.doubly_writable += all(answers)
        for side in self._sides:
            side.hang_up()


class _Side:
    """One server; a switch cuts our session like any other, so it is opened again."""

    def __init__(self, login: ConnectionParameters) -> None:
        self._login = login
        self._session: Connection[Cursor] | None = None

    def is_writable(self) -> bool | None:
        """None when it could not be asked."""
        try:
            self._session = self._session or connect(self._login)
            ((value,),) = rows(self._session, "SELECT @@GLOBAL.read_only")
        except (pymysql.MySQLError, OSError):
            self.hang_up()
            return None
        return not _truth(value)

    def hang_up(self) -> None:
        """Close the session, if there is one."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(pymysql.MySQLError):
                session.close()


def _truth(value: Any) -> bool:
    return bool(int(value))
