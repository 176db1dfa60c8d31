"""Who came by which endpoint: one line for each connection, in files that never grow too large.

    22/Nov/2026:21:17:39.543 10.0.0.7:47382 pe-3f9a… 10.0.0.5:3306 10.0.0.2:58362 --

That is when, the client, the endpoint, the server, the address the server sees the client come
from, and how it ended where it never reached a server. Each worker of HAProxy keeps its newest
lines in memory and is asked for them: no connection waits for its line, and what is told while
Sterna restarts is found afterwards. (Lines that HAProxy sends somewhere cost it a whole processor
while nobody takes them, or are lost when many come at once.)
"""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from sterna.endpoints.control import Control, WorkerGone
from sterna.endpoints.render import LINES_BYTES, Files

BYTES_MAX = 10 * 1024**2
OLDER_FILES = 4
INTERVAL_SECONDS = 0.25  # enough for 8,000 connections a second, with LINES_BYTES


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
        self._newest: dict[int, str] = {}  # worker → its last line that is kept

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
        self._newest = {pid: line for pid, line in self._newest.items() if pid in alive}
        for worker in workers:
            with suppress(WorkerGone):
                answer = self._control.worker(worker, ["show events connections"])
                self._keep(worker.pid, [line for line in answer.splitlines() if line])

    def _keep(self, worker: int, lines: list[str]) -> None:
        for line in self._new(worker, lines):
            self._file.add(line)
            self._newest[worker] = line
        if lines:
            self._newest[worker] = lines[-1]

    def _new(self, worker: int, lines: list[str]) -> list[str]:
        """Those that are not in the file yet."""
        newest = self._newest.get(worker)
        if lines and newest is None:
            known = set(self._file.newest(2 * LINES_BYTES))
            return [line for line in lines if line not in known]
        return lines[lines.index(newest) + 1 :] if newest in lines else lines
