"""What the target does otherwise because a default has changed.

Which ones have is data: `variables.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding
from sterna.prechecks.removed_variables import variable_data


class ChangedDefaults(Check):
    """Says which variables will have a newer default."""

    name = "changed_defaults"
    title = "Changed defaults"
    category = "notes"
    why = "The cluster inherits what changes results; these it takes from its own version."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per variable."""
        for entry in variable_data()["changed"] if context.to_mysql else ():
            value = context.variable(entry["name"])
            since = tuple(map(int, entry["since"].split(".")))
            older = context.version.is_mariadb or not context.version.at_least(*since)
            if older and context.target.at_least(*since) and value in entry["old"]:
                yield self.note(
                    entry["name"],
                    message=f"It is {value} and will be {entry['new']}: {entry['why']}.",
                )
