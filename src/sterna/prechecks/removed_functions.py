"""Nothing stored calls a function that the target has no longer.

Which functions are gone is data: `removed_functions.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sterna.mysql.stored_code import Code
from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("removed_functions.toml")
# Behind these a name and a parenthesis are a table and its columns, or a key.
_CALL = re.compile(
    r"(?<![\w$.@])(?<!into )(?<!table )(?<!key )(?<!index )(?<!references )(?<!function )"
    r"(?<!procedure )(?<!call )([a-z_]\w*)\s*\(",
    re.IGNORECASE,
)
# What the server looks into when it is created; the bodies of the others it reads when they run.
_RESOLVED = frozenset({"view", "generated column", "check"})
_HASHES = frozenset({"MD5", "SHA", "SHA1"})


class RemovedFunctions(Check):
    """Finds views, routines, triggers, events, generated columns and checks that call such a
    function. Accepting it for a routine, trigger or event means that it fails when it runs."""

    name = "removed_functions"
    title = "Functions the target does not have"
    category = "other"
    why = "The target refuses such a view or column, and a routine fails there when it is run."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per object."""
        gone = removed_functions(context.version, context.target)
        for code in context.code if gone else ():
            called = {match[1].upper() for match in _CALL.finditer(code.bare)}
            if found := sorted(called & gone):
                yield self.error(
                    code.path,
                    message=f"The {code.kind} calls {', '.join(found)},"
                    f" which {context.target.series} does not have.",
                    remedy=_remedy(context, code, set(found)),
                    ignorable=code.kind not in _RESOLVED,
                )


def removed_functions(source: Version, target: Version) -> frozenset[str]:
    """The functions, upper case, that `source` may call and MySQL `target` does not have."""
    if target.is_mariadb:
        return frozenset()
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    found = set(data["mariadb"]["only"]) if source.is_mariadb else set()
    for since, names in data["mysql"].items():
        numbers = tuple(map(int, since.split(".")))
        if target.at_least(*numbers) and (source.is_mariadb or not source.at_least(*numbers)):
            found |= set(names)
    return frozenset(found)


def _remedy(context: Context, code: Code, found: set[str]) -> str:
    advice = f"-- Write the {code.kind} anew without it."
    if found & _HASHES:
        advice += " SHA2() is in every version; its values are others than those of MD5 and SHA1."
    return f"{advice} Where nobody needs it:\n{context.drop(code)}"
