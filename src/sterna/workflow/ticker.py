"""A thread that looks after one thing once a second and survives whatever it finds."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sterna.errors import SternaError

INTERVAL_SECONDS = 1.0

log = structlog.get_logger("sterna.ticker")


class Ticker(threading.Thread):
    """Calls `look` once a second until stopped."""

    def __init__(self, name: str, look: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._look = look
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look until stopped; what cannot be done now is tried again a second later."""
        while not self._stopping.wait(INTERVAL_SECONDS):
            try:
                self._look()
            except (SternaError, SQLAlchemyError, OSError) as error:
                log.warning("tried again in a second", what=self.name, error=str(error))

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self._stopping.set()
