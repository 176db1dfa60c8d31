"""Many transactions as few bulk row events: what changed per key, from first to last.

For each table and primary key the first image before and the last image after are all that is
applied: deletes, then updates, then inserts, in key order. Rows whose other unique keys change
are deleted and inserted. That order meets no conflict: behind the deletes every row that is left
has the unique keys it has at the end. (Keys are told apart by their bytes, also where a collation
holds 'a' and 'A' for the same: two spellings of a key are a delete and an insert.)

Tables without a primary key, with foreign keys on either end, or that are not known in every
column stay as they are, statement by statement; nothing else can see in which order they and
the others were changed. Transactions that are out of the ordinary are left to the assembler.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sterna.dataplane._native.regroup import Gatherer, Irregular, Table
from sterna.dataplane.apart import Apart
from sterna.dataplane.ddl import SYSTEM_DATABASES
from sterna.dataplane.key_facts import KeyReader
from sterna.dataplane.packed import packed_transaction
from sterna.dataplane.row_split import StartLookup
from sterna.dataplane.spool_reader import SpoolReader
from sterna.dataplane.transactions import ROWS_FLAGS, RowPiece
from sterna.mysql.binlog.columns import mapped_columns
from sterna.mysql.binlog.errors import BadEvent
from sterna.mysql.binlog.events import (
    COMPLETE_ROWS,
    MARIADB_NO_CHECK_CONSTRAINTS,
    STATEMENT_END,
    Format,
    TableMap,
)
from sterna.mysql.binlog.parse import HEADER_BYTES, parse
from sterna.mysql.binlog.rewrite import (
    body_of,
    convert,
    end_statement,
    seal,
    without_cascades,
)
from sterna.mysql.binlog.types import COLUMN_TYPES, ROWS_V1, ROWS_V2
from sterna.mysql.catalog import TableName
from sterna.mysql.connection import Server
from sterna.mysql.position import Position

__all__ = ["Irregular", "Regrouper"]

BODY_BYTES = 500_000
GATHERED_ROW_EVENTS_MAX = 100_000
GATHERED_BYTES_MAX = 16 << 20
TRANSACTION_BYTES_MAX = 4 << 20  # larger ones are bulk already
_MAP_BODY_AT = HEADER_BYTES + 8
_WRITE, _UPDATE, _DELETE = range(3)

_Drained = tuple[Table, list[bytes], list[bytes], bytes, list[bytes]]


class _Mapped(NamedTuple):
    name: TableName
    event: bytes
    column_count: int


class Regrouper:
    """Gathers transactions from a reader, and gives them back as pieces."""

    def __init__(
        self,
        destination: Server,
        relay_format: Format | None,
        starts: StartLookup,
        *,
        apart: Apart,
    ) -> None:
        self._apart = apart
        self._keys = KeyReader(destination)
        self._relay_format = relay_format
        self._starts = starts
        self._next_start: Position | None = None
        self._inside: Position | None = None
        self._gatherer = Gatherer(rows_flags=ROWS_FLAGS & ~MARIADB_NO_CHECK_CONSTRAINTS)
        self._known: dict[TableName, Table] = {}
        self._format: Format | None = None
        self._is_stale = False
        self.is_starved = False  # the next transaction is not here as a whole yet

    def close(self) -> None:
        """End the session on the destination."""
        self._keys.close()

    def forget(self) -> None:
        """Definitions may have changed; everything gathered must have been drained."""
        self._keys.forget()
        self._gatherer.forget()
        self._known.clear()
        self._is_stale = False

    @property
    def is_full(self) -> bool:
        """Whether the window should be committed."""
        gatherer = self._gatherer
        return (
            gatherer.row_events >= GATHERED_ROW_EVENTS_MAX
            or gatherer.size_bytes >= GATHERED_BYTES_MAX
        )

    @property
    def transactions(self) -> int:
        """Gathered and not drained."""
        return self._gatherer.transactions

    @property
    def row_events(self) -> int:
        """Row events in these transactions."""
        return self._gatherer.row_events

    @property
    def commit_timestamp(self) -> int:
        """When the last of them committed, by the origin's clock."""
        return self._gatherer.commit_timestamp

    def gather(self, reader: SpoolReader) -> bool:
        """Take the reader's next transaction; False where it has to be read event by event."""
        is_taken = self._take(reader)
        if not is_taken and not self._gatherer.transactions:
            self._gatherer.drain(BODY_BYTES)  # else it keeps what it looked at in vain, for ever
        return is_taken

    def _take(self, reader: SpoolReader) -> bool:
        self._format = reader.log_format
        has_checksum = self._format.has_checksum
        self.is_starved = False
        self._pass_starts(reader.position)
        while True:
            buffer, at = reader.buffered()
            behind = self._gatherer.take(buffer, at, has_checksum=has_checksum)
            if behind > at:
                reader.skip_to(behind, self._gatherer.end_offset)
                return True
            if self._gatherer.unknown_map is not None:
                if not self._learn(self._gatherer.unknown_map, self._format):
                    return False
            elif not self._gatherer.needs_more or len(buffer) - at > TRANSACTION_BYTES_MAX:
                return self._gather_packed(reader)
            elif not reader.load():
                self.is_starved = True
                return False

    def _gather_packed(self, reader: SpoolReader) -> bool:
        """Take the next transaction where it is packed into one event, and ordinary inside."""
        assert self._format is not None
        has_checksum = self._format.has_checksum
        packed = packed_transaction(
            *reader.buffered(), self._format, bytes_max=TRANSACTION_BYTES_MAX
        )
        if packed is None:
            return False
        while self._gatherer.take(packed.records, 0, has_checksum=has_checksum) == 0:
            unknown_map = self._gatherer.unknown_map
            if unknown_map is None or not self._learn(unknown_map, self._format):
                return False
        reader.skip_to(packed.behind, self._gatherer.end_offset)
        return True

    def _pass_starts(self, position: Position) -> None:
        """What counts of the transaction that begins at `position`, and of those behind it."""
        if self._inside and (self._next_start is None or position < self._next_start):
            return
        self._inside = position.in_same_file(position.offset_bytes + 1)
        self._next_start = self._starts.next_after(position)
        for name, table in self._known.items():
            table.counting = self._starts.behind(name, self._inside)

    def _learn(self, event: bytes, log_format: Format) -> bool:
        """What to do with the table of this map; False where that is not decided here."""
        table_map = parse(event, log_format)
        assert isinstance(table_map, TableMap)
        name = (table_map.database, table_map.table)
        unknown_types = table_map.column_types.translate(None, COLUMN_TYPES)
        if unknown_types or name[0] in SYSTEM_DATABASES or name in self._apart.tables:
            return False
        if name in self._known:  # as another layout: first what was gathered under the old one
            self._is_stale = True
            return False
        body = body_of(event, log_format)[_MAP_BODY_AT:]
        mapped = _Mapped(name, self._rewritten(event, log_format), len(table_map.column_types))
        table = self._table(mapped, body)
        assert self._inside is not None
        table.counting = self._starts.behind(name, self._inside)
        self._gatherer.learn(body, table)
        self._known[name] = table
        return True

    def _table(self, mapped: _Mapped, map_body: bytes) -> Table:
        try:
            columns = mapped_columns(map_body)
        except BadEvent:
            return Table(mapped)
        facts = self._keys.read(mapped.name, columns)
        if facts is None:
            return Table(mapped)
        copied = self._starts.find(mapped.name)
        return Table(
            mapped,
            columns.layouts,
            facts.key,
            facts.unique,
            keeps_largest=facts.counts,
            ranges=copied.ranges_of(columns) if copied else None,
        )

    def statements(self) -> Iterator[RowPiece]:
        """The statements on tables that are not regrouped, in the order of the origin."""
        for maps, rows in self._gatherer.take_statements():
            assert self._format is not None
            raw = (*maps, *(event for _, event in rows))
            events = [self._rewritten(event, self._format) for event in raw]
            events[-1] = end_statement(events[-1], self._relay_format or self._format)
            names = {table.tag.name for table, _ in rows}
            yield RowPiece(events, sum(map(len, events)), len(rows), tuple(names))

    def drain(self) -> Iterator[RowPiece]:
        """What was gathered, table by table; it is forgotten."""
        for drained in self._gatherer.drain(BODY_BYTES):
            yield from self._pieces(drained)
        if self._is_stale:
            self.forget()

    def _pieces(self, drained: _Drained) -> Iterator[RowPiece]:
        table, deletes, updates, largest, inserts = drained
        came_and_went = [(_WRITE, largest), (_DELETE, largest)] if largest else []
        bodies = (
            *((_DELETE, body) for body in deletes),
            *((_UPDATE, body) for body in updates),
            *came_and_went,
            *((_WRITE, body) for body in inserts),
        )
        for kind, images in bodies:
            event = self._rows_event(table, kind, images)
            mapped: _Mapped = table.tag
            size_bytes = len(mapped.event) + len(event)
            yield RowPiece([mapped.event, event], size_bytes, 0, (mapped.name,))

    def _rows_event(self, table: Table, kind: int, images: bytes) -> bytes:
        """A rows event as the origin would have written it, with these images."""
        assert self._format is not None
        mapped: _Mapped = table.tag
        is_v1 = table.header[4] in ROWS_V1
        bitmap = _all_columns(mapped.column_count) * (2 if kind == _UPDATE else 1)
        flags = STATEMENT_END | table.rows_flags & COMPLETE_ROWS
        parts = (
            table.header[:4],
            bytes([(ROWS_V1 if is_v1 else ROWS_V2)[kind]]),
            table.header[5:17],
            b"\0\0",
            mapped.event[HEADER_BYTES : HEADER_BYTES + 6],
            flags.to_bytes(2, "little"),
            b"" if is_v1 else b"\x02\x00",
            _packed(mapped.column_count),
            bitmap,
            images,
        )
        return self._rewritten(seal(b"".join(parts), self._format), self._format)

    def _rewritten(self, event: bytes, log_format: Format) -> bytes:
        if self._relay_format is None:
            return without_cascades(event, log_format)
        return convert(event, log_format, to=self._relay_format)


def _all_columns(count: int) -> bytes:
    return ((1 << count) - 1).to_bytes((count + 7) // 8, "little")


def _packed(count: int) -> bytes:
    return bytes([count]) if count < 251 else b"\xfc" + count.to_bytes(2, "little")
