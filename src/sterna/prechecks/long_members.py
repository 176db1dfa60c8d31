"""No ENUM or SET has a member of more than 255 characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
        for database in context.databases:
            for table, columns in context.columns[database].items():
                for column in columns:
                    members = _MEMBER.findall(column.column_type)
                    longest = max((len(each.replace("''", "'")) for each in members), default=0)
                    if column.data_type in ("enum", "set") and longest > CHARACTERS_MAX:
                        yield self.error(
                            f"{database}.{table}.{column.name}",
                            message=f"It has a member of {longest} characters.",
                            remedy=f"Shorten it with ALTER TABLE {quote(database, table)} MODIFY.",
                        )
