"""What is seen of a server that suffers, and what becomes of the work on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from sterna.dataplane import vitals
from sterna.dataplane.backoff import REPLICA_LOOKS, SHARE_MIN, BackOff, complaints
from sterna.dataplane.paces import Paces
from sterna.dataplane.reports import LogReport, Report
from sterna.dataplane.vitals import STATEMENTS_MIN, Vitals, VitalsReader
from sterna.migration.rate import TaskRate
from sterna.mysql.connection import (
    Server,
    execute,
    open_session,
    query,
)
from sterna.mysql.replication import BinlogStream, read_current_position
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.suffering import burning

SERVERS = ["mysql56", "mysql57", "mysql97", "mariadb1011"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """A server of each version."""
    running: RunningServer = request.getfixturevalue(request.param)
    return running.server


@contextlib.contextmanager
def vitals_of(server: Server) -> Iterator[Callable[[], Vitals]]:
    """Looks at a server."""
    with contextlib.closing(open_session(server)) as session:
        yield VitalsReader(server, session).read


def test_statements_of_others_are_counted(server: Server) -> None:
    """Nobody at work is 0, also while our own sessions are; eight strangers at work are eight."""
    with vitals_of(server) as look, contextlib.closing(open_session(server)) as ours:
        working = threading.Thread(
            target=lambda: query(ours, "SELECT BENCHMARK(2000000, SHA2('x', 256))"), daemon=True
        )
        working.start()
        assert look().running == 0
        with burning(server, sessions=8):
            eventually(lambda: look().running == 8)
        working.join()
        eventually(lambda: look().running == 0)
        assert look().history_length is not None


def test_a_replica_that_has_everything_is_not_behind(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that waits for more counts neither as a statement nor as behind."""
    with contextlib.closing(open_session(server)) as session:
        position = read_current_position(session)
    monkeypatch.setattr(vitals, "own_connections", lambda server: frozenset())
    with contextlib.closing(BinlogStream(server, position, 4711)), vitals_of(server) as look:
        # the one statement is the one that looks
        eventually(lambda: look() == Vitals(1, look().statement_seconds, look().history_length, 0))


def test_the_time_of_writes_is_measured(mysql57: RunningServer) -> None:
    """Of commits where there are some, else of writes; a few say nothing."""
    wipe(mysql57.server)
    with (
        vitals_of(mysql57.server) as look,
        contextlib.closing(open_session(mysql57.server)) as one,
        contextlib.closing(open_session(mysql57.server, autocommit=False)) as other,
    ):
        execute(one, "CREATE DATABASE slow")
        execute(one, "CREATE TABLE slow.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
        for _ in range(4):
            look()
        for _ in range(STATEMENTS_MIN - 1):
            execute(one, "INSERT INTO slow.t (n) VALUES (SLEEP(0.03))")
        assert look().statement_seconds is None
        execute(one, "INSERT INTO slow.t (n) VALUES (SLEEP(0.03))")
        seconds = look().statement_seconds
        assert seconds is not None and seconds > 0.02
        for _ in range(STATEMENTS_MIN):
            execute(other, "INSERT INTO slow.t (n) VALUES (1)")
            execute(other, "COMMIT")
        commit_seconds = look().statement_seconds
        assert commit_seconds is not None and commit_seconds < seconds


@pytest.mark.parametrize("engine", ["mysql 5.6", "mariadb 10.11"])
def test_without_the_performance_schema_statements_are_reckoned(
    source_factory: Callable[..., RunningServer], engine: str
) -> None:
    """A dozen statements at once and few that end take long; one at once says nothing."""
    origin = source_factory(engine, performance_schema="OFF").server
    with vitals_of(origin) as look:
        assert [look().statement_seconds for _ in range(4)] == [None, 0.0, 0.0, 0.0]
        with burning(origin, sessions=12):
            usual = Vitals(0, 0.0, 0, 0)
            eventually(lambda: complaints(look(), usual), every_seconds=0.3)
            assert "statements take" in complaints(look(), usual)[0]


class Play:
    """A back-off fed by hand."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.paces = Paces(TaskRate(), workers=2)
        nowhere = Server("127.0.0.1", 1, "nobody", "")
        self.back_off = BackOff(nowhere, self.paces, self.reports.append)

    def look(
        self, *, times: int = 1, running: int = 0, seconds: float | None = 0.001, behind: int = 0
    ) -> float:
        """Show it the server so often while the copy is at work; the share afterwards."""
        for _ in range(times):
            self.paces.copy.pay(1, 1)
            self.back_off.look(Vitals(running, seconds, 100, behind))
        return self.paces.copy.share

    @property
    def sentences(self) -> list[str]:
        """What was logged."""
        return [report.sentence for report in self.reports if isinstance(report, LogReport)]


def test_work_slows_down_in_steps_and_comes_back() -> None:
    """Halved with each bad look but the first, a tenth more with each good one; said twice."""
    play = Play()
    assert play.look(times=5, running=1) == 1.0
    assert play.look(running=40) == 1.0
    assert play.look(running=40) == 0.5
    assert "40 statements run at once (usually 1)" in play.back_off.because
    assert play.look(times=20, running=40) == SHARE_MIN
    assert play.paces.verify.share == SHARE_MIN and play.paces.stream.share == 1.0
    assert play.look(running=1) == pytest.approx(SHARE_MIN + 0.1)
    assert play.look(times=30, running=1) == 1.0
    assert play.back_off.because == ""
    assert len(play.sentences) == 2


def test_nothing_is_slowed_down_while_nothing_is_at_work() -> None:
    """A peak in the life of a source that is only followed is no news, and becomes usual."""
    play = Play()
    for _ in range(100):
        play.back_off.look(Vitals(40, 0.5, 10**7, 0))
    assert (play.paces.copy.share, play.sentences, play.back_off.because) == (1.0, [], "")
    assert play.look(times=10, running=40, seconds=0.5) == 1.0


def test_slow_statements_are_suffering_too() -> None:
    """Many times the usual time, and at least 50 ms more."""
    usual = Vitals(1, 0.002)
    assert not complaints(Vitals(1, 0.04), usual)
    assert complaints(Vitals(1, 0.06), usual) == ("statements take 60 ms (usually 2)",)
    assert not complaints(Vitals(1, 0.4), Vitals(1, 0.1))


def test_the_first_time_that_is_known_is_usual() -> None:
    """A server whose commits always take long does not suffer when the first ones are seen."""
    play = Play()
    play.look(times=5, seconds=None)
    assert play.look(times=10, seconds=0.08) == 1.0
    assert play.look(times=3, seconds=0.5) < 1.0


def test_what_lasts_becomes_usual() -> None:
    """A busy day does not keep a copy waiting that was begun at night."""
    play = Play()
    play.look(times=70)
    assert play.look(times=60, running=40) == SHARE_MIN
    assert play.look(times=60 * 15, running=40) == 1.0


def test_a_replica_that_falls_behind_is_noticed() -> None:
    """One that is sent something at every look for half a minute; not one that is at times."""
    play = Play()
    play.look(times=5)
    for look in range(100):
        assert play.look(behind=look % 2) == 1.0
    assert play.look(times=REPLICA_LOOKS + 2, behind=1) < 1.0
    assert "1 replicas have not been sent everything" in play.back_off.because


def test_what_cannot_be_seen_is_said_once(mysql57: RunningServer) -> None:
    """An account without PROCESS sees nothing of others: that is in the log, and nothing stops."""
    wipe(mysql57.server)
    with contextlib.closing(open_session(mysql57.server)) as session:
        execute(session, "CREATE USER blind@'%' IDENTIFIED BY 'blind'")
    login = Server(mysql57.server.host, mysql57.server.port, "blind", "blind")
    reports: list[Report] = []
    back_off = BackOff(login, Paces(TaskRate(), workers=1), reports.append, look_seconds=0.01)
    stop = threading.Event()
    thread = threading.Thread(target=back_off.run, args=(stop,))
    thread.start()
    eventually(lambda: reports)
    stop.wait(0.3)
    stop.set()
    thread.join()
    (report,) = reports
    assert isinstance(report, LogReport) and "PROCESS" in report.sentence


def test_it_can_be_switched_off_while_it_slows_down() -> None:
    """With --no-back-off everything goes on at full speed at once, and nobody looks any more."""
    play = Play()
    play.look(times=5)
    assert play.look(times=5, running=40) < 1.0
    play.paces.change(TaskRate(back_off=False))
    stop = threading.Event()
    thread = threading.Thread(target=play.back_off.run, args=(stop,))
    thread.start()
    eventually(lambda: play.paces.copy.share == 1.0)
    stop.set()
    thread.join()
    assert play.back_off.because == ""
    assert len(play.sentences) == 2
