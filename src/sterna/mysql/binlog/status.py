"""The status variables of QUERY events: the session a statement ran in."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import Context
from sterna.mysql.binlog.reader import Reader

_TOO_MANY_DATABASES = 254
_MARIADB_COMMIT_OR_ROLLBACK_ALTER = 4 | 8

Found = dict[str, Any]


@lru_cache(maxsize=4096)  # the transactions of one session all begin with the same block
def parse_status(data: bytes) -> Context:
    """The context in the status block of a QUERY event; BadEvent for an unknown variable."""
    reader = Reader(data)
    found: Found = {}
    while reader.left_bytes:
        code = reader.number(1)
        read = _VARIABLES.get(code)
        if read is None:
            raise BadEvent(
                f"A QUERY event has the unknown status variable {code}.",
                code="UnknownStatusVariable",
                remedy="Report it; until it is known, start the sync task from a new copy.",
            )
        found.update(read(reader))
    return Context(**found)


def _skip(width_bytes: int) -> Callable[[Reader], Found]:
    def read(reader: Reader) -> Found:
        reader.take(width_bytes)
        return {}

    return read


def _number(name: str, width_bytes: int) -> Callable[[Reader], Found]:
    return lambda reader: {name: reader.number(width_bytes)}


def _flag(name: str) -> Callable[[Reader], Found]:
    return lambda reader: {name: reader.number(1) == 1}


def _text(name: str) -> Callable[[Reader], Found]:
    return lambda reader: {name: reader.short_text()}


def _old_catalog(reader: Reader) -> Found:
    catalog = reader.short_text()
    reader.take(1)
    return {"catalog": catalog}


def _auto_increment(reader: Reader) -> Found:
    return {"auto_increment": (reader.number(2), reader.number(2))}


def _charset(reader: Reader) -> Found:
    return {"charset": (reader.number(2), reader.number(2), reader.number(2))}


def _invoker(reader: Reader) -> Found:
    return {"invoker": (reader.short_text(), reader.short_text())}


def _updated_databases(reader: Reader) -> Found:
    count = reader.number(1)
    if count == _TOO_MANY_DATABASES:
        return {}
    return {"updated_databases": tuple(reader.terminated_text() for _ in range(count))}


def _mariadb_alter(reader: Reader) -> Found:
    flags = reader.number(1)
    if flags & _MARIADB_COMMIT_OR_ROLLBACK_ALTER:
        reader.take(8)
    return {"mariadb_alter_flags": flags}


def _mariadb_collations(reader: Reader) -> Found:
    count = reader.number(1)
    return {"default_collations": {reader.number(2): reader.number(2) for _ in range(count)}}


_VARIABLES: dict[int, Callable[[Reader], Found]] = {
    0: _number("flags2", 4),
    1: _number("sql_mode", 8),
    2: _old_catalog,
    3: _auto_increment,
    4: _charset,
    5: _text("time_zone"),
    6: _text("catalog"),
    7: _number("lc_time_names", 2),
    8: _number("database_collation", 2),
    9: _skip(8),  # tables a multi-table UPDATE writes
    10: _skip(4),  # size of the statement on its first server
    11: _invoker,
    12: _updated_databases,
    13: _number("microseconds", 3),
    16: _flag("explicit_defaults_for_timestamp"),
    17: _skip(8),  # number of the transaction a DDL belongs to
    18: _number("default_collation_for_utf8mb4", 2),
    19: _flag("sql_require_primary_key"),
    20: _flag("default_table_encryption"),
    21: _skip(1),  # whether InnoDB itself looks after foreign keys; of changes as statements
    128: _number("microseconds", 3),  # MariaDB
    129: _skip(8),  # MariaDB: number of the transaction a DDL belongs to
    130: _mariadb_alter,
    131: _mariadb_collations,
}
