"""Which side hands the writes over and which takes them, and the SQL both understand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sterna.dataplane.event_switch import EventsState
from sterna.dataplane.spec import FORWARD, REVERSE, checkpoint_name
from sterna.mysql.connection import ServerError, Session, execute, query, scalar
from sterna.mysql.variables import read_variables
from sterna.workflow.engine import Run
from sterna.workflow.tools import Side, Tools

# Threads that are not sessions of anybody: they may stay when a side stops taking writes.
NOT_SESSIONS = (
    "Binlog Dump",
    "Binlog Dump GTID",
    "Daemon",
    "Slave_IO",
    "Slave_SQL",
    "Slave_worker",
)
WHOSE_MAX = 10
SYSTEM_USERS = ("system user", "event_scheduler")


def side_of(run: Run, *, is_source: bool) -> Side:
    """The source, or else the cluster."""
    tools: Tools = run.tools
    return tools.source(run.cluster_id) if is_source else tools.cluster(run.cluster_id)


def leaving(run: Run) -> Side:
    """The side that has the writes and hands them over."""
    return side_of(run, is_source=run.operation.name == "switch_over")


def arriving(run: Run) -> Side:
    """The side that takes the writes."""
    return side_of(run, is_source=run.operation.name != "switch_over")


def task_id(run: Run) -> str:
    """The sync task of the migration."""
    return str(run.tools.journal.migration(run.cluster_id).task_id)


def checkpoint_now(run: Run) -> str:
    """Checkpoint row of the direction that feeds the arriving side."""
    direction = FORWARD if run.operation.name == "switch_over" else REVERSE
    return checkpoint_name(task_id(run), direction)


def checkpoint_next(run: Run) -> str:
    """Checkpoint row of the direction that will feed the leaving side."""
    direction = REVERSE if run.operation.name == "switch_over" else FORWARD
    return checkpoint_name(task_id(run), direction)


@contextmanager
def session(run: Run, side: Side) -> Iterator[Session]:
    """A session on a side, kept for the next step; locks are waited for only briefly."""
    with run.tools.sessions.lend(side.server) as connection:
        yield connection


def is_read_only(connection: Session) -> bool:
    """Whether the server refuses writes of ordinary accounts."""
    return bool(int(scalar(connection, "SELECT @@GLOBAL.read_only")))


def set_read_only(connection: Session, on: bool) -> None:
    """Refuse or allow writes of ordinary accounts; waits for statements under way."""
    execute(connection, f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")


def set_super_read_only(connection: Session, on: bool) -> None:
    """Refuse or allow writes even of administrators, where the server can (MySQL 5.7.8 on).

    Off leaves `read_only` as it is.
    """
    if "super_read_only" in read_variables(connection, "super_read_only"):
        execute(connection, f"SET GLOBAL super_read_only = {'ON' if on else 'OFF'}")


def foreign_sessions(connection: Session) -> list[tuple[int, str]]:
    """(id, user@host) of every session but ours and the server's own threads."""
    rows: list[tuple[Any, ...]] = query(
        connection,
        "SELECT id, user, host, command FROM information_schema.processlist"
        " WHERE id <> CONNECTION_ID()",
    )
    return [
        (int(number), f"{user}@{host}")
        for number, user, host, command in rows
        if command not in NOT_SESSIONS and user not in SYSTEM_USERS
    ]


def cut_sessions(connection: Session) -> list[tuple[int, str]]:
    """End every session but ours and the server's own; (id, user@host) of each."""
    found = foreign_sessions(connection)
    for number, _ in found:
        kill(connection, number)
    return found


def kill(connection: Session, number: int) -> None:
    """End a session. 1094: it has gone by itself."""
    try:
        execute(connection, f"KILL {number}")
    except ServerError as error:
        if error.number != 1094:
            raise


def whose(names: Iterable[str]) -> str:
    """How many sessions, and whose, most first: "3 sessions (2 app@10.0.0.1, 1 report@…)"."""
    counted = Counter(name.rpartition(":")[0] or name for name in names)
    shown = [f"{count} {name}" for name, count in counted.most_common(WHOSE_MAX)]
    rest = ["and others"] if len(counted) > WHOSE_MAX else []
    total = counted.total()
    told = f" ({', '.join([*shown, *rest])})" if shown else ""
    return f"{total} {'session' if total == 1 else 'sessions'}{told}"


def events_found(run: Run) -> EventsState:
    """Which events ran on the leaving side before the operation touched it."""
    found = run.facts["events"]
    enabled = tuple((database, name) for database, name in found["enabled"])
    return EventsState(found["scheduler"], enabled)


def endpoint_ids(run: Run) -> tuple[str, ...]:
    """Every endpoint of both sides: nobody may slip through while the writes move."""
    tools = run.tools
    migration = tools.journal.migration(run.cluster_id)
    owners = (migration.instance_id, run.cluster_id)
    endpoints: Iterable[str] = (
        endpoint.id for owner in owners for endpoint in tools.inventory.endpoints(owner)
    )
    return tuple(endpoints)


def release_endpoints(run: Run) -> int:
    """Let the waiting connections through; how many endpoints are open."""
    names = endpoint_ids(run)
    # The proxy first: its release waits for no store.
    run.tools.proxy.release(list(names))
    run.tools.inventory.set_endpoint_state(names, "Open")
    return len(names)
