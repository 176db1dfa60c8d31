"""Turns a record that is polled into a stream of its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi.concurrency import run_in_threadpool

from sterna.store.records import Migration

POLL_SECONDS = 0.3


async def changes(now: Migration, look: Callable[[str], Migration]) -> AsyncIterator[Migration]:
    """Yield `now`, then what `look(cluster_id)` returns whenever that differs; never ends.

    `look` runs in a thread: it reads the store, and the event loop has other clients.
    """
    while True:
        yield now
        before = now
        while now == before:
            await asyncio.sleep(POLL_SECONDS)
            now = await run_in_threadpool(look, now.cluster_id)
