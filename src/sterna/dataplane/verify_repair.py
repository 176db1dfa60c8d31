"""Makes rows of the destination like the origin's, while both are at work.

A row that is being followed must not simply be overwritten: what the stream still brings would be
applied to a row that has it already. So the rows are locked on the origin first, in a shared lock
that also keeps missing rows from appearing. Whatever was committed to them is then in the log
before the position read next; once the destination has applied up to there, nothing in the stream
is left for these rows, and nothing new can come. They are deleted and copied in one transaction,
which also checks the fencing epoch and leaves a mark in the database `sterna`, so that it is not
taken for a rogue writer's. Then the rows on the origin are released. Nothing is locked while the
destination is further behind than writers may be kept waiting.

Statements fire triggers, row events do not, and there is no way around it: a table with triggers
is left as it is, and this is said. So is what cannot be addressed row by row.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from threading import Event

from sterna.dataplane.checkpoint import fenced
from sterna.dataplane.chunks import RowMover, plan_rows
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.schema import open_destination_session, open_origin_session
from sterna.dataplane.snapshot import close_sessions
from sterna.dataplane.verify_compare import Comparer, Sides, read_position
from sterna.dataplane.verify_layout import Pair
from sterna.dataplane.verify_scope import (
    SINGLE_KEYS_MAX,
    Identity,
    Keys,
    Layout,
    delete_sql,
    rows_of,
    select_sql,
)
from sterna.dataplane.verify_suspects import Outcome
from sterna.errors import Stopped, Transient
from sterna.mysql.catalog import Table, read_columns, read_tables, read_triggers
from sterna.mysql.connection import ServerError, Session, execute, query, scalar

VALUES_AT_ONCE = 1_000  # in a condition; of many more no server looks each up in the key
ROWS_LOCKED_MAX = 20_000  # that come along where only the beginning of a key can be asked for
LOCK_SECONDS_MAX = 5.0  # how long writers of just these rows may be kept waiting
POLL_SECONDS = 0.002
ATTEMPTS = 5
FENCED = "Fenced"

_CREATE_MARKS = (
    "CREATE TABLE IF NOT EXISTS sterna.repairs ("
    " number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, task VARCHAR(64) NOT NULL,"
    " database_name VARCHAR(64) NOT NULL, table_name VARCHAR(64) NOT NULL,"
    " rows_repaired BIGINT UNSIGNED NOT NULL,"
    " at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
)


class Repairer:
    """Repairs rows in the name of one start of a sync task.

    Args:
        checkpoint: name of the task's checkpoint row.
        epoch: only while it is the newest anything is changed.
    """

    def __init__(
        self, sides: Sides, *, checkpoint: str, epoch: int, report: ReportTo, stop: Event
    ) -> None:
        self._sides = sides
        self._checkpoint = checkpoint
        self._epoch = epoch
        self._report = report
        self._stop = stop

    def repair(self, comparer: Comparer, pair: Pair, outcome: Outcome) -> None:
        """Repair all rows that differ, and take those that are equal then out of `outcome`."""
        reason = self._obstacle(pair)
        if reason:
            self._say(f"{pair.origin.name} was not repaired: {reason}")
            return
        for rows in _batched(outcome.differing, max(VALUES_AT_ONCE // len(pair.origin.walk), 1)):
            self._repair_or_say(pair, rows)
        for rows in _batched(outcome.differing, SINGLE_KEYS_MAX):
            still = comparer.compare_again(pair, rows)
            for row in rows:
                if row in still:
                    outcome.differing[row] = still[row]
                else:
                    del outcome.differing[row]

    def _repair_or_say(self, pair: Pair, rows: Sequence[Identity]) -> None:
        """What hinders the repair of some rows does not keep the pass from its end."""
        try:
            self._repair_rows(pair, rows)
        except (ServerError, Transient, Stopped) as error:
            if error.code == FENCED:
                raise
            self._say(
                f"{len(rows)} rows of {pair.origin.name} were not repaired, nothing of them was"
                f" changed: {error.message} Remove the cause, then verify with repair again."
            )

    def _say(self, sentence: str) -> None:
        self._report(LogReport("WARN", sentence))

    def _obstacle(self, pair: Pair) -> str:
        """Why this table cannot be repaired row by row, and what to do about it; or ""."""
        layout = pair.origin
        if not layout.walk:
            return (
                "it has no unique key by which single rows can be addressed. Give it a primary key"
                " on the side that has the writes, or start the migration again from a new copy."
            )
        with contextlib.closing(open_destination_session(self._sides.destination)) as session:
            triggers = read_triggers(session, layout.database)
        if any(trigger.table == layout.table for trigger in triggers):
            return (
                "it has triggers on the side that follows, which a repair would fire. Drop them"
                " there, verify with repair, and create them again."
            )
        engines = {table.engine.upper() for table in self._tables(layout)}
        if engines != {"INNODB"}:
            return "rows can only be locked in InnoDB tables. Copy its rows by hand."
        return ""

    def _tables(self, layout: Layout) -> Iterator[Table]:
        for server in (self._sides.origin, self._sides.destination):
            with contextlib.closing(open_origin_session(server)) as session:
                tables = read_tables(session, layout.database)
            yield from (table for table in tables if table.name == layout.table)

    def _repair_rows(self, pair: Pair, rows: Sequence[Identity]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._repair_once(pair, rows)
                return
            except Transient:
                if attempt == ATTEMPTS - 1 or self._stop.wait(attempt + 1.0):
                    raise

    def _repair_once(self, pair: Pair, rows: Sequence[Identity]) -> None:
        width = len(pair.origin.walk)
        scope = Keys(frozenset(row[:width] for row in rows))
        origin = open_origin_session(self._sides.origin, lock_wait_seconds=int(LOCK_SECONDS_MAX))
        destination = open_destination_session(self._sides.destination, local_infile=True)
        try:
            execute(origin, "SET character_set_results = NULL")
            _require_few(origin, pair, scope)
            self._wait_until_applied(origin)  # nobody waits for a destination that is behind
            execute(origin, "BEGIN")
            query(origin, f"{select_sql(pair.origin, ['1'], scope)} LOCK IN SHARE MODE")
            self._wait_until_applied(origin)
            self._write(pair, scope, origin, destination)
        finally:
            # Cut, whatever they are at: what was not committed is rolled back.
            close_sessions((destination, origin))

    def _wait_until_applied(self, origin: Session) -> None:
        """All that was committed until now, to locked rows for good, is on the destination."""
        wanted = read_position(origin)
        deadline = time.monotonic() + LOCK_SECONDS_MAX
        while self._sides.applied() < wanted:
            if self._stop.wait(POLL_SECONDS) or time.monotonic() > deadline:
                raise Transient(
                    f"The destination had not applied {wanted} within {LOCK_SECONDS_MAX:.0f} s.",
                    code="RepairWaits",
                )

    def _write(self, pair: Pair, scope: Keys, origin: Session, destination: Session) -> None:
        layout = pair.destination
        execute(destination, "SET SESSION sql_log_bin = 1, unique_checks = 1")
        execute(destination, _CREATE_MARKS)
        destination.autocommit(False)
        execute(destination, delete_sql(layout, scope))
        moved = self._move(pair, scope, origin, destination)
        execute(
            destination,
            "INSERT INTO sterna.repairs (task, database_name, table_name, rows_repaired)"
            " VALUES (%s, %s, %s, %s)",
            [self._checkpoint, layout.database, layout.table, moved],
        )
        if not self._is_newest(destination):
            raise fenced(self._checkpoint)
        execute(destination, "COMMIT")

    def _move(self, pair: Pair, scope: Keys, origin: Session, destination: Session) -> int:
        layout = pair.origin
        tables = read_tables(destination, layout.database)
        table = next(table for table in tables if table.name == layout.table)
        columns = read_columns(destination, layout.database)[layout.table]
        names = {column.name for column in layout.columns}
        plan = plan_rows(
            table,
            [column for column in columns if column.name in names],
            rows_of=rows_of(layout, scope),
        )
        mover = RowMover(plan, origin=origin, destination=destination)
        mover.move(lambda rows, octets: None)
        return mover.rows

    def _is_newest(self, destination: Session) -> bool:
        """Last of all, as windows do it: the checkpoint's row is locked until the commit."""
        sql = "SELECT COUNT(*) FROM sterna.checkpoint WHERE task = %s AND epoch = %s FOR UPDATE"
        return bool(scalar(destination, sql, [self._checkpoint, self._epoch]))


def _require_few(origin: Session, pair: Pair, scope: Keys) -> None:
    found = int(scalar(origin, select_sql(pair.origin, ["COUNT(*)"], scope)))
    if found > ROWS_LOCKED_MAX:
        walk = ", ".join(column.name for column in pair.origin.walk)
        raise Stopped(
            f"Rows can be asked for by {walk} only, and {found:,} would be locked on the side that"
            " has the writes."
        )


def _batched(rows: Iterable[Identity], size: int) -> list[list[Identity]]:
    """Lists of so many rows, made before anything is taken out."""
    found = list(rows)
    return [found[first : first + size] for first in range(0, len(found), size)]
