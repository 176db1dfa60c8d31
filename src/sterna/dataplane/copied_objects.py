"""What the copy made on the destination besides tables, kept in `sterna.objects` there.

A name is written before its object is made, so that what an earlier attempt made and the origin
has dropped since can be told from what was there before, and is removed.
"""

from __future__ import annotations

from typing import NamedTuple

from sterna.mysql.connection import Session, execute, query

DATABASE = "DATABASE"

_CREATE = """CREATE TABLE IF NOT EXISTS sterna.objects (
    database_name VARCHAR(64) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    object_name VARCHAR(64) NOT NULL,
    status VARCHAR(32) NOT NULL,
    PRIMARY KEY (database_name, kind, object_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"""


class CopiedObject(NamedTuple):
    """`kind` as in DROP <kind>; a database is named twice."""

    database: str
    kind: str
    name: str


def create_object_table(session: Session) -> None:
    """Make `sterna.objects`; keeps what is there. The database `sterna` has to be there."""
    execute(session, _CREATE)


def read_objects_made(session: Session) -> set[CopiedObject]:
    """All that was made, or was about to be."""
    rows = query(session, "SELECT database_name, kind, object_name FROM sterna.objects")
    return {CopiedObject(*map(str, row)) for row in rows}


def remember_object(session: Session, made: CopiedObject, *, status: str = "") -> None:
    """Keep the name of an object; of an event also the origin's status."""
    execute(session, "REPLACE INTO sterna.objects VALUES (%s, %s, %s, %s)", [*made, status])


def forget_object(session: Session, made: CopiedObject) -> None:
    """Forget an object that was dropped."""
    execute(
        session,
        "DELETE FROM sterna.objects WHERE database_name = %s AND kind = %s AND object_name = %s",
        made,
    )
