"""Every index of MariaDB is one that MySQL can have."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import Key
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

PARTS_MAX = 16


class ForeignIndexes(Check):
    """Finds indexes of more than 16 columns, and UNIQUE over values that are longer than an index
    takes: MariaDB then compares hashes."""

    name = "foreign_indexes"
    title = "Indexes only MariaDB has"
    category = "other"
    why = "MySQL refuses to create such an index, which would stop the upgrade after the rows."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per index."""
        if not context.crosses:
            return
        for table in context.tables:
            for key in context.keys[table.database].get(table.name, ()):
                if message := _problem(key, table.engine):
                    name = "PRIMARY KEY" if key.is_primary else f"INDEX {quote(key.name)}"
                    yield self.error(
                        f"{table.database}.{table.name}.{key.name}",
                        message=message,
                        remedy=f"ALTER TABLE {quote(table.database, table.name)} DROP {name};\n"
                        "-- Instead, index the beginnings of its values, or a generated column with"
                        " their hash.",
                        ignorable=True,
                    )


def _problem(key: Key, engine: str) -> str:
    if len(key.parts) > PARTS_MAX:
        return f"It has {len(key.parts)} columns; MySQL takes {PARTS_MAX}."
    if key.unique and key.kind == "HASH" and engine != "MEMORY":
        return "It is UNIQUE over values longer than an index of MySQL takes."
    return ""
