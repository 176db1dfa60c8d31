"""Names that become words of the language: applications must quote them from then on.

Which words each version has reserved is data: `reserved_words.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from sterna.mysql.stored_code import Code
from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("reserved_words.toml")
_AS_WRITTEN = frozenset({"routine", "trigger", "event"})  # what servers print keeps no quotes
# Words that older servers had a use for, so that they stand there without being a name.
_USED = frozenset({"ROW", "ROWS", "SYSTEM"})
_USED_BY_MARIADB = _USED | {"GENERATED", "STORED", "VIRTUAL", "OVER", "RECURSIVE", "EXCEPT", "OF"}
_USED_BY_MARIADB |= {"INTERSECT", "WINDOW", "EMPTY", "LATERAL"}
_WORD = re.compile(r"(?<![\w$.@])([a-z_]+)\b(\s*\()?", re.IGNORECASE)
_OF_FUNCTIONS = re.compile(r"\b(?:alter|create|drop|on|show)\s+function\b", re.IGNORECASE)


class ReservedNames(Check):
    """Finds tables, columns and routines named like a word the target reserves, and stored code
    that uses such a name without backticks.

    Accepting the latter means that the copy stops at the object if the target does not read it.
    """

    name = "reserved_names"
    title = "Names the target reserves"
    category = "other"
    why = (
        "Sterna quotes every name, so the data is safe; a statement of an application that does"
        " not quote it fails after the switch. Stored code is carried as it was written, and the"
        " target refuses what it does not read."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per name, one error per routine, trigger or event."""
        words = newly_reserved(context.version, context.target)
        for database in context.databases if words else ():
            columns = context.columns[database]
            used = {(table, f"the table {database}.{table}") for table in columns}
            for table, listed in columns.items():
                used |= {(c.name, f"the column {database}.{table}.{c.name}") for c in listed}
            for routine in context.routines[database]:
                used.add((routine.name, f"the routine {database}.{routine.name}"))
            for name, what in sorted(used):
                if name.upper() in words:
                    yield self.warning(
                        what.rpartition(" ")[2],
                        message=f"{name.upper()} is reserved there, and is the name of {what}.",
                        remedy=f"Let the applications write `{name}` in backticks.",
                    )
        for code in context.code if words else ():
            if code.kind in _AS_WRITTEN and (found := _bare_names(code, words, context)):
                names = ", ".join(found)
                yield self.error(
                    code.path,
                    message=f"The {code.kind} has {names} as a name without backticks.",
                    remedy=f"-- Write the {code.kind} anew with {names} in backticks. Where nobody"
                    f" needs it:\n{context.drop(code)}",
                    ignorable=True,
                )


def _bare_names(code: Code, words: frozenset[str], context: Context) -> list[str]:
    """The reserved words that stand in the code and are neither quoted nor behind a dot."""
    used = _USED_BY_MARIADB if context.version.is_mariadb else _USED
    found = {
        match[1].upper()
        for match in _WORD.finditer(_OF_FUNCTIONS.sub(" ", code.bare))
        if not (match[2] and context.version.is_mariadb)  # a function, e.g. RANK() OVER …
    }
    return sorted(found & (words - used))


def newly_reserved(source: Version, target: Version) -> frozenset[str]:
    """The words, upper case, that MySQL `target` reserves and `source` does not."""
    if target.is_mariadb:
        return frozenset()
    return _reserved(target) - (frozenset() if source.is_mariadb else _reserved(source))


def _reserved(version: Version) -> frozenset[str]:
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    return _since(data["mysql"], version) - _since(data["mysql_free_again"], version)


def _since(words: Mapping[str, list[str]], version: Version) -> frozenset[str]:
    reached = (since for since in words if version.at_least(*map(int, since.split("."))))
    return frozenset(word for since in reached for word in words[since])
