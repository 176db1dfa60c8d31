"""Something breaks at a step of a switchover or rollback: what is done, and what must then be true.

Plain code, no pytest. The whole matrix is `make soak-switch`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from demo.connection import connect, rows
from sterna.clusters.process import signal_process
from sterna.errors import Refused, SternaError
from sterna.migration.policy import SWITCH_BUDGET_SECONDS
from sterna.mysql.connection import Server
from sterna.workflow.engine import outline
from sterna.workflow.sessions import ANSWER_SECONDS_MAX
from sterna.workflow.watch import Watch
from tests.faults.cast import BY_ITSELF, Cast, Wires, open_cast
from tests.fixtures.product import node_argument
from tests.fixtures.running import eventually

VICTIMS = ("source", "cluster", "proxy", "source network", "cluster network")
HANGING = ("source hangs", "cluster hangs")
STEPS = [each.title for each in outline("switch_over", {"with_endpoints": True})]
SAMPLE_SECONDS = 0.01
DOWN_SECONDS = 0.5
# A server that forgot that it is closed is closed again by the watch.
REOPENED_SECONDS_MAX = 3.0
CALM_SECONDS_MAX = 90.0
ROLE_VARIABLES = {"read_only", "super_read_only", "event_scheduler"}
# What a busy machine may add to a wait that the product ends by itself.
SLACK_SECONDS = 5.0


@dataclass(frozen=True)
class Case:
    """What breaks, before which step of what."""

    operation: str
    number: int
    victim: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.victim} at {self.number}: {STEPS[self.number]}"


def all_cases() -> list[Case]:
    """Every victim at every step of both operations."""
    operations = ("switch_over", "roll_back")
    victims = (*VICTIMS, *HANGING)
    return [Case(o, n, v) for n in range(len(STEPS)) for v in victims for o in operations]


class Owners(threading.Thread):
    """Asks both servers who may write, past the wires, until the context ends.

    Attributes:
        both_seconds: the longest time both were seen writable.
        none_seconds: the longest time neither was.
    """

    def __init__(self, source: Server, cluster: Server) -> None:
        super().__init__(name="owners", daemon=True)
        self.both_seconds = self.none_seconds = 0.0
        self._servers = (source, cluster)
        self._sessions: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._since: dict[bool, float | None] = {True: None, False: None}

    def __enter__(self) -> Owners:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        """Until the context ends."""
        while not self._stopping.wait(SAMPLE_SECONDS):
            answers = [self._is_writable(number) for number in (0, 1)]
            at = time.monotonic()
            self.both_seconds = max(self.both_seconds, self._lasts(True, all(answers), at))
            self.none_seconds = max(self.none_seconds, self._lasts(False, not any(answers), at))
        for session in self._sessions.values():
            session.close()

    def _lasts(self, kind: bool, is_so: bool, at: float) -> float:
        since = self._since[kind]
        self._since[kind] = (at if since is None else since) if is_so else None
        return at - since if is_so and since is not None else 0.0

    def _is_writable(self, number: int) -> bool:
        """A server that does not answer takes no writes."""
        try:
            if number not in self._sessions:
                self._sessions[number] = connect(self._servers[number])
            ((value,),) = rows(self._sessions[number], "SELECT @@GLOBAL.read_only")
        except (pymysql.MySQLError, OSError):
            session = self._sessions.pop(number, None)
            if session is not None:
                with suppress(pymysql.MySQLError):
                    session.close()
            return False
        return not int(value)


@dataclass
class Victims:
    """A migration at rest, things that break, and the judge.

    Attributes:
        network_seconds: how long a network stays cut.
        results: what became of each case, as it was judged.
    """

    cast: Cast
    wires: Wires
    network_seconds: float = 1.0
    results: list[dict[str, object]] = field(default_factory=list)

    def play(self, case: Case) -> str:
        """Run a case and judge it; "finished" or "undone"."""
        cast = self.cast
        self._be_ready_for(case.operation)
        before = cast.world()
        threads: list[threading.Thread] = []

        def breaks(number: int) -> None:
            if number == case.number and not threads:
                threads.append(self._break(case.victim))

        cast.engine.before_step, cast.engine.fail, cast.engine.times = breaks, BY_ITSELF, 1
        began = time.monotonic()
        with Owners(cast.source.server, self._cluster()) as owners:
            self._operate(case.operation)
            seconds = time.monotonic() - began
            for thread in threads:
                thread.join()
            self._calm(case, before)
        self._judge(case, owners)
        outcome = "undone" if cast.engine.error else "finished"
        self.results.append(
            {
                "case": str(case),
                "outcome": outcome,
                "seconds": round(seconds, 2),
                "both_writable_seconds": round(owners.both_seconds, 2),
                "none_writable_seconds": round(owners.none_seconds, 2),
            }
        )
        return outcome

    # Before

    def _be_ready_for(self, operation: str) -> None:
        """On the side the operation leaves, with nothing in the way."""
        cast = self.cast
        owner = "RDS2POLARDB_SYNCING" if operation == "switch_over" else "POLARDB2RDS_SYNCING"
        cast.engine.before_step, cast.engine.fail = lambda number: None, None
        if cast.service.migration(cast.cluster_id).status != owner:
            self._when_allowed("roll_back" if operation == "switch_over" else "switch_over")
        self._when_allowed(operation, only_look=True)

    def _when_allowed(self, operation: str, *, only_look: bool = False) -> None:
        """Once nothing stands in the way; a closed follower is verified anew first."""
        service, cluster_id = self.cast.service, self.cast.cluster_id

        def is_allowed() -> bool:
            plan = (
                service.plan_switch_over(cluster_id, True)
                if operation == "switch_over"
                else service.plan_roll_back(cluster_id)
            )
            if any("verified" in refusal for refusal in plan.refusals):
                with suppress(Refused):
                    service.verify(cluster_id)
            assert plan.allowed, plan.refusals
            return True

        eventually(is_allowed, within_seconds=CALM_SECONDS_MAX, every_seconds=0.5)
        if not only_look:
            self._operate(operation)

    def _operate(self, operation: str) -> None:
        if operation == "switch_over":
            self.cast.service.switch_over(self.cast.cluster_id, with_endpoints=True)
        else:
            self.cast.service.roll_back(self.cast.cluster_id)

    # What breaks

    def _break(self, victim: str) -> threading.Thread:
        """It is broken on return; the thread ends when it is whole again."""
        mend = {
            "source": self._kill_source,
            "cluster": self._kill_cluster,
            "proxy": self._kill_proxy,
            "source network": lambda: self._cut(self.wires.source.cut, self.wires.source.mend),
            "cluster network": lambda: self._cut(self.wires.cluster.cut, self.wires.cluster.mend),
            "source hangs": lambda: self._hang(self.cast.source.spec.folder),
            "cluster hangs": lambda: self._hang(self._cluster_folder()),
        }[victim]()
        thread = threading.Thread(target=mend)
        thread.start()
        return thread

    def _kill_source(self) -> Callable[[], None]:
        self.cast.source.kill9()

        def start() -> None:
            time.sleep(DOWN_SECONDS)
            eventually(self._starts, within_seconds=CALM_SECONDS_MAX, every_seconds=1)

        return start

    def _starts(self) -> bool:
        """A busy machine may not have freed yet what the killed one used."""
        try:
            self.cast.source.start()
        except Refused as error:
            raise AssertionError(error) from error
        return True

    def _kill_cluster(self) -> Callable[[], None]:
        """The watch starts it again."""
        assert signal_process(node_argument(self._cluster_folder() / "my.cnf"), signal.SIGKILL)
        return lambda: None

    def _cluster_folder(self) -> Path:
        tools, cluster_id = self.cast.tools, self.cast.cluster_id
        return tools.node_spec(cluster_id, tools.writer(cluster_id)).folder

    def _hang(self, folder: Path) -> Callable[[], None]:
        """It takes connections and answers nobody, for as long as a network stays cut."""
        argument = node_argument(folder / "my.cnf")
        assert signal_process(argument, signal.SIGSTOP)

        def later() -> None:
            time.sleep(self.network_seconds)
            signal_process(argument, signal.SIGCONT)

        return later

    def _kill_proxy(self) -> Callable[[], None]:
        """The watch starts it again, or who needs it first."""
        self.cast.tools.proxy.stop()
        return lambda: None

    def _cut(self, cut: Callable[[], None], mend: Callable[[], None]) -> Callable[[], None]:
        cut()

        def later() -> None:
            time.sleep(self.network_seconds)
            mend()

        return later

    # After

    def _cluster(self) -> Server:
        """The cluster past the wire, for the same account."""
        tools, cluster_id = self.cast.tools, self.cast.cluster_id
        user, password = tools.inventory.cluster_admin(cluster_id)
        node = tools.writer(cluster_id)
        return Server(node.host, node.port, user, password)

    def _calm(self, case: Case, before: dict[str, Any]) -> None:
        """Either everything is as it was before, or the operation has finished."""
        cast = self.cast

        def is_calm() -> bool:
            try:
                world = cast.world()
            except SternaError as error:
                raise AssertionError(error) from error  # a server is not back yet
            if cast.engine.error:
                assert _comparable(world, case) == _comparable(before, case)
                return True
            owner, other = ("cluster", "source")[:: 1 if case.operation == "switch_over" else -1]
            assert dict(world[owner]["variables"])["read_only"] == "OFF"
            assert dict(world[other]["variables"])["read_only"] == "ON"
            assert world[owner]["events"][0][1] == "ENABLED"
            assert world[other]["events"][0][1] != "ENABLED"
            assert (world["held"], {e[2] for e in world["endpoints"]}) == ([], {"Open"})
            return True

        eventually(is_calm, within_seconds=CALM_SECONDS_MAX, every_seconds=0.1)
        rows_wanted = max(cast.count()) + 1
        cast.write(rows_wanted)
        eventually(lambda: cast.count() == (rows_wanted, rows_wanted), within_seconds=60)

    def _judge(self, case: Case, owners: Owners) -> None:
        """Never two owners, but for a server that was restarted; never none for long."""
        allowed_seconds = REOPENED_SECONDS_MAX if case.victim in ("source", "cluster") else 0.0
        assert owners.both_seconds <= allowed_seconds, f"{case}: two owners {owners.both_seconds} s"
        longest_seconds = SWITCH_BUDGET_SECONDS + self.network_seconds
        arriving = "cluster" if case.operation == "switch_over" else "source"
        if self.cast.engine.error and case.victim == f"{arriving} network":
            longest_seconds = ANSWER_SECONDS_MAX + SLACK_SECONDS  # the others are there to undo it
        assert owners.none_seconds <= longest_seconds, f"{case}: none for {owners.none_seconds} s"
        assert self.cast.service.migration(self.cast.cluster_id).operation == ""


def _comparable(world: dict[str, Any], case: Case) -> dict[str, Any]:
    """A restarted server has its variables as its configuration says; its events stay disabled."""
    if case.victim not in ("source", "cluster"):
        return world
    kept = ROLE_VARIABLES if case.victim == "cluster" else ROLE_VARIABLES - {"event_scheduler"}
    side = world[case.victim]
    variables = [row for row in side["variables"] if row[0] in kept]
    return {**world, case.victim: {**side, "variables": variables}}


@contextmanager
def open_victims(network_seconds: float = 1.0) -> Iterator[Victims]:
    """A migration in sync behind wires, watched over as the server does it."""
    wires = Wires()
    with open_cast(wires) as cast:
        watch = Watch(cast.tools, cast.service.expire)
        watch.start()
        try:
            yield Victims(cast, wires, network_seconds)
        finally:
            watch.stop()
            wires.source.mend()
            wires.cluster.mend()
    wires.source.close()
    wires.cluster.close()
