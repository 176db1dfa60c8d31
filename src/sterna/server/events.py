"""Streams of what changes, as server-sent events.

A stream begins with everything as it stands and goes on with what has changed, so a lost connection
loses nothing. It ends when who watches has signed out, and it is never more than a comparison
behind: what a slow reader did not take in time is not kept for him.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent
from pydantic_core import to_json

from sterna.errors import Refused
from sterna.store.access_records import Identity
from sterna.store.database import now
from sterna.store.records import Migration
from sterna.workflow.board import Board, Key, View
from sterna.workflow.people import SESSION_IDLE, People

POLL_SECONDS = 0.3
IDENTITY_SECONDS = 2.0
RETRY_MS = 2000
STREAMS_MAX, STREAMS_EACH_MAX = 100, 20


class Streams:
    """Counts the streams that are open: each costs a connection."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """A place for one stream of this person; Refused TooManyStreams when there is none."""
        with self._lock:
            if self._open[name] >= STREAMS_EACH_MAX or self._open.total() >= STREAMS_MAX:
                raise Refused(
                    f"Too many streams are open ({self._open[name]} of {name}).",
                    code="TooManyStreams",
                    remedy="Close pages that are not looked at.",
                )
            self._open[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[name] -= 1


class Presence:
    """Whether who watches may still watch; looked up every other second."""

    def __init__(self, people: People, who: Identity) -> None:
        self._people = people
        self._who = who
        self._looked_at = time.monotonic()

    async def has_ended(self) -> bool:
        """True once the session or the token is over."""
        if time.monotonic() - self._looked_at < IDENTITY_SECONDS:
            return False
        self._looked_at = time.monotonic()
        return await run_in_threadpool(self._people.again, self._who) is None


async def changes(
    now_: Migration, look: Callable[[str], Migration], presence: Presence
) -> AsyncIterator[Migration]:
    """Yield `now_`, then what `look(cluster_id)` returns whenever that differs.

    `look` runs in a thread: it reads the store, and the event loop has other clients.
    """
    while True:
        yield now_
        before = now_
        while now_ == before:
            await asyncio.sleep(POLL_SECONDS)
            if await presence.has_ended():
                return
            now_ = await run_in_threadpool(look, now_.cluster_id)


@dataclass(frozen=True)
class Watched:
    """What one client wants to see: one migration or everything; after which entry, if any."""

    cluster_id: str | None = None
    after_entry: int | None = None

    def shows(self, cluster_id: str) -> bool:
        """Whether something of this migration (or of none) is for him."""
        return not cluster_id or self.cluster_id in (None, cluster_id)


async def board_events(
    board: Board, watched: Watched, who: Identity, presence: Presence
) -> AsyncIterator[ServerSentEvent]:
    """Everything, then what changes, until who watches has signed out."""
    yield _hello(who)
    view = await run_in_threadpool(board.look)
    sent: dict[Key, str] = {}
    entry = view.newest_entry if watched.after_entry is None else watched.after_entry
    is_ready = False
    while not await presence.has_ended():
        for event in _differences(view, sent, watched):
            yield event
        if view.newest_entry > entry:
            for number, cluster_id, text in await run_in_threadpool(board.entries_after, entry):
                entry = number
                if watched.shows(cluster_id):
                    yield ServerSentEvent(event="history", id=str(number), raw_data=text)
        if not is_ready:
            yield ServerSentEvent(event="ready", raw_data="{}")
            is_ready = True
        await asyncio.sleep(POLL_SECONDS)
        view = await run_in_threadpool(board.look)
    yield ServerSentEvent(event="signed_out", raw_data='{"reason":"the session is over"}')


def _differences(view: View, sent: dict[Key, str], watched: Watched) -> Iterator[ServerSentEvent]:
    """What is not as it was sent; `sent` is kept up to date."""
    for key in [key for key in sent if key not in view.things]:
        del sent[key]
        topic, id_ = key
        if topic != "sample":  # a task that is silent has no sample; its last one stays true
            text = to_json({"topic": topic, "id": id_}).decode()
            yield ServerSentEvent(event="gone", raw_data=text)
    for key, seen in view.things.items():
        if watched.shows(seen.cluster_id) and sent.get(key) != seen.text:
            sent[key] = seen.text
            yield ServerSentEvent(event=key[0], raw_data=seen.text)


def _hello(who: Identity) -> ServerSentEvent:
    fields = {
        "at": now(),
        "idle_seconds": SESSION_IDLE.total_seconds(),
        "expires_at": who.expires_at,
    }
    return ServerSentEvent(event="hello", raw_data=to_json(fields).decode(), retry=RETRY_MS)
