"""What `CHARACTER SET utf8mb4` without COLLATE makes on the destination: what it made before.

MySQL 8.0 changed the default to one that older servers do not have, and a table made with it could
not follow them back. The server knows both, and keeps its choice over restarts.
"""

from __future__ import annotations

from sterna.mysql.connection import ServerError, Session, execute, query
from sterna.mysql.variables import read_variables

_VARIABLE = "default_collation_for_utf8mb4"
_OLD_DEFAULT = "utf8mb4_general_ci"
_DEFAULT = (
    "SELECT COLLATION_NAME FROM information_schema.COLLATIONS"
    " WHERE CHARACTER_SET_NAME = 'utf8mb4' AND IS_DEFAULT = 'Yes'"
)


def keep_default_collation(origin: Session, destination: Session) -> str:
    """Give new utf8mb4 tables of the destination the origin's default collation, for good.

    Returns:
        A sentence on what was changed, "" where nothing had to be.
    """
    before = read_variables(destination, _VARIABLE).get(_VARIABLE, "")
    if not before or before == _OLD_DEFAULT or query(origin, _DEFAULT) != [(_OLD_DEFAULT,)]:
        return ""
    try:
        execute(destination, f"SET PERSIST {_VARIABLE} = {_OLD_DEFAULT}")
    except ServerError as error:
        return (
            f"The destination's {_VARIABLE} stays {before} ({error.text}): tables made there with"
            " CHARACTER SET utf8mb4 alone will end the way back"
        )
    return f"{_VARIABLE} of the destination was {before}, now {_OLD_DEFAULT} as on the origin"
