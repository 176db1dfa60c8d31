"""Sessions that carry definitions, and databases and tables made on the destination.

`schema_text` reads definitions, `schema_tables` converts them; here they are fetched, executed
and the result is compared with the origin column by column: a column that came out different
would break the relay of row events much later, so it stops the task at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

from sterna.dataplane.schema_tables import Facts, TableScript, destination_collation
from sterna.errors import Stopped
from sterna.mysql.catalog import Column, Database, Table, read_databases
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    greeting_version,
    open_session,
    query,
)
from sterna.mysql.identifiers import quote
from sterna.mysql.variables import read_variables

# Set where the server knows them: definitions are shown as they are stored …
_ORIGIN_SETTINGS = {
    "show_old_temporals": "ON",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "idle_transaction_timeout": "0",
    "idle_readonly_transaction_timeout": "0",
}
# … and executed as they are written.
_DESTINATION_SETTINGS = {
    "sql_log_bin": "0",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    "lc_messages": "'en_US'",
    "max_error_count": "65535",
    "explicit_defaults_for_timestamp": "ON",
    "innodb_strict_mode": "OFF",
    "sql_generate_invisible_primary_key": "OFF",
    "sql_require_primary_key": "OFF",
    "restrict_fk_on_non_standard_key": "OFF",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "innodb_ddl_buffer_size": "134217728",  # for the indexes after the rows; 1 MB by default
}
_READ_ONLY = 1238


def open_origin_session(server: Server, *, lock_wait_seconds: int = 50) -> Session:
    """A session that sees every column and storage format of the origin."""
    session = open_session(server, lock_wait_seconds=lock_wait_seconds)
    _set_where_known(session, _ORIGIN_SETTINGS)
    return session


def open_destination_session(server: Server, *, local_infile: bool = False) -> Session:
    """A session that executes the origin's definitions literally and writes no binary log."""
    session = open_session(server, local_infile=local_infile)
    _set_where_known(session, _DESTINATION_SETTINGS)
    return session


def _set_where_known(session: Session, settings: dict[str, str]) -> None:
    known = {str(name).lower() for name, _ in query(session, "SHOW SESSION VARIABLES")}
    for name, value in settings.items():
        if name in known:
            try:
                execute(session, f"SET SESSION {name} = {value}")
            except ServerError as error:
                if error.number != _READ_ONLY:  # 5.6 has some for the whole server only
                    raise


def read_facts(origin: Session, destination: Session) -> Facts:
    """What converting definitions needs to know of the two servers."""
    rows = query(destination, "SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
    collations = frozenset(str(row[0]) for row in rows)
    return Facts(greeting_version(origin), greeting_version(destination), collations)


def create_databases(databases: list[Database], *, destination: Session, facts: Facts) -> None:
    """Make each database, or give an existing one the origin's defaults."""
    present = {database.name for database in read_databases(destination)}
    for database in databases:
        charset, collation = destination_collation(database.collation, facts)
        verb = "ALTER" if database.name in present else "CREATE"
        execute(
            destination,
            f"{verb} DATABASE {quote(database.name)} CHARACTER SET {charset} COLLATE {collation}",
        )


def show_create_table(session: Session, table: Table) -> str:
    """The table's definition as the server prints it."""
    rows = query(session, f"SHOW CREATE TABLE {quote(table.database, table.name)}")
    return str(rows[0][1])


def create_table(script: TableScript, table: Table, *, destination: Session) -> None:
    """Execute the script's CREATE TABLE in the table's database, which is the session's own.

    Raises:
        Stopped: the destination refuses the definition; with its words.
    """
    name = quote(table.database, table.name)
    try:
        execute(destination, script.create)
    except ServerError as error:
        raise Stopped(
            f"The destination refuses the definition of {name}: {error.message}",
            code="DefinitionRefused",
            remedy=f"Change the table on the origin. The definition was: {script.create}",
        ) from error


@dataclass(frozen=True)
class _Shape:
    """What must be the same of a column on both sides."""

    name: str
    column_type: str
    collation: str
    nullable: bool
    generated: str
    auto_increment: bool


def require_same_columns(
    table: Table, *, origin: list[Column], destination: list[Column], facts: Facts
) -> None:
    """Stopped unless the destination's columns are the origin's, one by one."""
    wanted = [_shape(column, facts) for column in origin]
    found = [_shape(column, facts) for column in destination]
    name = quote(table.database, table.name)
    for one, other in zip_longest(wanted, found):
        if one != other:
            raise Stopped(
                f"A column of {name} came out different: {one} became {other}.",
                code="DefinitionDiffers",
                remedy="Change the column on the origin to a type both servers print alike.",
            )
    _require_same_defaults(name, origin, destination)


def _require_same_defaults(name: str, origin: list[Column], destination: list[Column]) -> None:
    """Binary defaults lose bytes where a server prints them as text."""
    for column, made in zip(origin, destination, strict=True):
        if not column.data_type.endswith("binary") or column.default is None:
            continue
        if made.default is None or _default_bytes(column) != _default_bytes(made):
            raise Stopped(
                f"The default of {quote(column.name)} in {name} came out different.",
                code="DefinitionDiffers",
                remedy="Drop the default on the origin; bytes that are no text do not travel.",
            )


def _default_bytes(column: Column) -> bytes:
    text = column.default or ""
    if re.fullmatch(r"0x([0-9A-Fa-f]{2})*", text):
        return bytes.fromhex(text[2:]).rstrip(b"\0")
    return text.strip("'").replace("\\0", "\0").encode().rstrip(b"\0")


def _shape(column: Column, facts: Facts) -> _Shape:
    collation = destination_collation(column.collation, facts)[1] if column.collation else ""
    return _Shape(
        name=column.name,
        column_type=_normalized_type(column.column_type),
        collation=collation,
        nullable=column.nullable,
        generated=column.generated,
        auto_increment=column.auto_increment,
    )


def _normalized_type(column_type: str) -> str:
    """Without the display widths that newer servers no longer print."""
    if "zerofill" not in column_type:
        column_type = re.sub(r"^(tinyint|smallint|mediumint|int|bigint)\(\d+\)", r"\1", column_type)
    column_type = re.sub(r"^year\(4\)", "year", column_type)
    return re.sub(r"^geometrycollection", "geomcollection", column_type)


def allow_large_rows(destination: Session) -> str:
    """Raise the destination's packet limit to 1 GB for new sessions, so every row passes.

    Returns:
        A sentence on what was changed, "" where nothing had to be.
    """
    limit = 1 << 30
    before = int(read_variables(destination, "max_allowed_packet")["max_allowed_packet"])
    if before >= limit:
        return ""
    try:
        execute(destination, f"SET GLOBAL max_allowed_packet = {limit}")
    except ServerError:
        return f"max_allowed_packet of the destination stays {before}: longer rows will stop"
    return f"max_allowed_packet of the destination was {before}, now {limit}"
