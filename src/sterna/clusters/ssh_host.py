"""How another machine is logged in to: the OpenSSH client, keys only, the machine's key pinned.

Neither key is ever on a disk here: the client reads them from memory of this process. Scripts
travel on standard input, so no command line has anything of them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sterna.errors import Refused, SternaError, Transient

CONNECT_SECONDS_MAX = 10
# A line that dies is noticed after this many unanswered questions, five seconds apart.
ALIVE_QUESTIONS = 3
SHORT_SECONDS_MAX = 30.0
TRIES = 3
RETRY_SECONDS = 0.5
CONNECTION_FAILED = 255  # what ssh itself exits with
ALIAS = "sterna-host"  # the machine's key belongs to it, whatever address it is reached by
# What the client says when asking again would change nothing.
HOPELESS = (
    "Permission denied",
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION",
    "error in libcrypto",
    "invalid format",
)


@dataclass(frozen=True)
class SshHost:
    """How to log in to a machine.

    Attributes:
        key: private key, without a passphrase.
        host_key: the machine's own, such as "ssh-ed25519 AAAA…"; empty: it is not known.
    """

    host: str
    user: str
    key: str = field(repr=False)
    host_key: str
    port: int = 22

    def run(
        self, script: str, *, within_seconds: float = SHORT_SECONDS_MAX, tries: int = TRIES
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script there; one that may be run again is, when the connection fails.

        Raises:
            Refused: HostRefused; it does not let us in, or has another key than the pinned one.
            Transient: HostUnreachable.
        """
        with _in_memory(self.key) as key, _in_memory(f"{ALIAS} {self.host_key}\n") as known:
            command = [*self._command(key, known, checking="yes"), "sh", "-s"]
            for tries_left in reversed(range(tries)):
                done = self._attempt(command, script, within_seconds)
                if done.returncode != CONNECTION_FAILED:
                    return done
                failure = self._failure(done.stderr.strip())
                if isinstance(failure, Refused) or not tries_left:
                    raise failure
                time.sleep(RETRY_SECONDS)
        raise AssertionError("unreachable")

    @contextmanager
    def piped(self, script: str) -> Iterator[subprocess.Popen[bytes]]:
        """A shell script there with its standard output, and its standard input behind itself.

        Raises, at the end of the context, where the stream's may have been the line's:
            Transient: HostUnreachable; Refused: HostRefused.
            CalledProcessError: the script failed; `stderr` has what it said.
        """
        text = script.encode()
        # A shell that reads a script of its standard input reads beyond its end.
        shell = f"sh -c 'eval \"$(dd bs=1 count={len(text)} 2>/dev/null)\"'"
        with (
            _in_memory(self.key) as key,
            _in_memory(f"{ALIAS} {self.host_key}\n") as known,
            tempfile.TemporaryFile() as errors,
        ):
            command = [*self._command(key, known, checking="yes"), shell]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors) as process:
                assert process.stdin is not None
                try:
                    with suppress(BrokenPipeError):
                        process.stdin.write(text)
                        process.stdin.flush()
                    yield process
                    process.communicate()
                finally:
                    process.kill()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            if process.returncode == CONNECTION_FAILED:
                raise self._failure(said)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, "sh", stderr=said)

    def learn_key(self) -> str:
        """The key the machine shows at the first login; from then on it must show that one."""
        with tempfile.TemporaryDirectory() as folder, _in_memory(self.key) as key:
            known = Path(folder) / "known_hosts"
            command = [*self._command(key, known, checking="accept-new"), "true"]
            done = self._attempt(command, "", SHORT_SECONDS_MAX)
            if done.returncode == CONNECTION_FAILED or not known.exists():
                raise self._failure(done.stderr.strip())
            _, _, host_key = known.read_text().splitlines()[0].partition(" ")
        return host_key

    def _attempt(
        self, command: list[str], script: str, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                input=script,
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # logs have the words of anybody
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise Transient(
                f"{self.user}@{self.host} has not answered within {seconds:.0f} seconds.",
                code="HostUnreachable",
            ) from error

    def _command(self, key: Path, known_hosts: Path, *, checking: str) -> list[str]:
        """The client, up to the command that is run there."""
        options = {
            "BatchMode": "yes",
            "PreferredAuthentications": "publickey",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "StrictHostKeyChecking": checking,
            "HostKeyAlias": ALIAS,
            "HashKnownHosts": "no",
            "UpdateHostKeys": "no",
            "CheckHostIP": "no",
            "UserKnownHostsFile": str(known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "ConnectTimeout": str(CONNECT_SECONDS_MAX),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": str(ALIVE_QUESTIONS),
            "ForwardAgent": "no",
            "ClearAllForwardings": "yes",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        # Behind the two hyphens no name is an option, whatever it begins with.
        where = ["-p", str(self.port), "-i", str(key), "--", f"{self.user}@{self.host}"]
        return ["ssh", "-F", "none", "-T", *given, *where]

    def _failure(self, said: str) -> SternaError:
        where = f"{self.user}@{self.host}"
        if "IDENTIFICATION" in said or "Host key verification failed" in said:
            return Refused(
                f"{self.host} does not show the key it had when it was added: it is another"
                " machine, or somebody sits in between. Nothing was said to it.",
                code="HostKeyChanged",
                remedy="Find out why. If its system was installed anew: remove the host, add it"
                " again.",
            )
        if any(word in said for word in HOPELESS):
            return Refused(
                f"{where} does not let Sterna in: {said}. Nothing was changed there.",
                code="HostRefused",
                remedy="Put the public half of Sterna's key into authorized_keys there.",
            )
        return Transient(f"{where} cannot be reached: {said}.", code="HostUnreachable")


def fingerprint(host_key: str) -> str:
    """What `ssh-keygen -l` shows of a key: "SHA256:…"."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@contextmanager
def _in_memory(text: str) -> Iterator[Path]:
    """A file for programs we start, which no disk ever holds and nobody else can open."""
    handle = os.memfd_create("sterna", os.MFD_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)
        os.write(handle, text.encode())
        yield Path(f"/proc/{os.getpid()}/fd/{handle}")
    finally:
        os.close(handle)
