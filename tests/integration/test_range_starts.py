"""Ranges of one table copied at several moments, on real servers: nothing is lost or doubled."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sterna.dataplane import follow, windows
from sterna.dataplane.range_starts import (
    KeyColumn,
    KeyKind,
    RangeStart,
    Starts,
    groups_of,
    key_column,
    read_ties,
    table_start,
)
from sterna.dataplane.transactions import RowPiece
from sterna.mysql.catalog import read_columns, read_keys
from sterna.mysql.connection import Server, Session, execute, open_session, query
from tests.fixtures.compare import assert_equal, table_rows
from tests.fixtures.link import Link, begin, current_position
from tests.fixtures.running import RunningServer, wipe
from tests.integration.test_follow import run, sides
from tests.integration.test_regroup import bulk

__all__ = ["bulk", "sides"]

EXAMPLES = int(os.environ.get("RANGE_EXAMPLES", "4"))
SIDES = [("mysql57", "mysql97"), ("mariadb1011", "mysql97"), ("mysql97", "mysql57")]
Value = int | bytes

KEYS: dict[str, list[Value]] = {
    "TINYINT": [-128, -127, -1, 0, 1, 2, 126, 127],
    "MEDIUMINT UNSIGNED": [0, 1, 255, 256, 65536, 16777215],
    "BIGINT": [-(1 << 63), -257, -1, 0, 1, 256, (1 << 63) - 1],
    "BIGINT UNSIGNED": [0, 1, 255, 256, 1 << 63, (1 << 64) - 1],
    "BINARY(3)": [b"\0\0\0", b"a\0\0", b"a\0b", b"ab\0", b"b\0\0", b"\xff\xff\xff"],
    "VARBINARY(300)": [b"", b"\0", b"a", b"a\0", b"a\0b", b"ab", b"\xff"],
}


@dataclass(frozen=True)
class Plan:
    """A table, where its key is cut, and behind which transaction each range is copied."""

    name: str
    kind: str
    cuts: tuple[Value, ...]
    moments: tuple[int, ...]

    @property
    def sql(self) -> str:
        """CREATE TABLE: the key is neither the first column nor all of the primary key."""
        return (
            f"CREATE TABLE {self.name} (t VARCHAR(20), k {self.kind} NOT NULL, n INT NOT NULL,"
            " b BLOB, PRIMARY KEY (k, n), KEY (t)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        )

    @property
    def ends(self) -> list[tuple[Value | None, Value | None]]:
        """Low and high of each range."""
        return list(itertools.pairwise([None, *self.cuts, None]))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Plan], list[list[tuple[str, Sequence[Value]]]]]:
    """Some tables, and transactions that move their rows about."""
    size = draw(st.integers(5, 25))
    tables = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(list(KEYS)))
        cuts = tuple(sorted(draw(st.sets(st.sampled_from(KEYS[kind]), min_size=1, max_size=4))))
        moments = st.lists(st.integers(0, size), min_size=len(cuts) + 1, max_size=len(cuts) + 1)
        tables.append(Plan(f"t{number}", kind, cuts, tuple(draw(moments))))
    statement = st.sampled_from(tables).flatmap(changes)
    transaction = st.lists(statement, min_size=1, max_size=5)
    return tables, draw(st.lists(transaction, min_size=size, max_size=size))


def changes(table: Plan) -> st.SearchStrategy[tuple[str, Sequence[Value]]]:
    """One statement; many rows of it change their range."""
    key, n = st.sampled_from(KEYS[table.kind]), st.integers(0, 2)
    text = st.sampled_from([b"", b"a", b"b\0"])
    name = table.name
    return st.one_of(
        st.tuples(
            st.just(f"INSERT IGNORE INTO {name} VALUES ('x', %s, %s, %s)"), st.tuples(key, n, text)
        ),
        st.tuples(
            st.just(f"REPLACE INTO {name} VALUES (NULL, %s, %s, %s)"), st.tuples(key, n, text)
        ),
        st.tuples(
            st.just(f"INSERT IGNORE INTO {name} SELECT 'y', %s, n, b FROM {name}"), st.tuples(key)
        ),
        st.tuples(
            st.just(f"UPDATE IGNORE {name} SET k = %s, b = %s WHERE k = %s"),
            st.tuples(key, text, key),
        ),
        st.tuples(
            st.just(f"UPDATE IGNORE {name} SET k = %s WHERE n = %s LIMIT 3"), st.tuples(key, n)
        ),
        st.tuples(st.just(f"UPDATE {name} SET b = %s"), st.tuples(text)),
        st.tuples(st.just(f"DELETE FROM {name} WHERE k = %s"), st.tuples(key)),
        st.tuples(st.just(f"DELETE FROM {name} WHERE n = %s LIMIT 2"), st.tuples(n)),
    )


def copy_range(origin: Session, destination: Session, table: str, *ends: Value | None) -> None:
    """What a snapshot of the range shows now."""
    conditions = [
        f"k {sign} %s" for sign, end in zip((">", "<="), ends, strict=True) if end is not None
    ]
    where = " AND ".join(conditions) or "TRUE"
    values = [end for end in ends if end is not None]
    for row in query(origin, f"SELECT t, k, n, b FROM {table} WHERE {where}", values):
        execute(destination, f"INSERT INTO {table} VALUES (%s, %s, %s, %s)", row)


def key_of(origin: Session, database: str, table: str) -> KeyColumn:
    """As the copy finds it."""
    found = key_column(read_columns(origin, database)[table], read_keys(origin, database)[table])
    assert found is not None
    return found


def play(
    origin: Server,
    destination: Server,
    tables: list[Plan],
    transactions: list[list[tuple[str, Sequence[Value]]]],
) -> Starts:
    """Run the history, and copy each range at its moment."""
    found: dict[str, dict[int, RangeStart]] = {table.name: {} for table in tables}
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(
                one,
                "DROP DATABASE IF EXISTS rnd;; CREATE DATABASE rnd CHARACTER SET utf8mb4;; USE rnd",
            )
            for table in tables:
                execute(one, table.sql)
        begin(origin, destination)
        for number, statements in enumerate([*transactions, []]):
            for table, (part, moment) in ((t, p) for t in tables for p in enumerate(t.moments)):
                if moment == number:
                    copy_range(session, there, table.name, *table.ends[part])
                    start = current_position(origin)
                    found[table.name][part] = RangeStart(*table.ends[part], start)
            execute(session, "BEGIN")
            for sql, values in statements:
                execute(session, sql, values)
            execute(session, "ROLLBACK" if number % 7 == 6 else "COMMIT")
        return {
            ("rnd", name): table_start(
                key_of(session, "rnd", name), [parts[n] for n in sorted(parts)]
            )
            for name, parts in found.items()
        }


@pytest.mark.parametrize("names", SIDES, ids="-".join)
@pytest.mark.parametrize("regroup_bytes", [1, 1 << 60], ids=["regrouped", "one by one"])
def test_ranges_of_any_moment_become_equal(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, str],
    regroup_bytes: int,
    bulk: list[RowPiece],
) -> None:
    """Random histories over tables whose ranges were copied at random moments: equal in the end."""
    origin, destination = (request.getfixturevalue(name) for name in names)
    assert isinstance(origin, RunningServer) and isinstance(destination, RunningServer)
    wipe(origin.server)
    wipe(destination.server)
    monkeypatch.setattr(windows, "REGROUP_BYTES", regroup_bytes)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def check(history: tuple[list[Plan], list[list[tuple[str, Sequence[Value]]]]]) -> None:
        starts = play(origin.server, destination.server, *history)
        with (
            tempfile.TemporaryDirectory() as folder,
            Link(
                origin.server, destination.server, Path(folder) / "spool", start_positions=starts
            ) as link,
        ):
            link.caught_up(60)
        assert_equal(origin.server, destination.server, ["rnd"])

    check()
    assert bool(bulk) == (regroup_bytes == 1)


TABLE = "CREATE DATABASE d;; USE d;; CREATE TABLE t (k INT PRIMARY KEY, v INT)"
KEY = KeyColumn(0, 2, KeyKind.SIGNED)


@pytest.mark.parametrize("sides", SIDES, indirect=True, ids="-".join)
def test_xa_is_judged_where_it_commits(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Of rows prepared before and committed between two copies those of the older range count."""
    origin, destination = sides
    with (
        open_session(origin) as session,
        open_session(origin) as other,
        open_session(destination) as there,
    ):
        for one in (session, there):
            run(one, TABLE)
        run(session, "INSERT INTO t VALUES (1, 0), (2, 0), (11, 0), (12, 0)")
        begin(origin, destination)
        run(
            session,
            "XA START 'x';; UPDATE t SET v = 1;; UPDATE t SET k = 20 WHERE k = 1;; XA END 'x'",
        )
        execute(session, "XA PREPARE 'x'")
        execute(there, "INSERT INTO t VALUES (1, 0), (2, 0)")
        first = RangeStart(None, 10, current_position(origin))
        execute(session, "XA COMMIT 'x'")
        execute(there, "INSERT INTO t VALUES (20, 1), (11, 1), (12, 1)")
        second = RangeStart(10, None, current_position(origin))
        run(other, "UPDATE d.t SET v = 2 WHERE k = 2;; UPDATE d.t SET k = 3 WHERE k = 20")
        starts = {("d", "t"): table_start(KEY, [first, second])}
        with Link(origin, destination, tmp_path, start_positions=starts) as link:
            link.caught_up()
    assert_equal(origin, destination, ["d"])


def test_ddl_between_two_copies_stops(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A definition that one range has and another has not is never guessed at."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(one, TABLE)
        begin(origin, destination)
        first = RangeStart(None, 10, current_position(origin))
        execute(session, "ALTER TABLE t ADD COLUMN w INT")
        second = RangeStart(10, None, current_position(origin))
        starts = {("d", "t"): table_start(KEY, [first, second])}
        with Link(origin, destination, tmp_path, start_positions=starts) as link:
            error = link.stopped()
    assert "only a part is copied" in error.message


# Foreign keys

FAMILY = """CREATE DATABASE d;; USE d
;; CREATE TABLE parents (id INT PRIMARY KEY)
;; CREATE TABLE children (id INT PRIMARY KEY, p INT,
     FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE)"""


def copied_apart(origin: Server, destination: Server, order: Sequence[str]) -> Starts:
    """Parents and children copied one after the other; between them a parent goes and comes."""
    starts = {}
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(one, FAMILY)
        run(session, "INSERT INTO parents VALUES (1), (2);; INSERT INTO children VALUES (1, 1)")
        begin(origin, destination)
        execute(there, "SET foreign_key_checks = 0")
        for name in order:
            if starts:
                run(session, "DELETE FROM parents WHERE id = 1;; INSERT INTO parents VALUES (1)")
                run(session, "INSERT INTO children VALUES (7, 1)")
            for row in query(session, f"SELECT * FROM {name}"):
                marks = ", ".join(["%s"] * len(row))
                execute(there, f"INSERT INTO {name} VALUES ({marks})", row)
            starts["d", name] = current_position(origin)
    return starts


@pytest.mark.parametrize(
    ("order", "lost"),
    [(["parents", "children"], "7 is gone"), (["children", "parents"], "1 has come back")],
    ids=["children newer", "parents newer"],
)
def test_a_cascade_between_two_copies_is_refused(
    sides: tuple[Server, Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: list[str],
    lost: str,
) -> None:
    """Tied tables copied at two moments stop following; without that rows would be wrong."""
    origin, destination = sides
    starts = copied_apart(origin, destination, order)
    with Link(origin, destination, tmp_path / "refused", start_positions=starts) as link:
        assert link.stopped().code == "TiedTablesApart"
    monkeypatch.setattr(follow, "require_groups_together", lambda *facts: None)
    with Link(origin, destination, tmp_path / "wrong", start_positions=starts) as link:
        link.caught_up()
    children = table_rows(destination, "d", "children")
    assert children != table_rows(origin, "d", "children"), lost


def test_tied_tables_of_one_moment_are_followed(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    """One start for parents and children, behind the checkpoint: the cascade comes out right."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(one, FAMILY)
        begin(origin, destination)
        for number, one in enumerate((session, there)):
            run(one, "INSERT INTO parents VALUES (1), (2);; INSERT INTO children VALUES (1, 1)")
            assert number or not execute(session, "DELETE FROM parents WHERE id = 3")
        assert groups_of(read_ties(there)).keys() == {("d", "parents"), ("d", "children")}
        moment = current_position(origin)
        starts = {("d", "parents"): moment, ("d", "children"): moment}
        with Link(origin, destination, tmp_path, start_positions=starts) as link:
            run(session, "DELETE FROM parents WHERE id = 1")
            link.caught_up()
    assert_equal(origin, destination, ["d"])
