"""Nothing stored asks for a variable, or a table of information_schema, that the target lacks.

Which ones are gone is data: `removed_names.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from sterna.mysql.stored_code import Code
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("removed_names.toml")
_ELSEWHERE = ("mysql", "performance_schema")
_DECLARED = r"\bdeclare\b[^;]*\b{}\b"


class RemovedNames(Check):
    """Finds views, routines, triggers and events that read or set such a variable, or read such a
    table.

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
        if context.version.at_least(8) and not context.version.is_mariadb:
            return
        for code in context.code:
            if found := sorted({*_variables(code, context), *_tables(code, context)}):
                yield self.error(
                    code.path,
                    message=f"The {code.kind} asks for {', '.join(found)},"
                    f" which {context.target.series} does not have.",
                    remedy=f"-- Write the {code.kind} anew without it. Where nobody needs it:\n"
                    f"{context.drop(code)}",
                    ignorable=True,
                )


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


def _pattern(kind: str, around: str, context: Context) -> re.Pattern[str]:
    return _compiled(kind, around, context.version.is_mariadb)


@cache
def _compiled(kind: str, around: str, is_mariadb: bool) -> re.Pattern[str]:
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))[kind]
    names: Iterable[str] = [*data["mysql"], *(data["mariadb"] if is_mariadb else ())]
    return re.compile(around.format(f"({'|'.join(names)})"), re.IGNORECASE)
