"""The SQL that servers keep: views, routines, triggers, events, generated columns, checks.

Only for looking things up in it: what is carried is read with SHOW CREATE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sterna.mysql.connection import Session, greeting_version, query

_FIXED = {
    "view": "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS"
    " WHERE TABLE_SCHEMA = %s",
    "routine": "SELECT ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = %s",
    "trigger": "SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS"
    " WHERE TRIGGER_SCHEMA = %s",
    "event": "SELECT EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS"
    " WHERE EVENT_SCHEMA = %s",
}
# Servers before 8.0 show the text of parameters nowhere else, and lose quotes inside of strings.
_ROUTINES_OLD = (
    "SELECT CONVERT(name USING utf8mb4),"
    " CONCAT('(', CONVERT(param_list USING utf8mb4), ') ', CONVERT(body USING utf8mb4))"
    " FROM mysql.proc WHERE CONVERT(db USING utf8mb4) = %s"
)
_GENERATED = (
    "SELECT COLUMN_NAME, GENERATION_EXPRESSION, TABLE_NAME"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
    " AND GENERATION_EXPRESSION IS NOT NULL AND GENERATION_EXPRESSION <> ''"
)
_CHECKS = (
    "SELECT CONSTRAINT_NAME, CHECK_CLAUSE, {table} FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CONSTRAINT_SCHEMA = %s"
)
_LITERALS = re.compile(
    r"'(?:[^'\\]|\\.|'')*' | \"(?:[^\"\\]|\\.|\"\")*\" | `(?:[^`]|``)*`"
    r" | /\*(?!!).*?\*/ | --\s[^\n]* | \#[^\n]*",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Code:
    """One stored text.

    Attributes:
        kind: view, routine, trigger, event, generated column or check.
        database: where it lives.
        name: its own.
        text: the body; "" where the server does not show it to this account.
        table: that of a column, or of a check where the server tells it; else "".
    """

    kind: str
    database: str
    name: str
    text: str
    table: str = ""

    @property
    def path(self) -> str:
        """`database.table.name` or `database.name`, for people."""
        return ".".join(filter(None, (self.database, self.table, self.name)))

    @property
    def bare(self) -> str:
        """The text without strings, quoted names and comments, an empty pair of quotes each."""
        return _LITERALS.sub(lambda match: " " if match[0][0] in "/-#" else "''", self.text)


def read_code(session: Session, database: str) -> list[Code]:
    """All stored texts of a database, by kind and name."""
    queries = dict(_FIXED)
    version = greeting_version(session)
    if version.is_mariadb or version.at_least(5, 7):
        queries["generated column"] = _GENERATED
    if version.is_mariadb or not version.at_least(8):
        queries["routine"] = _ROUTINES_OLD
    if version.is_mariadb or version.at_least(8, 0, 16):
        queries["check"] = _CHECKS.format(table="TABLE_NAME" if version.is_mariadb else "''")
    return [
        Code(kind, database, str(name), str(text or ""), *map(str, table))
        for kind, sql in queries.items()
        for name, text, *table in sorted(query(session, sql, [database]), key=str)
    ]
