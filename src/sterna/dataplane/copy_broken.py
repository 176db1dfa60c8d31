"""Tables over which the origin ended.

Some servers end when they read a damaged page. Copied again and again, such a table would take its
server down again and again: after some times nobody reads it until a person has looked. It is
kept on the destination in `sterna.broken`, and forgotten as soon as a round of the copy ends well.
"""

from __future__ import annotations

from sterna.errors import Stopped
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Session, execute, query
from sterna.mysql.identifiers import quote

TIMES_MAX = 3

CREATE_BROKEN = """CREATE TABLE IF NOT EXISTS sterna.broken (
    database_name VARCHAR(64) NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    times INT NOT NULL,
    PRIMARY KEY (database_name, table_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"""


def note_broken(destination: Session, name: TableName) -> None:
    """The origin was gone while rows of this table were read."""
    execute(
        destination,
        "INSERT INTO sterna.broken VALUES (%s, %s, 1) ON DUPLICATE KEY UPDATE times = times + 1",
        name,
    )


def forget_broken(destination: Session) -> None:
    """All of them could be read."""
    execute(destination, "DELETE FROM sterna.broken")


def require_readable(destination: Session) -> None:
    """Stopped when the origin was gone too often; it names the tables and forgets them."""
    rows = query(
        destination,
        "SELECT database_name, table_name FROM sterna.broken WHERE times >= %s ORDER BY 1, 2",
        [TIMES_MAX],
    )
    if not rows:
        return
    forget_broken(destination)
    names = " and ".join(quote(str(database), str(table)) for database, table in rows)
    raise Stopped(
        f"The source was gone each of {TIMES_MAX} times rows of {names} were read.",
        code="TableUnreadable",
        remedy="Look into the source's error log: a damaged page ends some servers whenever it is"
        " read. Run CHECK TABLE where that harms nobody; restore such a table from a backup, or"
        " drop it. Then resume the sync task; what is copied stays.",
    )
