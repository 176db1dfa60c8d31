"""Where nodes can be made besides this machine, as frozen values; the API returns them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Host:
    """Another machine, or a server somebody else has made.

    The secret it is entered with, a private key or a password, is kept encrypted, never shown.
    """

    id: str  # ho-…
    name: str
    kind: str  # ssh | existing
    address: str  # where nodes answer, and the machine or the server itself
    port: int
    user: str
    versions: tuple[str, ...]  # server versions found there
    created_at: datetime
    fingerprint: str = ""  # of the machine's own key
    folder: str = ""  # where nodes are made on a machine
    servers: str = ""  # where server versions lie on a machine
    server_id: int = 0  # of an existing server
    # 'user'@'host' that an existing server keeps: Sterna's own first, then its root@localhost.
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostTest:
    """What a host is like now."""

    host_id: str
    versions: tuple[str, ...]
    free_bytes: int | None  # room for nodes; None where it cannot be seen
    nodes: tuple[str, ...]  # made there by Sterna
    warnings: tuple[str, ...]
