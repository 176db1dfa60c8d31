"""How a server feels, from one session and without writing anything on it.

What is looked at is there on every version, with the privilege PROCESS:

- *running*: statements of others that run at this moment (`information_schema.PROCESSLIST`).
  This process's own sessions, replicas and sleepers are left out.
- *statement_seconds*: how long statements take. Where the performance schema is on, the mean time
  of COMMIT; where nobody commits by hand, of INSERT, UPDATE, DELETE and REPLACE, lock waits
  included. A few say nothing: one may be a large one. Where the schema is off (MariaDB and 5.6
  often) the mean time of any statement by Little's law: statements running, divided by statements
  a second. That is a rough measure, taken only while many run, and 0 while few do.
- *history_length*: row versions the purge has not come to yet (`trx_rseg_history_len`).
- *replicas_behind*: replicas that have not been sent everything, by the state of the threads that
  serve them. What a replica has received and not yet applied cannot be known from its source.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    own_connections,
    query,
    scalar,
)

SAMPLES_MEANT = 3  # statement times are means over so many samples
STATEMENTS_MIN = 10  # fewer say nothing
RUNNING_MIN = 8  # fewer at once, the same
_BUSY = "'Query', 'Execute', 'Prepare', 'Fetch'"
_PROCESSES = (
    "SELECT ID, COMMAND, STATE FROM information_schema.PROCESSLIST"
    f" WHERE COMMAND IN ({_BUSY}) OR COMMAND LIKE 'Binlog Dump%'"
)
_WRITES = (
    "SELECT EVENT_NAME = 'statement/sql/commit', SUM(COUNT_STAR), SUM(SUM_TIMER_WAIT)"
    " FROM performance_schema.events_statements_summary_global_by_event_name"
    " WHERE EVENT_NAME IN ('statement/sql/commit', 'statement/sql/insert', 'statement/sql/update',"
    " 'statement/sql/delete', 'statement/sql/replace') GROUP BY 1"
)
_HISTORY = "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"
_RESTING = ("User sleep", "User lock")
_PICOSECONDS = 1e12


@dataclass(frozen=True)
class Vitals:
    """One look at a server; None is what could not be measured just now."""

    running: int = 0
    statement_seconds: float | None = None
    history_length: int | None = None
    replicas_behind: int = 0


class _Counter:
    """How many there were and how long they took, as the server counts, at the last looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, float]] = deque(maxlen=SAMPLES_MEANT + 1)

    def add(self, count: int, seconds: float) -> None:
        """What the server says now."""
        self._looks.append((count, seconds))

    @property
    def moved(self) -> tuple[int, float]:
        """What was added between the first and the last of the looks."""
        if not self._looks:
            return 0, 0.0
        (first_count, first_seconds), (count, seconds) = self._looks[0], self._looks[-1]
        return count - first_count, seconds - first_seconds


class VitalsReader:
    """Reads them on one session, which is not changed but for its isolation level.

    Raises what `query` raises; without a privilege Refused (AccessDenied) or ServerError.
    """

    def __init__(self, server: Server, session: Session) -> None:
        self._server = server
        self._session = session
        # Tables of the information schema are read anew each time; nothing stays open.
        execute(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self._commits, self._writes, self._questions = (_Counter() for _ in range(3))
        self._running: deque[int] = deque(maxlen=SAMPLES_MEANT)
        self._has_schema = self._is_measuring()

    def read(self) -> Vitals:
        """One look, a few milliseconds."""
        running, replicas_behind = self._read_processes()
        self._running.append(running)
        return Vitals(
            running=running,
            statement_seconds=self._write_seconds() if self._has_schema else self._any_seconds(),
            history_length=self._read_history(),
            replicas_behind=replicas_behind,
        )

    def _is_measuring(self) -> bool:
        try:
            return int(scalar(self._session, "SELECT @@performance_schema")) == 1 and bool(
                query(self._session, _WRITES)
            )
        except ServerError:
            return False

    def _read_processes(self) -> tuple[int, int]:
        """Statements of others running, and replicas that are being sent something."""
        own = own_connections(self._server)
        found = [
            (str(command), str(state or ""))
            for number, command, state in query(self._session, _PROCESSES)
            if int(number) not in own
        ]
        sending = [state for command, state in found if command.startswith("Binlog Dump")]
        running = len(found) - len(sending) - sum(state in _RESTING for _, state in found)
        return running, sum("has sent all" not in state for state in sending)

    def _write_seconds(self) -> float | None:
        for is_commit, count, picoseconds in query(self._session, _WRITES):
            counter = self._commits if int(is_commit) else self._writes
            counter.add(int(count), int(picoseconds) / _PICOSECONDS)
        for counter in (self._commits, self._writes):
            count, seconds = counter.moved
            if count >= STATEMENTS_MIN:
                return seconds / count
        return None

    def _any_seconds(self) -> float | None:
        rows = query(self._session, "SHOW GLOBAL STATUS LIKE 'Questions'")
        self._questions.add(int(rows[0][1]), time.monotonic())
        count, seconds = self._questions.moved
        running = sum(self._running) / len(self._running)
        if not count:
            return None
        return running * seconds / count if running >= RUNNING_MIN else 0.0

    def _read_history(self) -> int | None:
        length = scalar(self._session, _HISTORY)
        return None if length is None else int(length)
