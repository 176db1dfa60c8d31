"""Accounts let their users in by the endpoints, where servers see the endpoint's address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote_text
from sterna.prechecks.base import Check, Context, Finding

_SERVERS_OWN = ("mysql.", "mariadb.", "debian-sys-maint")


class AccountHosts(Check):
    """Finds accounts bound to addresses or names that no connection by an endpoint has."""

    name = "account_hosts"
    title = "Host patterns of accounts"
    category = "key"
    why = (
        "A server sees an endpoint's connections come from the endpoint's machine, and never looks"
        " names up. Who may come from where is then a matter of the endpoint's whitelist."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per account without a twin that fits."""
        rows = query(
            context.source,
            "SELECT User, Host FROM mysql.user WHERE Host <> '' AND User <> '' ORDER BY 1, 2",
        )
        accounts = [(str(user), str(host)) for user, host in rows]
        for user, host in accounts:
            twins = [other for name, other in accounts if name == user]
            shut = [
                address
                for address in context.endpoint_addresses
                if not any(matches(pattern, address) for pattern in twins)
            ]
            name, addresses = f"{quote_text(user)}@{quote_text(host)}", " and ".join(shut)
            if not shut or name in context.left_out:
                continue
            if user.startswith(_SERVERS_OWN) or (user, host) == _ROOT:
                continue
            yield self.warning(
                name,
                message=f"By an endpoint it would have to come from {addresses}.",
                remedy=f"RENAME USER {name} TO {quote_text(user)}@'%';\n-- Or create its twin for"
                f" {addresses}. If it never comes by an endpoint: leave it.",
            )


_ROOT = ("root", "localhost")


def matches(pattern: str, address: str) -> bool:
    """Whether a server lets `pattern` of an account stand for an address (no name is looked up)."""
    if "/" in pattern:
        return _in_network(pattern, address)
    parts = (
        {"%": ".*", "_": "."}.get(piece, re.escape(piece.removeprefix("\\")))
        for piece in re.findall(r"\\.|.", pattern, re.DOTALL)
    )
    return re.fullmatch("".join(parts), address, re.DOTALL) is not None


def _in_network(pattern: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False
