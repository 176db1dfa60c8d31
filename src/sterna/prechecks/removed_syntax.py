"""Nothing stored is written in a way that the target does not read any more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_GROUP_BY = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
# What may come behind the list of GROUP BY, and the parentheses in it.
_STEP = re.compile(
    r"[();] | \b(?:asc|desc|having|order|limit|procedure|into|for|lock|union|window|with)\b",
    re.IGNORECASE | re.VERBOSE,
)
_SQL_CACHE = re.compile(r"\bselect\s+(?:\w+\s+)*?sql_cache\b", re.IGNORECASE)


class RemovedSyntax(Check):
    """Finds GROUP BY … ASC or DESC, and SELECT SQL_CACHE, in views, routines, triggers and
    events."""

    name = "removed_syntax"
    title = "Syntax the target does not read"
    category = "other"
    why = "The target refuses to create such an object, which would stop the upgrade half-way."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        old = context.version.is_mariadb or not context.version.at_least(8, 0, 13)
        if not old or not context.to_mysql or not context.target.at_least(8, 0, 13):
            return
        for code in context.code:
            if what := _removed(code.bare):
                yield self.error(
                    code.path,
                    message=f"The {code.kind} has {what}.",
                    remedy=f"-- Write the {code.kind} anew: GROUP BY sorts nothing in new versions;"
                    " ORDER BY does in all of them, and SQL_CACHE can be left out. Where nobody"
                    f" needs it:\n{context.drop(code)}",
                )


def _removed(text: str) -> str:
    if _SQL_CACHE.search(text):
        return "SELECT SQL_CACHE"
    if any(_is_sorted(text[found.end() :]) for found in _GROUP_BY.finditer(text)):
        return "GROUP BY with ASC or DESC"
    return ""


def _is_sorted(text: str) -> bool:
    """Whether a list behind GROUP BY has an ASC or DESC of its own."""
    depth = 0
    for step in _STEP.finditer(text):
        word = step[0].lower()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word in ("asc", "desc"):
            return True
        if depth < 0 or (depth == 0 and word not in "()"):
            return False
    return False
