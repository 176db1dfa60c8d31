"""A migration in sync; its operations run step by step, here and now, and fail where told.

Plain code, no pytest: `open_cast` starts the servers and the product's parts in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sterna.mysql.connection import Server, execute, open_session, query, scalar
from sterna.settings import Settings, read_settings
from sterna.store.journal import OperationRow
from sterna.store.records import Node
from sterna.wiring import make_tools, take_up
from sterna.workflow.engine import STORY, Run, Step, StepFailedError, insist
from sterna.workflow.service import Service
from sterna.workflow.tools import Tools
from sterna.workflow.wishes import ClusterWish
from tests.fixtures.product import end_servers
from tests.fixtures.running import RunningServer, ServerFarm, eventually
from tests.fixtures.wire import Wire

MOVING_VARIABLES = ("gtid_", "rpl_", "innodb_buffer_pool_dump", "innodb_buffer_pool_load")


class PlainRun(Run):
    """A run without the engine's record: steps happen here and now, as often as we like."""

    def __init__(self, row: OperationRow, tools: Tools, engine: PlainEngine | None) -> None:
        super().__init__(row, tools)
        self._engine = engine or PlainEngine(tools)
        self._number = -1

    def durably(self, name: str, work: Callable[[Step], str], each: Step) -> str:
        """Everything `times` times; the chosen step fails."""
        if name.startswith("undo "):
            return [self._insist(work, each) for _ in range(self._engine.times)][-1]
        self._number += 1
        self._engine.before_step(self._number)
        if self._engine.fail == (self._number, "before"):
            return "made to fail before it was done"
        errors = (self._insist(work, each) for _ in range(self._engine.times))
        error = next(filter(None, errors), "")
        if self._engine.fail == (self._number, "after"):
            return "made to fail after it was done"
        return error

    def _insist(self, work: Callable[[Step], str], each: Step) -> str:
        return insist(work, each, meanwhile=self.let_go)


BY_ITSELF = (-1, "by itself")


class PlainEngine:
    """Runs an operation at once, where it is asked for.

    Attributes:
        fail: (number of the step, "before" or "after" it was done) that is made to fail, or None;
            BY_ITSELF where the world may make one fail.
        before_step: called with the number of each step.
        times: how often each step and each undo is done.
        error: why the last operation failed, empty when it has finished.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.fail: tuple[int, str] | None = None
        self.before_step: Callable[[int], None] = lambda number: None
        self.times = 2
        self.error = ""

    def enqueue(self, operation_id: str) -> None:
        """Run it to its end; undo all where a step was made to fail."""
        journal = self._tools.journal
        row = journal.operation(operation_id)
        run = PlainRun(row, self._tools, self)
        self.error = ""
        operation = STORY[row.name]
        try:
            operation.tell(run)
        except StepFailedError as error:
            assert self.fail is not None, error
            self.error = str(error)
            run.undo_all()
            journal.change_migration(row.cluster_id, status=row.facts["status_before"])
            journal.end(row, error=str(error))
        else:
            assert self.fail in (None, BY_ITSELF)
            journal.change_migration(row.cluster_id, status=operation.done, comment="")
            journal.end(row)


class Cast:
    """A migration in sync, and everything around it.

    Attributes:
        untouched: what the source looked like before anything was done with it.
    """

    def __init__(self, source: RunningServer, tools: Tools, port: int) -> None:
        self.source = source
        self.port = port
        self.tools = tools
        self.engine = PlainEngine(tools)
        self.service = Service(tools, self.engine)  # type: ignore[arg-type]
        self.cluster_id = ""
        self.untouched = server_state(source.server)

    def upgrade(self) -> None:
        """From registering to following."""
        server = self.source.server
        instance = self.service.instances.add(server.host, self.port, server.user, server.password)
        self.cluster_id = self.service.upgrade(ClusterWish(instance.id, "9.7")).cluster_id
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """In sync, verified, latency known."""
        task_id = self.service.migration(self.cluster_id).task_id
        for wanted in ("verified_at", "applied_position"):
            eventually(lambda w=wanted: getattr(self.service.task(task_id), w), within_seconds=60)
        eventually(lambda: self.service.task(task_id).lag_seconds is not None, within_seconds=60)

    def world(self) -> dict[str, Any]:
        """What both sides and everything of ours look like; nothing that moves by itself."""
        tools, cluster_id = self.tools, self.cluster_id
        migration = tools.journal.migration(cluster_id)
        endpoints = tools.inventory.endpoints()
        return {
            "source": server_state(tools.source(cluster_id).server),
            "cluster": server_state(tools.cluster(cluster_id).server),
            "endpoints": [(e.id, e.port, e.state, e.routes_to) for e in endpoints],
            "held": sorted(tools.proxy.held()),
            "parameters": tools.inventory.cluster_parameters(cluster_id),
            "migration": (migration.status, migration.source_mode, migration.cluster_mode),
            "topology": migration.topology,
            "wanted": tools.tasks.is_wanted(migration.task_id),
            "direction": tools.tasks.task(migration.task_id).direction,
        }

    def write(self, value: int) -> None:
        """One row through the endpoint's own server of the moment: the side with the writes."""
        migration = self.tools.journal.migration(self.cluster_id)
        tools = self.tools
        side = tools.source if migration.source_mode == "rw" else tools.cluster
        with open_session(side(self.cluster_id).server) as session:
            execute(session, "INSERT INTO shop.t VALUES (%s)", [value])

    def count(self) -> tuple[int, int]:
        """Rows on the source and on the cluster."""
        sides = (self.tools.source(self.cluster_id), self.tools.cluster(self.cluster_id))
        counted = []
        for side in sides:
            with open_session(side.server) as session:
                counted.append(int(scalar(session, "SELECT COUNT(*) FROM shop.t")))
        return counted[0], counted[1]


def server_state(server: Any) -> dict[str, Any]:
    """Whatever of a server we might leave something in."""
    with open_session(server) as session:
        return {
            "variables": [
                row
                for row in query(session, "SHOW GLOBAL VARIABLES")
                if not str(row[0]).startswith(MOVING_VARIABLES)
            ],
            "databases": query(session, "SHOW DATABASES"),
            "accounts": query(session, "SELECT user, host FROM mysql.user ORDER BY 1, 2"),
            "events": query(
                session, "SELECT event_name, status, definer FROM information_schema.events"
            ),
            "triggers": query(session, "SELECT trigger_name FROM information_schema.triggers"),
        }


@dataclass(frozen=True)
class Wires:
    """The network between the product and the two sides."""

    source: Wire = field(default_factory=Wire)
    cluster: Wire = field(default_factory=Wire)

    def lay(self, tools: Tools) -> None:
        """The product reaches its clusters this way from now on."""
        direct = tools.node_server

        def through(cluster_id: str, node: Node) -> Server:
            server = direct(cluster_id, node)
            self.cluster.target = (server.host, server.port)
            return replace(server, port=self.cluster.port)

        tools.node_server = through  # type: ignore[method-assign]


@contextmanager
def open_cast(
    wires: Wires | None = None,
    *,
    series: str = "5.7",
    furnish: Callable[[Path], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Cast]:
    """A source with an event, and its cluster that follows; the product goes through `wires`.

    `furnish` is given the empty home of the product.
    """
    farm = ServerFarm("sterna-steps")
    home = farm.folder / "home"
    home.mkdir()
    with closing(farm), furnish(home):
        home.chmod(0o711)
        tools = make_tools(Settings(home=home, servers=read_settings().servers))
        try:
            source = farm.start(series, event_scheduler="ON")
            with open_session(source.server) as session:
                execute(session, "CREATE DATABASE shop")
                execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
                execute(session, "CREATE EVENT shop.rare ON SCHEDULE EVERY 1 DAY DO DO 1")
            take_up(tools)
            port = source.server.port
            if wires is not None:
                wires.lay(tools)
                wires.source.target, port = (source.server.host, port), wires.source.port
            cast = Cast(source, tools, port)
            cast.upgrade()
            yield cast
        finally:
            tools.supervisor.close()
            tools.proxy.stop()
            for cluster in Path(home / "clusters").glob("*"):
                end_servers(cluster)
