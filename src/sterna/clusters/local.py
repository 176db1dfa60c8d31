"""Nodes on this machine: one server process each, in a folder of its own.

    <cluster>/<node>/my.cnf          written at every start
    <cluster>/<node>/data/           appears when it is whole
    <cluster>/<node>/error.log       what the server says
    <cluster>/<node>/first.sql       the admin's password, until the first start is over

Servers outlive the Sterna server and are adopted by the next one. When we are root they run as
the system user `mysql`; the folders on the way are 0711, so it can pass but not look around.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sterna.clusters import transfer
from sterna.clusters.config import first_statements, render_config
from sterna.clusters.process import (
    as_server,
    find_process,
    give_away,
    launch,
    run_as_server,
    server_user,
    signal_process,
    wait_for_exit,
)
from sterna.clusters.provisioner import Data, NodeSpec
from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.connection import open_session, query

START_SECONDS_MAX = 600.0  # crash recovery of a large server takes its time
STOP_SECONDS_MAX = 300.0
POLL_SECONDS = 0.05
AIO = Path("/proc/sys/fs")
LOG_LINES = 15
DISK_BLOCK_BYTES = 512  # the unit of st_blocks, whatever the disk's own is
LOG_BYTES_MAX = 1024**2
# Parameters a data directory is born with: they take part in the name of its template.
BORN_WITH = ("lower_case_table_names", "innodb_page_size", "innodb_data_file_path")


@dataclass(frozen=True)
class LocalProvisioner:
    """The `Provisioner` of this machine.

    Attributes:
        templates: folder to keep fresh data directories in, so that the next node of the same
            engine starts from a copy. For tests: copies share their TLS keys.
    """

    templates: Path | None = None

    def create_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Refused: NodeNotCreated, with the end of the server's own log."""
        with _new_data(spec) as fresh:
            if fresh is not None:
                _write_private(_first_sql(spec), first_statements(spec))
                self._fill(spec, fresh)

    @contextmanager
    def send_data(self, spec: NodeSpec) -> Iterator[IO[bytes]]:
        """See `Provisioner`. Nobody starts a server whose files are copied."""
        with _locked(spec) if transfer.is_still(spec) else nullcontext():
            if transfer.is_still(spec) and _is_running(spec):
                raise transfer.not_copied(spec, [transfer.IT_RUNS])
            with self._sending(spec) as stream:
                yield stream

    @contextmanager
    def _sending(self, spec: NodeSpec) -> Iterator[IO[bytes]]:
        command, options = transfer.sender(spec), transfer.options_file(spec)
        shutil.rmtree(spec.folder / "tmp" / "backup", ignore_errors=True)
        _write_private(options, transfer.options(spec))
        try:
            with _piped(spec, command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                yield process.stdout
                process.stdout.close()
                _require_copied(spec, process)
        finally:
            options.unlink(missing_ok=True)

    def receive_data(self, spec: NodeSpec, data: Data) -> None:
        """See `Provisioner`. Half of it is thrown away, and fetched anew the next time."""
        with _new_data(spec) as fresh:
            if fresh is not None:
                fresh.mkdir(mode=0o750)
                give_away(fresh)
                with data() as stream:
                    _unpack(spec, fresh, stream)
                _finish(spec, fresh)

    def authority_of(self, spec: NodeSpec) -> str:
        """None: nobody sits between us and this machine."""
        return ""

    def configure_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        with _locked(spec):
            _write_config(spec)

    def start_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Refused: NodeNotStarted, with the end of the server's own log."""
        with _locked(spec):
            _start(spec)

    def stop_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Transient: NodeNotStopped; the server is still shutting down."""
        with _locked(spec):
            _stop(spec)

    def restart_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        with _locked(spec):
            _stop(spec)
            _start(spec)

    def delete_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        if not spec.cluster.exists():
            return
        with _locked(spec):
            _kill(spec)
            doomed = spec.cluster / f".{spec.id}.deleted"
            _remove(doomed)
            # Renamed first: a half-removed data directory must never look like a whole one.
            with suppress(FileNotFoundError):
                spec.folder.rename(doomed)
            _remove(doomed)
            _lock_file(spec).unlink()
        with suppress(OSError):
            spec.cluster.rmdir()  # fails, rightly, while other nodes are in it

    def read_log(self, spec: NodeSpec, *, lines: int) -> str:
        """See `Provisioner`."""
        return error_log_tail(spec, lines=lines)

    def storage_bytes(self, spec: NodeSpec) -> int:
        """See `Provisioner`."""
        size = 0
        for folder, _, names in os.walk(spec.data):
            for name in names:
                with suppress(FileNotFoundError):  # a log that was just removed
                    size += (Path(folder) / name).lstat().st_blocks * DISK_BLOCK_BYTES
        return size

    def is_running(self, spec: NodeSpec) -> bool:
        """See `Provisioner`."""
        return _is_running(spec)

    def port_is_free(self, spec: NodeSpec) -> bool:
        """See `Provisioner`."""
        return port_is_free(spec.host, spec.port)

    def _fill(self, spec: NodeSpec, fresh: Path) -> None:
        template = self.templates and self.templates / _template_name(spec)
        if template and template.exists():
            _copy_data(template, fresh)
            return
        _initialize(spec, fresh)
        if template:
            _keep_template(fresh, template)


def free_port(host: str, *, first: int, last: int) -> int:
    """The first port of a range nobody listens on now. Refused: NoFreePort."""
    for port in range(first, last + 1):
        if port_is_free(host, port):
            return port
    raise Refused(
        f"All ports from {first} to {last} on {host} are taken.",
        code="NoFreePort",
        remedy="Delete clusters that are no longer needed, or choose another range of ports.",
    )


def port_is_free(host: str, port: int) -> bool:
    """Whether nobody listens on it now, or has an address of this machine in its way."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def error_log_tail(spec: NodeSpec, *, lines: int = LOG_LINES) -> str:
    """The last lines of what the server said, at most a megabyte."""
    try:
        with (spec.folder / "error.log").open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - LOG_BYTES_MAX, 0))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return "(there is no error log)"
    return "\n".join(text.splitlines()[-lines:])


def _is_running(spec: NodeSpec) -> bool:
    return find_process(_argument(spec)) is not None


def _start(spec: NodeSpec) -> None:
    if not _is_running(spec):
        _write_config(spec)
        _remove_traces(spec)
        _launch(spec)
    _wait_until_ready(spec)
    _first_sql(spec).unlink(missing_ok=True)


def _stop(spec: NodeSpec) -> None:
    signal_process(_argument(spec), signal.SIGTERM)
    if not wait_for_exit(_argument(spec), seconds=STOP_SECONDS_MAX):
        raise Transient(
            f"Node {spec.id} has been shutting down for {STOP_SECONDS_MAX:.0f} seconds.",
            code="NodeNotStopped",
        )


def _argument(spec: NodeSpec) -> str:
    """The argument that makes the node's process recognisable."""
    return f"--defaults-file={spec.folder / 'my.cnf'}"


def _first_sql(spec: NodeSpec) -> Path:
    return spec.folder / "first.sql"


def _lock_file(spec: NodeSpec) -> Path:
    return spec.cluster / f".{spec.id}.lock"


@contextmanager
def _locked(spec: NodeSpec) -> Generator[None]:
    """One at a time for each node, over all processes of this machine."""
    _make_passable(spec.cluster)
    with _lock_file(spec).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_passable(folder: Path) -> None:
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o711)
        elif server_user() and not path.stat().st_mode & stat.S_IXOTH:
            raise Refused(
                f"Servers run as another user, who cannot pass through the folder {path}.",
                code="FolderClosed",
                remedy=f"Open it for passing through: chmod o+x {path}",
            )


@contextmanager
def _new_data(spec: NodeSpec) -> Iterator[Path | None]:
    """Where to make a node's data, which is put in place behind the block; None where it has some.
    Nobody else makes it meanwhile."""
    with _locked(spec):
        _make_folders(spec)
        _write_config(spec)
        if spec.data.exists():
            yield None
            return
        # A process with our configuration and no data: an initialization that lost its parent.
        _kill(spec)
        fresh = spec.data.with_name("data.new")
        _remove(fresh)
        yield fresh
        fresh.rename(spec.data)


def _make_folders(spec: NodeSpec) -> None:
    for path in (spec.folder, spec.folder / "tmp"):
        path.mkdir(exist_ok=True)
        path.chmod(0o750)
        give_away(path)
    log = spec.folder / "error.log"
    log.touch(mode=0o640)
    give_away(log)


def _write_config(spec: NodeSpec) -> None:
    """A kernel that is short of requests for asynchronous I/O would not let the server start."""
    parameters = spec.parameters
    if _aio_is_scarce():
        parameters = {"innodb_use_native_aio": "OFF", **parameters}
    text = render_config(dataclasses.replace(spec, parameters=parameters))
    _write_private(spec.folder / "my.cnf", text)


def _aio_is_scarce() -> bool:
    """Whether three quarters of what all servers of this machine share are taken."""
    try:
        taken, limit = (int((AIO / name).read_text()) for name in ("aio-nr", "aio-max-nr"))
    except FileNotFoundError:
        return False  # a kernel without it
    return taken > limit * 3 // 4


def _write_private(path: Path, text: str) -> None:
    """For the server's eyes only, and never half-written."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    give_away(fresh)
    fresh.rename(path)


def _kill(spec: NodeSpec) -> None:
    """End every process whose data is about to be removed; an initialization has several."""
    while signal_process(_argument(spec), signal.SIGKILL):
        if not wait_for_exit(_argument(spec), seconds=STOP_SECONDS_MAX):
            raise Transient(f"The process of node {spec.id} does not end.", code="NodeNotStopped")


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


# --- a fresh data directory -----------------------------------------------------------------


def _initialize(spec: NodeSpec, fresh: Path) -> None:
    if spec.engine.initialize == "copy":
        _copy_data(_shipped_data(spec), fresh)
        return
    fresh.mkdir(mode=0o750)
    give_away(fresh)
    log = spec.folder / "error.log"
    command = [*_initializer(spec), f"--datadir={fresh}"]
    if run_as_server(command, environment=spec.engine.environment, output=log):
        raise _failed(spec, "could not be initialized", "NodeNotCreated")


def _initializer(spec: NodeSpec) -> list[str]:
    if spec.engine.initialize == "initialize-insecure":
        return [*spec.engine.mysqld, _argument(spec), "--initialize-insecure"]
    folders = [spec.engine.basedir / name for name in ("bin", "scripts")]
    tool = shutil.which("mariadb-install-db", path=os.pathsep.join(map(str, folders)))
    if tool is None:
        raise _failed(spec, "has no mariadb-install-db beside its server", "NodeNotCreated")
    plain = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
    folder = spec.engine.plugins
    plugins = [f"--plugin-dir={folder}"] if folder else []  # the tool looks elsewhere by itself
    return [tool, _argument(spec), f"--basedir={spec.engine.basedir}", *plain, *plugins]


def _shipped_data(spec: NodeSpec) -> Path:
    if spec.engine.template is None:
        raise _failed(spec, "comes without a data directory to copy", "NodeNotCreated")
    return spec.engine.template


def _copy_data(template: Path, fresh: Path) -> None:
    # auto.cnf is a server's identity; two with the same one cannot replicate.
    shutil.copytree(template, fresh, symlinks=True, ignore=shutil.ignore_patterns("auto.cnf"))
    fresh.chmod(0o750)
    give_away(fresh, *fresh.rglob("*"))


def _template_name(spec: NodeSpec) -> str:
    born = [f"{name}={spec.parameters.get(name)}" for name in BORN_WITH]
    facts = "\n".join([*spec.engine.mysqld, *born])
    name = str(spec.engine.version).lower().replace(" ", "-")
    return f"{name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def _keep_template(fresh: Path, template: Path) -> None:
    template.parent.mkdir(parents=True, exist_ok=True)
    unfinished = template.with_name(f".{template.name}.{os.getpid()}")
    shutil.copytree(fresh, unfinished, symlinks=True)
    try:
        unfinished.rename(template)
    except OSError:
        _remove(unfinished)  # somebody else was faster; theirs is as good


def _unpack(spec: NodeSpec, fresh: Path, stream: IO[bytes]) -> None:
    with _piped(spec, transfer.unpacker(spec, fresh), stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended before its time, and says why
            transfer.pass_on(stream, process.stdin)
            process.stdin.close()
        _require_copied(spec, process)


def _finish(spec: NodeSpec, fresh: Path) -> None:
    if command := transfer.finisher(spec, fresh):
        with _piped(spec, command) as process:
            _require_copied(spec, process)
        told = [
            (fresh / name).read_text() for name in transfer.BACKUP_INFO if (fresh / name).exists()
        ]
        _write_private(_first_sql(spec), transfer.first_of_backup(spec, told))


@contextmanager
def _piped(spec: NodeSpec, command: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the servers' user; what it says stands in the node's log of copies."""
    with (spec.folder / transfer.LOG).open("wb") as log:
        usual = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        given = {**usual, **as_server(spec.engine.environment), **pipes}
        with subprocess.Popen(command, **given) as process:
            try:
                yield process
            finally:
                process.kill()


def _require_copied(spec: NodeSpec, process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        said = (spec.folder / transfer.LOG).read_text(errors="replace").splitlines()
        raise transfer.not_copied(spec, said[-LOG_LINES:])


# --- starting -------------------------------------------------------------------------------


def _remove_traces(spec: NodeSpec) -> None:
    """What a killed server left behind. A socket's lock names a process number; when the system
    has given that number to somebody else, the server would refuse to start."""
    data = spec.data
    for path in (spec.folder / "mysqld.pid", data / "mysql.sock", data / "mysql.sock.lock"):
        path.unlink(missing_ok=True)


def _launch(spec: NodeSpec) -> None:
    first = _first_sql(spec)
    options = [_argument(spec), *([f"--init-file={first}"] if first.exists() else [])]
    engine = spec.engine
    log = spec.folder / "error.log"
    launch([*engine.mysqld, *options], environment=engine.environment, output=log)


def _wait_until_ready(spec: NodeSpec) -> None:
    """Until the admin is let in by this very server, and not by another one on its port."""
    for _ in _until(START_SECONDS_MAX):
        if wait_for_exit(_argument(spec), seconds=POLL_SECONDS):
            raise _failed(spec, "ended while it was starting", "NodeNotStarted")
        if answers(spec):
            return
    raise _failed(spec, f"did not answer within {START_SECONDS_MAX:.0f} seconds", "NodeNotStarted")


def _until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield


def answers(spec: NodeSpec) -> bool:
    """Whether the admin is let in by this very server, and not by another one on its port."""
    try:
        session = open_session(spec.server)
    except Transient:
        return False
    except Refused as error:
        if error.code == "Unreachable":
            return False
        raise
    with session:
        return query(session, "SELECT @@pid_file") == [(str(spec.folder / "mysqld.pid"),)]


def _failed(spec: NodeSpec, what: str, code: str) -> SternaError:
    return Refused(
        f"Node {spec.id} ({spec.engine.version}) {what}. Its log ends with:\n"
        f"{error_log_tail(spec)}\n",
        code=code,
        remedy="Correct what the log complains about, then try again.",
    )
