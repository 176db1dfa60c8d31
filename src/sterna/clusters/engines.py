"""Engines: the server versions a machine can run, this one or another.

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
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from sterna.errors import Refused
from sterna.mysql.version import Version

Initialize = Literal["initialize-insecure", "install-db", "copy"]

SYSTEM_FOLDERS = (Path("/usr/sbin"), Path("/usr/local/sbin"), Path("/usr/local/bin"))
BACKUP = "bin/mariadb-backup"
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
        myrocks: folder of the plugins with MyRocks among them; None: there is no MyRocks.
        backup: MariaDB's mariadb-backup, with mbstream beside it; None: it is not there.
    """

    version: Version
    mysqld: tuple[str, ...]
    basedir: Path
    messages: Path | None = None
    charsets: Path | None = None
    plugins: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    template: Path | None = None
    myrocks: Path | None = None
    backup: Path | None = None

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

    def with_myrocks(self) -> Engine:
        """The same with the plugin, whose libraries lie beside it. Refused: the engine has none."""
        if self.myrocks is None:
            raise Refused(
                f"{self.version} has no MyRocks here.",
                code="StorageEngineNotSupported",
                remedy="Choose InnoDB; or a MariaDB target, after `make servers` on its machine.",
            )
        environment = {**self.environment, "LD_LIBRARY_PATH": str(self.myrocks)}
        return replace(self, plugins=self.myrocks, environment=environment)

    @property
    def binary(self) -> Path:
        """The server's own file, whatever loads it."""
        return Path(self.mysqld[-1])


class Machine(Protocol):
    """Where engines are looked for."""

    def folders(self, servers: Path) -> list[Path]:
        """What lies in the folder, in order; nothing where there is no such folder."""

    def has(self, path: Path) -> bool:
        """Whether there is such a file or folder."""

    def installed(self) -> list[Path]:
        """The machine's own servers."""

    def version(self, mysqld: tuple[str, ...], environment: Mapping[str, str]) -> Version:
        """What `--version` says. Refused: EngineUnusable."""


class ThisMachine:
    """The `Machine` Sterna runs on."""

    def folders(self, servers: Path) -> list[Path]:
        """See `Machine`."""
        return sorted(servers.iterdir()) if servers.is_dir() else []

    def has(self, path: Path) -> bool:
        """See `Machine`."""
        return path.exists()

    def installed(self) -> list[Path]:
        """See `Machine`."""
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, SYSTEM_FOLDERS)])
        found = [shutil.which(name, path=path) for name in ("mariadbd", "mysqld")]
        return sorted({Path(name).resolve() for name in found if name})

    def version(self, mysqld: tuple[str, ...], environment: Mapping[str, str]) -> Version:
        """See `Machine`. Asked once per binary and change of its file."""
        changed = Path(mysqld[-1]).stat().st_mtime_ns
        return _asked_version(mysqld, tuple(environment.items()), changed)


def find_engines(servers: Path, machine: Machine | None = None) -> tuple[Engine, ...]:
    """Every engine of a machine, oldest first, MySQL before MariaDB; unpacked ones win."""
    machine = machine or ThisMachine()
    found: dict[Version, Engine] = {}
    for engine in (*_unpacked(servers, machine), *_installed(machine)):
        found.setdefault(engine.version, engine)
    engines = (found[version] for version in sorted(found, key=_order))
    return tuple(
        _with_backup(_with_plugins(engine, servers, machine), machine) for engine in engines
    )


def _with_backup(engine: Engine, machine: Machine) -> Engine:
    program = engine.basedir / BACKUP
    has_it = engine.version.is_mariadb and machine.has(program)
    return replace(engine, backup=program) if has_it else engine


def _with_plugins(engine: Engine, servers: Path, machine: Machine) -> Engine:
    """A plugin fits only the version it was built with, so its folder is named after that."""
    folder = servers / f"myrocks-{'.'.join(map(str, engine.version.numbers))}"
    has_it = engine.version.is_mariadb and machine.has(folder / "ha_rocksdb.so")
    return replace(engine, myrocks=folder) if has_it else engine


def to_data(engine: Engine) -> dict[str, Any]:
    """The engine as JSON can keep it."""
    values = {each.name: getattr(engine, each.name) for each in fields(engine)}
    paths = {name: str(value) for name, value in values.items() if isinstance(value, Path)}
    flavor, numbers = engine.version.flavor, engine.version.numbers
    return {**values, **paths, "version": [flavor, *numbers], "mysqld": list(engine.mysqld)}


def from_data(data: Mapping[str, Any]) -> Engine:
    """The engine `to_data` was given."""
    names = ("basedir", "messages", "charsets", "plugins", "template", "myrocks", "backup")
    paths = {name: Path(data[name]) if data[name] else None for name in names}
    mysqld, environment = tuple(data["mysqld"]), dict(data["environment"])
    version = Version(*data["version"])
    return Engine(version=version, mysqld=mysqld, environment=environment, **paths)  # type: ignore[arg-type]


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
        f"There is no engine {wanted} where the nodes are to run; there is {names}.",
        code="EngineNotFound",
        remedy="Choose one of these, or unpack the server into the folder STERNA_SERVERS names; "
        "for another machine: into the folder its host was added with.",
    )


def _fits(version: Version, number: str) -> bool:
    return number in (version.series, f"{version.series}.{version.patch}")


def _order(version: Version) -> tuple[bool, tuple[int, int, int]]:
    return version.is_mariadb, version.numbers


def _unpacked(servers: Path, machine: Machine) -> Iterator[Engine]:
    for folder in machine.folders(servers):
        if folder.name.startswith("."):
            continue
        if machine.has(folder / "usr/sbin/mysqld"):
            yield _package_tree(folder, machine)
        elif machine.has(folder / "bin/mysqld") or machine.has(folder / "bin/mariadbd"):
            yield _distribution(folder, machine)
        elif machine.has(folder / "mysqld"):
            yield _bare(folder, machine)


def _package_tree(root: Path, machine: Machine) -> Engine:
    """Packages of another release: their C library is newer than ours, so is their loader."""
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/usr/lib/mysql/private"
    loader = (f"{root}/usr/lib64/ld-linux-x86-64.so.2", "--library-path", libraries)
    mysqld = (*loader, f"{root}/usr/sbin/mysqld")
    return Engine(
        version=machine.version(mysqld, {}),
        mysqld=mysqld,
        basedir=root / "usr",
        messages=root / "usr/share/mysql",
        charsets=root / "usr/share/mysql/charsets",
        plugins=root / "usr/lib/mysql/plugin",
    )


def _distribution(root: Path, machine: Machine) -> Engine:
    """What the vendors call a binary tarball."""
    name = "mariadbd" if machine.has(root / "bin/mariadbd") else "mysqld"
    mysqld = (f"{root}/bin/{name}",)
    return Engine(
        version=machine.version(mysqld, {}),
        mysqld=mysqld,
        basedir=root,
        messages=root / "share",
        charsets=root / "share/charsets",
        plugins=root / "lib/plugin",
    )


def _bare(root: Path, machine: Machine) -> Engine:
    """A server without its distribution; shared libraries it needs lie beside it."""
    mysqld, environment = (f"{root}/mysqld",), {"LD_LIBRARY_PATH": str(root)}
    share = root / "share/mysql" if machine.has(root / "share/mysql") else root / "share"
    charsets = share / "charsets"
    template = root / "data/mysql"
    return Engine(
        version=machine.version(mysqld, environment),
        mysqld=mysqld,
        basedir=root,
        messages=share,
        charsets=charsets if machine.has(charsets) else None,
        environment=environment,
        template=template if machine.has(template / "ibdata1") else None,
    )


def _installed(machine: Machine) -> Iterator[Engine]:
    """The machine's own server; mysqld is often another name of mariadbd."""
    for binary in machine.installed():
        mysqld = (str(binary),)
        version = machine.version(mysqld, {})
        yield Engine(version=version, mysqld=mysqld, basedir=binary.parent.parent)


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
    return said_version(mysqld[-1], done.stdout)


def said_version(binary: str, said: str) -> Version:
    """The version in what `--version` says. Refused: EngineUnusable."""
    _, _, text = said.partition(" Ver ")
    try:
        return Version.parse(text.strip())
    except ValueError as error:
        raise _unusable(binary, f"it says {said!r}") from error


def _unusable(binary: str, why: str) -> Refused:
    return Refused(
        f"The server {binary} does not tell its version: {why}.",
        code="EngineUnusable",
        remedy="Remove its folder and run `make servers` again, or repair its installation.",
    )
