"""The name `sterna` is free for what Sterna keeps on a server."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import OWN_DATABASE
from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_OURS = frozenset({"checkpoint", "tables"})


class OwnDatabase(Check):
    """Finds a database of that name that no running migration explains."""

    name = "own_database"
    title = "Database name sterna"
    category = "key"
    why = "The database is not copied, and is dropped at the end."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error."""
        if context.migrating or not query(context.source, f"SHOW DATABASES LIKE '{OWN_DATABASE}'"):
            return
        names = {str(row[0]) for row in query(context.source, f"SHOW TABLES FROM {OWN_DATABASE}")}
        routines = query(
            context.source,
            "SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s LIMIT 1",
            [OWN_DATABASE],
        )
        left_over = names <= _OURS and not routines
        yield self.error(
            OWN_DATABASE,
            message="The source has a database of this name already"
            + (", left from an earlier upgrade." if left_over else " with tables of its own."),
            remedy=f"DROP DATABASE {quote(OWN_DATABASE)};" if left_over else _moved(names),
        )


def _moved(names: set[str]) -> str:
    other = f"{OWN_DATABASE}_data"
    renamed = (
        f"RENAME TABLE {quote(OWN_DATABASE, name)} TO {quote(other, name)};"
        for name in sorted(names)
    )
    return "\n".join(
        [
            "-- Under the new name everything is carried:",
            f"CREATE DATABASE {quote(other)};",
            *renamed,
            "-- Its views, triggers and routines have to be made there anew.",
        ]
    )
