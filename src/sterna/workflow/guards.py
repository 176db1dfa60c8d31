"""What must be true before the writes may move; looked up now, reported all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from sterna.errors import Refused, SternaError
from sterna.migration.policy import TRANSACTION_SECONDS_MAX, Snapshot, decide
from sterna.migration.status import Action, Status
from sterna.mysql.connection import Session, open_session, query, scalar
from sterna.workflow.tools import Side, Tools

BUSY_OF = {Action.SWITCH_OVER: Status.SYNCING, Action.ROLL_BACK: Status.REVERSED}
LAG_WAIT_SECONDS = 3.0
LAG_POLL_SECONDS = 0.1


def snapshot_of(tools: Tools, cluster_id: str) -> Snapshot:
    """What the store knows of a migration now."""
    migration = tools.journal.migration(cluster_id)
    task = tools.tasks.task(migration.task_id)
    clean = None if task.verified_at is None else task.differences == 0
    return Snapshot(
        cluster_id=cluster_id,
        status=Status(migration.status),
        operation=migration.operation,
        lag_seconds=task.lag_seconds,
        stalled_because=task.stalled_because,
        task_status=task.status,
        verified_clean=clean,
        rogue=task.rogue,
    )


def current_refusals(
    tools: Tools, cluster_id: str, operation: str, *, under_way: bool = False
) -> tuple[Refused, ...]:
    """Every reason why the operation must not be done now.

    With `under_way` the operation has begun and its own status does not count.
    """
    action = Action(operation)
    refusals = _stored_refusals(tools, cluster_id, action, under_way)
    if action not in BUSY_OF or any(r.code == "StatusNotSupported" for r in refusals):
        return refusals
    source, cluster = tools.source(cluster_id), tools.cluster(cluster_id)
    to_cluster = action is Action.SWITCH_OVER
    leaving, arriving = (source, cluster) if to_cluster else (cluster, source)
    return (*refusals, *_live_refusals(tools, leaving, arriving))


def _stored_refusals(
    tools: Tools, cluster_id: str, action: Action, under_way: bool
) -> tuple[Refused, ...]:
    """What the store has against it. A latency that is only just not known is waited for."""
    deadline = time.monotonic() + LAG_WAIT_SECONDS
    while True:
        snapshot = snapshot_of(tools, cluster_id)
        if under_way:
            snapshot = replace(snapshot, operation="", status=BUSY_OF[action])
        refusals = decide(action, snapshot)
        if [refusal.code for refusal in refusals] != ["LagUnknown"] or time.monotonic() > deadline:
            return refusals
        time.sleep(LAG_POLL_SECONDS)


def _live_refusals(tools: Tools, leaving: Side, arriving: Side) -> Iterator[Refused]:
    if not tools.proxy.is_running():
        yield Refused(
            "The proxy that serves the endpoints does not run.",
            code="ProxyDown",
            remedy="Look at its log in STERNA_HOME/proxy; Sterna starts it again by itself.",
        )
    yield from _ask(leaving, _leaving_refusals)
    yield from _ask(arriving, _arriving_refusals)


def _ask(side: Side, ask: Callable[[Session, Side], Iterator[Refused]]) -> Iterator[Refused]:
    try:
        connection = open_session(side.server)
    except SternaError as error:
        yield Refused(
            f"The {side.word} cannot be asked: {error.message}",
            code="SideDown",
            remedy=error.remedy or "Bring it back first.",
        )
        return
    try:
        yield from ask(connection, side)
    finally:
        connection.close()


def _leaving_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    if int(scalar(connection, "SELECT @@GLOBAL.read_only")):
        yield Refused(
            f"The {side.word} is read-only, although the writes are said to be there.",
            code="ReadOnly",
            remedy="Find out who made it so; open it with SET GLOBAL read_only = OFF.",
        )
    for number, seconds, user in _long_transactions(connection):
        yield Refused(
            f"A transaction of {user} (session {number}) on the {side.word} has been open for "
            f"{seconds} s; the switch would cut it.",
            code="LongTransaction",
            remedy=f"Let it end, or end it: KILL {number};",
        )
    yield from _prepared(connection, side)


def _arriving_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    if not int(scalar(connection, "SELECT @@GLOBAL.read_only")):
        yield Refused(
            f"The {side.word} is open for writing, although it only follows.",
            code="RogueWriter",
            remedy="Close it with SET GLOBAL read_only = ON, verify the data, then try again.",
        )
    yield from _prepared(connection, side)


def _long_transactions(connection: Session) -> list[tuple[int, int, str]]:
    """(session, seconds, user) of the transactions that changed rows and are old."""
    rows = query(
        connection,
        "SELECT t.trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.user"
        " FROM information_schema.innodb_trx t"
        " JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id"
        " WHERE t.trx_rows_modified > 0 AND t.trx_started < NOW() - INTERVAL %s SECOND",
        [int(TRANSACTION_SECONDS_MAX)],
    )
    return [(int(number), int(seconds), str(user)) for number, seconds, user in rows]


def _prepared(connection: Session, side: Side) -> Iterator[Refused]:
    if found := len(query(connection, "XA RECOVER")):
        yield Refused(
            f"There are {found} prepared XA transactions on the {side.word}.",
            code="PreparedTransactions",
            remedy="Commit or roll them back: XA RECOVER; XA COMMIT …;",
        )
