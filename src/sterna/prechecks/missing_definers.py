"""Whoever stored code runs as is an account that exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote_text
from sterna.prechecks.base import Check, Context, Finding


class MissingDefiners(Check):
    """Finds definers of views, routines, triggers and events that have no account."""

    name = "missing_definers"
    title = "Definers without an account"
    category = "other"
    why = "What runs as its definer fails with error 1449, on the target as on the source."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per definer."""
        rows = query(context.source, "SELECT User, Host FROM mysql.user")
        accounts = {f"{user}@{host}" for user, host in rows}
        counted: Counter[str] = Counter()
        for stored in (context.views, context.routines, context.triggers, context.events):
            counted.update(each.definer for listed in stored.values() for each in listed)
        for definer, count in sorted(counted.items()):
            # a role of MariaDB is a definer without a host
            if definer not in accounts and f"{definer}@" not in accounts:
                yield self.warning(
                    definer,
                    message=f"{count} objects run as {definer}, and there is no such account.",
                    remedy=_remedy(context, definer),
                )


def _remedy(context: Context, definer: str) -> str:
    user, _, host = definer.rpartition("@")
    name = f"{quote_text(user)}@{quote_text(host)}"
    locks = context.version.is_mariadb or context.version.at_least(5, 7, 6)
    # No password has this hash.
    how = "ACCOUNT LOCK" if locks else f"IDENTIFIED BY PASSWORD '*{'0' * 40}'"
    return (
        f"CREATE USER {name} {how};\n"
        "-- Nobody can log in with it. GRANT it what the objects need. Or create the objects again"
        " with another definer."
    )
