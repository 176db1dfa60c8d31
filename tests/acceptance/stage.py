"""The cast of an acceptance test: a source, the product, and a bank at work between them.

Everything is done as an operator does it, with the `sterna` command; the API is only watched.
"""

from __future__ import annotations

import urllib.error
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.connection import Login, connect, rows
from demo.judge import compare, judge
from demo.ledger import read_ledger
from demo.running_bank import RunningBank, start_bank
from demo.schema import Accounts, create_schema
from tests.fixtures.product import Product
from tests.fixtures.running import RunningServer, ServerFarm, eventually

SCALE = 0.02
THREADS, TRANSFERS_PER_SECOND_AND_THREAD = 3, 25.0
WRITES = 15  # so many acknowledged transfers prove that the bank is at work
SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
CHANGING_VARIABLES = ("gtid_", "rpl_", "innodb_buffer_pool_dump", "innodb_buffer_pool_load")


@dataclass
class Stage:
    """A source with a bank, registered with a product; `cluster_id` once it is being upgraded.

    Attributes:
        address: where the bank reaches its database, from the first day to the last.
        ledger: what the bank was promised, of all its days.
    """

    product: Product
    source: RunningServer
    accounts: Accounts
    instance_id: str
    address: Login
    ledger: Path
    cluster_id: str = ""
    threads: int = THREADS
    pace: float = TRANSFERS_PER_SECOND_AND_THREAD
    bank: RunningBank | None = field(default=None, repr=False)

    # What an operator does

    def do(self, verb: str, *options: str) -> Any:
        """A command on the cluster that must succeed; waits for its end."""
        return self.product.ask(verb, self.cluster_id, *options)

    def move(self, verb: str, **asked: object) -> None:
        """A switchover or rollback on the way to what is tested, without a command of its own."""
        self.product.see(f"/migrations/{self.cluster_id}/{verb}", asked)
        migration = self.wait_until_idle()
        moved_to = {"switch-over": "POLARDB2RDS_SYNCING", "roll-back": "RDS2POLARDB_SYNCING"}[verb]
        assert migration["status"] == moved_to, migration["comment"]

    def supply_passwords(self) -> None:
        """For accounts whose hash the target cannot take."""
        known = {"app": self.accounts.app_password, "report": self.accounts.report_password}
        for name, password in known.items():
            command = ("account", "set-password", self.instance_id, f"'{name}'@'%'")
            self.product.ask(*command, extra={"STERNA_PASSWORD": password})

    def begin_upgrade(self, version: str, *options: str) -> None:
        """Returns when the upgrade is under way."""
        migration = self.product.ask("upgrade", self.instance_id, "--version", version, *options)
        self.cluster_id = migration["cluster_id"]

    def upgrade(self, version: str, *options: str) -> None:
        """Returns when the cluster follows and every row has been compared."""
        self.begin_upgrade(version, *options, "--wait")
        self.wait_until_verified()

    def verify(self) -> None:
        """Compare every row anew; a sync task that is just starting is asked again."""

        def is_asked() -> bool:
            with suppress(urllib.error.HTTPError):
                return bool(self.product.see(f"/migrations/{self.cluster_id}/verify", {}))
            return False

        eventually(is_asked, within_seconds=30, every_seconds=0.2)
        self.wait_until_verified()

    def wait_until_verified(self) -> None:
        """Until a whole pass has ended, without a difference."""
        eventually(lambda: self.standing["task"]["verified_at"], within_seconds=60)
        task = self.migration["task"]
        assert (task["differences"], task["rows_verified"] > 0) == (0, True), task

    def wait_until_idle(self) -> dict[str, Any]:
        """The migration when no operation is under way any more."""
        eventually(lambda: not self.standing["operation"], within_seconds=90)
        return self.migration

    def wait_until_in_step(self) -> None:
        """Until a write on the owner's side arrives at the other within a second or so."""

        def in_step() -> bool:
            migration = self.standing
            lag_seconds, task = migration["lag_seconds"], migration["task"]
            known = {name: task[name] for name in ("direction", "status", "stalled_because")}
            assert lag_seconds is not None and lag_seconds < 2, (lag_seconds, known)
            return True

        eventually(in_step, within_seconds=60)

    # What can be seen

    @property
    def migration(self) -> dict[str, Any]:
        """The migration as the API shows it now."""
        seen: dict[str, Any] = self.product.see(f"/migrations/{self.cluster_id}")
        return seen

    @property
    def standing(self) -> dict[str, Any]:
        """The same without its history, for looking often."""
        known = self.product.see("/migrations")
        return next(each for each in known if each["cluster_id"] == self.cluster_id)

    @property
    def task_id(self) -> str:
        """The migration's sync task."""
        return str(self.standing["task_id"])

    def endpoints(self, owner_id: str) -> list[dict[str, Any]]:
        """Endpoints of the instance or the cluster."""
        found: list[dict[str, Any]] = self.product.see(f"/endpoints?owner_id={owner_id}")
        return found

    @property
    def cluster(self) -> Login:
        """The cluster's primary, for the source's administrator."""
        node = self.product.see(f"/clusters/{self.cluster_id}")["nodes"][0]
        root = self.source.server
        return Login(node["host"], node["port"], root.user, root.password)

    @property
    def source_address(self) -> str:
        """Where endpoints lead when they lead to the source."""
        return f"{self.source.server.host}:{self.source.server.port}"

    # The bank

    def open_bank(self) -> None:
        """The bank pays through its one address, from now on."""
        self.bank = start_bank(self.address, self.ledger, threads=self.threads, pace=self.pace)

    def close_bank(self) -> None:
        """The bank ends after its current transfers; it must have been well until then."""
        if self.bank is not None:
            bank, self.bank = self.bank, None
            bank.stop()

    @contextmanager
    def open_hours(self) -> Generator[None]:
        """The bank is at work within; after an error it is not asked how it went."""
        self.open_bank()
        try:
            self.wait_for_writes()
            yield
            self.close_bank()
        finally:
            if self.bank is not None:
                self.bank.kill()
                self.bank = None

    def wait_for_writes(self, count: int = WRITES) -> None:
        """Until the bank has been promised so many more transfers."""
        wanted = self.acknowledged() + count
        eventually(lambda: self.acknowledged() >= wanted, within_seconds=60, every_seconds=0.1)

    def acknowledged(self) -> int:
        """How many transfers were promised until now."""
        return len(read_ledger(self.ledger).acknowledged_at) if self.ledger.exists() else 0

    def assert_promises_kept(self, owner: Login | RunningServer) -> None:
        """Nothing is lost, doubled or torn on the side that has the writes."""
        login = owner.server if isinstance(owner, RunningServer) else owner
        verdict = judge(login, self.ledger)
        assert verdict.is_clean, str(verdict)
        assert verdict.acknowledged > 0

    def assert_sides_equal(self) -> None:
        """Once the stream has drained, both sides hold the same; the bank is closed."""
        assert self.bank is None
        server, cluster = self.source.server, self.cluster

        def same() -> bool:
            differences = compare(server, cluster)
            assert not differences, "\n".join(differences[:20])
            return True

        eventually(same, within_seconds=30, every_seconds=0.2)


@contextmanager
def open_stage(farm: ServerFarm, series: str, *, scale: float = SCALE) -> Iterator[Stage]:
    """A source with a bank that is closed yet, known to a product of its own."""
    with ExitStack() as ends:
        product = Product(farm.folder / f"home-{series}-{farm.free_port()}")
        ends.callback(product.destroy)
        source = farm.start(series)
        ends.callback(farm.provisioner.delete_node, source.spec)
        accounts = create_schema(source.server, series, scale)
        product.start()
        instance_id = add_instance(product, source)
        (endpoint,) = product.see(f"/endpoints?owner_id={instance_id}")
        address = Login(endpoint["host"], endpoint["port"], "app", accounts.app_password)
        ledger = farm.folder / f"ledger-{source.spec.id}.jsonl"
        yield Stage(product, source, accounts, instance_id, address, ledger)


def add_instance(product: Product, source: RunningServer) -> str:
    """Register a server as its administrator; the instance's id."""
    server = source.server
    where = ("--host", server.host, "--port", str(server.port), "--user", server.user)
    password = {"STERNA_PASSWORD": server.password}
    return str(product.ask("instance", "add", *where, extra=password)["id"])


def ask(login: Any, sql: str, *args: object) -> tuple[tuple[Any, ...], ...]:
    """All rows of one statement in a session of its own, as the login's user."""
    with connect(login) as session:
        return rows(session, sql, *args)


def is_read_only(login: Any) -> bool:
    """Whether a server refuses the writes of applications."""
    return bool(ask(login, "SELECT @@GLOBAL.read_only")[0][0])


def accounts_of(login: Any) -> set[tuple[str, str]]:
    """(user, host) of every account."""
    return {
        (str(user), str(host)) for user, host in ask(login, "SELECT user, host FROM mysql.user")
    }


def databases_of(login: Any) -> set[str]:
    """Names of all databases, the system's own included."""
    return {str(name) for (name,) in ask(login, "SHOW DATABASES")}


def enabled_events(login: Any) -> set[str]:
    """Events that start by themselves."""
    sql = "SELECT event_name FROM information_schema.events WHERE status = 'ENABLED'"
    return {str(name) for (name,) in ask(login, sql)}


def state_of(login: Any) -> dict[str, Any]:
    """Whatever an upgrade might change on a server besides rows; equal means untouched."""
    variables = {
        str(name): str(value)
        for name, value in ask(login, "SHOW GLOBAL VARIABLES")
        if not str(name).startswith(CHANGING_VARIABLES)
    }
    accounts = accounts_of(login)
    tables = "SELECT table_schema, table_name FROM information_schema.tables"
    events = "SELECT event_schema, event_name, definer, status FROM information_schema.events"
    triggers = "SELECT trigger_schema, trigger_name, definer FROM information_schema.triggers"
    return {
        "variables": variables,
        "accounts": accounts,
        "grants": {one: set(ask(login, "SHOW GRANTS FOR %s@%s", *one)) for one in accounts},
        "databases": databases_of(login),
        "tables": set(ask(login, tables)),
        "events": set(ask(login, events)),
        "triggers": set(ask(login, triggers)),
    }


def replicas_of(login: Any) -> list[tuple[Any, ...]]:
    """Whoever reads the server's binary log, or has said so."""
    dumps = "SELECT user, host FROM information_schema.processlist WHERE command LIKE %s"
    return [*ask(login, dumps, "Binlog Dump%"), *ask(login, "SHOW SLAVE HOSTS")]


def assert_untouched(login: Any, before: dict[str, Any]) -> None:
    """Nothing of ours is left on a server: neither in its state nor connected to it."""
    after = state_of(login)
    for name, value in before.items():
        assert after[name] == value, name
    eventually(lambda: replicas_of(login) == [], within_seconds=30)
