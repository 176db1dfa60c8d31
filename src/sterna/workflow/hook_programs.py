"""Programs that are told what happens: only those an administrator of this machine has put there.

Whoever may use the API may choose among the programs in STERNA_HOME/hooks and their arguments, and
cannot run any other. A program is started with its arguments as a list, never by a shell.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sterna.errors import Refused

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
SAID_BYTES = 300


def check_program(home: Path, command: Sequence[str]) -> Path:
    """The program of a command. Refused: HookProgramUnusable."""
    folder = home / "hooks"
    program = folder / command[0]
    if Path(command[0]).name != command[0] or not command[0].strip("."):
        raise _unusable(command[0], "it is not a plain file name", folder)
    try:
        found = program.lstat()
    except OSError as error:
        raise _unusable(command[0], f"{error.strerror}", folder) from error
    if not stat.S_ISREG(found.st_mode) or not os.access(program, os.X_OK):
        raise _unusable(command[0], "it is not an executable file", folder)
    for path in (folder, program):
        there = path.stat()
        if there.st_uid not in (0, os.geteuid()) or there.st_mode & 0o022:
            raise _unusable(command[0], f"others than its owner may change {path}", folder)
    return program


def run_program(home: Path, command: Sequence[str], text: bytes, seconds: float) -> str:
    """Run it with `text` on its standard input; why it failed, or nothing."""
    try:
        program = check_program(home, command)
    except Refused as error:
        return error.message
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [str(program), *command[1:]],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"it cannot be started: {error}"
        try:
            process.communicate(text, timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it took longer than {seconds:.0f} s"
        if process.returncode == 0:
            return ""
        said.seek(max(0, said.seek(0, os.SEEK_END) - SAID_BYTES))
        tail = said.read().decode(errors="replace").strip().replace("\n", " ")
    return f"exit code {process.returncode}{f': {tail}' if tail else ''}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """With everything it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _unusable(name: str, why: str, folder: Path) -> Refused:
    return Refused(
        f"The program {name} cannot be a hook: {why}.",
        code="HookProgramUnusable",
        remedy=f"Put it into {folder}, executable, changeable by its owner only.",
    )
