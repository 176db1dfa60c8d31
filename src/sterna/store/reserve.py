"""Room kept beside the store, for the end of an operation on a disk that has become full."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine

RESERVE_BYTES = 16 * 1024**2


class Reserve:
    """A file that is there to be deleted; none where the store is no file of ours."""

    def __init__(self, engine: Engine) -> None:
        is_file = engine.dialect.name == "sqlite" and engine.url.database
        self._path = Path(f"{engine.url.database}.reserve") if is_file else None

    def keep(self) -> None:
        """Have the room; what is kept already is kept. OSError: there is not so much."""
        if self._path is None:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        except OSError:
            self.use()
            raise
        finally:
            os.close(handle)

    def use(self) -> None:
        """Give the room to whoever writes next."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
