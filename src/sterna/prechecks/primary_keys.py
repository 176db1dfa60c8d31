"""Tables without a key are exact too, only slower."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, counted, shorten


class PrimaryKeys(Check):
    """Says which tables have no primary key."""

    name = "primary_keys"
    title = "Non-primary-key Tables"
    category = "dependencies"
    why = (
        "A changed row of such a table is searched for in the whole table on the target. Without"
        " any unique key of columns that are NOT NULL it is copied by one SELECT, however long a"
        " limit makes that take."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per database."""
        for database in context.databases:
            keys = context.keys[database]
            names = [
                table.name
                for table in context.tables
                if table.database == database
                and table.kind == "BASE TABLE"
                and not any(key.is_primary for key in keys.get(table.name, []))
            ]
            if names:
                message = f"{counted(len(names), 'table')} without a primary key: {shorten(names)}."
                yield self.note(database, message=f"{message} They are copied and kept exactly.")
