"""Nobody is changing definitions right now."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding


class RunningDdl(Check):
    """Finds statements like ALTER TABLE or OPTIMIZE that are running."""

    name = "running_ddl"
    title = "Definitions that are being changed"
    category = "dependencies"
    why = "A table whose definition changes while it is copied is copied again."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per statement."""
        rows = query(
            context.source,
            "SELECT ID, USER, DB, TIME, LEFT(INFO, 80) FROM information_schema.PROCESSLIST"
            " WHERE ID <> CONNECTION_ID() AND INFO REGEXP"
            " '^[[:space:]]*(alter|create|drop|rename|truncate|optimize|repair|analyze)[[:space:]]'"
            " ORDER BY ID",
        )
        for thread, user, database, seconds, text in rows:
            yield self.warning(
                f"session {thread}",
                message=f"{user} has run this in {database or 'no database'} for {seconds}"
                f" seconds: {text}",
                remedy=f"-- Wait for it, or end it:\nKILL {thread};",
            )
