"""The source is nobody's replica: replication writes in spite of `read_only`."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query, query_dicts
from sterna.prechecks.base import Check, Context, Finding


class Replica(Check):
    """Finds replication into the source, and says how many replicas read from it."""

    name = "replica"
    title = "Replication into the source"
    category = "dependencies"
    why = (
        "Replication into the source goes on writing when it is read-only, so after the switch"
        " two sides would have writes."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """An error while it runs, a warning while it is only set up."""
        for row in query_dicts(context.source, _statement(context)):
            running = any(
                value not in ("No", "")
                for name, value in row.items()
                if name.lower().endswith(("io_running", "sql_running"))
            )
            words = [str(value) for name, value in row.items() if name.lower().endswith("_host")]
            message = f"The source is a replica of {words[0] if words else 'another server'}"
            remedy = _remedy(context)
            if running:
                yield self.error("replication", message=f"{message}.", remedy=remedy)
            else:
                yield self.warning("replication", message=f"{message}; stopped.", remedy=remedy)
        yield from self._readers(context)

    def _readers(self, context: Context) -> Iterator[Finding]:
        rows = query(
            context.source,
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST"
            " WHERE COMMAND LIKE 'Binlog Dump%' AND USER <> SUBSTRING_INDEX(USER(), '@', 1)",
        )
        if rows[0][0]:
            message = f"{rows[0][0]} servers or programs read the source's binary log."
            yield self.note("replication", message=f"{message} Move them after the switch.")


def _statement(context: Context) -> str:
    if context.version.is_mariadb:
        return "SHOW ALL SLAVES STATUS"
    return "SHOW REPLICA STATUS" if context.version.at_least(8, 0, 22) else "SHOW SLAVE STATUS"


def _remedy(context: Context) -> str:
    word = "REPLICA" if context.version.at_least(8, 0, 22) else "SLAVE"
    word = "ALL SLAVES" if context.version.is_mariadb else word
    reset = "SLAVE" if context.version.is_mariadb else word
    return f"STOP {word};\nRESET {reset} ALL;"
