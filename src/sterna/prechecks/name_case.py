"""Both sides treat upper and lower case in names of tables alike."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_NAME = "lower_case_table_names"


class NameCase(Check):
    """Finds a source that does not tell `Orders` from `orders`."""

    name = "name_case"
    title = "Case of names"
    category = "other"
    why = (
        "A new cluster tells upper from lower case in names of databases and tables; an"
        " application that writes `Orders` would not find `orders`."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One error, which may be ignored."""
        value = context.variable(_NAME)
        if value != "0":
            yield self.error(
                _NAME,
                message=f"The source does not tell upper from lower case: {_NAME} = {value}.",
                remedy="Accept it once every application writes names in lower case.",
                ignorable=True,
            )
