"""Everything stored was written under an sql_mode that the target has, or can do without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sterna.mysql.catalog import (
    Event,
    Routine,
    Trigger,
    read_events,
    read_routines,
    read_triggers,
)
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
        for database in context.databases:
            found: dict[str, Sequence[Routine | Trigger | Event]] = {
                "routine": read_routines(context.source, database),
                "trigger": read_triggers(context.source, database),
                "event": read_events(context.source, database),
            }
            for kind, listed in found.items():
                for each in listed:
                    if modes := sorted(_FOREIGN & set(each.sql_mode.split(","))):
                        yield self.error(
                            f"{database}.{each.name}",
                            message=f"The {kind} needs the sql_mode {', '.join(modes)}.",
                            remedy=f"Create the {kind} again under an sql_mode without"
                            f" {', '.join(modes)}, or drop it.",
                        )
