"""What applications see of a switchover and a rollback, at their one address and past it."""

from __future__ import annotations

import itertools
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.constants import COMMAND
from pymysql.cursors import Cursor

from demo.connection import Login, connect, rows, run
from sterna.errors import Refused
from sterna.mysql.connection import Session, execute, open_session, query
from tests.faults.cast import Cast, open_cast, server_state
from tests.fixtures.running import eventually

PASSWORD, OTHER_PASSWORD = "of-the-application", "another-one-of-root"
# "Server has gone away" and "lost connection": every driver and pool takes them for a connection
# that has to be made anew, and what was in the middle of something is to be tried again.
CUT = {2006, 2013}
# Straight to a server: it takes no writes any more, or the statement was ended with its session.
CLOSED = {1290, 1317, 1053, 1927}
SLOW_SECONDS = 0.03
WORDS = itertools.count()


@pytest.fixture(scope="module", params=["5.7", "10.11"])
def cast(request: pytest.FixtureRequest) -> Iterator[Cast]:
    """A source with an application's account and a table, and its cluster; every step is slow."""
    with open_cast(series=request.param) as cast:
        with open_session(cast.source.server) as session:
            execute(session, "CREATE USER 'app'@'%%' IDENTIFIED BY %s", [PASSWORD])
            execute(session, "GRANT ALL ON shop.* TO 'app'@'%'")
            execute(session, "CREATE TABLE shop.n (id INT AUTO_INCREMENT PRIMARY KEY, w CHAR(99))")
        instance_id = cast.service.migration(cast.cluster_id).instance_id
        cast.service.evaluating.set_password(instance_id, "'app'@'%'", PASSWORD)
        cast.engine.times = 1
        cast.engine.before_step = lambda number: time.sleep(SLOW_SECONDS)
        yield cast


class Client(threading.Thread):
    """One application; connects anew after every error.

    Attributes:
        errors: how often each error number was seen.
        connections: how often it had to connect.
        refused: what it was told when it was not let in.
        acknowledged: the words of the rows it was promised.
    """

    def __init__(self, login: Login, work: Callable[[Client, Connection[Cursor]], None]) -> None:
        super().__init__(daemon=True)
        self._login, self._work = login, work
        self._stopping = threading.Event()
        self.errors: Counter[int] = Counter()
        self.connections = 0
        self.refused: list[str] = []
        self.acknowledged: list[str] = []

    def word(self) -> str:
        """A word nobody else writes."""
        return str(next(WORDS))

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                session = connect(self._login, database="shop")
            except pymysql.MySQLError as error:
                self.refused.append(str(error))
                continue
            self.connections += 1
            try:
                while not self._stopping.is_set():
                    self._work(self, session)
            except pymysql.MySQLError as error:
                self.errors[error.args[0]] += 1
            finally:
                with suppress(pymysql.MySQLError):
                    session.close()

    def stop(self) -> None:
        """After what it is doing."""
        self._stopping.set()
        self.join()


def autocommit(client: Client, session: Connection[Cursor]) -> None:
    """One statement."""
    word = client.word()
    run(session, f"INSERT INTO n (w) VALUES ('{word}')")
    client.acknowledged.append(word)


def transaction(client: Client, session: Connection[Cursor]) -> None:
    """Several statements with pauses, then COMMIT."""
    words = [client.word() for _ in range(3)]
    run(session, "BEGIN")
    for word in words:
        run(session, f"INSERT INTO n (w) VALUES ('{word}')")
        time.sleep(0.005)
    run(session, "COMMIT")
    client.acknowledged += words


def handle(client: Client, session: Connection[Cursor]) -> None:
    """A prepared statement by its handle, in the binary protocol; it dies with its session."""
    word = client.word()
    session._execute_command(COMMAND.COM_STMT_PREPARE, f"INSERT INTO n (w) VALUES ('{word}')")
    (number,) = struct.unpack_from("<I", session._read_packet().get_all_data(), 1)
    time.sleep(0.005)
    execution = struct.pack("<IBI", number, 0, 1)
    session._execute_command(COMMAND.COM_STMT_EXECUTE, execution)
    session._read_ok_packet()
    client.acknowledged.append(word)
    session._execute_command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", number))


def address(cast: Cast) -> Login:
    """The instance's endpoint."""
    instance_id = cast.service.migration(cast.cluster_id).instance_id
    (endpoint,) = cast.service.endpoints(instance_id)
    return Login(endpoint.host, endpoint.port, "app", PASSWORD)


def there_and_back(cast: Cast) -> None:
    """A switchover and a rollback, each when both sides are in step."""
    cast.wait_until_ready()
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    cast.wait_until_ready()
    cast.service.roll_back(cast.cluster_id)


def at_work(clients: list[Client], meanwhile: Callable[[], None]) -> Counter[int]:
    """Clients at work while something happens and for a while after; the errors they saw."""
    for client in clients:
        client.start()
    try:
        meanwhile()
        counts = [len(client.acknowledged) for client in clients]
        for client, count in zip(clients, counts, strict=True):
            eventually(lambda c=client, n=count: len(c.acknowledged) > n + 3, within_seconds=30)
    finally:
        for client in clients:
            client.stop()
    return sum((client.errors for client in clients), Counter())


def test_at_the_one_address(cast: Cast) -> None:
    """Who is in the middle of something is cut, and nobody sees anything else: no refusal, no
    "read-only". A connection that rests in a pool is found cut when it is used. What was
    acknowledged is there."""
    login = address(cast)
    resting = connect(login, database="shop")
    clients = [Client(login, work) for work in (autocommit, transaction, handle) for _ in range(3)]
    seen = at_work(clients, lambda: there_and_back(cast))
    with pytest.raises(pymysql.OperationalError) as cut:
        rows(resting, "SELECT 1")
    assert cut.value.args[0] in CUT
    assert set(seen) <= CUT, seen
    assert [client.refused for client in clients if client.refused] == []
    # In each of the two moves with the first sweep, or with the one behind the block as well.
    assert max(client.errors.total() for client in clients) <= 4, seen
    assert_all_there(cast, clients)


def test_past_the_address(cast: Cast) -> None:
    """Straight to the source one may see as well that it takes no writes."""
    server = cast.source.server
    login = Login(server.host, server.port, "app", PASSWORD)
    clients = [Client(login, work) for work in (autocommit, transaction, handle)]
    seen = at_work(clients, lambda: there_and_back(cast))
    assert set(seen) <= CUT | CLOSED, seen
    assert seen[1290], "it was closed for a while"
    assert_all_there(cast, clients)


def assert_all_there(cast: Cast, clients: list[Client]) -> None:
    """What was acknowledged is on the side with the writes, once."""
    with open_session(cast.source.server) as session:
        found = [str(word) for (word,) in query(session, "SELECT w FROM shop.n")]
    assert len(set(found)) == len(found)
    assert {word for client in clients for word in client.acknowledged} <= set(found)


def test_another_password_for_sterna_itself(cast: Cast) -> None:
    """Changed on the source it is told to Sterna, is tried first, and the synchronization goes on
    with it; a wrong one changes nothing."""
    cast.wait_until_ready()
    migration = cast.service.migration(cast.cluster_id)
    usual, tell = cast.source.server.password, cast.service.instances.set_password
    before = cast.tools.supervisor.pid(migration.task_id)
    with open_session(cast.source.server) as session:
        change_password(session, OTHER_PASSWORD)
        try:
            with pytest.raises(Refused) as refused:
                tell(migration.instance_id, "wrong")
            assert refused.value.code == "AccessDenied"
            assert cast.tools.supervisor.pid(migration.task_id) == before
            tell(migration.instance_id, OTHER_PASSWORD)
            eventually(lambda: cast.tools.supervisor.pid(migration.task_id) not in (None, before))
            execute(session, "REPLACE INTO shop.t VALUES (77)")
            eventually(lambda: has_arrived(cast, 77), within_seconds=30)
        finally:
            change_password(session, usual)
            tell(migration.instance_id, usual)


def change_password(session: Session, password: str) -> None:
    """As a DBA does it."""
    execute(session, "ALTER USER 'root'@'%%' IDENTIFIED BY %s", [password])


def has_arrived(cast: Cast, number: int) -> bool:
    """Whether the cluster has the row."""
    with open_session(cast.tools.cluster(cast.cluster_id).server) as session:
        return bool(query(session, "SELECT id FROM shop.t WHERE id = %s", [number]))


def test_nothing_is_left_on_the_source(cast: Cast) -> None:
    """Cancelled after a rollback, where our tables were: no variable, account, database, event or
    trigger is another one, and nobody reads its log. The last test of each source."""
    cast.wait_until_ready()
    assert ("sterna",) in server_state(cast.source.server)["databases"]
    cast.service.cancel(cast.cluster_id)
    left = server_state(cast.source.server)
    left["accounts"] = [account for account in left["accounts"] if account[0] != "app"]
    assert left == cast.untouched
    eventually(lambda: readers(cast) == [])


def readers(cast: Cast) -> list[object]:
    """Who reads the source's binary log."""
    with open_session(cast.source.server) as session:
        sql = "SELECT user FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%%'"
        return [*query(session, sql), *query(session, "SHOW SLAVE HOSTS")]
