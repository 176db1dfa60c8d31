"""No column is compressed by itself: MariaDB and Percona Server each have a format of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.catalog import Column
from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_PERCONA = re.compile(r"^\s*`((?:[^`]|``)+)` (.*COLUMN_FORMAT COMPRESSED.*?),?$", re.MULTILINE)


class CompressedColumns(Check):
    """Finds columns that are COMPRESSED (MariaDB) or COLUMN_FORMAT COMPRESSED (Percona Server)."""

    name = "compressed_columns"
    title = "Compressed columns"
    category = "other"
    why = (
        "Such a column is logged in its compressed form, which no other server reads; MySQL has"
        " compressed tables and pages, but no compressed columns."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per column. The remedy rebuilds the table once."""
        if context.version.is_mariadb and context.to_mysql:
            for database in context.databases:
                for columns in context.columns[database].values():
                    yield from (self._mariadb(context, database, c) for c in _compressed(columns))
        elif context.variable("innodb_compressed_columns_zip_level"):
            for table in context.opened((t.database, t.name) for t in context.tables):
                name = quote(*table)
                definition = str(query(context.source, f"SHOW CREATE TABLE {name}")[0][1])
                for column, changed in percona_columns(definition):
                    about = ".".join((*table, column))
                    yield self._found(about, f"ALTER TABLE {name} MODIFY {changed};")

    def _mariadb(self, context: Context, database: str, column: Column) -> Finding:
        table = quote(database, column.table)
        definition = str(query(context.source, f"SHOW CREATE TABLE {table}")[0][1])
        line = next(
            line.strip().removesuffix(",")
            for line in definition.splitlines()
            if line.strip().startswith(f"{quote(column.name)} ")
        )
        changed = re.sub(r"\s*/\*M?!\d+ COMPRESSED[^*]*\*/", "", line)
        about = f"{database}.{column.table}.{column.name}"
        return self._found(about, f"ALTER TABLE {table} MODIFY {changed};")

    def _found(self, about: str, sql: str) -> Finding:
        return self.error(about, message="The column is compressed by itself.", remedy=sql)


def _compressed(columns: list[Column]) -> Iterator[Column]:
    yield from (c for c in columns if re.search(r"/\*M?!\d+ COMPRESSED", c.column_type))


def percona_columns(definition: str) -> list[tuple[str, str]]:
    """(name, definition without the compression) of each such column in SHOW CREATE TABLE."""
    gate = r"\s*/\*!\d+ COLUMN_FORMAT COMPRESSED[^*]*\*/"
    return [
        (name.replace("``", "`"), f"`{name}` {re.sub(gate, '', rest)}")
        for name, rest in _PERCONA.findall(definition)
    ]
