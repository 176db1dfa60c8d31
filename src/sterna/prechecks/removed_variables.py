"""Nobody relies on a server variable that the target does not have.

Which ones are gone, and since when, is data: `variables.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("variables.toml")


class RemovedVariables(Check):
    """Finds variables that are set to something, and that the target has no longer."""

    name = "removed_variables"
    title = "Variables the target does not have"
    category = "dependencies"
    why = "The cluster behaves as if it were not set, and a session that sets it gets an error."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per variable."""
        for entry in variable_data()["removed"] if context.to_mysql else ():
            value = context.variable(entry["name"])
            gone = context.target.at_least(*map(int, entry["until"].split(".")))
            if gone and value and value not in entry["harmless"]:
                yield self.warning(
                    entry["name"],
                    message=f"{entry['name']} is {value}. On the cluster {entry['why']}.",
                    remedy=_remedy(entry),
                )


@cache
def variable_data() -> dict[str, list[dict[str, Any]]]:
    """The contents of variables.toml."""
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


def _remedy(entry: dict[str, Any]) -> str:
    if "set" not in entry:
        return "Test the applications without it; it is set in the source's configuration."
    return f"SET GLOBAL {entry['name']} = {entry['set']};\n-- And test the applications without it."
