"""Routes to HAProxy's configuration. Pure.

The configuration says what exists: the endpoints' listeners and *sets* of servers. Who goes where,
and who may come in, is not in it but in maps, which can be changed in all running workers at
once. So exchanging endpoints, which permutes sets, and another whitelist change no line of the
configuration and need no reload.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sterna.endpoints.proxy import WAIT_SECONDS_MAX, Backend, Route
from sterna.endpoints.whitelist import normal_networks
from sterna.errors import Refused

LUA_SOURCE = Path(__file__).with_name("route.lua")
NETWORKS_MAX = 300  # they travel as one line of a map; HAProxy reads at most 16 KiB at once
INSPECT_SECONDS = WAIT_SECONDS_MAX + 10  # else it ends the wait as an error of the script
LINES_BYTES = 256 * 1024  # of lines about connections, kept by each worker until it is asked
DIRECT = "direct"  # the backend of connections that go straight to an address
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
HOST = re.compile(r"[A-Za-z0-9_.:-]{1,255}")  # nothing that would end its line
SERVER = re.compile(
    r"^    server s\d+ (?P<address>\S+) weight \d+(?P<mark> disabled)?$", re.MULTILINE
)


@dataclass(frozen=True)
class Files:
    """Where one HAProxy keeps its files; all inside one private folder."""

    home: Path

    @property
    def config(self) -> Path:
        """What HAProxy is configured with."""
        return self.home / "haproxy.cfg"

    @property
    def lua(self) -> Path:
        """The script that makes held connections wait."""
        return self.home / "route.lua"

    @property
    def held(self) -> Path:
        """Which endpoints are held, for a start."""
        return self.home / "held.map"

    @property
    def routes(self) -> Path:
        """Which servers answer, for a start."""
        return self.home / "routes.map"

    @property
    def allowed(self) -> Path:
        """Who may come in at each endpoint, for a start."""
        return self.home / "allowed.map"

    @property
    def avoided(self) -> Path:
        """Servers that get no new connections, for a start."""
        return self.home / "avoided.map"

    @property
    def addresses(self) -> Path:
        """The last numeric address of every server that was given by name."""
        return self.home / "addresses"

    @property
    def unchecked(self) -> Path:
        """Endpoints whose sessions have not been compared with the whitelist yet."""
        return self.home / "unchecked"

    @property
    def pid(self) -> Path:
        """Process id of the master."""
        return self.home / "haproxy.pid"

    @property
    def socket(self) -> Path:
        """Where the master takes commands."""
        return self.home / "master.sock"

    @property
    def gate(self) -> str:
        """An abstract socket: the unprivileged worker may not enter the private folder."""
        return f"abns@sterna-{hashlib.sha256(str(self.home).encode()).hexdigest()[:16]}"

    @property
    def connections(self) -> Path:
        """Who came by which endpoint; full ones are `.1` to `.4`."""
        return self.home / "connections.log"

    @property
    def log(self) -> Path:
        """What HAProxy prints."""
        return self.home / "haproxy.log"

    @property
    def lock(self) -> Path:
        """Taken by whoever changes anything here."""
        return self.home / "lock"


@dataclass(frozen=True)
class Process:
    """What the process may use: its connections and, started by root, another user."""

    connections_max: int
    user: str = ""
    group: str = ""


@dataclass(frozen=True)
class Rendered:
    """A configuration, its fingerprint (which the workers report) and the endpoints' maps."""

    config: str
    fingerprint: str
    routes: dict[str, str]
    allowed: dict[str, str]


GLOBAL = """\
# Written by Sterna; changes are overwritten.
global
    description {fingerprint}
    setenv STERNA_HELD_MAP {files.held}
    setenv STERNA_ROUTES_MAP {files.routes}
    setenv STERNA_ALLOWED_MAP {files.allowed}
    setenv STERNA_AVOIDED_MAP {files.avoided}
    setenv STERNA_GATE {files.gate}
    setenv STERNA_WAIT_SECONDS_MAX {wait_seconds}
    lua-load {files.lua}
    maxconn {process.connections_max}
    # With one thread nothing happens between a script's look at the holds and the connect.
    nbthread 1
    set-var proc.lines int(0)
{user}
ring connections
    format raw
    maxlen 500
    size {lines_bytes}

defaults
    mode tcp
    log ring@connections local0
    option logasap
    # Its number comes first: who asks for that one sees whether there are new lines.
    log-format "%[var(proc.lines),add(1),set-var(proc.lines)] %t %ci:%cp %f %si:%sp %bi:%bp %ts"
    balance leastconn
    retries 1
    option redispatch 1
    option clitcpka
    option srvtcpka
    clitcpka-idle 60s
    clitcpka-intvl 10s
    srvtcpka-idle 60s
    srvtcpka-intvl 10s
    timeout connect 3s
    timeout client 24d
    timeout server 24d
    timeout client-fin 60s
    timeout server-fin 60s

frontend gate
    no log
    bind {files.gate}
    timeout client {inspect_seconds}s
    tcp-request inspect-delay {inspect_seconds}s
    tcp-request content use-service lua.sterna_gate

backend direct
    tcp-request content set-dst var(txn.address)
    tcp-request content set-dst-port var(txn.port)
    server any 0.0.0.0:0
"""

FRONTEND = """
frontend {route.name}
    bind {address}
    tcp-request inspect-delay {inspect_seconds}s
    tcp-request content lua.sterna_route {route.name}
    use_backend %[var(txn.set)]
"""


def render(routes: Collection[Route], *, files: Files, process: Process) -> Rendered:
    """The configuration and map for these routes; backends must be numeric addresses.

    Raises:
        Refused: a name, network, port or weight that cannot be served.
    """
    ordered = sorted(routes, key=lambda route: route.name)
    _check(ordered)
    chosen = _choose_sets(ordered)
    sets = {chosen[route.name]: route.backends for route in ordered if route.backends}
    body = "".join(map(_frontend, ordered)) + "".join(_set(n, sets[n]) for n in sorted(sets))
    config = _global("{fingerprint}", files=files, process=process) + body
    fingerprint = hashlib.sha256((config + LUA_SOURCE.read_text()).encode()).hexdigest()
    return Rendered(
        config=_global(fingerprint, files=files, process=process) + body,
        fingerprint=fingerprint,
        routes={route.name: _entry(chosen[route.name], route.backends) for route in ordered},
        allowed={route.name: ",".join(route.allowed_networks) or "none" for route in ordered},
    )


def mark_avoided(config: str, avoided: Collection[str]) -> str:
    """The configuration, with these servers ("host:port") switched off and all others on.

    The marks are not in the fingerprint: a running worker is told by command, only a new one
    reads them.
    """

    def marked(line: re.Match[str]) -> str:
        text = line[0].removesuffix(line["mark"] or "")
        return f"{text} disabled" if line["address"] in avoided else text

    return SERVER.sub(marked, config)


def _global(fingerprint: str, *, files: Files, process: Process) -> str:
    user = f"    user {process.user}\n    group {process.group}\n" if process.user else ""
    return GLOBAL.format(
        fingerprint=fingerprint,
        files=files,
        process=process,
        user=user,
        lines_bytes=LINES_BYTES,
        wait_seconds=WAIT_SECONDS_MAX,
        inspect_seconds=INSPECT_SECONDS,
    )


def listen_address(route: Route) -> str:
    """An endpoint's address as HAProxy writes it."""
    host = f"ipv6@{route.host}" if ":" in route.host else route.host
    return f"{host}:{route.port}"


def _frontend(route: Route) -> str:
    return FRONTEND.format(
        route=route,
        address=listen_address(route),
        inspect_seconds=INSPECT_SECONDS,
    )


def _set(name: str, backends: tuple[Backend, ...]) -> str:
    servers = [
        f"    server s{number} {backend.host}:{backend.port} weight {backend.weight}\n"
        for number, backend in enumerate(backends, start=1)
    ]
    return f"\nbackend {name}\n" + "".join(servers)


def _choose_sets(routes: list[Route]) -> dict[str, str]:
    """Endpoint name -> set name.

    Endpoints with equal backends get a set each, so that sessions of one can be cut alone; the
    names come from the backends and a number, so an exchange leaves their totality as it was.
    """
    used: Counter[str] = Counter()
    names = {}
    for route in routes:
        digest = hashlib.sha256(repr(route.backends).encode()).hexdigest()[:12]
        used[digest] += 1
        names[route.name] = f"set-{digest}-{used[digest]}"
    return names


def _entry(set_name: str, backends: tuple[Backend, ...]) -> str:
    addresses = ",".join(f"{backend.host}#{backend.port}" for backend in backends)
    return f"{set_name}@{addresses}" if addresses else "none"


def _check(routes: list[Route]) -> None:
    repeated = [name for name, n in Counter(r.name for r in routes).items() if n > 1]
    if repeated:
        raise _refused(f"The endpoint {repeated[0]} is given twice.")
    for route in routes:
        _check_route(route)


def _check_route(route: Route) -> None:
    if not NAME.fullmatch(route.name):
        raise _refused(f"{route.name!r} cannot be the name of an endpoint.")
    if not HOST.fullmatch(route.host):
        raise _refused(f"The endpoint {route.name} cannot listen at {route.host!r}.")
    if not 1024 <= route.port <= 65535:
        raise _refused(f"The endpoint {route.name} cannot listen on port {route.port}.")
    if any(not 1 <= backend.weight <= 256 for backend in route.backends):
        raise _refused(f"A backend of the endpoint {route.name} has a weight outside 1..256.")
    if len(route.allowed_networks) > NETWORKS_MAX:
        raise _refused(f"The whitelist of {route.name} has more than {NETWORKS_MAX} networks.")
    for network in route.allowed_networks:
        if not _is_network(network):
            raise _refused(f"The whitelist of {route.name} has {network!r} in it.")


@lru_cache(maxsize=100_000)  # thousands of endpoints have the same few networks
def _is_network(text: str) -> bool:
    try:
        normal_networks([text])
    except ValueError:
        return False
    return True


def _refused(message: str) -> Refused:
    return Refused(
        f"{message} The proxy was left as it was.",
        code="BadRoute",
        remedy="Correct the endpoint and try again.",
    )
