"""The source answers, and is up long enough to be trusted to stay."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

UPTIME_SECONDS_MIN = 300


class RunningStatus(Check):
    """Finds a source that cannot run a statement (the error names the cause), and says when it has
    been started only just now, as when another server handed over to it."""

    name = "running_status"
    title = "Source Instance Running Status"
    category = "basic"
    why = "Everything else is asked of the running source."

    def run(self, context: Context) -> Iterator[Finding]:
        """The server's own error, or a note."""
        (row,) = query(context.source, "SHOW GLOBAL STATUS LIKE 'Uptime'")
        if int(row[1]) < UPTIME_SECONDS_MIN:
            yield self.note(
                "Uptime",
                message=f"The source was started {row[1]} seconds ago. If another server had the"
                " writes before, wait until everything has settled, and see that they stay here.",
            )
