"""How the demo talks to a server: PyMySQL, plainly, as an application would."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

ANSWER_SECONDS_MAX = 60  # a held endpoint accepts and says nothing; wait for its greeting
Row = tuple[Any, ...]


class ConnectionParameters(Protocol):
    """Anything that says where a server is and who we are there."""

    @property
    def host(self) -> str:
        """A name or an address."""

    @property
    def port(self) -> int:
        """A TCP port."""

    @property
    def user(self) -> str:
        """An account's user name."""

    @property
    def password(self) -> str:
        """Its password."""


@dataclass(frozen=True)
class Login:
    """Where a server is and who we are there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


def connect(
    parameters: ConnectionParameters, *, database: str | None = None, tls: bool = False
) -> Connection[Cursor]:
    """A session in autocommit, UTC and utf8mb4, that takes zero dates as they are.

    Without `tls`, caching_sha2_password goes by the server's public key.

    Raises:
        pymysql.MySQLError: whatever PyMySQL says.
    """
    return pymysql.connect(
        host=parameters.host,
        port=parameters.port,
        user=parameters.user,
        password=parameters.password.encode(),
        database=database,
        charset="utf8mb4",
        connect_timeout=ANSWER_SECONDS_MAX,
        read_timeout=ANSWER_SECONDS_MAX,
        autocommit=True,
        init_command="SET SESSION time_zone = '+00:00', sql_mode = ''",
        **_encryption(tls),
    )


def _encryption(tls: bool) -> Mapping[str, Any]:
    if not tls:
        return {"ssl_disabled": True}
    context = ssl.create_default_context()
    context.check_hostname = False  # servers sign their own certificates
    context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def rows(connection: Connection[Cursor], sql: str, *args: object) -> tuple[Row, ...]:
    """All rows of a statement; `%s` stands for a value of `args`."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return tuple(cursor.fetchall())


def run(connection: Connection[Cursor], sql: str, *args: object) -> int:
    """Run a statement; the number of rows it changed."""
    with connection.cursor() as cursor:
        return cursor.execute(sql, args or None)
