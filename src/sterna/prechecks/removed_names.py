"""Nothing stored asks for a variable, or a table of information_schema, that the target lacks.

Which ones are gone is data: `removed_names.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sterna.mysql.stored_code import Code
from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("removed_names.toml")
_ELSEWHERE = ("mysql", "performance_schema")
_DECLARED = r"\bdeclare\b[^;]*\b{}\b"


class RemovedNames(Check):
    """Finds views, routines, triggers and events that read or set such a variable, or read such a
    table or column.

    Accepting it means that the copy stops at the object if the target lacks the name indeed.
    """

    name = "removed_names"
    title = "Variables and system tables in stored code"
    category = "other"
    why = "The target looks these names up when it creates the object, and refuses it."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        if not context.to_mysql or not context.target.at_least(8):
            return
        for code in context.code:
            looked = (*_variables(code, context), *_tables(code, context), *_columns(code, context))
            if found := sorted(set(looked)):
                yield self.error(
                    code.path,
                    message=f"The {code.kind} asks for {', '.join(found)},"
                    f" which {context.target.series} does not have.",
                    remedy=f"-- Write the {code.kind} anew without it. Where nobody needs it:\n"
                    f"{context.drop(code)}",
                    ignorable=True,
                )


def _is_old(source: Version) -> bool:
    """Whether there is more in it than in 8.0."""
    return source.is_mariadb or not source.at_least(8)


def _variables(code: Code, context: Context) -> Iterator[str]:
    pattern = _pattern(
        "variables", r"(?:@@(?:\w+\.)?|\b(?:set|global|session|local)\s+){}\b", context
    )
    for match in pattern.finditer(code.bare):
        if not re.search(_DECLARED.format(match[1]), code.bare, re.IGNORECASE):
            yield f"the variable {match[1].lower()}"


def _tables(code: Code, context: Context) -> Iterator[str]:
    """The others are looked up when the code runs, if it is not a view."""
    databases = ("information_schema", *(_ELSEWHERE if code.kind == "view" else ()))
    for database in databases:
        pattern = _pattern(database, rf"\b{database}`?\s*\.\s*`?{{}}\b", context)
        yield from (f"{database}.{match[1]}" for match in pattern.finditer(code.text))


def _columns(code: Code, context: Context) -> Iterator[str]:
    if code.kind != "view" or not _is_old(context.version):
        return
    text = code.text.lower().replace("`", "")
    flavor = "mariadb" if context.version.is_mariadb else "mysql"
    for table, names in _data()["columns"][flavor].items():
        if re.search(rf"(?<![\w.]){re.escape(table)}(?!\w)", text):
            for name in names:
                if re.search(rf"\.{name}\b", text):
                    yield f"{table}.{name}"


def _pattern(kind: str, around: str, context: Context) -> re.Pattern[str]:
    is_old = _is_old(context.version)
    lists = {
        "mysql": is_old,
        "later": context.target.at_least(9) and (is_old or not context.version.at_least(9)),
        "mariadb": context.version.is_mariadb,
    }
    names = (
        name for each, counts in lists.items() if counts for name in _data()[kind].get(each, ())
    )
    return _compiled(tuple(names), around)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


@cache
def _compiled(names: tuple[str, ...], around: str) -> re.Pattern[str]:
    return re.compile(around.format(f"({'|'.join(names) or '(?!)'})"), re.IGNORECASE)
