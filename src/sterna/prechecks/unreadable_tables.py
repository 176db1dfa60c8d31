"""Every table that is listed can be opened, and gives its first row."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.errors import Transient
from sterna.mysql.connection import ServerError, query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import TIMED_OUT, Check, Context, Finding

# Damage that the server's own repair mends, for MyISAM, Aria and ARCHIVE.
_REPAIRABLE = frozenset({126, 127, 130, 134, 144, 145, 1034, 1194, 1195})
_DEFINITION_ONLY = 1146


class UnreadableTables(Check):
    """Finds tables that are damaged, or of which only the definition is left.

    Whether every row can be read is seen when they are copied.
    """

    name = "unreadable_tables"
    title = "Tables that cannot be read"
    category = "other"
    why = "Such a table stops the copy; one that the server only lists would not be on the target."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per table; a note on those that were not opened."""
        for database in context.databases:
            shown = query(context.source, f"SHOW FULL TABLES FROM {quote(database)}")
            tables = [
                (database, str(table))
                for table, kind in shown
                if "VIEW" not in kind and kind != "SEQUENCE"
            ]
            for table in context.opened(tables):
                yield from self._read(context, *table)
        yield from self.unseen(context)

    def _read(self, context: Context, database: str, table: str) -> Iterator[Finding]:
        name = quote(database, table)
        try:
            query(context.source, context.limited(f"1 FROM {name} LIMIT 1"))
        except ServerError as error:
            if error.number in TIMED_OUT:  # it is opened, and reads on and on: of deleted rows
                return
            yield self.error(
                f"{database}.{table}",
                message=f"The server does not read it: {error.number} {error.text}.",
                remedy=_remedy(name, error.number),
            )
        except Transient as error:
            if error.code != "LockWaitTimeout":
                raise
            message = "Somebody keeps the table locked, so it could not be looked at."
            remedy = "Evaluate again when the lock is gone."
            yield self.warning(f"{database}.{table}", message=message, remedy=remedy)


def _remedy(name: str, number: int) -> str:
    if number in _REPAIRABLE:
        return f"REPAIR TABLE {name};\n-- And where that fails: REPAIR TABLE {name} USE_FRM;"
    if number == _DEFINITION_ONLY:
        return (
            f"-- Only its definition is left. Restore its data, or:\nDROP TABLE IF EXISTS {name};"
        )
    return f"-- Restore it from a backup, or:\nDROP TABLE {name};"
