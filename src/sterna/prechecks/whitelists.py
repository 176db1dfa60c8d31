"""Who may come in at the instance may come in at the cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from sterna.prechecks.base import Check, Context, Finding

_EVERYBODY = {"0.0.0.0/0", "::/0"}


class Whitelists(Check):
    """Says whom the cluster's endpoints will let in: everybody whom any endpoint of the instance
    lets in, its read-only instances' endpoints included."""

    name = "whitelists"
    title = "IP Whitelists"
    category = "key"
    why = (
        "The cluster's endpoints get the whitelists of all the instance's endpoints, merged. A"
        " network that could only read on the source then reaches the primary as well."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """A note with the merged list, a warning for networks that only read until now."""
        merged = _collapsed(n for _, networks in context.whitelists for n in networks)
        if not merged:
            return
        listed = "everybody" if set(merged) >= _EVERYBODY else ", ".join(merged)
        yield self.note("endpoints", message=f"The cluster's endpoints will let in: {listed}.")
        primary = _collapsed(_of(context, is_primary=True))
        for network in _collapsed(_of(context, is_primary=False)):
            if primary and not _is_covered(network, primary):
                yield self.warning(
                    network,
                    message="Only read-only endpoints of the instance let it in; the cluster's"
                    " primary endpoint will as well.",
                    remedy="When the cluster runs, narrow its endpoints: sterna endpoint alter"
                    " ENDPOINT --allow NETWORK. Its accounts' rights hold in any case.",
                )


def _of(context: Context, *, is_primary: bool) -> Iterator[str]:
    for kind, networks in context.whitelists:
        if (kind == "Primary") == is_primary:
            yield from networks


def _networks(texts: Iterable[str]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return (ipaddress.ip_network(text, strict=False) for text in texts)


def _collapsed(texts: Iterable[str]) -> list[str]:
    """Each network once, none within another."""
    networks = list(_networks(texts))
    fours = [n for n in networks if isinstance(n, ipaddress.IPv4Network)]
    sixes = [n for n in networks if isinstance(n, ipaddress.IPv6Network)]
    return [
        *map(str, ipaddress.collapse_addresses(fours)),
        *map(str, ipaddress.collapse_addresses(sixes)),
    ]


def _is_covered(network: str, by: list[str]) -> bool:
    return _collapsed([*by, network]) == _collapsed(by)
