"""Who came by which endpoint: one line for each connection, in files that never grow too large.

    22/Nov/2026:21:17:39.543 10.0.0.7:47382 pe-3f9a… 10.0.0.5:3306 10.0.0.2:58362 --

That is when, the client, the endpoint, the server, the address the server sees the client come
from, and how it ended where it never reached a server. Each worker of HAProxy keeps its newest
lines in memory and numbers them: it is asked for the number, and for the lines only when that has
moved. So no connection waits for its line, nobody reads them again while nothing happens, and what
is told while Sterna restarts is found afterwards. (Lines that HAProxy sends somewhere cost it a
whole processor while nobody takes them, or are lost when many come at once.)
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from sterna.endpoints.control import Control, Worker, WorkerGone
from sterna.endpoints.render import LINES_BYTES, Files

BYTES_MAX = 10 * 1024**2
OLDER_FILES = 4
INTERVAL_SECONDS = 0.25  # enough for 8,000 connections a second, with LINES_BYTES
VALUE = re.compile(r"value=<(\d+)>")


class BoundedFile:
    """A file of lines; a full one is kept as `.1`, the one before as `.2`, and so on."""

    def __init__(
        self, path: Path, *, bytes_max: int = BYTES_MAX, older_files: int = OLDER_FILES
    ) -> None:
        self._path = path
        self._bytes_max = bytes_max
        names = [path, *(path.with_name(f"{path.name}.{n + 1}") for n in range(older_files))]
        self._moves = list(pairwise(names))[::-1]

    def add(self, line: str) -> None:
        """Keep a line. OSError: it cannot be written."""
        if self._path.exists() and self._path.stat().st_size + len(line) >= self._bytes_max:
            for name, older in self._moves:
                with suppress(FileNotFoundError):
                    name.rename(older)
        with self._path.open("a") as file:
            file.write(f"{line}\n")

    def newest(self, size_bytes: int) -> list[str]:
        """The last lines of this file and the one before, at least so many bytes if there are."""
        found: list[str] = []
        for path in self._moves[-1][::-1]:
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - size_bytes))
                found += file.read().decode(errors="replace").splitlines()
        return found


class ConnectionLog:
    """Keeps the lines of the proxy in `home`, each of them once."""

    def __init__(self, home: Path) -> None:
        files = Files(home.absolute())
        self._socket = files.socket
        self._control = Control(files.socket)
        self._file = BoundedFile(files.connections)
        self._kept: dict[int, int] = {}  # worker → the number of its last line that is kept

    def tick(self) -> None:
        """Keep what was told since the last time.

        Raises:
            Transient: the proxy does not answer; its lines wait.
            OSError: they cannot be written; they wait as well.
        """
        if not self._socket.exists():
            return
        workers = self._control.workers()
        alive = {worker.pid for worker in workers}
        self._kept = {pid: number for pid, number in self._kept.items() if pid in alive}
        for worker in workers:
            with suppress(WorkerGone):
                found = VALUE.search(self._control.worker(worker, ["get var proc.lines"]))
                if found and int(found[1]) != self._kept.get(worker.pid):
                    self._keep(worker)

    def _keep(self, worker: Worker) -> None:
        answer = self._control.worker(worker, ["show events connections"])
        # The others tell that an old worker has stopped listening.
        numbered = (line.partition(" ") for line in answer.splitlines() if line[:1].isdigit())
        # Of a worker not seen before another process may have kept some.
        is_new = worker.pid not in self._kept
        known = set(self._file.newest(2 * LINES_BYTES)) if is_new else set()
        for number, _, line in numbered:
            if int(number) > self._kept.get(worker.pid, 0):
                if line not in known:
                    self._file.add(line)
                self._kept[worker.pid] = int(number)
        self._kept.setdefault(worker.pid, 0)
