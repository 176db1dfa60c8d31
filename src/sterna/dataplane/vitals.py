"""How a server feels, from one session and without writing anything on it.

What is looked at is there on every version, with the privilege PROCESS:

- *running*: statements of others that run at this moment (`information_schema.PROCESSLIST`).
  This process's own sessions, replicas and sleepers are left out.
- *statement_seconds*: how long statements take. Where the performance schema is on, the mean time
  of COMMIT, INSERT, UPDATE, DELETE and REPLACE since the sample before, lock waits included. Where
  it is off (MariaDB and 5.6 often) the mean time of any statement by Little's law: statements
  running, divided by statements a second. That is a rough measure, taken only while several run.
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
RUNNING_MIN = 4  # fewer statements at once say nothing about how long each takes
_BUSY = "'Query', 'Execute', 'Prepare', 'Fetch'"
_PROCESSES = (
    "SELECT ID, COMMAND, STATE FROM information_schema.PROCESSLIST"
    f" WHERE COMMAND IN ({_BUSY}) OR COMMAND LIKE 'Binlog Dump%'"
)
_WRITES = (
    "SELECT SUM(COUNT_STAR), SUM(SUM_TIMER_WAIT)"
    " FROM performance_schema.events_statements_summary_global_by_event_name"
    " WHERE EVENT_NAME IN ('statement/sql/commit', 'statement/sql/insert', 'statement/sql/update',"
    " 'statement/sql/delete', 'statement/sql/replace')"
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


class VitalsReader:
    """Reads them on one session, which is not changed but for its isolation level.

    Raises what `query` raises; without a privilege Refused (AccessDenied) or ServerError.
    """

    def __init__(self, server: Server, session: Session) -> None:
        self._server = server
        self._session = session
        # Tables of the information schema are read anew each time; nothing stays open.
        execute(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self._counters: deque[tuple[float, float]] = deque(maxlen=SAMPLES_MEANT + 1)
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
        count, picoseconds = query(self._session, _WRITES)[0]
        self._counters.append((float(count or 0), float(picoseconds or 0) / _PICOSECONDS))
        (first_count, first_seconds), (count, seconds) = self._counters[0], self._counters[-1]
        return (seconds - first_seconds) / (count - first_count) if count > first_count else None

    def _any_seconds(self) -> float | None:
        rows = query(self._session, "SHOW GLOBAL STATUS LIKE 'Questions'")
        self._counters.append((float(rows[0][1]), time.monotonic()))
        (first_count, first_at), (count, at) = self._counters[0], self._counters[-1]
        running = sum(self._running) / len(self._running)
        if running < RUNNING_MIN or count <= first_count:
            return None
        return running * (at - first_at) / (count - first_count)

    def _read_history(self) -> int | None:
        length = scalar(self._session, _HISTORY)
        return None if length is None else int(length)
