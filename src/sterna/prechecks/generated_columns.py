"""Columns the target computes by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, shorten

# What MySQL refuses in them, because it gives something else each time.
_CHANGING = re.compile(
    r"\b(?:now|current_timestamp|localtime|localtimestamp|sysdate|curdate|current_date|curtime"
    r"|current_time|utc_date|utc_time|utc_timestamp|rand|uuid|uuid_short|user|current_user"
    r"|session_user|system_user|current_role|database|schema|connection_id|last_insert_id"
    r"|found_rows|row_count|version|sleep|get_lock|release_lock|is_free_lock|is_used_lock"
    r"|benchmark|load_file)\s*\(|\bunix_timestamp\s*\(\s*\)",
    re.IGNORECASE,
)


class GeneratedColumns(Check):
    """Says which columns are generated, and finds those of MariaDB that give something else each
    time they are read."""

    name = "generated_columns"
    title = "Generated columns"
    category = "other"
    why = (
        "The target computes them anew from the rows it gets. The verification compares them too,"
        " so an expression that gives something else there is found before the switch. MySQL"
        " refuses functions like NOW() and RAND() in them."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One note; an error per column that the target refuses."""
        names = [
            f"{table.database}.{table.name}.{column.name}"
            for table, column in context.table_columns
            if column.generated
        ]
        if names:
            yield self.note("columns", message=f"{len(names)} are computed anew: {shorten(names)}.")
        for code in context.code if context.crosses else ():
            found = _CHANGING.search(code.bare) if code.kind == "generated column" else None
            if found:
                yield self.error(
                    code.path,
                    message=f"It gives something else each time: {code.text}.",
                    remedy=f"-- A view can compute it instead.\n{context.drop(code)}",
                )
