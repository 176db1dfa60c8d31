"""Nothing stored is written in a way that the target does not read any more.

What newer servers do not read is data: `removed_syntax.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("removed_syntax.toml")
_GROUP_BY = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
# What may come behind the list of GROUP BY, and the parentheses in it.
_STEP = re.compile(
    r"[();] | \b(?:asc|desc|having|order|limit|procedure|into|for|lock|union|window|with)\b",
    re.IGNORECASE | re.VERBOSE,
)
_SORTS_GROUPS_UNTIL = (8, 0, 13)


class RemovedSyntax(Check):
    """Finds, in views, routines, triggers and events, what newer servers do not read: GROUP BY …
    ASC or DESC, SQL_CACHE, statements that were renamed, and those that only MariaDB has.

    Accepting it means that the copy stops at the object if the target does not read it indeed.
    """

    name = "removed_syntax"
    title = "Syntax the target does not read"
    category = "other"
    why = "The target refuses to create such an object, which would stop the upgrade half-way."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        if not context.to_mysql:
            return
        for code in context.code:
            if what := _removed(code.bare, context.version, context.target):
                yield self.error(
                    code.path,
                    message=f"The {code.kind} has {what}.",
                    remedy=f"-- Write the {code.kind} anew without it: GROUP BY sorts nothing in"
                    " new versions, ORDER BY does in all of them. Where nobody needs it:\n"
                    f"{context.drop(code)}",
                    ignorable=True,
                )


def _removed(text: str, source: Version, target: Version) -> str:
    patterns = _patterns(source, target)
    found = [what for what, pattern in patterns.items() if pattern.search(text)]
    sorts = source.is_mariadb or not source.at_least(*_SORTS_GROUPS_UNTIL)
    if sorts and target.at_least(*_SORTS_GROUPS_UNTIL):
        found += ["GROUP BY with ASC or DESC"] if _sorts_groups(text) else []
    return ", ".join(found)


@cache
def _patterns(source: Version, target: Version) -> dict[str, re.Pattern[str]]:
    """What is gone between the two, in words, and how to find it."""
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    gone = list(data["mariadb"]) if source.is_mariadb else []
    for entry in data["mysql"]:
        until = tuple(map(int, entry["until"].split(".")))
        if target.at_least(*until) and (source.is_mariadb or not source.at_least(*until)):
            gone.append(entry)
    return {entry["what"]: re.compile(entry["pattern"], re.IGNORECASE) for entry in gone}


def _sorts_groups(text: str) -> bool:
    return any(_is_sorted(text[found.end() :]) for found in _GROUP_BY.finditer(text))


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
