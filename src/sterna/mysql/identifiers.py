"""Names and texts inside SQL: the one way to quote them."""

from __future__ import annotations


def quote(*names: str) -> str:
    """`database`.`table` in backticks. ValueError for what no server accepts as a name."""
    if not names:
        raise ValueError("no name to quote")
    return ".".join(_quote_one(name) for name in names)


def _quote_one(name: str) -> str:
    if not name or "\0" in name:
        raise ValueError(f"not a name: {name!r}")
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """A string literal, for sessions of `open_session` (never NO_BACKSLASH_ESCAPES)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
