"""Comments that are executed, by some servers.

`/*!80023 … */` is executed from MySQL 8.0.23 on, `/*M!100300 … */` by MariaDB only. What one server
did of a statement is a comment to another; so it is said to that one without the marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sterna.mysql.sql_text import Change, changed
from sterna.mysql.version import Version

_PART = re.compile(
    rb"""
    (?P<opened>/\*(?P<flavor>M?)!(?P<since>[0-9]{5,6})?)
    | (?P<closed>\*/)
    | /\*.*?\*/ | --(?=\s|$)[^\n]* | \#[^\n]*
    | `(?:[^`]|``)*` | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*"
    """,
    re.VERBOSE | re.DOTALL,
)
_NOT_MARIADBS = range(50700, 100000)  # versions of MySQL that MariaDB does not claim to be


def without_marks(sql: bytes, *, origin: Version, destination: Version) -> bytes:
    """The statement as the origin executed it, where the destination would execute another one."""
    opened = [match for match in _PART.finditer(sql) if match["opened"]]
    if all(_executes(origin, match) == _executes(destination, match) for match in opened):
        return sql
    return changed(sql, _changes(sql, origin))


def _changes(sql: bytes, origin: Version) -> Iterator[Change]:
    dropped_from: int | None = None
    for match in _PART.finditer(sql):
        if match["opened"]:
            if _executes(origin, match):
                yield match.start(), match.end(), b" "
            else:
                dropped_from = match.start()
        elif match["closed"]:
            begin = match.start() if dropped_from is None else dropped_from
            yield begin, match.end(), b" "
            dropped_from = None


def _executes(version: Version, opened: re.Match[bytes]) -> bool:
    since = int(opened["since"] or 0)
    major, minor, patch = version.numbers
    is_for_it = not opened["flavor"] or version.is_mariadb
    if version.is_mariadb and not opened["flavor"] and since in _NOT_MARIADBS:
        return False
    return is_for_it and since <= major * 10_000 + minor * 100 + patch
