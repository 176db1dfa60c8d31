"""The server's own sql_mode means the same on the target."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

# Dropped by MySQL 8.0, and without effect on what statements return.
_HARMLESS = frozenset(
    {"NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS"}
    | {"DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "POSTGRESQL"}  # their parts remain
)
_MEANINGFUL = frozenset(
    {"ORACLE", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL"}
    | {"IGNORE_BAD_TABLE_OPTIONS"}
)


class SqlModeFlags(Check):
    """Finds flags of the server's sql_mode that MySQL 8.0 and later do not know."""

    name = "sql_mode_flags"
    title = "Dropped flags of sql_mode"
    category = "dependencies"
    why = "The cluster runs without them; a client that sets one for its session gets an error."

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning where statements mean something else, a note for the other flags."""
        if not context.to_mysql or not context.target.at_least(8):
            return
        value = context.variable("sql_mode")
        flags = value.split(",")
        meaningful = [flag for flag in flags if flag in _MEANINGFUL]
        if meaningful and context.version.is_mariadb:
            rest = ",".join(flag for flag in flags if flag not in _MEANINGFUL)
            yield self.warning(
                "sql_mode",
                message=f"Statements rely on {', '.join(meaningful)}, which MySQL has not got.",
                remedy=f"SET GLOBAL sql_mode = '{rest}';\n-- And test the applications under it.",
            )
        dropped = [flag for flag in flags if flag in _HARMLESS]
        if dropped:
            yield self.note("sql_mode", message=f"{', '.join(dropped)} is left out there.")
