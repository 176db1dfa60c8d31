"""What a machine that is reached by SSH has for nodes: a folder, room, programs, engines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sterna.clusters.engines import BACKUP, SYSTEM_FOLDERS, Engine, find_engines, said_version
from sterna.clusters.ssh_host import SshHost
from sterna.errors import Refused
from sterna.mysql.version import Version

TOOLS = ("awk", "cut", "dd", "df", "du", "flock", "grep", "setsid", "tail", "tar")
# Configuration files and scripts name the folder again and again, and sockets have short names.
FOLDER = re.compile(r"[A-Za-z0-9_./-]{1,48}")

LOOK = """\
set -eu
umask 077
folder={folder}
case $folder in /*) ;; *) folder=$HOME/$folder ;; esac
[ "$(id -u)" != 0 ] || {{ echo "database servers do not run as root" >&2; exit 1; }}
for tool in {tools}; do
    command -v "$tool" >/dev/null || {{ echo "it has no program $tool" >&2; exit 1; }}
done
mkdir -p "$folder"
cd "$folder"
pwd -P
df -Pk . | awk 'NR == 2 {{ print $4 }}'
"""
FIND = """\
for file in {backups}; do [ ! -e "$file" ] || echo "$file"; done
cd {servers} 2>/dev/null || exit 0
for each in */; do
    for file in usr/sbin/mysqld bin/mysqld bin/mariadbd mysqld share/mysql share/charsets \\
        share/mysql/charsets data/mysql/ibdata1 {backup} ha_rocksdb.so; do
        [ ! -e "$each$file" ] || echo {servers}/"$each$file"
    done
done
"""
INSTALLED = """\
PATH=$PATH:{folders}
for name in mariadbd mysqld; do
    found=$(command -v $name) && readlink -f "$found"
done || true
"""


ROOM = """\
cd {folder}
df -Pk . | awk 'NR == 2 {{ print $4 }}'
"""


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        folder: where nodes go, in full.
        free_bytes: room there.
    """

    folder: Path
    free_bytes: int
    engines: tuple[Engine, ...]


def survey(host: SshHost, folder: str, servers: Path) -> Survey:
    """Look at a machine; the folder is made where it is not there.

    Raises:
        Refused: HostNotSuitable, or why it does not let us in.
        Transient: HostUnreachable.
    """
    for path in (folder, str(servers)):
        if not FOLDER.fullmatch(path):
            raise _not_suitable(host, f"{path!r} is no name for a folder of servers")
    script = LOOK.format(folder=shlex.quote(folder), tools=" ".join(TOOLS))
    done = host.run(script)
    if done.returncode != 0:
        raise _not_suitable(host, done.stderr.strip())
    where, free_kib = _answers(host, done.stdout.splitlines())
    if not FOLDER.fullmatch(where):
        raise _not_suitable(host, f"the name of its folder is too long or odd: {where}")
    engines = find_engines(servers, _Distant(host, servers))
    return Survey(Path(where), int(free_kib) * 1024, engines)


def _answers(host: SshHost, lines: list[str]) -> list[str]:
    """What was asked for; a shell that talks would be taken for it ever after."""
    if len(lines) != 2:
        said = (
            f"its shell says more than it is asked ({lines[0]!r})" if lines else "it says nothing"
        )
        raise _not_suitable(host, f"{said}: let it be quiet where nobody sits at a terminal")
    return lines


def free_bytes(host: SshHost, folder: str) -> int:
    """Room for nodes there. Refused: HostNotSuitable; the folder is gone."""
    done = host.run(ROOM.format(folder=shlex.quote(folder)))
    if done.returncode != 0:
        raise _not_suitable(host, done.stderr.strip())
    return int(done.stdout) * 1024


class _Distant:
    """The `Machine` at the other end: listed once, its servers asked one by one."""

    def __init__(self, host: SshHost, servers: Path) -> None:
        self._host = host
        backups = " ".join(str(folder.parent / BACKUP) for folder in SYSTEM_FOLDERS[:2])
        script = FIND.format(servers=shlex.quote(str(servers)), backup=BACKUP, backups=backups)
        listed = host.run(script).stdout.splitlines()
        self._files = {Path(line) for line in listed}

    def folders(self, servers: Path) -> list[Path]:
        """See `Machine`."""
        there = (file for file in self._files if file.is_relative_to(servers))
        names = {file.relative_to(servers).parts[0] for file in there}
        return [servers / name for name in sorted(names)]

    def has(self, path: Path) -> bool:
        """See `Machine`."""
        return path in self._files

    def installed(self) -> list[Path]:
        """See `Machine`."""
        script = INSTALLED.format(folders=":".join(map(str, SYSTEM_FOLDERS)))
        return sorted({Path(line) for line in self._host.run(script).stdout.splitlines()})

    def version(self, mysqld: tuple[str, ...], environment: Mapping[str, str]) -> Version:
        """See `Machine`."""
        given = [f"{name}={value}" for name, value in environment.items()]
        command = shlex.join(["env", *given, *mysqld, "--no-defaults", "--version"])
        return said_version(mysqld[-1], self._host.run(f"{command} </dev/null").stdout)


def _not_suitable(host: SshHost, why: str) -> Refused:
    return Refused(
        f"{host.user}@{host.host} cannot have nodes: {why}.",
        code="HostNotSuitable",
        remedy="Correct that there, or log in as a user of its own who can, and try again.",
    )
