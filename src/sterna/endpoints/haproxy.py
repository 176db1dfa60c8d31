"""HAProxy as Sterna's proxy: owned, detached, adopted after a crash of either of the two.

    files in STERNA_HOME/proxy      what is wanted: configuration, routes map, held map
    HAProxy's workers               what is; made equal to the files by every call

A call first writes the files, then makes the workers equal to them. So whoever dies in between,
`ensure_running` or the repeated call finishes the work, and HAProxy itself, when it is started
again, loads the holds before it listens. Why new connections wait in a script and not in
HAProxy's own queue is told in README.md.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import resource
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from sterna.endpoints.control import Control, Session, Worker, WorkerGone
from sterna.endpoints.maps import map_text, read_map, shorten, write, write_map
from sterna.endpoints.ports import refuse_taken, taking_ports
from sterna.endpoints.proxy import Backend, EndpointStatistics, Route
from sterna.endpoints.render import (
    DIRECT,
    LUA_SOURCE,
    Files,
    Process,
    Rendered,
    listen_address,
    mark_avoided,
    render,
)
from sterna.endpoints.whitelist import disallowed
from sterna.errors import Refused, Transient

START_SECONDS = 10.0
SWEEP_SECONDS = 5.0
END_SECONDS = 5.0
LEAVE_SECONDS = 0.5
POLL_SECONDS = 0.005
CONNECTIONS_MAX = 20_000
FILES_OF_ITS_OWN = 200


class HAProxy:
    """A `Proxy` made of one HAProxy master and its workers.

    Args:
        home: private folder for its files, usually STERNA_HOME/proxy; made 0700.
    """

    def __init__(self, home: Path) -> None:
        self._files = Files(home.absolute())
        self._control = Control(self._files.socket)
        self._threads = threading.RLock()
        self._pushed: tuple[object, ...] = ()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)

    # --- what the Proxy protocol asks for

    def apply(self, routes: Collection[Route]) -> None:
        """Serve exactly these endpoints; no session and no waiting connection is lost."""
        # Before it is anybody's turn: a name service may take its time.
        resolved = [self._resolve(route) for route in routes]
        rendered = render(resolved, files=self._files, process=_process(len(resolved)))
        with self._exclusive():
            if self._runs(rendered.fingerprint):
                self._write(rendered)
            else:
                with taking_ports():
                    self._check_ports(routes)
                    self._check(rendered.config)
                    self._replace(rendered)
            self._push()
            self._cut_disallowed()

    def avoid(self, backends: Collection[Backend]) -> None:
        """Send new connections to none of these servers, and to all others; sessions go on."""
        resolved = map(self._resolve_backend, backends)
        wanted = {f"{backend.host}:{backend.port}": "1" for backend in resolved}
        with self._exclusive():
            if wanted == read_map(self._files.avoided) or not self._files.config.exists():
                return
            # The map goes second: it says that the configuration is marked.
            write(self._files.config, mark_avoided(self._files.config.read_text(), wanted))
            write_map(self._files.avoided, wanted)
            self.ensure_running()

    def hold(self, names: Collection[str]) -> None:
        """Make new connections to these endpoints wait, sessions go on."""
        with self._exclusive():
            self._refuse_unknown(names)
            write_map(self._files.held, read_map(self._files.held) | dict.fromkeys(names, "1"))
            self.ensure_running()

    def release(self, names: Collection[str]) -> None:
        """Let everybody who waits through to the servers that are routed now."""
        with self._exclusive():
            left = {n: "1" for n in read_map(self._files.held) if n not in set(names)}
            try:
                write_map(self._files.held, left)
            except Refused:
                shorten(self._files.held, map_text(left))
            self.ensure_running()

    def sweep(self, names: Collection[str]) -> int:
        """Cut the sessions of these endpoints, not the waiting; return how many were cut.

        On a held endpoint it looks again until nothing is left, so that a connection that was
        just being let through when the hold began is cut too.
        """
        with self._exclusive():
            self._refuse_unknown(names)
            deadline = time.monotonic() + SWEEP_SECONDS
            everybody = self._sessions()
            seen = doomed = _served(everybody, names)
            while doomed:
                if time.monotonic() > deadline:
                    raise Transient(f"{len(doomed)} sessions outlived being cut.")
                self._cut(doomed, everybody)
                everybody, held = self._sessions(), self.held()
                left = _served(everybody, names)
                doomed = {
                    session for session in left if session in seen or session.frontend in held
                }
                seen = seen | doomed
            return len(seen)

    def held(self) -> frozenset[str]:
        """Names of the endpoints that are on hold."""
        return frozenset(read_map(self._files.held))

    def is_running(self) -> bool:
        """Whether our master is alive and has a worker that answers."""
        if self._master() is None:
            return False
        try:
            return any(not worker.is_old for worker in self._control.workers())
        except Transient:
            return False

    def ensure_running(self) -> None:
        """Start it as it was last told to be, holds included; finish interrupted calls."""
        with self._exclusive():
            if not self._files.config.exists():
                raise Refused(
                    "The proxy has no configuration yet; nothing was started.",
                    code="ProxyNotConfigured",
                    remedy="Apply routes first.",
                )
            self._ensure(None)
            self._push()
            self._cut_disallowed()

    def stop(self) -> None:
        """End it; every session is lost."""
        with self._exclusive():
            self._end_processes()

    def statistics(self) -> dict[str, EndpointStatistics]:
        """Connections of each endpoint now, over all workers."""
        counts = {name: [0, 0] for name in read_map(self._files.routes)}
        for session in self._sessions():
            if session.frontend in counts:
                counts[session.frontend][session.server is None] += 1
        return {name: EndpointStatistics(*count) for name, count in counts.items()}

    # --- files: what is wanted

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One caller at a time, over threads and processes; a thread may nest."""
        with self._threads, self._files.lock.open("a") as lock:
            if not getattr(self, "_nested", False):
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._nested = True
                try:
                    yield
                finally:
                    self._nested = False
            else:
                yield

    def _check(self, config: str) -> None:
        """Refuse a configuration HAProxy would not load."""
        files = self._files
        for path in (files.held, files.routes, files.allowed, files.avoided):
            path.touch(mode=0o600)
        write(self._files.lua, LUA_SOURCE.read_text())
        candidate = self._files.config.with_suffix(".new")
        write(candidate, config)
        checked = subprocess.run(
            [_binary(), "-c", "-f", str(candidate)], capture_output=True, text=True
        )
        candidate.unlink()
        if checked.returncode != 0:
            raise _proxy_refused("refuses the configuration", checked.stderr)

    def _check_ports(self, routes: Collection[Route]) -> None:
        """Refuse new addresses that cannot be bound.

        HAProxy must not find out: trying to get a port, it makes its predecessor stop listening.
        """
        ours = self._files.config.read_text() if self.is_running() else ""
        lines = set(ours.splitlines())  # of ten thousand endpoints each is looked for
        for route in routes:
            if f"    bind {listen_address(route)}" not in lines:
                refuse_taken(route)

    def _write(self, rendered: Rendered) -> dict[Path, str]:
        """Make the files say what is wanted; return what they said before."""
        files = self._files
        paths = (files.config, files.routes, files.allowed, files.held)
        before = {path: path.read_text() for path in paths if path.exists()}
        unchecked = _changed(read_map(files.allowed), rendered.allowed)
        if unchecked:
            write_map(files.unchecked, read_map(files.unchecked) | unchecked)
        write(files.config, mark_avoided(rendered.config, read_map(files.avoided)))
        write_map(files.routes, rendered.routes)
        write_map(files.allowed, rendered.allowed)
        write_map(files.held, {n: "1" for n in self.held() if n in rendered.routes})
        return before

    def _replace(self, rendered: Rendered) -> None:
        """Run another configuration, or the one before."""
        before = self._write(rendered)
        try:
            self._ensure(rendered.fingerprint)
        except Refused:
            for path, text in before.items():
                write(path, text)
            raise

    def _refuse_unknown(self, names: Collection[str]) -> None:
        unknown = sorted(set(names) - read_map(self._files.routes).keys())
        if unknown:
            raise Refused(
                f"The proxy serves no endpoint {unknown[0]}; nothing was changed.",
                code="UnknownEndpoint",
                remedy="Apply a route for it first.",
            )

    def _resolve(self, route: Route) -> Route:
        """The route with numeric backend addresses."""
        return replace(route, backends=tuple(map(self._resolve_backend, route.backends)))

    def _resolve_backend(self, backend: Backend) -> Backend:
        """A name that is not found now keeps its last address: it must not be in others' way."""
        known = read_map(self._files.addresses)
        try:
            found = socket.getaddrinfo(backend.host, backend.port, type=socket.SOCK_STREAM)
        except OSError as error:
            if backend.host in known:
                return replace(backend, host=known[backend.host])
            raise Refused(
                f"The server {backend.host} is unknown ({error}); the proxy was left as it was.",
                code="UnknownHost",
                remedy="Correct its name or the name service and try again.",
            ) from error
        host = str(found[0][4][0])
        if host not in (backend.host, known.get(backend.host)):
            with self._exclusive():
                known = read_map(self._files.addresses) | {backend.host: host}
                write_map(self._files.addresses, known)
        return replace(backend, host=host)

    # --- workers: what is

    def _ensure(self, fingerprint: str | None) -> None:
        """Start, or reload where the current worker runs another configuration than this."""
        if not self.is_running():
            self._end_processes()
            self._start()
        elif fingerprint and not self._runs(fingerprint):
            self._control.master("reload")
            if not _wait(lambda: self._runs(fingerprint), within_seconds=START_SECONDS):
                raise _proxy_refused("did not take the new configuration", self._log())
            # One that ends in the middle of a command leaves the master deaf to everybody: whoever
            # has nobody to serve ends at once.
            _wait(lambda: not self._has_old_workers(), within_seconds=LEAVE_SECONDS)

    def _has_old_workers(self) -> bool:
        return any(worker.is_old for worker in self._control.workers())

    def _runs(self, fingerprint: str) -> bool:
        try:
            current = [w for w in self._control.workers() if not w.is_old]
            return any(self._control.fingerprint(w) == fingerprint for w in current)
        except Transient:
            return False  # the master is replacing itself

    def _push(self) -> None:
        """Make the maps of every worker equal to the files.

        Routes come first: a connection must never be released towards where it went before.
        """
        files, workers = self._files, self._control.workers()
        paths = (files.allowed, files.routes, files.held)
        # Written anew a file is another one; thousands of endpoints are not compared for nothing.
        wanted = (
            *workers,
            *((f.stat().st_ino, f.stat().st_mtime_ns) for f in (*paths, files.avoided)),
        )
        if wanted == self._pushed:
            return
        ordered = {path: read_map(path) for path in paths}
        avoided = read_map(files.avoided)
        places = _places(ordered[files.routes])
        for worker in workers:
            # An old worker may end at any time.
            with suppress(WorkerGone) if worker.is_old else nullcontext():
                if not worker.is_old:
                    self._control.set_avoided(worker, files.avoided, avoided, places)
                self._control.set_map(worker, files.avoided, avoided)
                for path, entries in ordered.items():
                    self._control.set_map(worker, path, entries)
        self._pushed = wanted

    def _cut_disallowed(self) -> None:
        """Cut the sessions of clients that a changed whitelist no longer names."""
        if not self._files.unchecked.exists():
            return
        names, allowed = read_map(self._files.unchecked), read_map(self._files.allowed)
        deadline = time.monotonic() + SWEEP_SECONDS
        everybody = self._sessions()
        while doomed := disallowed((s for s in everybody if s.frontend in names), allowed):
            if time.monotonic() > deadline:
                raise Transient(f"{len(doomed)} sessions outlived being cut.")
            self._cut(doomed, everybody)
            everybody = self._sessions()
        self._files.unchecked.unlink()

    def _sessions(self) -> list[Session]:
        """Every client connection, in the workers of all generations."""
        workers = self._control.workers()
        return [session for worker in workers for session in self._control.sessions(worker)]

    def _cut(self, doomed: set[Session], everybody: list[Session]) -> None:
        """Cut the doomed and nobody else.

        Cutting by server is exact even while connections come and go, cutting by pointer could
        hit a newcomer that reuses the memory; so a pointer is used only in an old worker (which
        accepts nothing new, and refuses the other command) and where a server is shared.
        """
        shared = {_place(session) for session in everybody if session not in doomed}
        cuts: defaultdict[Worker, set[str]] = defaultdict(set)
        for session in doomed:
            by_pointer = session.worker.is_old or _place(session) in shared
            cuts[session.worker].add(
                f"shutdown session {session.pointer}"
                if by_pointer or session.backend == DIRECT
                else f"shutdown sessions server {session.backend}/{session.server}"
            )
        for worker, commands in cuts.items():
            with suppress(WorkerGone):
                self._control.worker(worker, sorted(commands))

    # --- processes

    def _start(self) -> None:
        """Start in a session of its own, so that it outlives us; wait until it answers."""
        files = self._files
        command = [_binary(), "-W", "-D", "-p", str(files.pid)]
        command += ["-S", f"{files.socket},mode,600", "-f", str(files.config)]
        with files.log.open("w") as log:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        if done.returncode != 0 or not _wait(self.is_running, within_seconds=START_SECONDS):
            raise _proxy_refused("does not start", self._log())

    def _master(self) -> psutil.Process | None:
        """Our master process; None when the pid belongs to nobody or to somebody else."""
        try:
            process = psutil.Process(int(self._files.pid.read_text().split()[0]))
            return process if self._is_ours(process) else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _is_ours(self, process: psutil.Process) -> bool:
        """Whether it is a HAProxy that runs our configuration file."""
        with suppress(psutil.Error):
            if process.name() == "haproxy" and process.status() != psutil.STATUS_ZOMBIE:
                return str(self._files.config) in process.cmdline()
        return False

    def _end_processes(self) -> None:
        """End our master and all its workers, also workers whose master was killed.

        A worker left behind would share the port with the next one and let connections through.
        """
        ours = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in ours:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        # Not until nobody has collected their exit status: that may never happen in a container.
        if not _wait(lambda: not any(map(self._is_ours, ours)), within_seconds=END_SECONDS):
            raise Transient("HAProxy outlived being killed.")

    def _log(self) -> str:
        return self._files.log.read_text()[-2000:] if self._files.log.exists() else ""


def _served(sessions: list[Session], names: Collection[str]) -> set[Session]:
    """The sessions of these endpoints that have reached a server."""
    return {s for s in sessions if s.server is not None and s.frontend in names}


def _changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The endpoints whose value is another now, or gone."""
    return {name: "1" for name, value in before.items() if after.get(name) != value}


def _places(routes: dict[str, str]) -> list[tuple[str, str]]:
    """(HAProxy's name of a server, its address) for every server of every set."""
    entries = (route.partition("@") for route in routes.values())
    return [
        (f"{name}/s{number}", address.replace("#", ":"))
        for name, _, addresses in entries
        for number, address in enumerate(addresses.split(","), start=1)
        if addresses
    ]


def _place(session: Session) -> tuple[Worker, str, str | None]:
    return session.worker, session.backend, session.server


def _binary() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which("haproxy", path=path)
    if found is None:
        raise Refused(
            "HAProxy is not installed; no endpoint is served.",
            code="ProxyMissing",
            remedy="Install HAProxy 2.6 or newer, built with Lua.",
        )
    return found


def _process(endpoints: int) -> Process:
    """As many connections as the open-file limit has room for, two files each, no root.

    Refused: not even the endpoints themselves have, one file each.
    """
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files_max == resource.RLIM_INFINITY:
        files_max = 2 * CONNECTIONS_MAX + endpoints + FILES_OF_ITS_OWN
    left = files_max - endpoints - FILES_OF_ITS_OWN
    if left < FILES_OF_ITS_OWN:
        raise Refused(
            f"{endpoints} endpoints leave no connections within the limit of {files_max} open"
            " files; the endpoints were left as they were.",
            code="ProxyRefused",
            remedy="Raise the limit of the server's process (LimitNOFILE, ulimit -Hn).",
        )
    process = Process(connections_max=min(CONNECTIONS_MAX, left // 2))
    if os.geteuid() != 0:
        return process
    try:
        user, group = pwd.getpwnam("haproxy").pw_name, grp.getgrnam("haproxy").gr_name
    except KeyError:
        return process
    return replace(process, user=user, group=group)


def _wait(condition: Callable[[], bool], *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _proxy_refused(what: str, output: str) -> Refused:
    return Refused(
        f"HAProxy {what}; the endpoints were left as they were: {output.strip()}",
        code="ProxyRefused",
        remedy="Free the port or correct the endpoint its message names, then try again.",
    )
