"""Old versions of rows are cleared away as fast as they come."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

LENGTH_MAX = 1_000_000


class HistoryList(Check):
    """Finds a history list of more than a million transactions."""

    name = "history_list"
    title = "History list"
    category = "dependencies"
    why = (
        "The copy reads under snapshots, which keep old versions of rows alive for two minutes"
        " each; a source that is behind already gets slower."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning."""
        rows = query(
            context.source,
            "SELECT COUNT FROM information_schema.INNODB_METRICS"
            " WHERE NAME = 'trx_rseg_history_len'",
        )
        if rows and int(rows[0][0]) > LENGTH_MAX:
            yield self.warning(
                "trx_rseg_history_len",
                message=f"{int(rows[0][0]):,} transactions wait to be cleared away.",
                remedy="End the oldest transactions (SELECT * FROM information_schema.INNODB_TRX"
                " ORDER BY trx_started), then wait until purging has caught up.",
            )
