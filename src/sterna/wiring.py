"""The composition root: settings in, processes out. The only place that knows everything."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog

from sterna.clusters.engines import find_engines
from sterna.clusters.existing import ExistingProvisioner
from sterna.clusters.local import LocalProvisioner
from sterna.clusters.places import Places
from sterna.clusters.provisioner import Provisioner
from sterna.clusters.ssh import SshProvisioner
from sterna.dataplane.supervisor import Supervisor
from sterna.endpoints.connections import INTERVAL_SECONDS as CONNECTIONS_SECONDS
from sterna.endpoints.connections import ConnectionLog
from sterna.endpoints.haproxy import HAProxy
from sterna.errors import Refused
from sterna.server.run import serve
from sterna.settings import Settings, read_settings
from sterna.store.access import Access
from sterna.store.database import Secrets
from sterna.store.hosts import HostBook
from sterna.store.journal import Journal
from sterna.store.repository import open_store
from sterna.store.standing import Standing
from sterna.store.tasks import Tasks
from sterna.store.usage import UsageBook
from sterna.workflow import ambiguity
from sterna.workflow.abreast import Abreast
from sterna.workflow.bookkeeping import Bookkeeper
from sterna.workflow.engine import Engine
from sterna.workflow.health import INTERVAL_SECONDS
from sterna.workflow.hosting import login_of
from sterna.workflow.metering import INTERVAL_SECONDS as METERING_SECONDS
from sterna.workflow.node_life import NodeKeeper
from sterna.workflow.serverless import INTERVAL_SECONDS as SERVERLESS_SECONDS
from sterna.workflow.service import Service
from sterna.workflow.ticker import Ticker
from sterna.workflow.tools import EXISTING, Tools
from sterna.workflow.watch import Watch

# Who waits for the server waits at most twice as long.
TAKE_UP_SECONDS_MAX = 4.0
PROXY_SECONDS = 0.2


def run_server() -> None:
    """Take up what the last server left, then serve until told to stop."""
    _log_no_values()
    settings = read_settings()
    os.umask(0o077)
    with _alone(settings.home):
        tools = make_tools(settings)
        take_up(tools)
        engine = Engine(database_url=settings.database_url, tools=tools)
        engine.launch()
        service = Service(tools, engine)
        watch = Watch(tools, service.expire)
        connections = ConnectionLog(settings.home / "proxy")
        hands = (
            watch,
            Ticker("schedules", service.schedules.tick),
            Ticker("hooks", service.hooks.deliver),
            Ticker("usage", service.metering.tick, interval_seconds=METERING_SECONDS),
            Ticker("serverless", service.serverless.tick, interval_seconds=SERVERLESS_SECONDS),
            Ticker("keeper", NodeKeeper(tools).tick),
            Ticker("connections", connections.tick, interval_seconds=CONNECTIONS_SECONDS),
            Ticker("proxy", watch.look_after_proxy, interval_seconds=PROXY_SECONDS),
            Ticker("health", service.health.tick, interval_seconds=INTERVAL_SECONDS),
        )
        for hand in hands:
            hand.start()
        try:
            serve(service, settings)
        finally:
            for hand in hands:
                hand.stop()
            tools.supervisor.close()
        # Operations under way are left where they are, as after a crash: the next server goes on
        # with them. Their threads may be waiting for hours.
        os._exit(0)


def make_tools(settings: Settings) -> Tools:
    """Everything the steps use, connected."""
    database, inventory = open_store(settings.database_url, settings.home / "key")
    tasks = Tasks(database)
    hosts = HostBook(database, Secrets(settings.home / "key"))
    supervisor = Supervisor(
        lambda task_id: tools.task_spec(task_id),
        on_report=lambda task_id, report: bookkeeper.record(task_id, report),
        log_folder=settings.home / "logs",
    )
    tools = Tools(
        settings=settings,
        inventory=inventory,
        journal=Journal(database),
        tasks=tasks,
        standing=Standing(database, Secrets(settings.home / "key")),
        access=Access(database),
        usage=UsageBook(database),
        hosts=hosts,
        provisioner=Places(partial(_provisioner_at, hosts)),
        proxy=HAProxy(settings.home / "proxy"),
        engines=find_engines(settings.servers),
        supervisor=supervisor,
    )
    bookkeeper = Bookkeeper(
        tasks,
        tools.metrics,
        lambda task_id, entry: tools.journal.write(tools.cluster_of_task(task_id), entry),
    )
    return tools


def _provisioner_at(hosts: HostBook, host_id: str) -> Provisioner:
    """Of a host, or of this machine for ""."""
    if not host_id:
        return LocalProvisioner()
    host = hosts.host(host_id)
    if host.kind == EXISTING:
        return ExistingProvisioner()
    return SshProvisioner(login_of(hosts, host))


def take_up(tools: Tools) -> None:
    """Start or adopt the nodes and the proxy, and start the tasks that should run.

    A node that does not start, or takes its time, keeps nobody else waiting: it goes on starting
    while the server answers already, and the watch tries it again.
    """
    hands = Abreast("take-up")
    starts = {
        node.id: partial(tools.start_node, cluster.id, node)
        for cluster in tools.inventory.clusters()
        for node in cluster.nodes
        if node.status == "Running" and cluster.status != "Deleting"
    }
    hands.look(starts, within_seconds=TAKE_UP_SECONDS_MAX)
    migrations = tools.journal.migrations()
    checks = {m.cluster_id: partial(ambiguity.check, tools, m) for m in migrations}
    hands.look(checks, within_seconds=TAKE_UP_SECONDS_MAX)
    hands.close()
    tools.apply_routes()
    for task_id in tools.tasks.wanted():
        tools.supervisor.ensure(task_id)


def _log_no_values() -> None:
    """Tracebacks name lines, not what the variables there hold: a password may be among them."""
    *others, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*others, renderer])


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One server per home. 0711: the database servers' user passes through to their folders."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"Another Sterna server already works in {home}.",
                code="AlreadyRunning",
                remedy="Use that one, or set STERNA_HOME to another folder.",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")  # for whoever wants to know which process it is
        lock.flush()
        yield
