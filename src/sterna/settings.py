"""One frozen Settings: the few knobs of a Sterna server, read once from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8036


@dataclass(frozen=True)
class Settings:
    """Where Sterna keeps its state and where it listens.

    Attributes:
        home: STERNA_HOME. Holds the database, the key, sockets, spools and local clusters.
        host: STERNA_HOST. Address of the HTTP API; loopback unless set.
        port: STERNA_PORT. Port of the HTTP API.
        servers: STERNA_SERVERS. Folder `make servers` unpacked server versions into.
        names: STERNA_NAMES. Names the console and the API are reached by, besides addresses.
        proxies: STERNA_PROXIES. Addresses of proxies whose word on client and TLS is believed.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    servers: Path = Path("/var/cache/sterna/servers")
    names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Base address of the HTTP API."""
        return f"http://{self.host}:{self.port}"

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the one database: the store and the durable operations."""
        return f"sqlite:///{self.home / 'sterna.db'}"


class WrongSettingError(ValueError):
    """A variable of the environment holds what it cannot hold; the message is a sentence."""


def default_home() -> Path:
    """/var/lib/sterna for root, ~/.local/share/sterna for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/sterna")
    return Path.home() / ".local/share/sterna"


def default_servers() -> Path:
    """/var/cache/sterna/servers for root, ~/.cache/sterna/servers for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/cache/sterna/servers")
    return Path.home() / ".cache/sterna/servers"


def read_settings() -> Settings:
    """Settings from the environment, defaults for what is not set.

    Raises:
        WrongSettingError: STERNA_PORT is no port.
    """
    env = os.environ
    return Settings(
        home=Path(env.get("STERNA_HOME") or default_home()).absolute(),
        host=env.get("STERNA_HOST") or "127.0.0.1",
        port=_port(env.get("STERNA_PORT") or str(DEFAULT_PORT)),
        servers=Path(env.get("STERNA_SERVERS") or default_servers()).absolute(),
        names=_list(env.get("STERNA_NAMES") or ""),
        proxies=_list(env.get("STERNA_PROXIES") or ""),
    )


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536:
        return int(text)
    raise WrongSettingError(f"STERNA_PORT is {text}, which is no port.")
