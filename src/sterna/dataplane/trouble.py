"""Errors of a server while one table is moved: they name the table and say what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pymysql

from sterna.errors import Stopped
from sterna.mysql.connection import ServerError, translate

_RESUME = "Remove the cause, then resume the sync task; what is copied stays."


def unreadable(name: str, error: ServerError) -> Stopped:
    """A server does not give the rows of a table; `name` is quoted."""
    return Stopped(
        f"The rows of {name} cannot be read: {error.number} {error.text}.",
        code="TableUnreadable",
        remedy=error.remedy or _RESUME,
    )


@contextmanager
def naming_refused_rows(name: str) -> Generator[None]:
    """What the destination says against the rows of a table becomes a Stopped with its name."""
    try:
        yield
    except pymysql.MySQLError as error:
        refused = translate(error)
        if not isinstance(refused, ServerError):
            raise refused from error
        raise Stopped(
            f"The destination does not take the rows of {name}: {refused.number} {refused.text}.",
            code="RowsRefused",
            remedy=refused.remedy or _RESUME,
        ) from error
