"""HAProxy's master socket: the one way to speak to every worker, old generations included."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sterna.errors import Transient

ANSWER_SECONDS = 5.0
BATCH_CHARS = 8_000  # HAProxy reads one line of at most 16 KiB
SESSION = re.compile(r"^(0x[0-9a-f]+): .*?\bsrc=(\S+) fe=(\S+) be=(\S+) srv=(\S+) ")


@dataclass(frozen=True)
class Worker:
    """A worker process; an old one was left over by a reload and serves until it is empty."""

    pid: int
    is_old: bool


@dataclass(frozen=True)
class Session:
    """One client connection; `server` is None while it waits or is being routed."""

    worker: Worker
    pointer: str
    client: str
    frontend: str
    backend: str
    server: str | None


class WorkerGone(Transient):
    """The worker ended; with it its sessions and its copy of the maps."""


class Control:
    """Commands to the master and, through it, to the workers.

    Raises:
        Transient: the master does not answer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def master(self, command: str) -> str:
        """The answer of the master (or of the worker named by an `@!pid` prefix)."""
        try:
            return self._exchange(command)
        except OSError as error:
            raise Transient(f"The proxy does not answer on {self._path}: {error}.") from error

    def _exchange(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self._path))
            connection.sendall(command.encode() + b"\n")
            # The master keeps the line open for more commands until it sees the end of ours.
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def workers(self) -> list[Worker]:
        """Every worker, current first."""
        is_old, found = False, []
        for line in self.master("show proc").splitlines():
            is_old = is_old or line.startswith("# old workers")
            fields = line.split()
            if len(fields) > 1 and fields[1] == "worker":
                found.append(Worker(pid=int(fields[0]), is_old=is_old))
        return found

    def worker(self, worker: Worker, commands: Iterable[str]) -> str:
        """Run commands in one worker, in order, in as few exchanges as fit; answers joined.

        Raises:
            WorkerGone: it does not exist any more.
        """
        answers, batch = [], ""
        for command in commands:
            prefixed = f"@!{worker.pid} {command}"
            if batch and len(batch) + len(prefixed) > BATCH_CHARS:
                answers.append(self.master(batch))
                batch = ""
            batch = f"{batch}; {prefixed}" if batch else prefixed
        if batch:
            answers.append(self.master(batch))
        answer = "".join(answers)
        if "Can't find the target" in answer:
            raise WorkerGone(f"The proxy's worker {worker.pid} has ended.")
        return answer

    def fingerprint(self, worker: Worker) -> str:
        """The fingerprint of the configuration a worker runs."""
        answer = self.worker(worker, ["show info"])
        found = re.search(r"^description: (\S+)", answer, re.MULTILINE)
        return found[1] if found else ""

    def sessions(self, worker: Worker) -> list[Session]:
        """Every client connection of a worker; none when it has ended."""
        try:
            lines = self.worker(worker, ["show sess"]).splitlines()
        except WorkerGone:
            return []
        matches = map(SESSION.match, lines)
        return [
            Session(worker, m[1], m[2], m[3], m[4], None if m[5] == "<none>" else m[5])
            for m in matches
            if m and m[3] != "GLOBAL"
        ]

    def set_map(self, worker: Worker, path: Path, wanted: dict[str, str]) -> None:
        """Make a worker's copy of a map equal to `wanted`; changes only what differs."""
        present = self._map(worker, path)
        changes = [f"del map {path} {key}" for key in present.keys() - wanted.keys()]
        for key, value in wanted.items():
            verb = "set" if key in present else "add"
            if present.get(key) != value:
                changes.append(f"{verb} map {path} {key} {value}")
        complaint = self.worker(worker, changes).strip()
        if complaint:
            raise Transient(f"The proxy did not take a change: {complaint}.")

    def set_avoided(
        self, worker: Worker, path: Path, wanted: dict[str, str], places: list[tuple[str, str]]
    ) -> None:
        """Switch servers off that are avoided, and on that are no longer.

        What the worker has been told already, its copy of the map says; the caller changes that
        afterwards.
        """
        changed = wanted.keys() ^ self._map(worker, path).keys()
        commands = [
            f"set server {place} state {'maint' if address in wanted else 'ready'}"
            for place, address in places
            if address in changed
        ]
        complaint = self.worker(worker, commands).strip()
        if complaint:
            raise Transient(f"The proxy did not take a change: {complaint}.")

    def _map(self, worker: Worker, path: Path) -> dict[str, str]:
        lines = self.worker(worker, [f"show map {path}"]).splitlines()
        return {key: value for _, key, value in (line.split() for line in lines if line)}
