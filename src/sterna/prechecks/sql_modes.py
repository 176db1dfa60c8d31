"""Everything stored was written under an sql_mode that the target has, or can do without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sterna.mysql.stored_code import Code
from sterna.prechecks.base import Check, Context, Finding

# Modes only MariaDB has: they change how a body is read or what it does.
_FOREIGN = frozenset(
    {"ORACLE", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "IGNORE_BAD_TABLE_OPTIONS"}
    | {"TIME_ROUND_FRACTIONAL"}
)


class SqlModes(Check):
    """Finds routines, triggers and events of MariaDB that need an sql_mode MySQL has not got."""

    name = "sql_modes"
    title = "SQL modes of stored code"
    category = "other"
    why = "Under another mode the same text means something else, or is no SQL at all."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        if not context.version.is_mariadb or not context.to_mysql:
            return
        found: dict[str, dict[str, list[Any]]] = {
            "routine": dict(context.routines),
            "trigger": dict(context.triggers),
            "event": dict(context.events),
        }
        for kind, databases in found.items():
            for database, listed in databases.items():
                for each in listed:
                    if modes := sorted(_FOREIGN & set(each.sql_mode.split(","))):
                        yield self._found(context, Code(kind, database, each.name, ""), modes)

    def _found(self, context: Context, code: Code, modes: list[str]) -> Finding:
        listed = ", ".join(modes)
        return self.error(
            code.path,
            message=f"The {code.kind} needs the sql_mode {listed}.",
            remedy=f"-- Create it again under an sql_mode without {listed}. Where nobody needs it:"
            f"\n{context.drop(code)}",
        )
