"""A thread that looks after one thing once a second and survives whatever it finds."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sterna.workflow.abreast import Abreast

INTERVAL_SECONDS = 1.0


class Ticker(threading.Thread):
    """Calls `look` once a second, or as often as said, until stopped."""

    def __init__(
        self, name: str, look: Callable[[], None], *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._look = look
        self._hands = Abreast(name)
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look until stopped; what cannot be done now is tried again the next time."""
        while not self._stopping.wait(self._interval_seconds):
            self._hands.look({self.name: self._look}, within_seconds=None)
        self._hands.close()

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self._stopping.set()
