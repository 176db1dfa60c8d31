"""Server processes on this machine: started so that they outlive us, found again afterwards.

A process is recognised by its command line, which names its own configuration file. So nobody
has to remember a process number, and a number the system gave away again is never touched.
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sterna.errors import Refused

SYSTEM_USER = "mysql"
EXEC_TRIES_MAX = 50
EXEC_WAIT_SECONDS = 0.001


def server_user() -> str | None:
    """The user servers run as; None: the one we are, because we are not root.

    Refused: NoServerUser; we are root, and the system has no user `mysql`.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER).pw_name
    except KeyError as error:
        raise Refused(
            f"Servers do not run as root, and the system has no user {SYSTEM_USER}.",
            code="NoServerUser",
            remedy="Run `make servers` as root; it makes the user.",
        ) from error


def give_away(*paths: Path) -> None:
    """Make the files belong to the user servers run as."""
    user = server_user()
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def run_as_server(command: Sequence[str], *, environment: Mapping[str, str], output: Path) -> int:
    """Run a command to its end as the servers' user, its output appended; its exit status."""
    with output.open("ab") as log:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **as_server(environment),
        )
    return done.returncode


def as_server(environment: Mapping[str, str]) -> dict[str, Any]:
    """How `subprocess` starts a command as the servers' user."""
    user = server_user()
    return {
        "env": _clean(environment),
        "cwd": "/",
        "umask": 0o027,
        "user": user,
        "group": user,
        "extra_groups": None if user is None else [],
    }


def launch(command: Sequence[str], *, environment: Mapping[str, str], output: Path) -> None:
    """Start a process in a session of its own, not as our child: it never waits for us."""
    # The forked process has the whole command on its own command line from the first moment, so
    # `find_process` sees it even before the server itself runs.
    run_as_server(("setsid", "--fork", *command), environment=environment, output=output)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing of our environment reaches a server: no locale, no options, no secrets."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC", **environment}


def find_process(argument: str) -> int | None:
    """The process that has exactly this argument on its command line; a zombie has none."""
    wanted = argument.encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and wanted in _arguments(int(folder.name)):
            return int(folder.name)
    return None


def _arguments(process: int) -> list[bytes]:
    folder = Path(f"/proc/{process}")
    try:
        text = (folder / "cmdline").read_bytes()
        for _ in range(EXEC_TRIES_MAX):
            if text:
                break
            # Kernel threads and zombies have no executable: this raises. Anybody else without
            # arguments is just now becoming another program and will have them in a moment.
            (folder / "exe").readlink()
            time.sleep(EXEC_WAIT_SECONDS)
            text = (folder / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []  # gone, or somebody else's: not ours
    return text.split(b"\0")


def signal_process(argument: str, number: signal.Signals) -> bool:
    """Send a signal to the process with this argument; False where there is none."""
    with _handle(argument) as handle:
        if handle is None:
            return False
        signal.pidfd_send_signal(handle, number)
        return True


def wait_for_exit(argument: str, *, seconds: float) -> bool:
    """Whether the process with this argument is gone, at the latest after `seconds`."""
    with _handle(argument) as handle:
        if handle is None:
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(int(seconds * 1000)))


@contextmanager
def _handle(argument: str) -> Generator[int | None]:
    """A handle that stays with this very process, whatever happens to its number."""
    process = find_process(argument)
    try:
        handle = None if process is None else os.pidfd_open(process)
    except ProcessLookupError:
        handle = None
    if process is None or handle is None:
        yield None
        return
    try:
        # Between finding it and opening the handle the number may have changed hands.
        yield handle if argument.encode() in _arguments(process) else None
    finally:
        os.close(handle)
