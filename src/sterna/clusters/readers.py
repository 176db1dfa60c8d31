"""Read-only nodes: made of the primary's data, then kept up by native GTID replication.

The copy is loaded without the binary log, so a reader cannot replay it: it starts with what the
primary has. A MySQL of 8.0.17 and later fetches that by itself; others get it by `transfer`.

With semi-synchronous replication a commit waits until a reader has it, for half a second at most:
then commits wait no longer, until a reader has everything again. Where no reader is connected they
do not wait at all. So whoever makes the primary read-only waits that long at most, and once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sterna.clusters.transfer import how_copied
from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    greeting_version,
    open_session,
    query,
    query_dicts,
    scalar,
)
from sterna.mysql.identifiers import quote_text
from sterna.mysql.statements import statement
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
# MariaDB has it without a plugin.
_SEMI_SYNC_MARIADB = {
    "Writer": {
        "rpl_semi_sync_master_enabled": "ON",
        "rpl_semi_sync_master_timeout": str(SEMI_SYNC_MILLISECONDS),
        "rpl_semi_sync_master_wait_no_slave": "OFF",
    },
    "Reader": {"rpl_semi_sync_slave_enabled": "ON"},
}
_SEMI_SYNC_STATUS = {
    "Writer": ("Rpl_semi_sync_source_status", "rpl_semi_sync_master_status"),
    "Reader": ("Rpl_semi_sync_replica_status", "rpl_semi_sync_slave_status"),
}

# 3707: the clone is done and the server cannot restart itself, which is our job.
RESTART_IS_OURS = 3707


def can_have_readers(version: Version) -> bool:
    """Whether clusters of this version can have read-only nodes."""
    return bool(how_copied(version))


def can_be_semi_sync(version: Version) -> bool:
    """Whether commits can wait for read-only nodes: where it needs no plugin, or the plugins have
    had their names since then."""
    newest = version.is_mariadb or version.at_least(8, 0, 26)
    return can_have_readers(version) and newest


def semi_sync_parameters(role: str, version: Version) -> dict[str, str]:
    """What a node of this role, Writer or Reader, is started with so that commits wait."""
    return dict((_SEMI_SYNC_MARIADB if version.is_mariadb else _SEMI_SYNC)[role])


def reader_parameters(version: Version) -> dict[str, str]:
    """What a read-only node is started with besides: what an older server does not keep itself."""
    if how_copied(version) != "files" or version.at_least(8, 0):
        return {}
    return {
        "super_read_only": "ON",
        "relay_log_info_repository": "TABLE",
        "relay_log_recovery": "ON",
    }


def is_semi_sync(session: Session, role: str) -> bool:
    """Whether the primary's commits wait now, or a reader answers for them."""
    sql = "SHOW GLOBAL STATUS WHERE Variable_name IN (%s, %s)"
    return any(str(row[1]) == "ON" for row in query(session, sql, _SEMI_SYNC_STATUS[role]))


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
    follow(writer, replace(reader, user=writer.user, password=writer.password))


def follow(writer: Server, reader: Server) -> None:
    """Let `reader`, which has some of what the primary has, and knows what, fetch the rest.

    SternaError: the replication did not start.
    """
    with open_session(writer) as session:
        tls = query(session, "SHOW GLOBAL VARIABLES LIKE 'have_ssl'")
        has_tls = not tls or str(tls[0][1]) == "YES"  # who says nothing of it always has it
    with open_session(reader) as session:
        version = greeting_version(session)
        if not follows(session, writer):
            given = [writer.host, writer.port, writer.user, writer.password]
            execute(session, statement("follow", version).format(tls=int(has_tls)), given)
        _start(session)


def reader_lag(session: Session) -> tuple[float | None, str]:
    """(seconds behind the primary or None, why it stands still)."""
    status = _status(session)
    if status is None:
        return None, "replication is not set up"
    if status["IO_Running"] == "Yes" == status["SQL_Running"]:
        return float(status["Seconds_Behind"] or 0), ""
    return None, str(status["Last_IO_Error"] or status["Last_SQL_Error"] or "stopped")


def written(session: Session) -> str:
    """What a primary has written, for `has_written`."""
    return str(scalar(session, statement("written", greeting_version(session))))


def has_written(session: Session, wanted: str) -> bool:
    """Whether a reader has all of what its primary had `written`."""
    if not greeting_version(session).is_mariadb:
        return bool(scalar(session, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", [wanted]))
    has = _newest(str(scalar(session, "SELECT @@GLOBAL.gtid_slave_pos")))
    return all(has.get(domain, 0) >= number for domain, number in _newest(wanted).items())


def _newest(gtids: str) -> dict[str, int]:
    """MariaDB's domain → the newest number in it, of domain-server-number,…"""
    parts = (each.strip().split("-") for each in gtids.split(",") if each.strip())
    return {domain: int(number) for domain, _, number in parts}


# Ours by the servers' names, the older ones first.
_COLUMNS = {
    "IO_Running": ("Slave_IO_Running", "Replica_IO_Running"),
    "SQL_Running": ("Slave_SQL_Running", "Replica_SQL_Running"),
    "Seconds_Behind": ("Seconds_Behind_Master", "Seconds_Behind_Source"),
    "Host": ("Master_Host", "Source_Host"),
    "Port": ("Master_Port", "Source_Port"),
    "Last_IO_Error": ("Last_IO_Error",),
    "Last_SQL_Error": ("Last_SQL_Error",),
}


def _status(session: Session) -> dict[str, Any] | None:
    rows = query_dicts(session, statement("replica_status", greeting_version(session)))
    if not rows:
        return None
    return {
        name: next(rows[0][each] for each in spelled if each in rows[0])
        for name, spelled in _COLUMNS.items()
    }


def follows(session: Session, writer: Server) -> bool:
    """Whether a reader was told to follow this primary; nodes of other hosts have equal ports."""
    status = _status(session)
    if status is None:
        return False
    return (status["Host"], int(status["Port"])) == (writer.host, writer.port)


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


def _start(session: Session) -> None:
    """May be asked for again: whoever told it what to follow may have died before this."""
    version = greeting_version(session)
    execute(session, statement("start_following", version))
    execute(session, statement("close_replica", version))
