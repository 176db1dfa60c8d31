"""Who may come in: networks, and whether a client is in one of them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from sterna.endpoints.control import Session

EVERYBODY = ("0.0.0.0/0", "::/0")
IPV4_MAPPED_BITS = 96  # ::ffff:0:0/96 is all of IPv4; clients are known by their IPv4 addresses


def normal_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Each network once, as `address/length`, in order of the address.

    Raises:
        ValueError: one of them is neither an address nor a network; the message names it.
    """
    found = {_network(network.strip()) for network in networks}
    ordered = sorted(found, key=lambda n: (n.version, int(n.network_address), n.prefixlen))
    return tuple(str(network) for network in ordered)


def merged(networks: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in as few networks as there can be."""
    known = [_network(network) for network in normal_networks(networks)]
    fours = ipaddress.collapse_addresses(n for n in known if isinstance(n, ipaddress.IPv4Network))
    sixes = ipaddress.collapse_addresses(n for n in known if isinstance(n, ipaddress.IPv6Network))
    return tuple(str(network) for network in (*fours, *sixes))


def is_allowed(client: str, networks: Collection[str]) -> bool:
    """Whether `client`, an address with or without its port, is in one of the networks."""
    address = _address(client)
    found = (ipaddress.ip_network(network, strict=False) for network in networks)
    return any(address in network for network in found if network.version == address.version)


def disallowed(sessions: Iterable[Session], allowed: dict[str, str]) -> set[Session]:
    """The sessions that have reached a server and whose endpoint's whitelist does not name them.

    Args:
        allowed: endpoint → networks, joined by commas; an endpoint that is gone lets nobody in.
    """
    return {
        session
        for session in sessions
        if session.server is not None
        and not is_allowed(session.client, _networks(allowed.get(session.frontend, "")))
    }


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Without a zone: behind its % Python takes any text, ends of lines and commands included."""
    if "%" in text:
        raise ValueError(f"{text!r} has a zone, which no network has")
    network = ipaddress.ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= IPV4_MAPPED_BITS:
        return ipaddress.IPv4Network((mapped, network.prefixlen - IPV4_MAPPED_BITS))
    return network


def _networks(text: str) -> list[str]:
    return [network for network in text.split(",") if network not in ("", "none")]


def _address(client: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    host = client.rpartition(":")[0] if client.count(":") != 0 else client
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        address = ipaddress.ip_address(client)  # an IPv6 address without a port
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
