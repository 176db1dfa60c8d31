"""Rows of one table on their way: one SELECT on the origin, LOAD DATA chunks on the destination.

Bytes are taken from the origin's socket, transcoded natively and written to the destination's;
no row becomes a Python value. Each chunk is one LOAD DATA LOCAL and one commit, and its answer is
compared with the rows that were sent: LOAD DATA LOCAL would skip duplicates without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymysql.constants import COMMAND
from pymysql.err import raise_mysql_exception
from pymysql.protocol import OKPacketWrapper

from sterna.dataplane._native.transcode import Transcoder
from sterna.dataplane.trouble import naming_refused_rows
from sterna.errors import Stopped, Transient
from sterna.mysql.catalog import Column, Table
from sterna.mysql.connection import Session, query, translated_errors
from sterna.mysql.identifiers import quote

CHUNK_ROWS = 400_000  # at its end the destination commits, and we wait
CHUNK_BYTES = 256 << 20
RECEIVE_BYTES = 256 * 1024
_TRUNCATED = 1265
_TRUNCATED_IN_INDEX = 3751  # for what a functional index keeps; the row itself is whole
_ANSWER = re.compile(r"Records: (\d+)\s+Deleted: (\d+)\s+Skipped: (\d+)\s+Warnings: (\d+)")
_ALL_ROWS = 1 << 62
_INTERRUPTED = 1317
_FIRST_DATA_PACKET = 2  # behind the statement (0) and the server's request for the file (1)


@dataclass(frozen=True)
class RowPlan:
    """The two statements that move a table's rows.

    `rounding` are columns LOAD DATA may say it truncates although nothing is lost: those carried
    by their number (ENUM, SET: 0, the invalid value), and those the destination computes itself
    (generated: rounded as on the origin).
    """

    name: str
    select: str
    load: str
    columns: int
    rounding: frozenset[str]


def plan_rows(table: Table, columns: list[Column], *, rows_of: str = "") -> RowPlan:
    """How to read and load a table so that every value arrives bit by bit.

    `rows_of` is what stands behind FROM, "" for all rows.
    """
    name = quote(table.database, table.name)
    carried = [column for column in columns if not column.generated]
    rounding = frozenset(c.name for c in columns if c.generated or c.data_type in ("enum", "set"))
    targets, sets = [], []
    for number, column in enumerate(carried):
        setter = _setter(column, f"@v{number}")
        targets.append(f"@v{number}" if setter else quote(column.name))
        if setter:
            sets.append(f"{quote(column.name)} = {setter}")
    return RowPlan(
        name=name,
        select=f"SELECT {', '.join(map(_selected, carried))} FROM {rows_of or name}",
        load=(
            f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {name} CHARACTER SET binary"
            " FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'"
            f" ({', '.join(targets)})" + (" SET " + ", ".join(sets) if sets else "")
        ),
        columns=len(carried),
        rounding=rounding,
    )


def _selected(column: Column) -> str:
    """FLOAT printed as text loses bits, as DOUBLE it does not (and times one keeps -0.0)."""
    name = quote(column.name)
    if column.data_type == "float":
        return f"{name} * 1e0"
    if column.data_type in ("enum", "set"):
        return f"CAST({name} AS UNSIGNED)"
    return name


def _setter(column: Column, variable: str) -> str:
    if column.data_type in ("enum", "set"):
        return f"CAST({variable} AS UNSIGNED)"
    if column.data_type == "json":
        return f"CONVERT({variable} USING utf8mb4)"
    return ""


def _error_number(packet: bytes) -> int:
    return int.from_bytes(packet[1:3], "little")


class RowMover:
    """Moves the rows of one table from an origin session to a destination session.

    `receive_bytes` is how much is moved at once at most, up to RECEIVE_BYTES; it may be changed.
    `is_doubtful` says that the destination warned of more than it told: compare the rows then.
    When it raises, both sessions may stand in the middle of a statement: close them.
    """

    def __init__(self, plan: RowPlan, *, origin: Session, destination: Session) -> None:
        self.plan = plan
        self.rows = 0
        self.bytes = 0
        self.is_cut = self.is_doubtful = False
        self.receive_bytes = RECEIVE_BYTES
        self._origin: Any = origin  # PyMySQL's packet layer is not part of its public types
        self._destination: Any = destination
        self._transcoder = Transcoder(plan.columns)
        self._received = bytearray(RECEIVE_BYTES)
        self._packets = bytearray(3 * RECEIVE_BYTES + 64)
        self._start, self._end = 0, 0

    def move(
        self,
        after_chunk: Callable[[int, int], None],
        *,
        pay: Callable[[int, int], None] = lambda rows, octets: None,
    ) -> None:
        """Move all rows; `after_chunk(rows, bytes)` gets the totals after every commit and
        `pay(rows, bytes)` what was sent just now. Both may raise to end the copy.

        Raises:
            Stopped: the destination refused rows, or its answer is not what was sent.
            ServerError: the origin refused the statement, e.g. 1412 after DDL.
            Transient: a connection broke.
        """
        with translated_errors():
            try:
                self._begin_select()
                while not (self._transcoder.ended or self.is_cut):
                    self._move_chunk(pay)
                    after_chunk(self.rows, self.bytes)
            except OSError as error:
                raise Transient(f"A connection broke: {error}.", code="ConnectionLost") from error

    def cut(self) -> None:
        """For `pay`: end with the row that is under way. Where there are more, `move` returns with
        `is_cut`, and `drop_rest` has to be called."""
        self.is_cut = True
        self._transcoder.end_chunk()

    def drop_rest(self) -> None:
        """Read what the origin has sent since the cut, up to where it was interrupted."""
        self._transcoder.start_chunk(rows_max=_ALL_ROWS, sequence=_FIRST_DATA_PACKET)
        with translated_errors():
            while not self._transcoder.ended:
                if self._start == self._end:
                    self._receive()
                waiting = memoryview(self._received)[self._start : self._end]
                self._start += self._transcoder.transcode(waiting, self._packets)[0]
            failure = self._transcoder.failure
            if failure is not None and _error_number(failure) != _INTERRUPTED:
                raise_mysql_exception(failure)

    def _begin_select(self) -> None:
        self._origin._execute_command(COMMAND.COM_QUERY, self.plan.select)
        columns = self._origin._read_packet().read_length_encoded_integer()
        for _ in range(columns + 1):  # the columns' descriptions and the EOF behind them
            self._origin._read_packet()
        # what is buffered now comes first; after it the socket is read without the buffer
        buffered = self._origin._rfile.read1(RECEIVE_BYTES)
        self._received[: len(buffered)] = buffered
        self._end = len(buffered)

    def _move_chunk(self, pay: Callable[[int, int], None]) -> None:
        transcoder = self._transcoder
        transcoder.start_chunk(rows_max=CHUNK_ROWS, sequence=_FIRST_DATA_PACKET)
        begun, paid, before = False, 0, self.bytes
        while not transcoder.ended and not (self.is_cut and transcoder.is_full):
            if self._start == self._end:
                self._receive()
            waiting = memoryview(self._received)[self._start : self._end]
            consumed, produced = transcoder.transcode(waiting, self._packets)
            self._start += consumed
            if produced and not begun:
                self._begin_load()
                begun = True
            if produced:
                self._destination._sock.sendall(memoryview(self._packets)[:produced])
                self.bytes += produced
                pay(transcoder.rows - paid, produced)
                paid = transcoder.rows
            if self.bytes - before > CHUNK_BYTES:
                transcoder.end_chunk()
            if consumed < len(waiting):
                break
        if transcoder.failure is not None:
            raise_mysql_exception(transcoder.failure)
        if begun:
            self._end_load()
        self.rows += transcoder.rows
        self.is_cut = self.is_cut and not transcoder.ended

    def _receive(self) -> None:
        room = memoryview(self._received)[: self.receive_bytes]
        count = self._origin._rfile.raw.readinto(room)
        if not count:
            raise Transient("The origin closed the connection.", code="ConnectionLost")
        self._start, self._end = 0, count

    def _begin_load(self) -> None:
        with naming_refused_rows(self.plan.name):
            self._destination._execute_command(COMMAND.COM_QUERY, self.plan.load)
            packet = self._destination._read_packet()
        if not packet.is_load_local_packet():
            raise Stopped(f"The destination did not ask for the rows of {self.plan.name}.")

    def _end_load(self) -> None:
        sequence = self._transcoder.sequence
        self._destination._sock.sendall(bytes((0, 0, 0, sequence)))
        self._destination._next_seq_id = (sequence + 1) % 256
        with naming_refused_rows(self.plan.name):
            answer = OKPacketWrapper(self._destination._read_packet()).message.decode()
        self._require_all_loaded(answer)

    def _require_all_loaded(self, answer: str) -> None:
        sent = self._transcoder.rows
        counted = _ANSWER.search(answer)
        records, deleted, skipped, warnings = map(int, counted.groups()) if counted else (-1,) * 4
        shown = query(self._destination, "SHOW WARNINGS") if warnings else []
        harmless = all(self._is_harmless(*row) for row in shown)
        self.is_doubtful |= len(shown) < warnings
        if (records, deleted, skipped) != (sent, 0, 0) or not harmless:
            said = "; ".join(f"{number} {text}" for _, number, text in shown[:5])
            raise Stopped(
                f"{self.plan.name}: {sent} rows were sent after {self.rows}, the destination"
                f" answered {answer!r}: {said or 'no warning'}.",
                code="RowsDiffer",
                remedy="Correct the rows on the origin (or the table's definition), then go on.",
            )

    def _is_harmless(self, _level: str, number: int, text: str) -> bool:
        """About a column that rounds by itself (the verification compares its value), or an index
        over an expression that does."""
        if number == _TRUNCATED_IN_INDEX:
            return True
        named = re.match(r"Data truncated for column '(.*)' at row \d+$", text, re.DOTALL)
        return number == _TRUNCATED and named is not None and named[1] in self.plan.rounding
