"""Engines: the server versions this machine can run.

Two places are looked at: the folders below `Settings.servers` (what `make servers` unpacked, or
a binary distribution somebody unpacked by hand) and the server installed on the machine. A
folder's shape tells how its server is started:

    <folder>/usr/sbin/mysqld   a tree of Debian packages with its own C library and loader
    <folder>/bin/mysqld        a binary distribution
    <folder>/mysqld            a bare server beside its share/
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from sterna.errors import Refused
from sterna.mysql.version import Version

Initialize = Literal["initialize-insecure", "install-db", "copy"]

SYSTEM_FOLDERS = (Path("/usr/sbin"), Path("/usr/local/sbin"), Path("/usr/local/bin"))
VERSION_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Engine:
    """A server version that can be run here, and how.

    Attributes:
        mysqld: the command up to, and without, the server's own options.
        basedir: folder the server looks for its other files in.
        messages: folder of the error messages; None: the server knows itself.
        charsets: folder of the character sets; None: the server knows itself.
        plugins: folder of the plugins; None: the server knows itself.
        environment: variables the process needs besides the usual ones.
        template: a data directory to copy, for versions that cannot make one.
    """

    version: Version
    mysqld: tuple[str, ...]
    basedir: Path
    messages: Path | None = None
    charsets: Path | None = None
    plugins: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    template: Path | None = None

    @property
    def name(self) -> str:
        """ "MySQL 5.7.29"."""
        return str(self.version)

    @property
    def initialize(self) -> Initialize:
        """How a data directory is made."""
        if self.version.is_mariadb:
            return "install-db"
        return "initialize-insecure" if self.version.at_least(5, 7, 6) else "copy"

    @property
    def binary(self) -> Path:
        """The server's own file, whatever loads it."""
        return Path(self.mysqld[-1])


def find_engines(servers: Path) -> tuple[Engine, ...]:
    """Every engine of this machine, oldest first, MySQL before MariaDB; unpacked ones win."""
    found: dict[Version, Engine] = {}
    for engine in (*_unpacked(servers), *_installed()):
        found.setdefault(engine.version, engine)
    return tuple(found[version] for version in sorted(found, key=_order))


def choose_engine(engines: Iterable[Engine], wanted: str) -> Engine:
    """The newest engine of a series ("9.7") or exactly that version ("9.7.4").

    "mysql" or "mariadb" may stand in front where a number alone would not be clear.

    Raises:
        Refused: EngineNotFound; names what there is.
    """
    engines = tuple(engines)
    flavor, _, number = wanted.lower().replace("-", " ").rpartition(" ")
    fitting = [
        engine
        for engine in engines
        if _fits(engine.version, number) and flavor.strip() in ("", engine.version.flavor)
    ]
    if fitting:
        return max(fitting, key=lambda engine: _order(engine.version))
    names = ", ".join(str(engine.version) for engine in engines) or "none at all"
    raise Refused(
        f"There is no engine {wanted} on this machine; there is {names}.",
        code="EngineNotFound",
        remedy="Choose one of these, or unpack the server into the folder STERNA_SERVERS names.",
    )


def _fits(version: Version, number: str) -> bool:
    return number in (version.series, f"{version.series}.{version.patch}")


def _order(version: Version) -> tuple[bool, tuple[int, int, int]]:
    return version.is_mariadb, version.numbers


def _unpacked(servers: Path) -> Iterator[Engine]:
    if not servers.is_dir():
        return
    for folder in sorted(servers.iterdir()):
        if folder.name.startswith("."):
            continue
        if (folder / "usr/sbin/mysqld").is_file():
            yield _package_tree(folder)
        elif (folder / "bin/mysqld").is_file() or (folder / "bin/mariadbd").is_file():
            yield _distribution(folder)
        elif (folder / "mysqld").is_file():
            yield _bare(folder)


def _package_tree(root: Path) -> Engine:
    """Packages of another release: their C library is newer than ours, so is their loader."""
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/usr/lib/mysql/private"
    loader = (f"{root}/usr/lib64/ld-linux-x86-64.so.2", "--library-path", libraries)
    mysqld = (*loader, f"{root}/usr/sbin/mysqld")
    return Engine(
        version=_version(mysqld),
        mysqld=mysqld,
        basedir=root / "usr",
        messages=root / "usr/share/mysql",
        charsets=root / "usr/share/mysql/charsets",
        plugins=root / "usr/lib/mysql/plugin",
    )


def _distribution(root: Path) -> Engine:
    """What the vendors call a binary tarball."""
    name = "mariadbd" if (root / "bin/mariadbd").is_file() else "mysqld"
    mysqld = (f"{root}/bin/{name}",)
    return Engine(
        version=_version(mysqld),
        mysqld=mysqld,
        basedir=root,
        messages=root / "share",
        charsets=root / "share/charsets",
        plugins=root / "lib/plugin",
    )


def _bare(root: Path) -> Engine:
    """A server without its distribution; shared libraries it needs lie beside it."""
    mysqld, environment = (f"{root}/mysqld",), {"LD_LIBRARY_PATH": str(root)}
    share = root / "share/mysql" if (root / "share/mysql").is_dir() else root / "share"
    charsets = share / "charsets"
    template = root / "data/mysql"
    return Engine(
        version=_version(mysqld, environment),
        mysqld=mysqld,
        basedir=root,
        messages=share,
        charsets=charsets if charsets.is_dir() else None,
        environment=environment,
        template=template if (template / "ibdata1").is_file() else None,
    )


def _installed() -> Iterator[Engine]:
    """The machine's own server; mysqld is often another name of mariadbd."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, SYSTEM_FOLDERS)])
    found = [shutil.which(name, path=path) for name in ("mariadbd", "mysqld")]
    for binary in sorted({Path(name).resolve() for name in found if name}):
        mysqld = (str(binary),)
        yield Engine(version=_version(mysqld), mysqld=mysqld, basedir=binary.parent.parent)


def _version(mysqld: tuple[str, ...], environment: Mapping[str, str] | None = None) -> Version:
    """What `--version` says; asked once per binary and change of its file."""
    changed = Path(mysqld[-1]).stat().st_mtime_ns
    return _asked_version(mysqld, tuple((environment or {}).items()), changed)


@cache
def _asked_version(
    mysqld: tuple[str, ...], environment: tuple[tuple[str, str], ...], changed: int
) -> Version:
    command = [*mysqld, "--no-defaults", "--version"]
    try:
        done = subprocess.run(
            command,
            env={"PATH": os.defpath, **dict(environment)},
            capture_output=True,
            text=True,
            check=True,
            timeout=VERSION_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _unusable(mysqld[-1], str(error)) from error
    _, _, text = done.stdout.partition(" Ver ")
    try:
        return Version.parse(text.strip())
    except ValueError as error:
        raise _unusable(mysqld[-1], f"it says {done.stdout!r}") from error


def _unusable(binary: str, why: str) -> Refused:
    return Refused(
        f"The server {binary} does not tell its version: {why}.",
        code="EngineUnusable",
        remedy="Remove its folder and run `make servers` again, or repair its installation.",
    )
