"""Nodes on another machine, reached by the OpenSSH client; nothing is installed there.

The same folders as on this machine (see `local.py`), made by shell scripts that travel on standard
input, secrets included: no command line has any of it. How the other machine is logged in to is in
`ssh_host.py`. The server's files must lie there where the `Engine` says.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import IO

from sterna.clusters import transfer
from sterna.clusters.config import first_statements, render_config
from sterna.clusters.local import LOG_LINES, START_SECONDS_MAX, STOP_SECONDS_MAX, answers
from sterna.clusters.provisioner import Data, NodeSpec
from sterna.clusters.ssh_host import SHORT_SECONDS_MAX, TRIES, SshHost
from sterna.errors import Refused, SternaError, Transient

POLL_SECONDS = 0.2
# A new data directory is made, a server shut down, a large data directory removed.
LONG_SECONDS_MAX = STOP_SECONDS_MAX + 60
FINISH_SECONDS_MAX = 3600.0  # the changes made during a copy are worked into it
NOT_STOPPED = 75

PRELUDE = """\
set -eu
umask 077
cluster={cluster} node={node}
folder=$cluster/$node
argument=--defaults-file=$folder/my.cnf
# The pattern comes on standard input: grep would find itself by its own arguments.
process() {{
    printf '%s\\n' "$argument" | grep -lzxF -f - /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3
}}
end() {{
    for each in $(process); do kill -"$1" "$each" 2>/dev/null || true; done
    tries={stop_tries}
    while [ -n "$(process)" ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || exit {not_stopped}
        sleep 0.1
    done
}}
put() {{ cat >"$1.new" && mv "$1.new" "$1"; }}
"""
# Only who makes a node makes the folder: whoever comes late to a deleted one leaves no trace.
MAKE = 'mkdir -p "$cluster"\n'
GONE = '[ -d "$cluster" ] || exit 0\n'
LOCK = """\
[ -d "$cluster" ] || { echo "there is no data directory" >&2; exit 1; }
exec 9>"$cluster/.$node.lock"
flock 9
"""
CREATE = """\
mkdir -p "$folder/tmp"
touch "$folder/error.log"
{config}
[ -d "$folder/data" ] && exit 0
end KILL
{first}
rm -rf "$folder/data.new"
{initialize}
mv "$folder/data.new" "$folder/data"
"""
START = """\
[ -n "$(process)" ] && exit 0
[ -d "$folder/data" ] || {{ echo "there is no data directory" >&2; exit 1; }}
{config}
rm -f "$folder/mysqld.pid" "$folder/data/mysql.sock" "$folder/data/mysql.sock.lock"
first=
[ -e "$folder/first.sql" ] && first=--init-file=$folder/first.sql
setsid {command} "$argument" $first >>"$folder/error.log" 2>&1 </dev/null 9>&- &
"""
# Nobody starts a server whose files are copied.
STILL = f'[ -z "$(process)" ] || {{ echo "{transfer.IT_RUNS}" >&2; exit 1; }}\n'
SEND = """\
{options}
trap 'rm -f "$folder"/backup.cnf' EXIT
rm -rf "$folder/tmp/backup"
{command}
"""
RECEIVE = """\
mkdir -p "$folder/tmp"
touch "$folder/error.log"
{config}
end KILL
rm -rf "$folder/data.new"
mkdir "$folder/data.new"
{command}
"""
FINISH = """\
{command} >"$folder/copy.log" 2>&1 || {{ tail -n 15 "$folder/copy.log" >&2; exit 1; }}
for name in {names}; do [ ! -e "$folder/data.new/$name" ] || cat "$folder/data.new/$name"; done
"""
AUTHORITY = '[ ! -e "$folder/data/ca.pem" ] || cat "$folder/data/ca.pem"\n'
# Ports of whoever listens, in hexadecimal; of every address: one of them may be ours.
LISTENING = """\
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    while read -r _ own _ state _; do
        [ "$state" = 0A ] && printf '%s\\n' "${own##*:}"
    done || true
"""
DELETE = """\
end KILL
rm -rf "$cluster/.$node.deleted"
[ -e "$folder" ] && mv "$folder" "$cluster/.$node.deleted"
rm -rf "$cluster/.$node.deleted" "$cluster/.$node.lock"
rmdir "$cluster" 2>/dev/null || true
"""


@dataclass(frozen=True)
class SshProvisioner:
    """The `Provisioner` of another machine."""

    host: SshHost

    def create_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Refused: NodeNotCreated, with the end of the server's own log."""
        script = CREATE.format(
            config=_put("my.cnf", render_config(spec)),
            first=_put("first.sql", first_statements(spec)),
            initialize=_initialize(spec),
        )
        self._must(spec, MAKE + LOCK + script, "could not be created", "NodeNotCreated")

    @contextmanager
    def send_data(self, spec: NodeSpec) -> Iterator[IO[bytes]]:
        """See `Provisioner`."""
        options = _put("backup.cnf", transfer.options(spec))
        script = SEND.format(options=options, command=_command(spec, transfer.sender(spec)))
        script = (LOCK + STILL if transfer.is_still(spec) else "") + script
        with self._copying(spec, script) as process:
            assert process.stdout is not None
            yield process.stdout

    def receive_data(self, spec: NodeSpec, data: Data) -> None:
        """See `Provisioner`. Half of it is thrown away, and fetched anew the next time."""
        if self._run(spec, '[ ! -d "$folder/data" ] || echo there').stdout:
            return
        fresh = spec.folder / "data.new"
        command = _command(spec, transfer.unpacker(spec, fresh))
        config = _put("my.cnf", render_config(spec))
        script = MAKE + LOCK + RECEIVE.format(config=config, command=command)
        with data() as stream, self._copying(spec, script) as process:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended before its time, and says why
                transfer.pass_on(stream, process.stdin)
        first = ""
        if finisher := transfer.finisher(spec, fresh):
            names = " ".join(transfer.BACKUP_INFO)
            script = FINISH.format(command=_command(spec, finisher), names=names)
            done = self._run(spec, LOCK + script, within_seconds=FINISH_SECONDS_MAX)
            if done.returncode:
                raise transfer.not_copied(spec, [done.stderr.strip()])
            first = _put("first.sql", transfer.first_of_backup(spec, done.stdout.splitlines()))
        whole = f'{LOCK}{first}mv "$folder/data.new" "$folder/data"\n'
        self._must(spec, whole, "could not be created", "NodeNotCreated")

    @contextmanager
    def _copying(self, spec: NodeSpec, script: str) -> Iterator[subprocess.Popen[bytes]]:
        try:
            with self.host.piped(_prelude(spec) + script) as process:
                yield process
        except subprocess.CalledProcessError as error:
            said = str(error.stderr).splitlines()[-LOG_LINES:]
            raise transfer.not_copied(spec, said) from error

    def authority_of(self, spec: NodeSpec) -> str:
        """See `Provisioner`: what MySQL makes for itself, as its machine shows it to us."""
        return self._run(spec, AUTHORITY, within_seconds=SHORT_SECONDS_MAX).stdout

    def configure_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        config = _put("my.cnf", render_config(spec))
        self._must(spec, LOCK + config, "could not be configured", "NodeNotCreated")

    def start_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Refused: NodeNotStarted, with the end of the server's own log."""
        script = START.format(config=_put("my.cnf", render_config(spec)), command=_server(spec))
        self._must(spec, LOCK + script, "could not be started", "NodeNotStarted")
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers(spec):
            if not self.is_running(spec):
                raise self._failed(spec, "ended while it was starting", "NodeNotStarted")
            if time.monotonic() > deadline:
                raise self._failed(spec, "does not answer", "NodeNotStarted")
            time.sleep(POLL_SECONDS)
        self._run(spec, 'rm -f "$folder/first.sql"', within_seconds=SHORT_SECONDS_MAX)

    def _answers(self, spec: NodeSpec) -> bool:
        """Whether it lets the admin in; nothing is said to whom nobody vouches for. A server that
        listens has made its certificates."""
        said = self._run(spec, LISTENING + AUTHORITY, within_seconds=SHORT_SECONDS_MAX).stdout
        ports, begin, rest = said.partition("-----BEGIN")
        listens = spec.port in {int(port, 16) for port in ports.split()}
        return listens and answers(replace(spec, authority=begin + rest))

    def stop_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`. Transient: NodeNotStopped; the server is still shutting down."""
        self._must(spec, GONE + LOCK + "end TERM\n", "could not be stopped", "NodeNotStopped")

    def restart_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        config = _put("my.cnf", render_config(spec))
        script = LOCK + "end TERM\n" + START.format(config=config, command=_server(spec))
        self._must(spec, script, "could not be restarted", "NodeNotStarted")
        self.start_node(spec)

    def delete_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        done = self._run(spec, GONE + LOCK + DELETE)
        if done.returncode != 0:
            raise Transient(
                f"Node {spec.id} could not be deleted: {done.stderr.strip()}.",
                code="NodeNotDeleted",
            )

    def read_log(self, spec: NodeSpec, *, lines: int) -> str:
        """See `Provisioner`."""
        script = f'tail -n {lines} "$folder/error.log"'
        done = self._run(spec, script, within_seconds=SHORT_SECONDS_MAX)
        return done.stdout.rstrip("\n") if done.returncode == 0 else "(there is no error log)"

    def storage_bytes(self, spec: NodeSpec) -> int:
        """See `Provisioner`."""
        said = self._run(spec, 'du -s -k "$folder/data" 2>/dev/null || true').stdout.split()
        return int(said[0]) * 1024 if said else 0

    def is_running(self, spec: NodeSpec) -> bool:
        """See `Provisioner`. Transient: HostUnreachable; it cannot be known.

        Who lets the admin in runs; only who does not is looked for over there.
        """
        with suppress(SternaError):
            if answers(spec):
                return True
        done = self._run(spec, "process || true", within_seconds=SHORT_SECONDS_MAX, tries=1)
        return bool(done.stdout.strip())

    def port_is_free(self, spec: NodeSpec) -> bool:
        """See `Provisioner`."""
        listening = self._run(spec, LISTENING, within_seconds=SHORT_SECONDS_MAX).stdout.split()
        return spec.port not in {int(port, 16) for port in listening}

    def _must(self, spec: NodeSpec, script: str, what: str, code: str) -> None:
        done = self._run(spec, script)
        if done.returncode == NOT_STOPPED:
            raise Transient(
                f"Node {spec.id} has been shutting down for {STOP_SECONDS_MAX:.0f} seconds.",
                code="NodeNotStopped",
            )
        if done.returncode != 0:
            raise self._failed(spec, f"{what} ({done.stderr.strip()})", code)

    def _run(
        self,
        spec: NodeSpec,
        script: str,
        *,
        within_seconds: float = LONG_SECONDS_MAX,
        tries: int = TRIES,
    ) -> subprocess.CompletedProcess[str]:
        return self.host.run(_prelude(spec) + script, within_seconds=within_seconds, tries=tries)

    def _failed(self, spec: NodeSpec, what: str, code: str) -> SternaError:
        log = "(there is no error log)"
        with suppress(SternaError):
            log = self.read_log(spec, lines=LOG_LINES)
        return Refused(
            f"Node {spec.id} ({spec.engine.version}) {what}. Its log ends with:\n{log}\n",
            code=code,
            remedy="Correct what the log complains about, then try again.",
        )


def _prelude(spec: NodeSpec) -> str:
    return PRELUDE.format(
        cluster=shlex.quote(str(spec.cluster)),
        node=shlex.quote(spec.id),
        stop_tries=int(STOP_SECONDS_MAX * 10),
        not_stopped=NOT_STOPPED,
    )


def _put(name: str, text: str) -> str:
    """Shell that writes a file of the node; the text is quoted whole, and never an argument."""
    lines = text.rstrip("\n")
    assert "\nEND_OF_FILE" not in f"\n{lines}"
    return f"put \"$folder/{name}\" <<'END_OF_FILE'\n{lines}\nEND_OF_FILE\n"


def _server(spec: NodeSpec) -> str:
    """The server's command without its arguments."""
    return _command(spec, spec.engine.mysqld)


def _command(spec: NodeSpec, words: Sequence[str]) -> str:
    """A command with nothing of the login's environment."""
    given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    variables = [
        f"{name}={value}" for name, value in (given | dict(spec.engine.environment)).items()
    ]
    return shlex.join(["env", "-i", *variables, *words])


def _initialize(spec: NodeSpec) -> str:
    """Shell that fills data.new."""
    engine = spec.engine
    if engine.initialize == "copy":
        template = shlex.quote(str(engine.template))
        return f'cp -R {template} "$folder/data.new"\nrm -f "$folder/data.new/auto.cnf"\n'
    log = '"$argument" {} --datadir="$folder/data.new" >>"$folder/error.log" 2>&1 </dev/null 9>&-\n'
    if engine.initialize == "initialize-insecure":
        return f"{_server(spec)} {log.format('--initialize-insecure')}"
    basedir = shlex.quote(str(engine.basedir))
    plain = "--auth-root-authentication-method=normal --skip-test-db --skip-name-resolve"
    if engine.plugins:
        plain += f" --plugin-dir={shlex.quote(str(engine.plugins))}"
    return (
        f"tool={basedir}/bin/mariadb-install-db\n"
        f"[ -x $tool ] || tool={basedir}/scripts/mariadb-install-db\n"
        f"$tool {log.format(f'--basedir={basedir} {plain}')}"
    )
