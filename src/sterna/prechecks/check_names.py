"""Every CHECK of a database has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_OWN_NAME = "CONSTRAINT_"  # given by MariaDB where nobody gave one; the copy leaves it out


class CheckNames(Check):
    """Finds tables of one database whose CHECKs have the same name."""

    name = "check_names"
    title = "Names of CHECKs"
    category = "other"
    why = "MariaDB wants their names unique in a table, MySQL in a database, and refuses a second."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per CHECK whose name is taken."""
        if not context.crosses:
            return
        taken: set[tuple[str, str]] = set()
        for code in context.code:
            columns = context.columns[code.database].get(code.table, ())
            belongs_to_column = any(column.name == code.name for column in columns)
            if code.kind != "check" or belongs_to_column or code.name.startswith(_OWN_NAME):
                continue
            if (code.database, code.name.lower()) in taken:
                name, other = quote(code.name), quote(f"{code.table}_{code.name}"[:64])
                yield self.error(
                    code.path,
                    message="Another table of the database has a CHECK of that name.",
                    remedy=f"ALTER TABLE {quote(code.database, code.table)} DROP CONSTRAINT {name},"
                    f" ADD CONSTRAINT {other} CHECK ({code.text});",
                )
            taken.add((code.database, code.name.lower()))
