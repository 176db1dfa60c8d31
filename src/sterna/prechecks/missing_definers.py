"""Whoever stored code runs as is an account that exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sterna.mysql.catalog import read_events, read_routines, read_triggers, read_views
from sterna.mysql.connection import query
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
        for database in context.databases:
            for read in (read_views, read_routines, read_triggers, read_events):
                counted.update(each.definer for each in read(context.source, database))
        for definer, count in sorted(counted.items()):
            # a role of MariaDB is a definer without a host
            if definer not in accounts and f"{definer}@" not in accounts:
                yield self.warning(
                    definer,
                    message=f"{count} objects run as {definer}, and there is no such account.",
                    remedy="Create the account, or create the objects again with another definer.",
                )
