"""No ENUM or SET has a member of more than 255 characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.catalog import Column, Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_MEMBER = re.compile(r"'((?:[^']|'')*)'")
CHARACTERS_MAX = 255


class LongMembers(Check):
    """Finds columns with longer ones."""

    name = "long_members"
    title = "Long members of ENUM and SET"
    category = "other"
    why = "MySQL 8.0 and later refuse to create such a column."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per column."""
        if not context.to_mysql or not context.target.at_least(8):
            return
        for table, column in context.table_columns:
            members = _MEMBER.findall(column.column_type)
            longest = max((len(each.replace("''", "'")) for each in members), default=0)
            if column.data_type in ("enum", "set") and longest > CHARACTERS_MAX:
                yield self.error(
                    f"{table.database}.{table.name}.{column.name}",
                    message=f"It has a member of {longest} characters.",
                    remedy=_remedy(table, column, longest),
                )


def _remedy(table: Table, column: Column, longest: int) -> str:
    kind = f"VARCHAR({longest})" if column.data_type == "enum" else "TEXT"
    null = "NULL" if column.nullable else "NOT NULL"
    return (
        f"ALTER TABLE {quote(table.database, table.name)} MODIFY {quote(column.name)} {kind}"
        f" CHARACTER SET {column.charset} COLLATE {column.collation} {null};\n"
        "-- Every value stays; write the default and comment behind it, if it has any. Or give the"
        " member a shorter name."
    )
