"""DDL during the copy, from sessions that do not speak UTF-8: names are what their tables have."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sterna.dataplane.reports import Report, TableReport
from sterna.mysql.connection import Server, Session, execute, open_session, translated_errors
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.task import RunningTask, task_spec

CHARSETS = {"latin1": "cp1252", "gbk": "gbk"}
NAMES = {"latin1": "größe", "gbk": "乣表"}


pytestmark = pytest.mark.usefixtures("never_slower")


@pytest.fixture
def origin(mysql57: RunningServer) -> Server:
    """The main origin, empty."""
    wipe(mysql57.server)
    return mysql57.server


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_name_in_another_character_set(
    charset: str, origin: Server, destination: Server, tmp_path: Path
) -> None:
    """Tables that are copied already and are made anew then come out new, by whatever bytes a
    session calls them (one of 乣's in GBK is a backtick)."""
    name = NAMES[charset]
    with open_session(origin) as session:
        execute(session, "CREATE DATABASE shop")
        for table in (name, "plain", *(f"t{number}" for number in range(6))):
            execute(session, f"CREATE TABLE shop.`{table}` (id INT PRIMARY KEY)")
            values = ", ".join(f"({number})" for number in range(1000))
            execute(session, f"INSERT INTO shop.`{table}` VALUES {values}")
    spec = task_spec(origin, destination, tmp_path, rows_per_second=2000)
    begun, changed = threading.Event(), threading.Event()

    def at(report: Report) -> None:
        is_late = isinstance(report, TableReport) and {"shop.plain", f"shop.{name}"} <= set(
            task.copied
        )
        if is_late and not begun.is_set():
            begun.set()
            make_anew(origin, charset, [name, "plain"])
            changed.set()

    task = RunningTask(spec, epoch_seconds=0.3, on_report=at)
    with task:
        eventually(lambda: changed.is_set() or task.failure, within_seconds=40)
        task.caught_up()
    assert changed.is_set()
    assert_equal(origin, destination, ["shop"])


def make_anew(server: Server, charset: str, names: list[str]) -> None:
    """Rename one there and back, drop all in one statement, and make them with other rows."""
    listed = ", ".join(f"shop.`{name}`" for name in names)
    with open_session(server) as session:
        execute(session, f"SET NAMES {charset}")
        in_bytes(session, charset, f"RENAME TABLE shop.`{names[0]}` TO shop.away")
        in_bytes(session, charset, f"RENAME TABLE shop.away TO shop.`{names[0]}`")
        in_bytes(session, charset, f"DROP TABLE {listed}")
        for name in names:
            in_bytes(session, charset, f"CREATE TABLE shop.`{name}` (id INT PRIMARY KEY)")
            in_bytes(session, charset, f"INSERT INTO shop.`{name}` VALUES (5), (-1)")


def in_bytes(session: Session, charset: str, sql: str) -> None:
    """A statement in the bytes of a character set."""
    with translated_errors():
        session.query(sql.encode(CHARSETS[charset]))
