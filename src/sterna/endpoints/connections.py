"""Who came by which endpoint: one line for each connection, in files that never grow too large.

    22/Nov/2026:21:17:39.543 10.0.0.7:47382 pe-3f9a… 10.0.0.5:3306 10.0.0.2:58362 --

That is when, the client, the endpoint, the server, the address the server sees the client come
from, and how it ended where it never reached a server. No connection ever waits for its line: while
Sterna is away none is kept, and of a burst the kernel keeps as many as `max_dgram_qlen` says.
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
import threading
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import structlog

from sterna.endpoints.render import Files

BYTES_MAX = 10 * 1024**2
OLDER_FILES = 4
WAIT_SECONDS = 0.5
LINE_BYTES_MAX = 1024
SENDER = struct.Struct("3i")  # process, user, group

log = structlog.get_logger("sterna.connections")


class BoundedFile:
    """A file of lines; a full one is kept as `.1`, the one before as `.2`, and so on."""

    def __init__(
        self, path: Path, *, bytes_max: int = BYTES_MAX, older_files: int = OLDER_FILES
    ) -> None:
        self._path = path
        self._bytes_max = bytes_max
        names = [path, *(path.with_name(f"{path.name}.{n + 1}") for n in range(older_files))]
        self._moves = list(pairwise(names))[::-1]
        self._lock = threading.Lock()

    def add(self, line: bytes) -> None:
        """Keep a line. OSError: it cannot be written."""
        with self._lock:
            if self._path.exists() and self._path.stat().st_size + len(line) > self._bytes_max:
                for name, older in self._moves:
                    with suppress(FileNotFoundError):
                        name.rename(older)
            with self._path.open("ab") as file:
                file.write(line)


class ConnectionLog(threading.Thread):
    """Takes the lines of the proxy in `home` until stopped."""

    def __init__(self, home: Path) -> None:
        super().__init__(name="connections", daemon=True)
        files = Files(home.absolute())
        self._address = b"\0" + files.lines.encode().ljust(107, b"\0")  # as HAProxy fills it up
        self._file = BoundedFile(files.connections)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Take line by line; what cannot be written is said, and the next one tried."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taker:
            taker.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            taker.bind(self._address)
            taker.settimeout(WAIT_SECONDS)
            while not self._stopping.is_set():
                with suppress(TimeoutError):
                    line, told, _, _ = taker.recvmsg(LINE_BYTES_MAX, socket.CMSG_SPACE(SENDER.size))
                    if _is_ours(told):
                        self._keep(line)

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.join()

    def _keep(self, line: bytes) -> None:
        try:
            self._file.add(line)
        except OSError as error:
            log.error("who connects cannot be kept", error=str(error))


def _is_ours(told: list[tuple[int, int, bytes]]) -> bool:
    """Anybody of this machine may send to an address that is in no folder."""
    users = {0, os.geteuid()}
    with suppress(KeyError):
        users.add(pwd.getpwnam("haproxy").pw_uid)
    return any(
        SENDER.unpack(data[: SENDER.size])[1] in users
        for _, kind, data in told
        if kind == socket.SCM_CREDENTIALS
    )
