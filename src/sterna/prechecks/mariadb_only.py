"""Nothing depends on what only MariaDB has, when the target is MySQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.catalog import Column
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

# What holds the same values in MySQL, written as MariaDB prints them.
_SCALE = re.compile(r"decimal\(\d+,(\d+)\)(.*)")
SCALE_MAX = 30
_INSTEAD = {"uuid": "CHAR(36)", "inet4": "VARCHAR(15)", "inet6": "VARCHAR(39)"}


class MariadbOnly(Check):
    """Finds sequences, system-versioned tables and column types MySQL does not have."""

    name = "mariadb_only"
    title = "Objects only MariaDB has"
    category = "other"
    why = "MySQL has no such thing, so applications that use it would fail after the switch."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        if context.version.is_mariadb and not context.target.is_mariadb:
            yield from self._tables(context)
            for database in context.databases:
                for columns in context.columns[database].values():
                    yield from self._columns(database, columns)

    def _tables(self, context: Context) -> Iterator[Finding]:
        for table in context.tables:
            name = quote(table.database, table.name)
            if table.kind == "SEQUENCE":
                yield self.error(
                    f"{table.database}.{table.name}",
                    message="It is a sequence.",
                    remedy=f"DROP SEQUENCE {name};\n-- Use AUTO_INCREMENT instead, beforehand.",
                )
            if table.kind == "SYSTEM VERSIONED":
                yield self.error(
                    f"{table.database}.{table.name}",
                    message="It is a system-versioned table.",
                    remedy=f"ALTER TABLE {name} DROP SYSTEM VERSIONING;\n-- Its history is lost.",
                )

    def _columns(self, database: str, columns: list[Column]) -> Iterator[Finding]:
        for column in columns:
            table = quote(database, column.table)
            about = f"{database}.{column.table}.{column.name}"
            null = "NULL" if column.nullable else "NOT NULL"
            if column.data_type in _INSTEAD:
                other = f"{_INSTEAD[column.data_type]} CHARACTER SET ascii {null}"
                yield self.error(
                    about,
                    message=f"Its type is {column.data_type}.",
                    remedy=f"ALTER TABLE {table} MODIFY {quote(column.name)} {other};",
                )
            scale = _SCALE.fullmatch(column.column_type.lower())
            if scale and int(scale[1]) > SCALE_MAX:
                other = f"DECIMAL(65,{SCALE_MAX}){scale[2]} {null}"
                yield self.error(
                    about,
                    message=f"It has {scale[1]} digits behind the point; MySQL takes {SCALE_MAX}.",
                    remedy=f"ALTER TABLE {table} MODIFY {quote(column.name)} {other};\n"
                    "-- Write its default and comment behind it, if it has any.",
                )
