"""Whoever must come encrypted, or with a certificate, gets in on the target as well."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote_text
from sterna.prechecks.base import Check, Context, Finding


class Tls(Check):
    """Finds accounts that need a certificate, and says when the source is read unencrypted."""

    name = "tls"
    title = "Encrypted connections"
    category = "basic"
    why = (
        "The cluster makes certificates of its own. A client whose certificate was signed by the"
        " source's authority is not let in there."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning per account that needs a certificate, a note for the connection."""
        accounts = query(
            context.source,
            "SELECT User, Host, ssl_type FROM mysql.user"
            " WHERE ssl_type IN ('ANY', 'X509', 'SPECIFIED') ORDER BY 1, 2",
        )
        for user, host, kind in accounts:
            account = f"{quote_text(str(user))}@{quote_text(str(host))}"
            if account in context.left_out:
                continue
            if str(kind) != "ANY":
                yield self._certificate(context, account)
            elif context.target.is_mariadb:
                yield self.warning(
                    account,
                    message="The account must come encrypted, and a new MariaDB has no key.",
                    remedy="Give the cluster a key and a certificate before the switch.",
                )
        if not dict(query(context.source, "SHOW SESSION STATUS LIKE 'Ssl_cipher'"))["Ssl_cipher"]:
            yield self.note("connection", message="Sterna reads the source unencrypted.")

    def _certificate(self, context: Context, account: str) -> Finding:
        alters = context.version.at_least(5, 7) or context.version.is_mariadb
        sql = f"ALTER USER {account}" if alters else f"GRANT USAGE ON *.* TO {account}"
        return self.warning(
            account,
            message="The account must show a certificate, which the cluster will not accept.",
            remedy=f"{sql} REQUIRE SSL;\n-- Or give the cluster the authority that signed it.",
        )
