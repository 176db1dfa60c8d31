"""Server variables, read by name."""

from __future__ import annotations

from sterna.mysql.connection import Session, query


def read_variables(connection: Session, *names: str) -> dict[str, str]:
    """Global values by lower-case name. A variable this version does not know is not in it."""
    if not names:
        return {}
    marks = ", ".join(["%s"] * len(names))
    rows = query(connection, f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})", names)
    return {str(name).lower(): str(value) for name, value in rows}
