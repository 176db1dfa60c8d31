"""What a precheck is, what it is given and what it says."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

from sterna.errors import Transient
from sterna.mysql.catalog import (
    Column,
    Event,
    ForeignKey,
    Key,
    Routine,
    Table,
    TableName,
    Trigger,
    View,
    read_columns,
    read_databases,
    read_events,
    read_foreign_keys,
    read_keys,
    read_routines,
    read_tables,
    read_triggers,
    read_views,
)
from sterna.mysql.connection import ServerError, Session, greeting_version, query
from sterna.mysql.identifiers import quote
from sterna.mysql.statements import statement
from sterna.mysql.stored_code import Code, read_code
from sterna.mysql.version import Version

Severity = Literal["error", "warning", "note"]
CATEGORIES = {
    "notes": "Notes",
    "basic": "Basic Information Verification",
    "dependencies": "Migration Task Dependency Verification",
    "key": "Key Information Verification",
    "other": "Other Verification",
}

SAMPLING_SECONDS_MAX = 20.0
OPENING_SECONDS_MAX = 60.0  # a server with very many tables opens each from its disk
SAMPLE_SECONDS_MAX = 5  # of one statement
TIMED_OUT = frozenset({1969, 3024})  # how MariaDB and MySQL end a statement that takes too long
SHOWN_MAX = 10
SPOOL_BYTES_MIN = 2 * 1024**3  # changes that arrive while the largest table gets its indexes
UPTIME_SECONDS_MIN = 3600  # a server that has just been started tells little of an average day
_WRITTEN = ("Innodb_os_log_written", "Uptime")
COPY_BYTES_PER_SECOND = 20_000_000  # two cores, wide rows; most copies are faster


@dataclass(frozen=True)
class Finding:
    """What one precheck found.

    Attributes:
        check: the check's name.
        category: one of `CATEGORIES`.
        object: what it is about: a variable, a table, an account.
        remedy: SQL to paste, one statement a line, each ended by `;`, advice behind `--`; or a
            sentence where no SQL helps. "" for notes.
        ignorable: whether the upgrade may go on in spite of an error.
        fix: SQL Sterna may run itself once somebody agrees, one statement a line; "" for none.
    """

    check: str
    category: str
    severity: Severity
    object: str
    message: str
    why: str
    remedy: str
    ignorable: bool
    fix: str = ""


class AccountDecision(Protocol):
    """How one account will reach the target, as the plans of accounts say it."""

    @property
    def account(self) -> str:
        """'user'@'host'."""

    @property
    def how(self) -> str:
        """carried | password supplied | left out | undecided."""

    @property
    def reason(self) -> str:
        """One sentence."""

    @property
    def warning(self) -> bool:
        """Whether the reason deserves attention."""

    @property
    def remedy(self) -> str:
        """What silences the warning."""


@dataclass
class Sampling:
    """The time for looking at tables one by one, all checks together.

    Attributes:
        seconds_max: what somebody grants it.
        seconds: what it has taken.
        missed: the tables that were not looked at since `Check.unseen` last told of them.
    """

    seconds_max: float = SAMPLING_SECONDS_MAX
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)


# What the copy stores differently of a table, a sentence each; Stopped where it cannot carry it.
Convert = Callable[[Table, list[Column]], Sequence[str]]


@dataclass(frozen=True)
class Context:
    """What the checks look at.

    Attributes:
        source: a session on the source, as the account the upgrade will use.
        target: the version asked for.
        target_installed: whether a server of that version can be started.
        accounts: the plan of every account of the source.
        migrating: whether a migration of this source exists already (its traces are no findings).
        instance: the source's id, for commands in remedies.
        endpoint_addresses: the addresses that the source and the cluster see when a client comes
            by an endpoint; none where that is not known.
        whitelists: the type of each endpoint of the source (Primary, ReadOnly, Proxy) and the
            networks it lets in.
        free_bytes: room for the cluster and the spool; None where it is not known.
        host_rooms: (name, room in bytes) of each other machine that nodes are made on; none: the
            cluster is beside the spool.
        reserved_server_ids: server ids that sync tasks call themselves.
        sampling: the time for looking at rows.
        opening: the time for opening tables and reading their definitions.
        convert: how the copy puts a table into the target's words; None where nobody says.
        own_account: the account Sterna makes for itself on a cluster, 'user'@'host'.
    """

    source: Session
    target: Version
    target_installed: bool = True
    accounts: Sequence[AccountDecision] = field(default=())
    migrating: bool = False
    instance: str = "INSTANCE"
    endpoint_addresses: tuple[str, ...] = ()
    whitelists: Sequence[tuple[str, tuple[str, ...]]] = ()
    free_bytes: int | None = None
    host_rooms: tuple[tuple[str, int], ...] = ()
    reserved_server_ids: range = range(0)
    own_account: str = ""
    convert: Convert | None = None
    sampling: Sampling = field(default_factory=Sampling)
    opening: Sampling = field(default_factory=lambda: Sampling(OPENING_SECONDS_MAX))

    @cached_property
    def version(self) -> Version:
        """The source's version."""
        return greeting_version(self.source)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All base tables of the customer."""
        return tuple(t for name in self.databases for t in read_tables(self.source, name))

    @cached_property
    def databases(self) -> tuple[str, ...]:
        """All databases of the customer."""
        return tuple(database.name for database in read_databases(self.source))

    @cached_property
    def columns(self) -> dict[str, dict[str, list[Column]]]:
        """The columns of all tables and views, by database and table."""
        return {name: read_columns(self.source, name) for name in self.databases}

    @property
    def table_columns(self) -> Iterator[tuple[Table, Column]]:
        """Every column of a base table."""
        for table in self.tables:
            for column in self.columns[table.database].get(table.name, ()):
                yield table, column

    @cached_property
    def keys(self) -> dict[str, dict[str, list[Key]]]:
        """The indexes, by database and table."""
        return {name: read_keys(self.source, name) for name in self.databases}

    @cached_property
    def foreign_keys(self) -> tuple[tuple[str, ForeignKey], ...]:
        """Every foreign key with the database of its table."""
        return tuple(
            (name, key)
            for name in self.databases
            for keys in read_foreign_keys(self.source, name).values()
            for key in keys
        )

    @cached_property
    def views(self) -> dict[str, list[View]]:
        """The views, by database."""
        return {name: read_views(self.source, name) for name in self.databases}

    @cached_property
    def routines(self) -> dict[str, list[Routine]]:
        """The routines, by database."""
        return {name: read_routines(self.source, name) for name in self.databases}

    @cached_property
    def triggers(self) -> dict[str, list[Trigger]]:
        """The triggers, by database."""
        return {name: read_triggers(self.source, name) for name in self.databases}

    @cached_property
    def events(self) -> dict[str, list[Event]]:
        """The events, by database."""
        return {name: read_events(self.source, name) for name in self.databases}

    @cached_property
    def code(self) -> tuple[Code, ...]:
        """The stored SQL of all the customer's databases."""
        return tuple(code for name in self.databases for code in read_code(self.source, name))

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Accounts that somebody decided not to carry, or that belong to the server."""
        return frozenset(plan.account for plan in self.accounts if plan.how == "left out")

    @property
    def to_mysql(self) -> bool:
        """Whether the target is a MySQL."""
        return not self.target.is_mariadb

    @property
    def crosses(self) -> bool:
        """Whether the way leads from MariaDB to MySQL."""
        return self.version.is_mariadb and self.to_mysql

    @cached_property
    def variables(self) -> dict[str, str]:
        """All global variables of the source, by lower-case name."""
        rows = query(self.source, "SHOW GLOBAL VARIABLES")
        return {str(name).lower(): str(value) for name, value in rows}

    def variable(self, name: str) -> str:
        """A global variable of the source; "" where it does not know it."""
        return self.variables.get(name, "")

    @property
    def size_bytes(self) -> int:
        """What tables and indexes take on the source, as its engines estimate it."""
        return sum(table.data_bytes + table.index_bytes for table in self.tables)

    @property
    def copy_seconds(self) -> float:
        """How long the full copy takes at most on an ordinary machine."""
        return self.size_bytes / COPY_BYTES_PER_SECOND

    @property
    def spool_bytes(self) -> int:
        """What may have to wait in the spool: what the source has written on an average day, for
        as long as the copy takes, and a buffer."""
        rows = query(self.source, "SHOW GLOBAL STATUS WHERE Variable_name IN (%s, %s)", _WRITTEN)
        found = {str(name): int(value) for name, value in rows}
        written, uptime = found.get(_WRITTEN[0], 0), found.get(_WRITTEN[1], 0)
        rate = written / max(uptime, UPTIME_SECONDS_MIN)
        return SPOOL_BYTES_MIN + int(rate * self.copy_seconds)

    def drop(self, code: Code) -> str:
        """The statements that remove a stored text, each ended by `;`."""
        if code.kind == "routine":
            kinds = [r.kind for r in self.routines[code.database] if r.name == code.name]
            sql = [f"DROP {kind} {quote(code.database, code.name)};" for kind in kinds]
            return "\n".join(sql)
        if not code.table:
            return f"DROP {code.kind.upper()} {quote(code.database, code.name)};"
        what = "CONSTRAINT" if code.kind == "check" else "COLUMN"
        return f"ALTER TABLE {quote(code.database, code.table)} DROP {what} {quote(code.name)};"

    def opened(self, tables: Iterable[TableName]) -> Iterator[TableName]:
        """One table after the other, to be opened by whoever asks; no more when the time for that
        is over. `Check.unseen` tells of those."""
        for table in tables:
            if self.opening.seconds >= self.opening.seconds_max:
                self.opening.missed.append(".".join(table))
                continue
            begun = time.monotonic()
            yield table
            self.opening.seconds += time.monotonic() - begun

    def limited(self, select: str) -> str:
        """`SELECT {select}` that ends by itself after some seconds, where the server can do that:
        with an error of `TIMED_OUT`."""
        sql = statement("limited", self.version)
        return sql.format(seconds=SAMPLE_SECONDS_MAX, rest=select)

    def sample(self, table: str, select: str) -> list[tuple[Any, ...]] | None:
        """The rows of `SELECT {select}`, a bounded look at one table; None when the time for that
        is over, it took too long, or somebody else keeps the table locked. `Check.unseen` tells of
        these."""
        begun = time.monotonic()
        try:
            if self.sampling.seconds < self.sampling.seconds_max:
                return query(self.source, self.limited(select))
        except Transient as error:
            if error.code != "LockWaitTimeout":
                raise
        except ServerError as error:
            if error.number not in TIMED_OUT:
                raise
        finally:
            self.sampling.seconds += time.monotonic() - begun
        self.sampling.missed.append(table)
        return None


class Check(ABC):
    """One precheck: finds, never changes. Raises SternaError when it cannot look."""

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str]
    why: ClassVar[str]
    # Whether the SQL of its remedies only sets what nobody misses: no rows, no rights, no locks.
    is_safe_to_fix: ClassVar[bool] = False

    @abstractmethod
    def run(self, context: Context) -> Iterator[Finding]:
        """What is to be said; nothing when all is well."""

    def error(self, about: str, *, message: str, remedy: str, ignorable: bool = False) -> Finding:
        """The upgrade must not begin."""
        return self._finding("error", about, message, remedy, ignorable)

    def warning(self, about: str, *, message: str, remedy: str) -> Finding:
        """The upgrade may begin, but somebody should look."""
        return self._finding("warning", about, message, remedy, True)

    def note(self, about: str, *, message: str) -> Finding:
        """Good to know; nothing is to be done."""
        return self._finding("note", about, message, "", True)

    def unseen(self, context: Context) -> Iterator[Finding]:
        """Notes on the tables that could not be looked at."""
        looks = {"rows": context.sampling, "definitions": context.opening}
        for what, look in looks.items():
            missed = list(dict.fromkeys(look.missed))
            look.missed.clear()
            if missed:
                yield self.note(
                    what,
                    message=f"The {what} of {counted(len(missed), 'table')} were not looked at,"
                    f" because the time for that was over or they were locked:"
                    f" {shorten(missed)}. More time:"
                    f" sterna evaluate {context.instance} --version V --sample-seconds N",
                )

    def _finding(
        self, severity: Severity, about: str, message: str, remedy: str, ignorable: bool
    ) -> Finding:
        return Finding(
            check=self.name,
            category=self.category,
            severity=severity,
            object=about,
            message=message,
            why=self.why,
            remedy=remedy,
            ignorable=ignorable,
            fix=statements_of(remedy) if self.is_safe_to_fix else "",
        )


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 table, 2 tables."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shorten(names: Sequence[str]) -> str:
    """The first names of a list, for a message."""
    return ", ".join(names[:SHOWN_MAX]) + (" …" if len(names) > SHOWN_MAX else "")


def statements_of(remedy: str) -> str:
    """The SQL of a remedy without its advice; "" where it is not SQL alone."""
    lines = [line for line in remedy.splitlines() if not line.startswith("--")]
    return "\n".join(lines) if all(line.endswith(";") for line in lines) else ""
