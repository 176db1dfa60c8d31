"""Nodes the user made: they are checked and adopted, never initialised, stopped or deleted.

What must hold after a restart is kept by MySQL 8.0 itself, with SET PERSIST. A MariaDB keeps
nothing: it comes back open, and one that only follows is closed again at once, as a source is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO

from sterna.clusters.provisioner import Data, NodeSpec
from sterna.errors import Refused, SternaError
from sterna.mysql.connection import (
    Session,
    execute,
    greeting_version,
    open_session,
    query,
    scalar,
    server_version,
)
from sterna.mysql.identifiers import quote_text
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version

# Of what a node is started with, this must survive a restart; the rest is the user's own.
KEPT = {"read_only": "ON", "event_scheduler": "OFF"}
# What a data directory is born with: names of tables must compare as on the source.
BORN_WITH = ("lower_case_table_names",)
SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
# What SHOW PRIVILEGES lists and no account is ever shown to have.
NOT_GRANTED = ("GRANT OPTION", "PROXY", "USAGE")
_WANTED = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL"}
_WANTED_OF_MYSQL = {"gtid_mode": "ON", "persisted_globals_load": "ON"}
# What the command line, or in MariaDB any configuration, says is said again at every start.
_FIXED = (
    "SELECT variable_name FROM performance_schema.variables_info"
    " WHERE variable_source = 'COMMAND_LINE' AND variable_name IN %s"
)
_FIXED_IN_MARIADB = (
    "SELECT LOWER(variable_name) FROM information_schema.system_variables"
    " WHERE global_value_origin IN ('CONFIG', 'COMMAND-LINE') AND global_value <> 'OFF'"
    " AND variable_name = 'READ_ONLY'"
)
_STORAGE = "SELECT COALESCE(SUM(allocated_size), 0) FROM information_schema.innodb_{}tablespaces"


class ExistingProvisioner:
    """The `Provisioner` of servers that are somebody else's."""

    def create_node(self, spec: NodeSpec) -> None:
        """Check the server. Refused: NodeNotSuitable, with all reasons at once."""
        with open_session(spec.server) as session:
            reasons = list(_reasons(spec, session))
        if reasons:
            raise Refused(
                f"{spec.host}:{spec.port} cannot be a node: {'; '.join(reasons)}."
                " Nothing was changed on it.",
                code="NodeNotSuitable",
                remedy="Change its configuration, restart it, and try again.",
            )
        _keep(spec, "PERSIST")

    def send_data(self, spec: NodeSpec) -> AbstractContextManager[IO[bytes]]:
        """Refused: NodeNotOurs."""
        raise _not_ours(spec, "is not Sterna's to copy")

    def receive_data(self, spec: NodeSpec, data: Data) -> None:
        """Refused: NodeNotOurs."""
        raise _not_ours(spec, "is not Sterna's to fill")

    def authority_of(self, spec: NodeSpec) -> str:
        """None: there is no other way to it than the one that is to be trusted."""
        return ""

    def configure_node(self, spec: NodeSpec) -> None:
        """Let the server keep what must hold after its next restart; nothing changes until then:
        before a switch that would close it under its applications."""
        _keep(spec, "PERSIST_ONLY")

    def start_node(self, spec: NodeSpec) -> None:
        """See that it runs. Refused: NodeNotOurs; it does not, and is not ours to start."""
        if not self.is_running(spec):
            raise _not_ours(spec, "does not answer, and it is not Sterna's to start")

    def stop_node(self, spec: NodeSpec) -> None:
        """Refused: NodeNotOurs."""
        raise _not_ours(spec, "is not Sterna's to stop")

    def restart_node(self, spec: NodeSpec) -> None:
        """Refused: NodeNotOurs."""
        raise _not_ours(spec, "is not Sterna's to restart")

    def delete_node(self, spec: NodeSpec) -> None:
        """Forget it; the server and its data stay as they are."""

    def read_log(self, spec: NodeSpec, *, lines: int) -> str:
        """What the server shows of its error log; MariaDB shows nothing."""
        with open_session(spec.server) as session, session.cursor() as cursor:
            if greeting_version(session).is_mariadb:
                return "(MariaDB keeps its log on its own machine)"
            cursor.execute(
                "SELECT CONCAT_WS(' ', logged, prio, data) FROM performance_schema.error_log"
                " ORDER BY logged DESC LIMIT %s",
                [lines],
            )
            return "\n".join(_text(row[0]) for row in reversed(cursor.fetchall()))

    def storage_bytes(self, spec: NodeSpec) -> int:
        """What its InnoDB files take; its logs are not Sterna's to see."""
        with open_session(spec.server) as session:
            older = "sys_" if greeting_version(session).is_mariadb else ""
            return int(scalar(session, _STORAGE.format(older)))

    def is_running(self, spec: NodeSpec) -> bool:
        """Whether the admin is let in."""
        try:
            open_session(spec.server).close()
        except SternaError:
            return False
        return True

    def port_is_free(self, spec: NodeSpec) -> bool:
        """Nobody but the server itself is there."""
        return True


def _keep(spec: NodeSpec, how: str) -> None:
    with open_session(spec.server) as session:
        if greeting_version(session).is_mariadb:
            if how == "PERSIST_ONLY":
                return
            how = "GLOBAL"
        for name, usual in KEPT.items():
            value = spec.parameters.get(name, usual)
            execute(session, f"SET {how} {name} = {_word(value)}")


def _reasons(spec: NodeSpec, session: Session) -> Iterator[str]:
    """Why the server cannot be this node."""
    version, wanted = server_version(session), spec.engine.version
    if too_old := why_too_old(version):
        yield too_old
        return
    if (version.flavor, version.series) != (wanted.flavor, wanted.series):
        yield f"it is {version}, not {wanted}"
    yield from wrong_settings(session)
    if (number := read_variables(session, "server_id")["server_id"]) != str(spec.server_id):
        yield f"its server_id is {number}, not {spec.server_id}"
    for name in BORN_WITH:
        real = read_variables(session, name)[name]
        if (source := spec.parameters.get(name, real)) != real:
            yield f"{name} is {real}, and the source has {source}"
    if missing := missing_privileges(session):
        yield f"{spec.admin.user} lacks {', '.join(missing)}"


def why_too_old(version: Version) -> str:
    """Why a server of this version cannot be adopted; empty where it can."""
    if version.at_least(*((10, 5) if version.is_mariadb else (8, 0))):
        return ""
    return f"it is {version}, and only MySQL 8.0 or MariaDB 10.5, or newer, can be adopted"


def wrong_settings(session: Session) -> Iterator[str]:
    """What of its configuration does not fit a primary, or would not let it be one."""
    is_mariadb = server_version(session).is_mariadb
    wanted = _WANTED if is_mariadb else _WANTED | _WANTED_OF_MYSQL
    found = read_variables(session, *wanted)
    for name, value in wanted.items():
        if found.get(name) != value:
            yield f"{name} is {found.get(name)}, not {value}"
    if read_variables(session, "event_scheduler")["event_scheduler"] == "DISABLED":
        yield "event_scheduler is DISABLED, so the source's events could never run there"
    args = () if is_mariadb else ([*KEPT],)
    rows = query(session, _FIXED_IN_MARIADB if is_mariadb else _FIXED, args)
    if fixed := [str(name) for (name,) in rows]:
        where = "configuration" if is_mariadb else "command line"
        yield f"{', '.join(fixed)} cannot be changed for good: its {where} has the last word"


def missing_privileges(session: Session) -> list[str]:
    """What an account with GRANT ALL ON *.* WITH GRANT OPTION has and this one has not."""
    grants = query(
        session,
        "SELECT privilege_type, is_grantable FROM information_schema.user_privileges"
        " WHERE REPLACE(grantee, '\\'', '') = CURRENT_USER()",
    )
    granted = {str(name).upper() for name, is_grantable in grants if is_grantable == "YES"}
    known = {str(row[0]).upper() for row in query(session, "SHOW PRIVILEGES")}
    return sorted(known - granted - set(NOT_GRANTED))


def own_databases(session: Session) -> list[str]:
    """Databases somebody has made."""
    names = (str(name) for (name,) in query(session, "SHOW DATABASES"))
    return [name for name in names if name not in SYSTEM_DATABASES]


def _word(value: str) -> str:
    return value if value in ("ON", "OFF") else quote_text(value)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _not_ours(spec: NodeSpec, what: str) -> Refused:
    return Refused(
        f"The server {spec.host}:{spec.port} {what}. Nothing was done.",
        code="NodeNotOurs",
        remedy="Do it by your own means; Sterna goes on when the server answers.",
    )
