"""Sessions that are kept between steps: while applications wait, nobody shakes hands anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pymysql

from sterna.errors import Transient
from sterna.mysql.connection import Server, Session, open_session

LOCK_WAIT_SECONDS = 1
# A network that has gone deaf must not hold applications for ever.
ANSWER_SECONDS_MAX = 10.0
# Any server that is there answers a ping at once, whatever else it is doing.
PING_SECONDS_MAX = 3.0
# Nor may it keep an operation for ever that holds nobody; reading a whole catalog takes longer.
LOOK_SECONDS_MAX = 30.0
CATALOG_SECONDS_MAX = 300.0


def _open(server: Server) -> Session:
    return open_session(
        server, lock_wait_seconds=LOCK_WAIT_SECONDS, read_timeout_seconds=ANSWER_SECONDS_MAX
    )


class Sessions:
    """Idle sessions by server; each is lent to one user at a time. Locks are waited for briefly."""

    def __init__(self) -> None:
        self._idle: dict[Server, list[Session]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, server: Server) -> Iterator[Session]:
        """A session that is alive; given back unless its use ended in an error."""
        session = self._take(server) or _open(server)
        is_good = False
        try:
            yield session
            is_good = True
        finally:
            if is_good:
                self._give_back(server, session)
            else:
                session.cut()

    def _give_back(self, server: Server, session: Session) -> None:
        with self._lock:
            self._idle.setdefault(server, []).append(session)

    def _take(self, server: Server) -> Session | None:
        while True:
            with self._lock:
                idle = self._idle.get(server)
                if not idle:
                    return None
                session = idle.pop()
            began = time.monotonic()
            try:
                session.ping_within(PING_SECONDS_MAX)
            except (pymysql.MySQLError, OSError) as error:
                session.cut()
                # Broken off, another one may do; deaf, another one would only be waited for again.
                if time.monotonic() - began >= PING_SECONDS_MAX:
                    sentence = f"The server {server} has not answered for {PING_SECONDS_MAX:.0f} s."
                    raise Transient(sentence) from error
            else:
                return session

    def close(self) -> None:
        """Close all that are idle."""
        with self._lock:
            idle = [session for sessions in self._idle.values() for session in sessions]
            self._idle.clear()
        for session in idle:
            with suppress(pymysql.MySQLError, OSError):
                session.close()
