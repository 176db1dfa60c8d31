"""Comments that are executed, by some servers.

`/*!80023 … */` is executed from MySQL 8.0.23 on, `/*M!100300 … */` by MariaDB only. What one server
did of a statement is a comment to another; so it is said to that one without the marks.
"""

from __future__ import annotations

import re

from sterna.mysql.sql_text import Change, changed, text_pattern
from sterna.mysql.version import Version

_PART = rb"""
    (?P<opened>/\*(?P<flavor>M?)!(?P<since>[0-9]{5,6})?)
    | (?P<closed>\*/)
    | /\*.*?\*/ | --(?=\s|$)[^\n]* | \#[^\n]*
    | `(?:[^`]|``)*` |
"""
_REST = re.compile(rb"(?:/\*.*?\*/|.)*?\*/", re.DOTALL)
_NOT_MARIADBS = range(50700, 100000)  # versions of MySQL that MariaDB does not claim to be


def without_marks(sql: bytes, sql_mode: int = 0, *, origin: Version, destination: Version) -> bytes:
    """The statement as the origin executed it, where the destination would execute another one."""
    part = re.compile(_PART + text_pattern(sql_mode).encode(), re.VERBOSE | re.DOTALL)
    changes, is_another, at = list[Change](), False, 0
    while found := part.search(sql, at):
        at = found.end()
        if found["opened"]:
            is_executed = _executes(origin, found)
            is_another |= is_executed != _executes(destination, found)
            at = at if is_executed else _end_of_comment(sql, at)
        if found["opened"] or found["closed"]:
            changes.append((found.start(), at, b" "))
    return changed(sql, changes) if is_another else sql


def _end_of_comment(sql: bytes, at: int) -> int:
    """Behind a comment that may hold others; quotes mean nothing in it."""
    found = _REST.match(sql, at)
    return found.end() if found else len(sql)


def _executes(version: Version, opened: re.Match[bytes]) -> bool:
    since = int(opened["since"] or 0)
    major, minor, patch = version.numbers
    is_for_it = not opened["flavor"] or version.is_mariadb
    if version.is_mariadb and not opened["flavor"] and since in _NOT_MARIADBS:
        return False
    return is_for_it and since <= major * 10_000 + minor * 100 + patch
