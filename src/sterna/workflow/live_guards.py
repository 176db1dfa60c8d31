"""What servers, proxy and disk have against moving the writes; asks, changes nothing."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sterna.dataplane import checkpoint
from sterna.errors import Refused, SternaError, Transient
from sterna.migration.policy import TRANSACTION_SECONDS_MAX
from sterna.mysql.connection import Session, open_session, query, scalar
from sterna.mysql.variables import read_variables
from sterna.workflow.sessions import LOOK_SECONDS_MAX
from sterna.workflow.tools import Side, Tools

FREE_BYTES_MIN = 512 << 20
STALE_SECONDS = 0.15  # InnoDB lists its transactions as of a moment ago, if asked again so soon
DDL = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)*"
    r"(?:ALTER|CREATE|DROP|RENAME|TRUNCATE|OPTIMIZE|REPAIR)\s+(?!TEMPORARY\b)",
    re.IGNORECASE | re.DOTALL,
)
# What the way back is read from: the whole of every change, as rows.
COMPLETE_LOG = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL"}


@dataclass(frozen=True)
class OldTransaction:
    """A transaction that changed rows and has been open for longer than a switch waits."""

    session: int
    seconds: int
    user: str


def live_refusals(
    tools: Tools, cluster_id: str, leaving: Side, arriving: Side
) -> Iterator[Refused]:
    """Every reason that has to be looked up now."""
    yield from _proxy_refusals(tools)
    yield from _disk_refusals(tools)
    if arriving.word == "cluster":
        yield from _node_refusals(tools, cluster_id)
    yield from _ask(leaving, _leaving_refusals)
    yield from _ask(arriving, _arriving_refusals)


# InnoDB tells times in the zone of the machine, whatever the session's zone is.
_NOW = "CONVERT_TZ(NOW(), '+00:00', 'SYSTEM')"


def long_transactions(connection: Session) -> list[OldTransaction]:
    """The transactions that changed rows and are old; the switch would cut them."""
    time.sleep(STALE_SECONDS)
    rows = query(
        connection,
        f"SELECT t.trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, t.trx_started, {_NOW}), p.user"
        " FROM information_schema.innodb_trx t"
        " JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id"
        f" WHERE t.trx_rows_modified > 0 AND t.trx_started < {_NOW} - INTERVAL %s SECOND",
        [int(TRANSACTION_SECONDS_MAX)],
    )
    return [OldTransaction(int(number), int(seconds), str(user)) for number, seconds, user in rows]


def running_ddl(connection: Session) -> list[tuple[int, int, str]]:
    """(session, seconds, the statement's beginning) of DDL that is being run."""
    rows = query(
        connection,
        "SELECT id, time, LEFT(info, 500) FROM information_schema.processlist"
        " WHERE command IN ('Query', 'Execute') AND info IS NOT NULL AND id <> CONNECTION_ID()",
    )
    return [
        (int(number), int(seconds), " ".join(str(text).split())[:60])
        for number, seconds, text in rows
        if DDL.match(str(text))
    ]


def _proxy_refusals(tools: Tools) -> Iterator[Refused]:
    if not tools.proxy.is_running():
        yield Refused(
            "The proxy that serves the endpoints does not run.",
            code="ProxyDown",
            remedy="Look at its log in STERNA_HOME/proxy; Sterna starts it again by itself.",
        )


def _disk_refusals(tools: Tools) -> Iterator[Refused]:
    free_bytes = shutil.disk_usage(tools.settings.home).free
    if free_bytes < FREE_BYTES_MIN:
        yield Refused(
            f"Only {free_bytes >> 20} MiB are free where Sterna keeps the changes on their way "
            f"({tools.settings.home}).",
            code="DiskFull",
            remedy=f"Make room: at least {FREE_BYTES_MIN >> 20} MiB must be free.",
        )


def _node_refusals(tools: Tools, cluster_id: str) -> Iterator[Refused]:
    """Applications are not moved to a cluster that is not whole."""
    for node in tools.inventory.nodes(cluster_id):
        try:
            runs, why = tools.provisioner.is_running(tools.node_spec(cluster_id, node)), ""
        except Transient as error:
            runs, why = False, f" as far as can be seen: {error.message}"
        if not runs:
            yield Refused(
                f"The node {node.id} of {cluster_id} does not run{why}.",
                code="NodeDown",
                remedy="Sterna starts it again by itself; see its error.log if it does not stay.",
            )


def _ask(side: Side, ask: Callable[[Session, Side], Iterator[Refused]]) -> Iterator[Refused]:
    try:
        connection = open_session(side.server, read_timeout_seconds=LOOK_SECONDS_MAX)
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
    for number, seconds, text in running_ddl(connection):
        yield Refused(
            f"DDL is running on the {side.word} for {seconds} s (session {number}): {text}.",
            code="DdlRunning",
            remedy=f"Let it end, or end it: KILL {number};",
        )
    for old in long_transactions(connection):
        yield Refused(
            f"A transaction of {old.user} (session {old.session}) on the {side.word} has been "
            f"open for {old.seconds} s; the switch would cut it.",
            code="LongTransaction",
            remedy="Let it end (--wait-for-transactions SECONDS waits), or end it: "
            f"--end-transactions, or KILL {old.session};",
        )
    yield from prepared_refusals(connection, side)
    yield from _relay_refusals(connection, side)


def _arriving_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    if not int(scalar(connection, "SELECT @@GLOBAL.read_only")):
        yield Refused(
            f"The {side.word} is open for writing, although it only follows.",
            code="RogueWriter",
            remedy="Close it with SET GLOBAL read_only = ON, verify the data, then try again.",
        )
    yield from prepared_refusals(connection, side)
    if side.word == "cluster":
        yield from _log_refusals(connection, side)


def prepared_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    """Prepared XA transactions: each would end, or not, on a side without the writes."""
    if found := len(query(connection, "XA RECOVER")):
        yield Refused(
            f"There are {found} prepared XA transactions on the {side.word}.",
            code="PreparedTransactions",
            remedy="Commit or roll them back: XA RECOVER; XA COMMIT …;",
        )


def _relay_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    """The side that will follow must let us relay changes into it."""
    try:
        checkpoint.prove_may_relay(connection)
    except Refused as error:
        error.message = f"The {side.word} could not follow. {error.message}"
        yield error


def _log_refusals(connection: Session, side: Side) -> Iterator[Refused]:
    """A way back is read from the arriving side's log, which must hold every change in full."""
    found = read_variables(connection, *COMPLETE_LOG)
    wrong = [f"{name} is {value}" for name, value in found.items() if value != COMPLETE_LOG[name]]
    if wrong:
        wanted = ", ".join(f"{name} = {COMPLETE_LOG[name]}" for name in found)
        yield Refused(
            f"There would be no way back: on the {side.word} {', '.join(wrong)}.",
            code="WayBackImpossible",
            remedy=f"Set on the {side.word}: {wanted}.",
        )
