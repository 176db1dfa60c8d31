"""Rows obey the CHECKs of their table."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import ServerError
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

ROWS_EXAMINED_MAX = 1_000_000


class ViolatedChecks(Check):
    """Finds rows of MariaDB that were written past a CHECK (`check_constraint_checks = OFF`).

    It reads a million rows for each CHECK at most; what lies behind them is found by the copy.
    MySQL before 8.0.16 reads CHECKs and forgets them, so there is nothing to break.
    """

    name = "violated_checks"
    title = "Rows that break a CHECK"
    category = "other"
    why = "The target enforces every CHECK, so such a row cannot be loaded, and the copy stops."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per CHECK that a row breaks; a note on what could not be looked at."""
        if not context.version.is_mariadb:
            return
        for code in context.code:
            if code.kind == "check":
                where = quote(code.database, code.table)
                if _is_broken(context, code.database, code.table, code.text):
                    yield self.error(
                        f"{code.database}.{code.table}",
                        message=f"Rows break the CHECK {code.name}: {code.text}.",
                        remedy=f"-- The rows: SELECT * FROM {where} WHERE NOT ({code.text});\n"
                        f"DELETE FROM {where} WHERE NOT ({code.text});\n"
                        "-- Or correct them, or drop the CHECK.",
                    )
        yield from self.unseen(context)


def _is_broken(context: Context, database: str, table: str, clause: str) -> bool:
    try:
        rows = context.sample(
            f"{database}.{table}",
            f"1 FROM {quote(database, table)} WHERE NOT ({clause})"
            f" LIMIT 1 ROWS EXAMINED {ROWS_EXAMINED_MAX}",
        )
    except ServerError:
        return False  # e.g. a cast that fails: the copy will say it with the row
    return bool(rows)
