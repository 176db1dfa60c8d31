"""The binary log holds every change, whole, of every database."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.statements import statement
from sterna.prechecks.base import Check, Context, Finding

_RECONNECT = "-- Sessions that are open now keep the old value: let the applications reconnect."
# name: (what it must be, message). A version that does not know the variable has no other way.
_WANTED = {
    "binlog_format": ("ROW", "Changes are logged as statements and not as rows."),
    "binlog_row_image": ("FULL", "Changed rows are not logged with all their columns."),
    "binlog_row_value_options": ("", "Changes of JSON values are logged in part only."),
}


class BinaryLog(Check):
    """Finds a binary log that is off, not ROW, not FULL, or that leaves databases out."""

    name = "binary_log"
    title = "Binary log"
    category = "dependencies"
    is_safe_to_fix = True
    why = "What is written while the copy runs, and after it, is read from the binary log."

    def run(self, context: Context) -> Iterator[Finding]:
        """An error each."""
        if context.variable("log_bin") != "ON":
            yield self.error(
                "log_bin",
                message="The source writes no binary log.",
                remedy="Set log_bin = mysql-bin and a server_id in its configuration, restart it.",
            )
            return
        yield from self._wrong_values(context)
        yield from self._filters(context)
        if context.variable("server_id") == "0":
            yield self.error(
                "server_id",
                message="The source has no server id, so no replica may connect.",
                remedy="SET GLOBAL server_id = 1;\n-- And in its configuration: server_id = 1",
            )

    def _wrong_values(self, context: Context) -> Iterator[Finding]:
        for name, (wanted, message) in _WANTED.items():
            value = context.variable(name)
            if value not in ("", wanted):
                yield self.error(
                    name,
                    message=f"{message} {name} is {value}.",
                    remedy=f"SET GLOBAL {name} = '{wanted}';\n{_RECONNECT}"
                    f"\n-- And in the source's configuration: {name} = {wanted}",
                )

    def _filters(self, context: Context) -> Iterator[Finding]:
        rows = query(context.source, statement("read_position", context.version))
        for name, value in zip(("binlog_do_db", "binlog_ignore_db"), rows[0][2:4], strict=True):
            if value:
                yield self.error(
                    name,
                    message=f"Not every database is in the binary log: {name} = {value}.",
                    remedy=f"Take {name} out of the source's configuration and restart it.",
                )
