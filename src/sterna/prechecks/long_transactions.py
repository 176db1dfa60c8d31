"""No transaction is so old that the switch would have to wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

SECONDS_MAX = 60


class LongTransactions(Check):
    """Finds transactions that have been open for more than a minute."""

    name = "long_transactions"
    title = "Long transactions"
    category = "dependencies"
    why = (
        "Every snapshot of the copy waits until nobody holds a table locked, and the switch cuts or"
        " waits for sessions inside a transaction."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per transaction."""
        rows = query(
            context.source,
            "SELECT trx_mysql_thread_id,"
            " TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(NOW(), '+00:00', 'SYSTEM')), USER, HOST"
            " FROM information_schema.INNODB_TRX LEFT JOIN information_schema.PROCESSLIST"
            " ON ID = trx_mysql_thread_id"
            " WHERE trx_mysql_thread_id NOT IN (0, CONNECTION_ID())",
        )
        for thread, seconds, user, host in rows:
            if int(seconds) > SECONDS_MAX:
                yield self.warning(
                    f"session {thread}",
                    message=f"{user}@{host} has had a transaction open for {seconds} seconds.",
                    remedy=f"KILL {thread};",
                )
