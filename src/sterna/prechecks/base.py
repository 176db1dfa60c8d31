"""What a precheck is, what it is given and what it says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, Protocol

from sterna.mysql.catalog import Table, read_databases, read_tables
from sterna.mysql.connection import Session, greeting_version
from sterna.mysql.stored_code import Code, read_code
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version

Severity = Literal["error", "warning", "note"]
CATEGORIES = ("notes", "basic", "dependencies", "key", "other")


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
    """

    check: str
    category: str
    severity: Severity
    object: str
    message: str
    why: str
    remedy: str
    ignorable: bool


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
    """

    source: Session
    target: Version
    target_installed: bool = True
    accounts: Sequence[AccountDecision] = field(default=())
    migrating: bool = False
    instance: str = "INSTANCE"

    @cached_property
    def version(self) -> Version:
        """The source's version."""
        return greeting_version(self.source)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All base tables of the customer."""
        databases = read_databases(self.source)
        return tuple(t for each in databases for t in read_tables(self.source, each.name))

    @cached_property
    def databases(self) -> tuple[str, ...]:
        """All databases of the customer."""
        return tuple(database.name for database in read_databases(self.source))

    @cached_property
    def code(self) -> tuple[Code, ...]:
        """The stored SQL of all the customer's databases."""
        return tuple(code for name in self.databases for code in read_code(self.source, name))

    @property
    def to_mysql(self) -> bool:
        """Whether the target is a MySQL."""
        return not self.target.is_mariadb

    def variable(self, name: str) -> str:
        """A global variable of the source; "" where it does not know it."""
        return read_variables(self.source, name).get(name, "")


class Check(ABC):
    """One precheck: finds, never changes. Raises SternaError when it cannot look."""

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str]
    why: ClassVar[str]

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
        )
