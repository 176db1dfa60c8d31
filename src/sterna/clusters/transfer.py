"""A node's data on its way to a new node: commands that make a stream of it, and data of a stream.

    clone    MySQL 8.0.17 and later: the new server fetches it by itself, see `readers.py`
    backup   MariaDB: mariadb-backup reads the running server's files, which goes on meanwhile
    files    MySQL 5.7 and 8.0 before that: the files of a server that stands still

Both streams go through Sterna, from whatever machine to whatever machine. What arrives knows its
place in the primary's log: files bring the log along; of a backup the first start is told.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from sterna.clusters.engines import Engine
from sterna.clusters.provisioner import NodeSpec
from sterna.errors import Refused, Transient
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version

How = Literal["clone", "backup", "files", ""]

BLOCK_BYTES = 1 << 20
IT_RUNS = "The server runs, and its files change."
LOG = "copy.log"  # what the commands say, in the node's folder
# Where a backup says up to where it goes; the older name first.
BACKUP_INFO = ("xtrabackup_binlog_info", "mariadb_backup_binlog_info")
# What makes a server another one than its copy: its number, its keys.
OWN_FILES = ("auto.cnf", "*.pem", "mysql.sock", "mysql.sock.lock")


def how_copied(version: Version) -> How:
    """How a server's data come to a new node; empty: there is no way."""
    if version.is_mariadb:
        return "backup" if version.at_least(10, 3) else ""
    if version.at_least(8, 0, 17):
        return "clone"
    return "files" if version.at_least(5, 7, 6) else ""


def is_still(spec: NodeSpec) -> bool:
    """Whether a node's data may be read only while its server does not run."""
    return how_copied(spec.engine.version) == "files"


def sender(spec: NodeSpec) -> list[str]:
    """The command whose output is the stream.

    Refused: BackupNotFound; the machine has no mariadb-backup.
    """
    if is_still(spec):
        without = [f"--exclude=./{name}" for name in OWN_FILES]
        return ["tar", "--directory", str(spec.data), *without, "--create", "--file=-", "."]
    return [
        *_backup(spec),
        f"--defaults-file={options_file(spec)}",
        *("--backup", "--stream=mbstream", f"--datadir={spec.data}"),
        f"--target-dir={spec.folder / 'tmp' / 'backup'}",
        *_plugins(spec),
    ]


def unpacker(spec: NodeSpec, folder: Path) -> list[str]:
    """The command that makes files of the stream."""
    if is_still(spec):
        return ["tar", "--directory", str(folder), "--extract", "--file=-"]
    return [*_beside(spec, "mbstream"), "-x", "-C", str(folder)]


def finisher(spec: NodeSpec, folder: Path) -> list[str]:
    """The command that makes files of a running server those of one that was ended; or none."""
    if is_still(spec):
        return []
    return [*_backup(spec), "--prepare", f"--target-dir={folder}", *_plugins(spec)]


def options_file(spec: NodeSpec) -> Path:
    """Where the sender reads who it is; it is there only meanwhile."""
    return spec.folder / "backup.cnf"


def options(spec: NodeSpec) -> str:
    """What stands there: a password is on no command line."""
    server, password = spec.server, _quoted(spec.admin.password)
    return (
        "[mariadb-backup]\n"
        f"host = {server.host}\nport = {server.port}\nuser = {_quoted(server.user)}\n"
        f"password = {password}\n"
    )


def first_of_backup(spec: NodeSpec, told: Sequence[str]) -> str:
    """The statement of the first start, from what is in a backup's `BACKUP_INFO`."""
    for info in told:
        *_, gtids = info.rstrip("\n").split("\t")  # file, position, GTIDs if any was written
        return f"SET GLOBAL gtid_slave_pos = {quote_text(gtids)};\n"
    raise not_copied(spec, ["The backup does not say up to where it goes."])


def refuse_without_backup(engine: Engine, where: str) -> None:
    """Refused (BackupNotFound) where a machine lacks what the data of such a server travel with."""
    if how_copied(engine.version) == "backup" and engine.backup is None:
        raise Refused(
            f"{engine.version} on {where} has no mariadb-backup, which copies a primary that runs.",
            code="BackupNotFound",
            remedy="Install it there, the same version as the server: apt-get install"
            " mariadb-backup. Then restart Sterna; for another machine: sterna host test HOST.",
        )


def not_copied(spec: NodeSpec, said: Sequence[str]) -> Transient:
    """What to raise where a command has failed; it is tried again from the beginning."""
    told = "\n".join(said)
    return Transient(
        f"The data of node {spec.id} could not be copied; what was is thrown away. It ends"
        f" with:\n{told}",
        code="NodeNotCopied",
        remedy="See the node's copy.log.",
    )


def pass_on(stream: IO[bytes], into: IO[bytes]) -> None:
    """All of it."""
    shutil.copyfileobj(stream, into, BLOCK_BYTES)


def _backup(spec: NodeSpec) -> list[str]:
    return _beside(spec, "mariadb-backup")


def _beside(spec: NodeSpec, name: str) -> list[str]:
    """Run by what runs the server: another release's programs have a loader of their own."""
    engine = spec.engine
    refuse_without_backup(engine, spec.host)
    assert engine.backup is not None
    return [*engine.mysqld[:-1], str(engine.backup.with_name(name))]


def _plugins(spec: NodeSpec) -> list[str]:
    return [f"--plugin-dir={spec.engine.plugins}"] if spec.engine.plugins else []


def _quoted(text: str) -> str:
    """As option files want it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
