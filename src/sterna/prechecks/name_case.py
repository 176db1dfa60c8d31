"""Both sides treat upper and lower case in names of tables alike."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_NAME = "lower_case_table_names"


class NameCase(Check):
    """Finds a source that keeps `Orders` as it is spelled and finds it as `orders`, as on macOS;
    one that keeps all names in lower case gets a cluster that does so too."""

    name = "name_case"
    title = "Case of names"
    category = "other"
    why = (
        "A server on Linux keeps names as they are spelled and tells them apart, or keeps them in"
        " lower case; the cluster does the latter."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One error, which may be ignored, or a note."""
        value = context.variable(_NAME)
        if value == "1":
            yield self.note(
                _NAME, message="Names are kept in lower case, on the cluster as on the source."
            )
        elif value != "0":
            yield self.error(
                _NAME,
                message=f"The source keeps names as they are spelled: {_NAME} = {value}.",
                remedy="Accept it if no database and no table has capital letters in its name;"
                " rename those that have, with RENAME TABLE.",
                ignorable=True,
            )
