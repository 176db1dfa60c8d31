"""Sessions that do not behave, past every endpoint: a write is on one side, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.constants import COMMAND
from pymysql.cursors import Cursor

from demo.connection import Login, connect, rows, run
from sterna.errors import Refused
from sterna.mysql.connection import execute, open_session, query
from sterna.workflow import inheritance
from sterna.workflow.engine import outline
from sterna.workflow.steps import sides, switching
from tests.faults.cast import BY_ITSELF, Cast, open_cast
from tests.fixtures.running import eventually

PASSWORD = "of-the-application"
STEPS = [each.title for each in outline("switch_over", {"with_endpoints": True})]
READ_ONLY_NUMBER = 1290


def step(beginning: str) -> int:
    """Number of the step whose title begins so."""
    return next(n for n, title in enumerate(STEPS) if title.startswith(beginning))


BLOCK, COMMIT = step("Make the leaving side"), step("Point of no return")


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    """A source with an application's account and a numbered table, and its cluster."""
    with open_cast() as cast:
        prepare(cast)
        yield cast


@pytest.fixture(autouse=True)
def at_home(cast: Cast) -> Iterator[None]:
    """Every test begins with the writes on the source."""
    calm(cast)
    if cast.service.migration(cast.cluster_id).status == "POLARDB2RDS_SYNCING":
        cast.service.roll_back(cast.cluster_id)
        calm(cast)
    yield


def calm(cast: Cast) -> None:
    """Nothing fails any more, and both sides are in step."""
    cast.engine.before_step, cast.engine.fail, cast.engine.times = lambda number: None, None, 1
    cast.wait_until_ready()


def prepare(cast: Cast) -> None:
    """The account is on both sides."""
    with open_session(cast.source.server) as session:
        execute(session, "CREATE USER 'app'@'%%' IDENTIFIED BY %s", [PASSWORD])
        execute(session, "GRANT ALL ON shop.* TO 'app'@'%'")
        execute(session, "CREATE TABLE shop.n (id INT AUTO_INCREMENT PRIMARY KEY, word CHAR(9))")
    instance_id = cast.service.migration(cast.cluster_id).instance_id
    cast.service.evaluating.set_password(instance_id, "'app'@'%'", PASSWORD)
    inheritance.bring_up_to_date(cast.tools, cast.cluster_id)


def application(cast: Cast, side: str = "source") -> Connection[Cursor]:
    """A session of the application, straight to a server."""
    server = getattr(cast.tools, side)(cast.cluster_id).server
    return connect(Login(server.host, server.port, "app", PASSWORD), database="shop")


def words(cast: Cast, word: str) -> tuple[int, int]:
    """How many rows of a word are on the source and on the cluster."""
    found = []
    for side in (cast.tools.source, cast.tools.cluster):
        with open_session(side(cast.cluster_id).server) as session:
            found.append(len(query(session, "SELECT id FROM shop.n WHERE word = %s", [word])))
    return found[0], found[1]


def equal_ids(cast: Cast, word: str) -> tuple[set[int], set[int]] | None:
    """The rows of a word on both sides; None while they differ."""
    found = []
    for side in (cast.tools.source, cast.tools.cluster):
        with open_session(side(cast.cluster_id).server) as session:
            sql = "SELECT id FROM shop.n WHERE word = %s"
            found.append({int(number) for (number,) in query(session, sql, [word])})
    return (found[0], found[1]) if found[0] == found[1] else None


def switch_over(cast: Cast) -> None:
    """There, whatever fails."""
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)


def test_a_transaction_that_is_open(cast: Cast) -> None:
    """It is cut with its session, a prepared statement with it, and is on neither side."""
    with closing(application(cast)) as session:
        run(session, "PREPARE one FROM 'INSERT INTO n (word) VALUES (?)'")
        run(session, "SET @word = 'open'")
        run(session, "BEGIN")
        run(session, "EXECUTE one USING @word")
        switch_over(cast)
        with pytest.raises(pymysql.OperationalError):
            run(session, "COMMIT")
    assert words(cast, "open") == (0, 0)
    with closing(application(cast)) as session, pytest.raises(pymysql.MySQLError) as refused:
        run(session, "INSERT INTO n (word) VALUES ('late')")
    assert refused.value.args[0] == READ_ONLY_NUMBER


def test_a_commit_that_hangs(cast: Cast) -> None:
    """Held up by a global lock, it is cut or comes through; both sides know the same."""
    outcome: list[str] = []

    def commit(session: Connection[Cursor]) -> None:
        try:
            run(session, "COMMIT")
            outcome.append("acknowledged")
        except pymysql.MySQLError:
            outcome.append("unknown")

    with closing(application(cast)) as writer, open_session(cast.source.server) as locker:
        run(writer, "BEGIN")
        run(writer, "INSERT INTO n (word) VALUES ('stuck')")
        thread = threading.Thread(target=commit, args=(writer,))

        def lock(number: int) -> None:
            if number == BLOCK:
                execute(locker, "FLUSH TABLES WITH READ LOCK")
                thread.start()
                eventually(lambda: is_waiting(cast, "COMMIT"))

        cast.engine.before_step = lock
        switch_over(cast)
        thread.join()
    assert cast.engine.error == ""
    found = eventually(lambda: words(cast, "stuck") in ((0, 0), (1, 1)) and words(cast, "stuck"))
    assert found == (1, 1) or outcome == ["unknown"]


def is_waiting(cast: Cast, statement: str) -> bool:
    """Whether somebody is executing it on the source."""
    with open_session(cast.source.server) as session:
        shown = query(session, "SELECT info FROM information_schema.processlist")
    return any(info == statement for (info,) in shown)


def test_a_writer_that_never_stops(cast: Cast) -> None:
    """Straight to the source, through a switch and a rollback: what was acknowledged is there."""
    acknowledged: list[int] = []
    refused: list[int] = []
    stop = threading.Event()

    calls = [0]

    def write() -> None:
        while not stop.is_set():
            calls[0] += 1
            with suppress(pymysql.MySQLError), closing(application(cast)) as session:
                while not stop.is_set():
                    write_one(session, acknowledged, refused)

    thread = threading.Thread(target=write)
    thread.start()
    eventually(lambda: len(acknowledged) > 20)
    switch_over(cast)
    at_switch = len(acknowledged)
    eventually(lambda: len(refused) > 20)
    assert len(acknowledged) == at_switch
    calm(cast)
    cast.service.roll_back(cast.cluster_id)
    eventually(lambda: len(acknowledged) > at_switch + 20)
    stop.set()
    thread.join()
    assert len(set(acknowledged)) == len(acknowledged)
    source, cluster = eventually(lambda: equal_ids(cast, "loop"), within_seconds=60)
    assert source == cluster >= set(acknowledged)
    # What was cut before its answer came may be there, once; nothing was written while closed.
    assert len(source) <= len(acknowledged) + calls[0]


def write_one(session: Connection[Cursor], acknowledged: list[int], refused: list[int]) -> None:
    """One row in autocommit; read-only is no reason to hang up."""
    try:
        run(session, "INSERT INTO n (word) VALUES ('loop')")
    except pymysql.MySQLError as error:
        if error.args[0] != READ_ONLY_NUMBER:
            raise
        refused.append(READ_ONLY_NUMBER)
    else:
        acknowledged.append(int(rows(session, "SELECT LAST_INSERT_ID()")[0][0]))


def test_an_administrator_is_shut_out_too(cast: Cast) -> None:
    """From the block to the point of no return nobody writes on MySQL 5.7."""
    numbers: list[int] = []

    def write_as_root(number: int) -> None:
        if BLOCK < number <= COMMIT:
            with open_session(cast.source.server) as session, pytest.raises(Exception) as error:
                execute(session, "INSERT INTO shop.n (word) VALUES ('root')")
            numbers.append(getattr(error.value, "number", 0))

    cast.engine.before_step = write_as_root
    switch_over(cast)
    assert numbers == [READ_ONLY_NUMBER] * (COMMIT - BLOCK)
    assert words(cast, "root") == (0, 0)


def test_numbers_go_on(cast: Cast) -> None:
    """The side that takes over numbers on where the other ended, a deleted last row included."""
    given = [numbered(cast, "source") for _ in range(3)]
    delete_last(cast, "source")
    calm(cast)
    switch_over(cast)
    given += [numbered(cast, "cluster") for _ in range(2)]
    delete_last(cast, "cluster")
    calm(cast)
    cast.service.roll_back(cast.cluster_id)
    given += [numbered(cast, "source")]
    assert given == list(range(given[0], given[0] + 6))


def numbered(cast: Cast, side: str) -> int:
    """The number a new row is given there."""
    with closing(application(cast, side)) as session:
        run(session, "INSERT INTO n (word) VALUES ('next')")
        return int(rows(session, "SELECT LAST_INSERT_ID()")[0][0])


def delete_last(cast: Cast, side: str) -> None:
    """The newest row goes."""
    with closing(application(cast, side)) as session:
        run(session, "DELETE FROM n ORDER BY id DESC LIMIT 1")


def fails_untouched(cast: Cast, number: int, meddle: Callable[[], None]) -> str:
    """Somebody meddles before a step of a switch, which then fails and leaves everything; why."""
    before = cast.world()
    cast.engine.before_step = lambda at: meddle() if at == number else None
    cast.engine.fail = BY_ITSELF
    switch_over(cast)
    assert cast.world() == before
    return cast.engine.error


def test_a_transaction_prepared_after_the_guards(cast: Cast) -> None:
    """It would end, or not, on a side without the writes: the switch is undone."""

    def prepare_one() -> None:
        with closing(application(cast)) as session:
            for sql in ("XA START 'late'", "INSERT INTO n (word) VALUES ('xa')", "XA END 'late'"):
                run(session, sql)
            run(session, "XA PREPARE 'late'")

    assert "1 prepared XA" in fails_untouched(cast, step("Hold new connections"), prepare_one)
    with closing(application(cast)) as session:
        run(session, "XA COMMIT 'late'")
    eventually(lambda: words(cast, "xa") == (1, 1))


@pytest.mark.parametrize("number", [step("Stop the stream"), COMMIT])
def test_a_source_opened_by_hand_before_the_point_of_no_return(cast: Cast, number: int) -> None:
    """Whoever may write there would not be carried over: the switch is undone."""

    def open_source() -> None:
        with open_session(cast.source.server) as session:
            execute(session, "SET GLOBAL super_read_only = 0, GLOBAL read_only = 0")

    assert "Somebody opened the source" in fails_untouched(cast, number, open_source)


def test_a_session_that_never_reads(cast: Cast) -> None:
    """The server is stuck in writing to it, and its transaction holds a row: it is cut."""
    with closing(application(cast)) as session:
        run(session, "BEGIN")
        run(session, "INSERT INTO n (word) VALUES ('deaf')")
        sql = "SELECT REPEAT('x', 1000000) FROM information_schema.columns LIMIT 300"
        session._execute_command(COMMAND.COM_QUERY, sql.encode())
        eventually(lambda: is_waiting(cast, sql))
        switch_over(cast)
    assert cast.engine.error == ""
    assert words(cast, "deaf") == (0, 0)


def test_a_session_that_survives_its_kill(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while a large transaction is undone: applications are held for the budget and no longer;
    they are let go before anything else is put back."""
    monkeypatch.setattr(switching, "SWITCH_BUDGET_SECONDS", 3.0)
    monkeypatch.setattr(sides, "kill", lambda connection, number: None)
    states: list[set[str]] = []

    def unlock() -> None:
        states.append({endpoint.state for endpoint in cast.service.endpoints()})
        execute(locker, "UNLOCK TABLES")

    with open_session(cast.source.server) as locker:
        timer = threading.Timer(8.0, unlock)

        def lock() -> None:
            execute(locker, "LOCK TABLES shop.n WRITE")
            timer.start()

        assert "held for 3 s" in fails_untouched(cast, BLOCK, lock)
        timer.join()
    assert states == [{"Open"}]


def test_no_room_for_another_session(cast: Cast) -> None:
    """Applications have taken every place on the source: the switch cuts them, or never began."""
    with ExitStack() as stack:
        with open_session(cast.source.server) as session:
            taken = len(query(session, "SHOW PROCESSLIST"))
            usual = int(query(session, "SELECT @@GLOBAL.max_connections")[0][0])
            stack.callback(set_places, cast, usual)
            execute(session, f"SET GLOBAL max_connections = {taken + 3}")
            with suppress(pymysql.MySQLError):
                while True:
                    stack.enter_context(closing(application(cast)))
        before = cast.world()
        cast.engine.fail = BY_ITSELF
        try:
            switch_over(cast)
        except Refused:
            assert cast.world() == before
    if cast.engine.error:
        assert cast.world() == {**before, "source": cast.world()["source"]}
    assert cast.service.migration(cast.cluster_id).operation == ""


def set_places(cast: Cast, count: int) -> None:
    """How many sessions the source takes."""
    with open_session(cast.source.server) as session:
        execute(session, f"SET GLOBAL max_connections = {count}")


def rogue_at(cast: Cast, wanted: int) -> Callable[[int], None]:
    """An administrator who writes on the source before that step."""

    def write(number: int) -> None:
        if number == wanted:
            with open_session(cast.source.server) as session:
                execute(session, "INSERT INTO shop.n (word) VALUES ('rogue')")

    return write


def test_where_administrators_cannot_be_shut_out() -> None:
    """MySQL 5.6: one who writes after the block is found before the point of no return."""
    with open_cast(series="5.6") as cast:
        with open_session(cast.source.server) as session:
            execute(
                session, "CREATE TABLE shop.n (id INT AUTO_INCREMENT PRIMARY KEY, word CHAR(9))"
            )
        calm(cast)
        before = cast.world()
        cast.engine.fail = BY_ITSELF
        for written, number in enumerate((step("Wait until the arriving"), COMMIT), start=1):
            cast.engine.before_step = rogue_at(cast, number)
            switch_over(cast)
            assert "Somebody wrote to the source" in cast.engine.error
            assert cast.world() == before
            eventually(lambda n=written: words(cast, "rogue") == (n, n), within_seconds=30)
            cast.wait_until_ready()
        refuse_a_log_begun_anew(cast)


def refuse_a_log_begun_anew(cast: Cast) -> None:
    """Nothing can be behind the end of the log: a smaller position is no sign of having all."""

    def begin_anew() -> None:
        with open_session(cast.source.server) as session:
            execute(session, "RESET MASTER")

    assert "was begun anew" in fails_untouched(cast, BLOCK, begin_anew)
