"""Read-only nodes: cloned from the primary, then kept up by native GTID replication.

The copy is loaded without the binary log, so a reader cannot replay it: it starts as a clone of
the primary. That takes the clone plugin, which MySQL has had since 8.0.17.

With semi-synchronous replication a commit waits until a reader has it, for half a second at most:
then commits wait no longer, until a reader has everything again. Where no reader is connected they
do not wait at all. So whoever makes the primary read-only waits that long at most, and once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    open_session,
    query,
    query_dicts,
    scalar,
)
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version

SEMI_SYNC_MILLISECONDS = 500
# Loose: a data directory is made without plugins. Whether it works is looked at all the time.
_SEMI_SYNC = {
    "Writer": {
        "plugin_load_add": "semisync_source.so",
        "loose_rpl_semi_sync_source_enabled": "ON",
        "loose_rpl_semi_sync_source_timeout": str(SEMI_SYNC_MILLISECONDS),
        "loose_rpl_semi_sync_source_wait_no_replica": "OFF",
    },
    "Reader": {
        "plugin_load_add": "semisync_replica.so",
        "loose_rpl_semi_sync_replica_enabled": "ON",
    },
}
_SEMI_SYNC_STATUS = {
    "Writer": "Rpl_semi_sync_source_status",
    "Reader": "Rpl_semi_sync_replica_status",
}

# 3707: the clone is done and the server cannot restart itself, which is our job.
RESTART_IS_OURS = 3707


def can_have_readers(version: Version) -> bool:
    """Whether clusters of this version can have read-only nodes."""
    return not version.is_mariadb and version.at_least(8, 0, 17)


def can_be_semi_sync(version: Version) -> bool:
    """Whether commits can wait for read-only nodes; the plugins have had their names since then."""
    return can_have_readers(version) and version.at_least(8, 0, 26)


def semi_sync_parameters(role: str) -> dict[str, str]:
    """What a node of this role, Writer or Reader, is started with so that commits wait."""
    return dict(_SEMI_SYNC[role])


def is_semi_sync(session: Session, role: str) -> bool:
    """Whether the primary's commits wait now, or a reader answers for them."""
    rows = query(session, "SHOW GLOBAL STATUS LIKE %s", [_SEMI_SYNC_STATUS[role]])
    return bool(rows) and str(rows[0][1]) == "ON"


def join_reader(writer: Server, reader: Server, *, restart: Callable[[], None]) -> None:
    """Make `reader` a replica of `writer`; what it held before is replaced.

    Args:
        restart: starts the reader's process again, which ends with the clone.

    Raises:
        Refused: the clone plugin is not there.
        SternaError: the clone or the replication did not start.
    """
    with open_session(reader) as session:
        if follows(session, writer):
            _start(session)
            return
    _load_plugin(writer)
    _load_plugin(reader)
    _clone(writer, reader)
    restart()
    clone = Server(reader.host, reader.port, writer.user, writer.password)
    with open_session(clone) as session:
        _follow(session, writer)


def reader_lag(session: Session) -> tuple[float | None, str]:
    """(seconds behind the primary or None, why it stands still)."""
    status = _status(session)
    if status is None:
        return None, "replication is not set up"
    if status["Replica_IO_Running"] == "Yes" == status["Replica_SQL_Running"]:
        return float(status["Seconds_Behind_Source"] or 0), ""
    return None, str(status["Last_IO_Error"] or status["Last_SQL_Error"] or "stopped")


def _status(session: Session) -> dict[str, Any] | None:
    rows = query_dicts(session, "SHOW REPLICA STATUS")
    return rows[0] if rows else None


def follows(session: Session, writer: Server) -> bool:
    """Whether a reader was told to follow this primary; nodes of other hosts have equal ports."""
    status = _status(session)
    if status is None:
        return False
    return (status["Source_Host"], int(status["Source_Port"])) == (writer.host, writer.port)


def _load_plugin(server: Server) -> None:
    with open_session(server) as session:
        if scalar(session, "SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'clone'"):
            return
        try:
            execute(session, "INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
        except ServerError as error:
            raise Refused(
                f"The server {server} has no clone plugin: {error.text}.",
                code="NoClonePlugin",
                remedy="Create the cluster without read-only nodes, or install the plugin.",
            ) from error


def _clone(writer: Server, reader: Server) -> None:
    with open_session(reader) as session:
        donor = quote_text(f"{writer.host}:{writer.port}")
        execute(session, f"SET GLOBAL clone_valid_donor_list = {donor}")
        account = f"{quote_text(writer.user)}@{quote_text(writer.host)}:{writer.port}"
        # The server keeps the password out of its logs and of the process list.
        sql = f"CLONE INSTANCE FROM {account} IDENTIFIED BY {quote_text(writer.password)}"
        with suppress(Transient):  # the server goes away when it is done
            _run_clone(session, sql)


def _run_clone(session: Session, sql: str) -> None:
    try:
        execute(session, sql)
    except ServerError as error:
        if error.number != RESTART_IS_OURS:
            raise SternaError(
                f"The reader could not be cloned from the primary: {error.text}.",
                code="CloneFailed",
                remedy="See the reader's error log, then try again.",
            ) from error


def _follow(session: Session, writer: Server) -> None:
    execute(
        session,
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s,"
        " SOURCE_PASSWORD = %s, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1,"
        " SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400",
        [writer.host, writer.port, writer.user, writer.password],
    )
    _start(session)


def _start(session: Session) -> None:
    """May be asked for again: whoever told it what to follow may have died before this."""
    execute(session, "START REPLICA")
    execute(session, "SET PERSIST super_read_only = ON")
