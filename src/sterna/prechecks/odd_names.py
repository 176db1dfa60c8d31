"""Every database has a name that the target can have."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_RAW = "#mysql50#"
_OF_THE_DISK = "lost+found"


class OddNames(Check):
    """Finds databases in folders that are not spelled as servers spell them, and folders in the
    data directory that are no databases."""

    name = "odd_names"
    title = "Names the target does not take"
    category = "other"
    why = "The target refuses such a name, which would stop the upgrade half-way."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per database."""
        for database in context.databases:
            if database.startswith(_RAW):
                yield self.error(
                    database,
                    message="Its folder is not spelled as the server spells names.",
                    remedy=_remedy(database),
                )


def _remedy(database: str) -> str:
    folder = database.removeprefix(_RAW)
    if "." in folder or folder == _OF_THE_DISK:  # the server would not, or could not, rename it
        return (
            f"It is no database. Move {folder} out of the data directory, or set ignore_db_dirs ="
            f" {folder} in the source's configuration and restart it."
        )
    return (
        f"ALTER DATABASE {quote(database)} UPGRADE DATA DIRECTORY NAME;\n"
        "-- Or, if it is no database, move it out of the data directory."
    )
