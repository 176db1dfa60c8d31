"""Character sets that newer servers are about to drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_NAMES = {"utf8": "utf8mb3", "utf8mb3": "utf8mb3", "ucs2": "ucs2"}


class OldCharsets(Check):
    """Says how many columns are in utf8mb3 or ucs2."""

    name = "old_charsets"
    title = "Old character sets"
    category = "other"
    why = (
        "They are carried as they are; utf8 becomes the name of utf8mb3 until a later version makes"
        " it utf8mb4. After the upgrade ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4 ends that."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per character set."""
        found = Counter(
            _NAMES[column.charset]
            for _, column in context.table_columns
            if column.charset in _NAMES
        )
        for charset, count in sorted(found.items()):
            yield self.note(charset, message=f"{count} columns have the character set {charset}.")
