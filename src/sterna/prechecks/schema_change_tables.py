"""No tool for online schema changes is at work, or has left anything behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.catalog import Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

# gh-ost's always; of the others' only where the table itself is there.
_CERTAIN = re.compile(r"_(?P<table>.+)_(?:gho|ghc)|(?P<copied>lhm[na]_.+)", re.DOTALL)
_LIKELY = re.compile(r"_+(?P<table>.+)_(?:new|old|del)", re.DOTALL)
_TRIGGERS = ("pt_osc_", "lhmt_")


class SchemaChangeTables(Check):
    """Finds tables of gh-ost, pt-online-schema-change and LHM, and their triggers."""

    name = "schema_change_tables"
    title = "Tables of schema change tools"
    category = "dependencies"
    why = (
        "Such a tool copies a table by itself; a switch in the middle of that breaks it, and what"
        " it has left behind is copied for nothing."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning per table and per trigger."""
        names = {(table.database, table.name) for table in context.tables}
        for table in context.tables:
            if _is_left_over(table, names):
                yield self._found(f"{table.database}.{table.name}", "table", table.database)
        for database in context.databases:
            for trigger in context.triggers[database]:
                if trigger.name.startswith(_TRIGGERS):
                    yield self._found(f"{database}.{trigger.name}", "trigger", database)

    def _found(self, about: str, kind: str, database: str) -> Finding:
        name = quote(database, about.removeprefix(f"{database}."))
        return self.warning(
            about,
            message=f"The {kind} looks like one of a tool for online schema changes.",
            remedy=f"-- Once no such tool is at work on it:\nDROP {kind.upper()} {name};",
        )


def _is_left_over(table: Table, names: set[tuple[str, str]]) -> bool:
    if _CERTAIN.fullmatch(table.name):
        return True
    found = _LIKELY.fullmatch(table.name)
    return found is not None and (table.database, found["table"]) in names
