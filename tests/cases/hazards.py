"""Reading the folders of cases, and running them on one pair of servers."""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sterna.dataplane import checkpoint
from sterna.dataplane.copy import CopiedTables, copy_tables
from sterna.dataplane.pace import Pace
from sterna.dataplane.range_starts import Starts
from sterna.dataplane.reports import Report
from sterna.dataplane.schema_objects import create_objects
from sterna.errors import SternaError
from sterna.mysql.connection import Server, execute, open_session, query
from sterna.mysql.identifiers import quote
from sterna.mysql.position import Position
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link, current_position
from tests.fixtures.running import wipe

FOLDER = Path(__file__).parent
RELAY_SECONDS = 30.0


@dataclass(frozen=True)
class Case:
    """One hazard."""

    name: str
    create: tuple[str, ...]
    changes: tuple[str, ...]
    expect: Mapping[str, Any] = field(repr=False)

    @property
    def database(self) -> str:
        """Where it lives."""
        return f"case_{self.name}"

    @property
    def databases(self) -> list[str]:
        """All its databases; some cases make more of their own."""
        return [self.database, *self.expect.get("databases", [])]

    def refusal(self, way: str, destination: str) -> str:
        """The code of the error expected on the way (copy or relay), "" for none."""
        refused = self.expect.get("refused", {})
        return str(refused.get(way) or refused.get(f"{way}_to", {}).get(destination, ""))

    @property
    def unwritable(self) -> str:
        """What the newer server says to a change only the older one takes, "" for none."""
        return str(self.expect.get("unwritable", ""))

    def compared(self, way: str) -> dict[str, list[str]]:
        """Columns to compare of the tables of which not all print alike."""
        tables = dict(self.expect.get("compared", {}))
        if way == "copy":
            tables |= self.expect.get("compared_copied", {})
        return {f"{self.database}.{table}": columns for table, columns in tables.items()}


def read_cases() -> list[Case]:
    """Every folder with an expect.toml, by name."""
    return [_read_case(path.parent) for path in sorted(FOLDER.glob("*/expect.toml"))]


def _read_case(folder: Path) -> Case:
    return Case(
        folder.name,
        _statements(folder / "create.sql"),
        _statements(folder / "changes.sql"),
        tomllib.loads((folder / "expect.toml").read_text()),
    )


def _statements(path: Path) -> tuple[str, ...]:
    text = re.sub(r"^-- .*\n", "", path.read_text(), flags=re.MULTILINE)
    return tuple(filter(None, (part.strip() for part in re.split(r";$", text, flags=re.MULTILINE))))


@dataclass
class Outcome:
    """What happened to each case, by its name; a case that is not listed went well."""

    copied_first: dict[str, SternaError | AssertionError] = field(default_factory=dict)
    unwritable: dict[str, AssertionError] = field(default_factory=dict)
    relayed: dict[str, SternaError | AssertionError] = field(default_factory=dict)
    copied: dict[str, SternaError | AssertionError] = field(default_factory=dict)


class Pair:
    """One origin and one destination on which all cases are run together."""

    def __init__(self, origin: Server, destination: Server, folder: Path) -> None:
        self._origin, self._destination, self._folder = origin, destination, folder
        self.outcome = Outcome()

    def run(self, cases: Iterable[Case]) -> Outcome:
        """Make, copy, change while following, copy anew; compare after each."""
        wipe(self._origin)
        wipe(self._destination)
        chosen = list(cases)
        for case in chosen:
            self._make(case)
        copied = self._copy(chosen, self.outcome.copied_first)
        self._compare(chosen, self.outcome.copied_first)
        here = [case for case in chosen if case.name not in self.outcome.copied_first]
        self._follow(here, copied.smallest, copied.start_positions)
        wipe(self._destination)
        self._copy(here, self.outcome.copied)
        self._compare(here, self.outcome.copied)
        return self.outcome

    def run_back(self, cases: Iterable[Case]) -> Outcome:
        """Make and copy; change on the destination while its changes are followed back."""
        wipe(self._origin)
        wipe(self._destination)
        chosen = list(cases)
        for case in chosen:
            self._make(case)
        self._copy(chosen, self.outcome.copied_first)
        here = [case for case in chosen if case.name not in self.outcome.copied_first]
        back = Pair(self._destination, self._origin, self._folder / "back")
        back.outcome = self.outcome
        back._follow(here, current_position(self._destination), {})
        return self.outcome

    def _make(self, case: Case) -> None:
        with open_session(self._origin) as session:
            execute(session, f"CREATE DATABASE {quote(case.database)}")
        self._run(case, case.create)

    def _run(self, case: Case, statements: Iterable[str]) -> None:
        with open_session(self._origin) as session:
            execute(session, f"USE {quote(case.database)}")
            for sql in statements:
                try:
                    query(session, sql)
                except SternaError as error:
                    raise AssertionError(f"{case.name}: {sql[:300]}: {error}") from error

    def _copy(
        self, cases: list[Case], failures: dict[str, SternaError | AssertionError]
    ) -> CopiedTables:
        """A case that stops the copy is removed from the origin, and the rest goes on."""
        while True:
            reports: list[Report] = []
            try:
                copied = copy_tables(
                    self._origin,
                    self._destination,
                    pace=Pace(2),
                    report=reports.append,
                    stop=threading.Event(),
                )
                create_objects(self._origin, self._destination, reports.append)
                return copied
            except SternaError as error:
                left = [case for case in cases if case.name not in failures]
                named = [c for c in left if re.search(rf"\b{c.database}\b", error.message)]
                if not named:
                    raise
                failures[named[0].name] = error
                self._remove(named[0])

    def _remove(self, case: Case) -> None:
        with open_session(self._origin) as session:
            execute(session, "SET SESSION sql_log_bin = 0, foreign_key_checks = 0")
            for database in case.databases:
                execute(session, f"DROP DATABASE IF EXISTS {quote(database)}")

    def _follow(self, cases: list[Case], start: Position, starts: Starts) -> None:
        with open_session(self._destination) as session:
            checkpoint.create(session)
            checkpoint.write_start(session, TASK, 1, start)
        spool = self._folder / "spool"
        link = Link(self._origin, self._destination, spool, start_positions=starts).__enter__()
        try:
            for case in cases:
                try:
                    self._run(case, case.changes)
                except AssertionError as error:
                    self.outcome.unwritable[case.name] = error
                try:
                    link.caught_up(RELAY_SECONDS)
                except (SternaError, AssertionError) as error:
                    self.outcome.relayed[case.name] = error
                    link.__exit__(None, None, None)
                    link = self._go_on_behind(link)
        finally:
            link.__exit__(None, None, None)
        left = [case for case in cases if case.name not in self.outcome.relayed]
        self._compare(left, self.outcome.relayed, way="relay")

    def _go_on_behind(self, link: Link) -> Link:
        """A new link from here on, as if what stopped the other had been dealt with."""
        with open_session(self._destination) as session:
            checkpoint.write_start(session, TASK, 1, current_position(self._origin))
        folder = link.folder.with_name(f"{link.folder.name}x")
        return replace(link, folder=folder, reports=[], failure=None).__enter__()

    def _compare(
        self,
        cases: list[Case],
        failures: dict[str, SternaError | AssertionError],
        *,
        way: str = "copy",
    ) -> None:
        for case in cases:
            if case.name not in failures:
                try:
                    assert_equal(
                        self._origin,
                        self._destination,
                        case.databases,
                        columns_only=case.compared(way),
                    )
                except (AssertionError, SternaError) as error:
                    failures[case.name] = error
