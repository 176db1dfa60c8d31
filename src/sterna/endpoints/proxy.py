"""What Sterna asks of a proxy: stable addresses whose new connections can be made to wait.

The exchange of endpoints between source and cluster is four calls, each safe to repeat::

    proxy.hold(names)      # new connections wait; sessions go on
    proxy.sweep(names)     # cut the sessions that are left
    proxy.apply(routes)    # the same addresses, other servers behind them
    proxy.release(names)   # everybody who waited reaches the new servers
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

WAIT_SECONDS_MAX = 60
"""How long a connection waits on a held endpoint before it is closed."""


@dataclass(frozen=True, order=True)
class Backend:
    """One database server behind an endpoint; `weight` is its share, 1..256."""

    host: str
    port: int
    weight: int = 100


@dataclass(frozen=True)
class Route:
    """One endpoint: where it listens, who may come in, and which servers answer.

    Attributes:
        name: the endpoint's id, `pe-…`.
        host: address to listen on.
        port: TCP port to listen on, 1024 or above.
        backends: servers that get the connections; none of them closes every connection.
        allowed_networks: the IP whitelist, such as `10.0.0.0/8`; empty lets nobody in.
    """

    name: str
    host: str
    port: int
    backends: tuple[Backend, ...]
    allowed_networks: tuple[str, ...]


@dataclass(frozen=True)
class EndpointStatistics:
    """Client connections of one endpoint, by whether they have reached a server."""

    sessions: int
    waiting: int


class Proxy(Protocol):
    """Serves endpoints. Every method may be repeated; state survives the death of any process.

    Methods raise Refused when asked for something impossible (unknown endpoint, bad address,
    port taken) and Transient when the proxy does not answer.
    """

    def apply(self, routes: Collection[Route]) -> None:
        """Serve exactly these endpoints; no session and no waiting connection is lost.

        But for the sessions of clients that a changed whitelist no longer names: they are cut.
        """

    def avoid(self, backends: Collection[Backend]) -> None:
        """Send new connections to none of these servers, and to all others; sessions go on."""

    def hold(self, names: Collection[str]) -> None:
        """Make new connections to these endpoints wait, sessions go on."""

    def sweep(self, names: Collection[str]) -> int:
        """Cut the sessions of these endpoints, not the waiting; return how many were cut."""

    def release(self, names: Collection[str]) -> None:
        """Let everybody who waits through to the servers that are routed now."""

    def held(self) -> frozenset[str]:
        """Names of the endpoints that are on hold."""

    def is_running(self) -> bool:
        """Whether the proxy is alive and answers."""

    def ensure_running(self) -> None:
        """Start it as it was last told to be, holds included, if it is not running."""

    def stop(self) -> None:
        """End it; every session is lost."""

    def statistics(self) -> Mapping[str, EndpointStatistics]:
        """Connections of each endpoint now."""
