"""The source is nobody's replica: replication writes in spite of `read_only`."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query, query_dicts
from sterna.prechecks.base import Check, Context, Finding, shorten


class Replica(Check):
    """Finds replication into the source, two-way synchronization among it, and says how many
    replicas and other programs read the source's log."""

    name = "replica"
    title = "Replication into the source"
    category = "dependencies"
    why = (
        "Replication into the source goes on writing when it is read-only, so after the switch"
        " two sides would have writes."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """An error while it runs, a warning while it is only set up."""
        readers = _readers(context)
        for row in query_dicts(context.source, _statement(context)):
            running = any(
                value not in ("No", "")
                for name, value in row.items()
                if name.lower().endswith(("io_running", "sql_running"))
            )
            words = [str(value) for name, value in row.items() if name.lower().endswith("_host")]
            message = f"The source is a replica of {words[0] if words else 'another server'}"
            if words and words[0] in readers:
                message += ", which reads the source's log in turn: a two-way synchronization"
            remedy = _remedy(context)
            if running:
                yield self.error("replication", message=f"{message}.", remedy=remedy)
            else:
                yield self.warning("replication", message=f"{message}; stopped.", remedy=remedy)
        if readers:
            message = f"{len(readers)} servers or programs read the source's binary log, from"
            message += f" {shorten(readers)}. Move them after the switch: sterna positions."
            yield self.note("replication", message=message)


def _readers(context: Context) -> list[str]:
    """The hosts of those who read the source's binary log; not our own tasks."""
    rows = query(
        context.source,
        "SELECT SUBSTRING_INDEX(HOST, ':', 1) FROM information_schema.PROCESSLIST"
        " WHERE COMMAND LIKE 'Binlog Dump%' AND USER <> SUBSTRING_INDEX(USER(), '@', 1)"
        " ORDER BY 1",
    )
    return [str(row[0]) for row in rows]


def _statement(context: Context) -> str:
    if context.version.is_mariadb:
        return "SHOW ALL SLAVES STATUS"
    return "SHOW REPLICA STATUS" if context.version.at_least(8, 0, 22) else "SHOW SLAVE STATUS"


def _remedy(context: Context) -> str:
    if context.version.is_mariadb:
        return "STOP ALL SLAVES;\nRESET SLAVE ALL;"
    if context.version.at_least(8, 0, 22):
        return "STOP REPLICA;\nRESET REPLICA ALL;"
    return "STOP SLAVE;\nRESET SLAVE ALL;"
