"""Every view can be read."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import ServerError, query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_INVALID = frozenset({1146, 1356, 1449})


class InvalidViews(Check):
    """Finds views whose tables, columns or definers are gone."""

    name = "invalid_views"
    title = "Invalid views"
    category = "other"
    why = "Such a view fails on the source already, and cannot be created on the target."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per view."""
        for database in context.databases:
            for view in context.views[database]:
                try:
                    query(context.source, f"SHOW COLUMNS FROM {quote(database, view.name)}")
                except ServerError as error:
                    if error.number not in _INVALID:
                        raise
                    yield self.warning(
                        f"{database}.{view.name}",
                        message="It refers to tables, columns or a definer that are gone.",
                        remedy=f"DROP VIEW {quote(database, view.name)};\n-- Or mend it.",
                    )
