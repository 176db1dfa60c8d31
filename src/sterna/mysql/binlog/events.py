"""What an event says, as values. Row images are never decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FLAG_ARTIFICIAL = 0x20  # made up by the dump thread, not part of any file

STATEMENT_END = 0x0001  # rows flag: the last event of its statement
NO_FOREIGN_KEY_CHECKS = 0x0002
RELAXED_UNIQUE_CHECKS = 0x0004
COMPLETE_ROWS = 0x0008
SQL_FOREIGN_KEYS = 0x0010  # MySQL 9.7: what foreign keys changed is in the log itself
MARIADB_NO_CHECK_CONSTRAINTS = 0x0080


class Header(NamedTuple):
    """The 19 bytes every event begins with. `end_offset` is 0 for artificial events."""

    timestamp: int
    type: int
    server_id: int
    size_bytes: int
    end_offset: int
    flags: int

    @property
    def is_artificial(self) -> bool:
        """Made up by the sending server: it stands in no file and moves no position."""
        return self.end_offset == 0 or bool(self.flags & FLAG_ARTIFICIAL)


@dataclass(frozen=True)
class Format:
    """How the events of one file are written, from its format description event."""

    server_version: str
    has_checksum: bool
    post_header_lengths: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def is_mariadb(self) -> bool:
        """Written by MariaDB."""
        return "mariadb" in self.server_version.lower()


class FormatDescription(NamedTuple):
    """FORMAT_DESCRIPTION: first event of a file."""

    header: Header
    format: Format


class Rotate(NamedTuple):
    """ROTATE: the log goes on in another file."""

    header: Header
    file: str
    offset: int


@dataclass(frozen=True)
class Context:
    """The session a QUERY event ran in. None where the event does not say."""

    flags2: int | None = None
    sql_mode: int | None = None
    catalog: str | None = None
    auto_increment: tuple[int, int] | None = None  # (increment, offset)
    charset: tuple[int, int, int] | None = None  # client, connection, server: collation numbers
    time_zone: str | None = None
    lc_time_names: int | None = None
    database_collation: int | None = None
    invoker: tuple[str, str] | None = None
    updated_databases: tuple[str, ...] | None = None
    microseconds: int = 0
    explicit_defaults_for_timestamp: bool | None = None
    default_collation_for_utf8mb4: int | None = None
    sql_require_primary_key: bool | None = None
    default_table_encryption: bool | None = None
    mariadb_alter_flags: int = 0
    # MariaDB: character sets, by their built-in collations, whose default is another one
    default_collations: Mapping[int, int] = field(default_factory=dict)


class Query(NamedTuple):
    """QUERY: a statement in its own bytes (character set: `context.charset[0]`), without a SET
    STATEMENT … FOR of MariaDB's that says nothing more than `context`."""

    header: Header
    database: str
    sql: bytes
    error_code: int
    context: Context

    @property
    def sql_mode(self) -> int:
        """The bits of the sql_mode under which `sql` has to be read."""
        return self.context.sql_mode or 0


class TableMap(NamedTuple):
    """TABLE_MAP: binds a number to a table for the row events of one statement."""

    header: Header
    table_id: int
    database: str
    table: str
    column_types: bytes


class Rows(NamedTuple):
    """A rows event, v1 or v2 (`header.type` says which), its images not decoded."""

    header: Header
    table_id: int
    flags: int
    column_count: int
    is_full_image: bool

    @property
    def ends_statement(self) -> bool:
        """The last row event of its statement."""
        return bool(self.flags & STATEMENT_END)


class Xid(NamedTuple):
    """XID: the transaction committed."""

    header: Header


class Gtid(NamedTuple):
    """GTID, ANONYMOUS_GTID, GTID_TAGGED: a transaction or a single statement begins."""

    header: Header


class MariadbGtid(NamedTuple):
    """MariaDB's GTID. Not standalone: it opens a transaction, as BEGIN does elsewhere."""

    header: Header
    is_standalone: bool
    is_prepared_xa: bool


class XaPrepare(NamedTuple):
    """XA_PREPARE: an XA transaction ends its rows; in one phase it is committed with that."""

    header: Header
    xid: str
    is_one_phase: bool


class Heartbeat(NamedTuple):
    """HEARTBEAT v1 or v2: nothing happened; the log ends at `file`, `offset`."""

    header: Header
    file: str
    offset: int


class TransactionPayload(NamedTuple):
    """TRANSACTION_PAYLOAD: a whole transaction, packed; see `compressed.unpack_payload`."""

    header: Header
    is_compressed: bool
    unpacked_bytes: int
    payload: bytes


class Marker(NamedTuple):
    """An event that says nothing about data (PREVIOUS_GTIDS, ROWS_QUERY, STOP, …)."""

    header: Header


Event = (
    FormatDescription
    | Rotate
    | Query
    | TableMap
    | Rows
    | Xid
    | Gtid
    | MariadbGtid
    | XaPrepare
    | Heartbeat
    | TransactionPayload
    | Marker
)
