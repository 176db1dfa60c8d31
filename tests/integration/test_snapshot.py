"""Snapshots on real servers: one position, all sessions, nobody kept waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from sterna.dataplane import snapshot as snapshot_module
from sterna.dataplane.snapshot import lock_table, open_snapshot, read_position
from sterna.errors import Refused, Transient
from sterna.mysql.catalog import read_tables
from sterna.mysql.connection import Server, Session, execute, open_session, query, scalar
from tests.fixtures.running import RunningServer, eventually, wipe


@pytest.fixture(params=["mysql56", "mysql57", "mysql97", "mariadb1011"])
def server(request: pytest.FixtureRequest) -> RunningServer:
    """Each server, with a counter of transactions."""
    running: RunningServer = request.getfixturevalue(request.param)
    wipe(running.server)
    with open_session(running.server) as session:
        execute(session, "CREATE DATABASE snap")
        execute(session, "CREATE TABLE snap.a (n INT) ENGINE=InnoDB")
        execute(session, "CREATE TABLE snap.b (n INT) ENGINE=InnoDB")
        execute(session, "CREATE TABLE snap.plain (n INT) ENGINE=MyISAM")
        execute(session, "INSERT INTO snap.a VALUES (0)")
        execute(session, "INSERT INTO snap.b VALUES (0)")
    return running


@contextmanager
def writing(running: RunningServer) -> Generator[list[int]]:
    """Transactions that count in two tables, as fast as one connection can."""
    stop, counted = threading.Event(), [0]

    def write() -> None:
        with open_session(running.server) as session:
            while not stop.is_set():
                execute(session, "BEGIN")
                execute(session, "UPDATE snap.a SET n = n + 1")
                execute(session, "UPDATE snap.b SET n = n + 1")
                execute(session, "COMMIT")
                counted[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        eventually(lambda: counted[0] > 10)
        yield counted
    finally:
        stop.set()
        thread.join()


def seen(session: Session) -> tuple[int, int]:
    return (
        int(scalar(session, "SELECT n FROM snap.a")),
        int(scalar(session, "SELECT n FROM snap.b")),
    )


def test_all_sessions_see_one_moment(server: RunningServer) -> None:
    """While transactions go on, every session sees the same whole number of them."""
    with writing(server) as counted:
        snapshot = open_snapshot(server.server, 4)
        before = counted[0]
        eventually(lambda: counted[0] > before)
        views = {seen(session) for session in snapshot.sessions}
        snapshot.close()
    assert len(views) == 1
    a, b = views.pop()
    assert a == b <= counted[0]
    assert snapshot.lock_seconds < 1.0


def test_the_position_is_exactly_the_snapshots(server: RunningServer) -> None:
    """What the log holds up to the position is in the snapshot, what comes later is not."""
    with writing(server):
        snapshot = open_snapshot(server.server, 2)
        count = seen(snapshot.sessions[0])[0]
        snapshot.close()
    with open_session(server.server) as session:
        logged = transactions_up_to(session, str(snapshot.position))
    assert logged == count


def transactions_up_to(session: Session, position: str) -> int:
    """Commits of the counting transactions in the binary logs up to a position."""
    file, offset = position.rsplit(":", 1)
    events = query(session, f"SHOW BINLOG EVENTS IN '{file}'")
    made = next(row[4] for row in reversed(events) if "CREATE DATABASE snap" in str(row[5]))
    commits = [row for row in events if row[2] == "Xid" and made < row[4] <= int(offset)]
    return len(commits) - 2  # the two first rows


def test_a_long_statement_is_waited_for_without_a_queue_behind(server: RunningServer) -> None:
    """While a statement runs for long no lock is asked for: it is refused, writers go on."""
    if server.version.is_mariadb:
        pytest.skip("MariaDB's snapshot needs no lock")
    with open_session(server.server) as slow, writing(server) as counted:
        sleeper = threading.Thread(target=sleep_until_killed, args=(slow,))
        sleeper.start()
        with open_session(server.server) as session:
            eventually(lambda: scalar(session, LONGEST) >= 2)
            before, started = counted[0], time.monotonic()
            with pytest.raises(Refused) as caught:
                open_snapshot(server.server, 1, give_up_seconds=1)
            assert counted[0] > before
            assert time.monotonic() - started < 10
            execute(session, f"KILL QUERY {slow.thread_id()}")
        sleeper.join()
    assert caught.value.code == "LockNotGranted"
    assert "has run a statement" in caught.value.message


def sleep_until_killed(session: Session) -> None:
    with suppress(Transient):  # newer servers end it with an error
        query(session, "SELECT SLEEP(60) FROM snap.a")


LONGEST = (
    "SELECT COALESCE(MAX(TIME), 0) FROM information_schema.PROCESSLIST"
    " WHERE INFO LIKE 'SELECT SLEEP%'"
)


def account_without_reload(server: RunningServer) -> Server:
    """Who may lock the tables of one database."""
    with open_session(server.server) as session:
        execute(session, "CREATE USER small@'%' IDENTIFIED BY 'Small-1'")
        execute(session, "GRANT SELECT, LOCK TABLES ON snap.* TO small@'%'")
        execute(session, "GRANT REPLICATION CLIENT ON *.* TO small@'%'")
    return replace(server.server, user="small", password="Small-1")


def test_without_the_privilege_tables_are_locked(server: RunningServer) -> None:
    """An account without RELOAD gets its snapshot through LOCK TABLES, as exact as the other."""
    if server.version.is_mariadb:
        pytest.skip("MariaDB's snapshot needs no lock")
    small = account_without_reload(server)
    with writing(server):
        snapshot = open_snapshot(small, 2)
        views = {seen(session) for session in snapshot.sessions}
        snapshot.close()
    assert snapshot.how == "LOCK TABLES … READ"
    with open_session(server.server) as session:
        logged = transactions_up_to(session, str(snapshot.position))
    assert views == {(logged, logged)}


def test_a_table_made_meanwhile_is_not_half_in_the_snapshot(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOCK TABLES holds no table that is made later: rows it gets before the position is read are
    seen by all sessions, or another snapshot is taken."""
    if server.version.is_mariadb:
        pytest.skip("MariaDB's snapshot needs no lock")
    begin, begun = snapshot_module._begin, [0]

    def begin_and_make(session: Session) -> None:
        begin(session)
        begun[0] += 1
        if begun[0] == 1:
            with open_session(server.server) as other:
                execute(other, "CREATE TABLE snap.fresh (n INT) ENGINE=InnoDB")
                execute(other, "INSERT INTO snap.fresh VALUES (1)")

    monkeypatch.setattr(snapshot_module, "_begin", begin_and_make)
    snapshot = open_snapshot(account_without_reload(server), 2)
    try:
        with open_session(server.server) as session:
            file, offset = str(snapshot.position).rsplit(":", 1)
            events = query(session, f"SHOW BINLOG EVENTS IN '{file}'")
        assert any("snap.fresh" in str(row[5]) and row[4] <= int(offset) for row in events)
        views = [query(session, "SELECT n FROM snap.fresh") for session in snapshot.sessions]
    finally:
        snapshot.close()
    assert [len(rows) for rows in views] == [1, 1]


@pytest.mark.parametrize("server", ["mysql57"], indirect=True)
def test_writers_do_not_wait_again_and_again_for_a_lock(server: RunningServer) -> None:
    """A session that sits on a lock without running anything keeps the snapshot from being taken,
    and others from writing only now and then."""
    waits: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with open_session(server.server) as session:
            while not stop.is_set():
                started = time.monotonic()
                execute(session, "UPDATE snap.a SET n = n + 1")
                waits.append(time.monotonic() - started)
                stop.wait(0.01)

    with open_session(server.server) as sitting:
        execute(sitting, "LOCK TABLES snap.b WRITE")
        writer = threading.Thread(target=write)
        writer.start()
        try:
            with pytest.raises(Refused) as caught:
                open_snapshot(server.server, 1, give_up_seconds=5)
        finally:
            execute(sitting, "UNLOCK TABLES")
            stop.set()
            writer.join()
    assert caught.value.code == "LockNotGranted"
    assert len([seconds for seconds in waits if seconds > 1]) <= 2, waits


def test_a_table_without_transactions_stands_still_while_locked(server: RunningServer) -> None:
    """Writers of this one table wait from its position on, writers of others do not."""
    with open_session(server.server) as session, open_session(server.server) as writer:
        table = next(t for t in read_tables(session, "snap") if t.name == "plain")
        execute(session, "INSERT INTO snap.plain VALUES (1)")
        locked = lock_table(server.server, table)
        waiting = threading.Thread(
            target=execute, args=(writer, "INSERT INTO snap.plain VALUES (2)")
        )
        waiting.start()
        execute(session, "UPDATE snap.a SET n = n + 1")
        assert query(locked.session, "SELECT n FROM snap.plain") == [(1,)]
        assert locked.position < read_position(session)
        locked.close()
        waiting.join()
        assert scalar(session, "SELECT COUNT(*) FROM snap.plain") == 2


def test_a_table_that_was_read_is_free_again(server: RunningServer) -> None:
    """Going back to a savepoint lets DDL on the table pass, and the snapshot is the same."""
    snapshot = open_snapshot(server.server, 1)
    reader = snapshot.sessions[0]
    execute(reader, "SAVEPOINT nothing_read")
    query(reader, "SELECT n FROM snap.a")
    execute(reader, "ROLLBACK TO SAVEPOINT nothing_read")
    with open_session(server.server) as session:
        execute(session, "SET lock_wait_timeout = 3")
        execute(session, "ALTER TABLE snap.a ADD COLUMN more INT")
        execute(session, "UPDATE snap.b SET n = 5")
    assert query(reader, "SELECT n FROM snap.b") == [(0,)]
    snapshot.close()
