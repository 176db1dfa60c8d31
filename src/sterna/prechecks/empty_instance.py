"""There is something to migrate."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding


class EmptyInstance(Check):
    """Finds a source without a database."""

    name = "empty_instance"
    title = "Whether Source Instance is Empty"
    category = "dependencies"
    why = "An upgrade of nothing is usually the upgrade of the wrong server."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error, which may be ignored."""
        if not context.databases:
            yield self.error(
                "databases",
                message="The source has no database, or the account sees none.",
                remedy="Check that this is the right server, and that the account has SELECT.",
                ignorable=True,
            )
