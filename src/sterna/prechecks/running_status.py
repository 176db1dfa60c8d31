"""The source answers, and is up long enough to be trusted to stay."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding


class RunningStatus(Check):
    """Finds a source that cannot run a statement (the error names the cause)."""

    name = "running_status"
    title = "Source Instance Running Status"
    category = "basic"
    why = "Everything else is asked of the running source."

    def run(self, context: Context) -> Iterator[Finding]:
        """Nothing, or the server's own error."""
        query(context.source, "SELECT 1")
        yield from ()
