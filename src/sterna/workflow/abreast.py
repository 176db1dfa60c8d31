"""Looks at many things at once: one that is slow or broken keeps none of the others waiting."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sterna.errors import SternaError

AT_ONCE_MAX = 32

log = structlog.get_logger("sterna.abreast")


class Abreast:
    """Threads that look; a thing that is being looked at is not looked at twice."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix=name)
        self._under_way: dict[str, Future[None]] = {}

    def look(
        self, looks: Mapping[str, Callable[[], object]], *, within_seconds: float | None
    ) -> None:
        """Look at each; returns when all are done, or the time is over and the rest goes on."""
        self._under_way = {n: each for n, each in self._under_way.items() if not each.done()}
        begun = {
            name: self._pool.submit(attempt, name, look)
            for name, look in looks.items()
            if name not in self._under_way
        }
        for name, each in begun.items():
            each.add_done_callback(partial(_tell_unexpected, name))
        self._under_way |= begun
        wait(begun.values(), timeout=within_seconds)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def attempt(name: str, look: Callable[[], object]) -> None:
    """Do it; what cannot be done now is said and tried again another time."""
    try:
        look()
    except (SternaError, SQLAlchemyError, OSError) as error:
        log.warning("could not be mended yet", what=name, error=str(error))


def _tell_unexpected(name: str, done: Future[None]) -> None:
    """What nobody has thought of ends this look, is said aloud, and met again by the next one."""
    if not done.cancelled() and (error := done.exception()) is not None:
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("an error nobody thought of", what=name, error=repr(error), where=where)
