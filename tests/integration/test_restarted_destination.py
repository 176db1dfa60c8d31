"""A destination that comes back with other settings: nothing of it may change what is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sterna.mysql.connection import ServerError, execute, open_session, query
from sterna.mysql.identifiers import quote_text
from sterna.mysql.variables import read_variables
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link, begin
from tests.fixtures.running import RunningServer, wipe
from tests.integration.test_follow import SCHEMA, WRITES, run
from tests.integration.test_rogue import watching

# Each of them changes what a session writes, or what the server's log says of it.
CONTRARY = {
    "sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,PIPES_AS_CONCAT",
    "time_zone": "+05:30",
    "autocommit": "0",
    "init_connect": "SET autocommit=0",
    "completion_type": "CHAIN",
    "transaction_isolation": "READ-COMMITTED",
    "transaction_read_only": "ON",
    "binlog_format": "STATEMENT",
    "binlog_row_image": "MINIMAL",
    "character_set_server": "latin1",
    "collation_server": "latin1_german1_ci",
    "default_storage_engine": "MyISAM",
    "lc_time_names": "de_DE",
    "auto_increment_increment": "7",
    "explicit_defaults_for_timestamp": "OFF",
    "innodb_strict_mode": "OFF",
    "unique_checks": "OFF",
    "foreign_key_checks": "OFF",
    "sql_safe_updates": "ON",
    "sql_require_primary_key": "ON",
    "sql_generate_invisible_primary_key": "ON",
    "sql_select_limit": "1",
    "max_execution_time": "1",
    "group_concat_max_len": "4",
    "read_only": "ON",
}


# What cannot work: the setting, its end, what is said.
REFUSED = [
    ("max_allowed_packet = 65536", "max_allowed_packet = 67108864", "PacketTooLarge",
     "Set max_allowed_packet"),
    ("super_read_only = ON", "super_read_only = OFF, GLOBAL read_only = OFF", "ApplyFailed",
     "super_read_only"),
]  # fmt: skip


@contextmanager
def restarted(running: RunningServer, **parameters: str) -> Iterator[None]:
    """A server whose sessions all begin anew with these settings, as after a restart that took
    longer; afterwards it is as it was."""
    before = read_settings(running, parameters)
    begin_anew(running, parameters)
    try:
        yield
    finally:
        begin_anew(running, before)


def read_settings(running: RunningServer, names: Iterable[str]) -> dict[str, str]:
    """What new sessions begin with."""
    with open_session(running.server) as session:
        return read_variables(session, *names)


def begin_anew(running: RunningServer, settings: Mapping[str, str]) -> None:
    """End all sessions but this one."""
    with open_session(running.server) as session:
        for name, value in settings.items():
            text = value if value.isdigit() else quote_text(value)
            execute(session, f"SET GLOBAL {name} = {text}")
        others = "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> %s"
        for (number,) in query(session, others, [session.thread_id()]):
            with contextlib.suppress(ServerError):  # it has ended
                execute(session, "KILL %s", [number])


def test_settings_change_nothing(
    mysql57: RunningServer, mysql97: RunningServer, tmp_path: Path
) -> None:
    """Rows and DDL arrive as ever, are logged as complete rows, and nobody is called a rogue.
    What cannot work stops loudly, and following goes on when it can."""
    origin, destination = mysql57.server, mysql97.server
    wipe(origin)
    wipe(destination)
    begin(origin, destination)
    with open_session(origin) as session:
        with Link(origin, destination, tmp_path / "a") as link:
            run(session, SCHEMA)
            link.caught_up()
            with restarted(mysql97, **CONTRARY):
                with watching(destination, tmp_path) as (watch, rogues):
                    run(session, WRITES)
                    link.caught_up(60)
                assert rogues == [] and not watch.altered.is_set()
                assert_equal(origin, destination, ["shop"])
        run(session, "INSERT INTO kinds (id, bl) VALUES (9, REPEAT('x', 1000000))")
    with open_session(destination) as there:
        for setting, usual, code, why in REFUSED:
            execute(there, f"SET GLOBAL {setting}")
            with Link(origin, destination, tmp_path / "b") as link:
                error = link.stopped()
            execute(there, f"SET GLOBAL {usual}")
            assert error.code == code and why in error.remedy
    with Link(origin, destination, tmp_path / "b") as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])
