"""Regrouped windows on real servers: what they leave is what one-by-one application leaves."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sterna.dataplane import checkpoint, key_facts, windows
from sterna.dataplane.regroup import Regrouper
from sterna.dataplane.transactions import RowPiece
from sterna.mysql.connection import Server, Session, execute, open_session, query
from sterna.mysql.position import Position
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import TASK, Link, begin
from tests.fixtures.running import RunningServer, wipe
from tests.integration.test_follow import FORWARD, REVERSE, SCHEMA, WRITES, run, sides

__all__ = ["sides"]

EXAMPLES = int(os.environ.get("REGROUP_EXAMPLES", "4"))
ONE_BY_ONE = 1 << 60


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regroup whatever is there, not only where it pays."""
    monkeypatch.setattr(windows, "REGROUP_BYTES", 1)


@pytest.fixture
def bulk(monkeypatch: pytest.MonkeyPatch) -> list[RowPiece]:
    """Every piece that was made by regrouping."""
    pieces: list[RowPiece] = []
    drain = Regrouper.drain

    def counted(self: Regrouper) -> Iterator[RowPiece]:
        for piece in drain(self):
            pieces.append(piece)
            yield piece

    monkeypatch.setattr(Regrouper, "drain", counted)
    return pieces


@pytest.mark.parametrize("sides", FORWARD + REVERSE, indirect=True, ids="-".join)
def test_everything_written_arrives(
    sides: tuple[Server, Server], tmp_path: Path, bulk: list[RowPiece]
) -> None:
    """All the writes that arrive one by one arrive alike when they wait and are regrouped."""
    origin, destination = sides
    with open_session(origin) as session:
        run(session, SCHEMA)
        run(session, WRITES)
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["shop"])
    tables = {name for piece in bulk for name in piece.tables}
    assert ("shop", "kinds") in tables
    assert not tables & {("shop", "keyless"), ("shop", "parents"), ("shop", "children")}


def test_many_changes_become_few(
    sides: tuple[Server, Server], tmp_path: Path, bulk: list[RowPiece]
) -> None:
    """A thousand changes of one row are one update; a row that came and went is nothing."""
    origin, destination = sides
    with open_session(origin) as session:
        run(session, "CREATE DATABASE d;; USE d;; CREATE TABLE t (id INT PRIMARY KEY, n INT)")
        with Link(origin, destination, tmp_path / "first") as link:
            execute(session, "INSERT INTO t VALUES (1, 0)")
            link.caught_up()
        bulk.clear()
        for number in range(1000):
            execute(session, "UPDATE t SET n = %s", [number])
        run(session, "INSERT INTO t VALUES (2, 0);; DELETE FROM t WHERE id = 2")
    with Link(origin, destination, tmp_path / "second") as link:
        link.caught_up()
    assert_equal(origin, destination, ["d"])
    assert sum(len(piece.events) // 2 for piece in bulk) < 100


def test_many_tables_are_asked_for_together(
    sides: tuple[Server, Server],
    tmp_path: Path,
    bulk: list[RowPiece],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And once more behind DDL: rows go by the key that their table has then."""
    asked: list[str] = []
    read = key_facts._read
    monkeypatch.setattr(key_facts, "_read", lambda s, how, a: asked.append(how) or read(s, how, a))
    origin, destination = sides
    tables = [f"t{number}" for number in range(30)]
    columns = "(id INT PRIMARY KEY, a INT NOT NULL DEFAULT 0)"
    with open_session(origin) as session:
        run(session, f"CREATE DATABASE d;; USE d;; CREATE TABLE t0 {columns}")
        run(session, ";; ".join(f"CREATE TABLE {name} LIKE t0" for name in tables[1:]))
        run(session, ";; ".join(f"INSERT INTO {name} VALUES (1, 1)" for name in tables))
        run(session, "ALTER TABLE t5 DROP PRIMARY KEY, ADD PRIMARY KEY (a)")
        run(session, ";; ".join(f"UPDATE {name} SET a = 2" for name in tables))
        run(session, "INSERT INTO t5 VALUES (1, 3);; UPDATE t5 SET id = 4 WHERE a = 2")
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    assert_equal(origin, destination, ["d"])
    assert {name for piece in bulk for name in piece.tables} == {("d", name) for name in tables}
    assert asked.count("") == 2 and len(asked) < 8, asked


def test_unique_values_swap(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Unique values that change rows within one window never meet each other."""
    origin, destination = sides
    with open_session(origin) as session:
        run(
            session,
            "CREATE DATABASE d;; USE d;;"
            " CREATE TABLE t (id INT PRIMARY KEY, u VARCHAR(9) UNIQUE, v INT, UNIQUE (v, u))",
        )
        with Link(origin, destination, tmp_path / "first") as link:
            execute(session, "INSERT INTO t VALUES (1,'a',1),(2,'b',2),(3,'c',3),(4,NULL,4)")
            link.caught_up()
        held: dict[int, str] = {1: "'a'", 2: "'b'", 3: "'c'", 4: "NULL"}
        for one, other in ((1, 2), (2, 3), (3, 4), (1, 4)):
            run(
                session,
                f"BEGIN;; UPDATE t SET u = 'x' WHERE id = {one}"
                f";; UPDATE t SET u = {held[one]} WHERE id = {other}"
                f";; UPDATE t SET u = {held[other]} WHERE id = {one};; COMMIT",
            )
            held[one], held[other] = held[other], held[one]
        run(session, f"DELETE FROM t WHERE id = 1;; INSERT INTO t VALUES (5, {held[1]}, 1)")
        run(session, "UPDATE t SET id = id + 10, u = UPPER(u) ORDER BY id DESC")
    with Link(origin, destination, tmp_path / "second") as link:
        link.caught_up()
    assert_equal(origin, destination, ["d"])


def test_largest_key_counts(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """A key that came and went within a window still is not given out again."""
    origin, destination = sides
    with open_session(origin) as session:
        run(
            session,
            "CREATE DATABASE d;; USE d;; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)"
            ";; INSERT INTO t VALUES (5, 1);; INSERT INTO t VALUES (900, 1)"
            ";; INSERT INTO t VALUES (901, 1);; DELETE FROM t WHERE id >= 900",
        )
    with Link(origin, destination, tmp_path) as link:
        link.caught_up()
    with open_session(destination) as session:
        execute(session, "INSERT INTO d.t (n) VALUES (2)")
        assert query(session, "SELECT id FROM d.t ORDER BY id") == [(5,), (902,)]


# Random transactions over random schemas

TEXTS = ["''", "'a'", "'A'", "'a '", "'ä'", "'ss'", "'ß'", "'b'"]
NUMBERS = ["-128", "-1", "0", "1", "2", "127"]
VALUES: dict[str, list[str]] = {
    "TINYINT": NUMBERS,
    "BIGINT": NUMBERS,
    "MEDIUMINT UNSIGNED": ["0", "1", "255", "256", "16777215"],
    "VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci": TEXTS,
    "VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin": TEXTS,
    "CHAR(6) CHARACTER SET latin1 COLLATE latin1_swedish_ci": TEXTS,
    "CHAR(6) CHARACTER SET utf16 COLLATE utf16_general_ci": TEXTS,
    "BINARY(3)": ["0x00", "0x61", "0x6100", "0x620001"],
    "VARBINARY(5)": ["''", "0x00", "0x61", "0x6100", "0x612000"],
    "DECIMAL(20,5)": ["0", "-0.00001", "1.5", "123456789012345.12345"],
    "DATETIME(3)": ["'2020-01-01'", "'2020-01-01 00:00:00.001'", "'1000-01-01'"],
    "TIME(6)": ["'00:00:00'", "'-00:00:01'", "'838:59:59'"],
    "TIMESTAMP(2) NULL": ["'2020-01-01'", "'2030-05-05 05:05:05.55'"],
    "DATE": ["'2020-01-01'", "'0000-00-00'"],
    "YEAR": ["1901", "2155", "0"],
    "ENUM('x','y','z')": ["'x'", "'y'", "'z'"],
    "SET('p','q','r')": ["''", "'p'", "'p,r'"],
    "BIT(11)": ["b'0'", "b'1'", "b'11111111111'"],
    "FLOAT": ["0", "-0e0", "1.1", "3e38"],
    "DOUBLE": ["0", "-0e0", "5e-324"],
    "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci": [
        "''",
        "'t'",
        "'TEXT'",
        "'test'",
        "REPEAT('long', 20000)",
    ],
    "TINYBLOB": ["''", "0x00FF"],
    "JSON": ["'{}'", "'[1,\"a\"]'"],
    "POINT": ["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(0 0)')"],
}
UNKEYED = {
    "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "TINYBLOB",
    "JSON",
    "POINT",
}
# What a generated column may be made of, on every server alike.
PLAIN = ("TINYINT", "BIGINT", "MEDIUMINT", "VARCHAR", "VARBINARY", "DECIMAL", "MEDIUMTEXT")
kinds = st.sampled_from(list(VALUES))
keyable = st.sampled_from([kind for kind in VALUES if kind not in UNKEYED])


@dataclass(frozen=True)
class Plan:
    """A table: its columns' types, and which of them are its keys."""

    name: str
    types: tuple[str, ...]
    primary: int  # so many of the first columns
    unique: tuple[int, ...]
    parent: str | None
    prefixes: bool  # its keys hold only the beginnings of texts
    generated: str  # VIRTUAL, STORED, or ""; with a key over it

    def _part(self, number: int) -> str:
        """A column in a key; of texts without a length only the beginning can be there."""
        kind = self.types[number]
        is_blob = kind.startswith(("MEDIUMTEXT", "TINYBLOB"))
        is_text = kind.startswith(("VARCHAR", "VARBINARY", "CHAR"))
        return f"c{number} (2)" if is_blob or (is_text and self.prefixes) else f"c{number}"

    @property
    def sql(self) -> str:
        """CREATE TABLE."""
        columns = [
            f"c{n} {kind}" + (" NOT NULL" if n < self.primary and "NULL" not in kind else "")
            for n, kind in enumerate(self.types)
        ]
        if self.primary:
            listed = ", ".join(map(self._part, range(self.primary)))
            columns.append(f"PRIMARY KEY ({listed})")
        columns += [f"UNIQUE KEY ({self._part(n)})" for n in self.unique]
        if self.parent:
            columns += [
                "p INT",
                f"FOREIGN KEY (p) REFERENCES {self.parent} (id)"
                " ON DELETE CASCADE ON UPDATE CASCADE",
            ]
        if self.generated:  # behind p: in front of it, 5.7 takes it for p (precheck foreign_keys)
            made = f"(CHAR_LENGTH(HEX(c{len(self.types) - 1})) % 5) {self.generated}"
            columns += [f"g INT GENERATED ALWAYS AS {made}", "UNIQUE KEY (g)"]
        return f"CREATE TABLE {self.name} ({', '.join(columns)}) ENGINE=InnoDB"


@st.composite
def plans(draw: st.DrawFn, number: int) -> Plan:
    """A table of any kind."""
    blobs = [k for k in UNKEYED if k.startswith(("MEDIUMTEXT", "TINYBLOB"))]
    may_be_key = st.one_of(keyable.filter(lambda k: "NULL" not in k), st.sampled_from(blobs))
    keys = draw(st.lists(may_be_key, min_size=0, max_size=2))
    rest = draw(st.lists(kinds, min_size=1, max_size=4))
    types = (*keys, *rest)
    may_be_unique = [n for n, kind in enumerate(types) if kind not in UNKEYED and n >= len(keys)]
    unique = draw(st.sets(st.sampled_from(may_be_unique), max_size=2)) if may_be_unique else set()
    parent = draw(st.sampled_from([None, None, None, "parents"]))
    generated = draw(st.sampled_from(["", "", "VIRTUAL", "STORED"]))
    return Plan(
        f"t{number}",
        types,
        len(keys),
        tuple(sorted(unique)),
        parent,
        prefixes=draw(st.booleans()),
        generated=generated if types[-1].startswith(PLAIN) else "",
    )


@st.composite
def changes(draw: st.DrawFn, tables: list[Plan]) -> str:
    """One statement; keys and unique values collide often, and then it does less."""
    if draw(st.integers(0, 9)) == 0:
        one, other = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        return draw(
            st.sampled_from(
                [
                    f"INSERT IGNORE INTO parents VALUES ({one}), ({other})",
                    f"DELETE FROM parents WHERE id = {one}",
                    f"UPDATE IGNORE parents SET id = {one} WHERE id = {other}",
                ]
            )
        )
    table = draw(st.sampled_from(tables))
    values = [draw(st.sampled_from([*VALUES[kind], "NULL"])) for kind in table.types]
    values = [
        v if n >= table.primary or v != "NULL" else VALUES[table.types[n]][0]
        for n, v in enumerate(values)
    ]
    if table.parent:
        values.append(draw(st.sampled_from(["NULL", "1", "2", "3"])))
    if table.generated:
        values.append("DEFAULT")
    column = draw(st.integers(0, len(table.types) - 1))
    other = draw(st.integers(0, len(table.types) - 1))
    where = f"c{other} = {values[other]}" if table.types[other] != "JSON" else "1 = 1"
    listed = ", ".join(values)
    return draw(
        st.sampled_from(
            [
                f"INSERT IGNORE INTO {table.name} VALUES ({listed})",
                f"INSERT IGNORE INTO {table.name} VALUES ({listed})",
                f"REPLACE INTO {table.name} VALUES ({listed})",
                f"UPDATE IGNORE {table.name} SET c{column} = {values[column]} WHERE {where}",
                f"UPDATE IGNORE {table.name} SET c{column} = {values[column]} LIMIT 1",
                f"DELETE FROM {table.name} WHERE {where}",
                f"DELETE FROM {table.name} LIMIT 1",
            ]
        )
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Plan], list[list[str]]]:
    """Some tables, and transactions on them."""
    tables = [draw(plans(number)) for number in range(draw(st.integers(1, 3)))]
    size = st.lists(changes(tables), min_size=1, max_size=8)
    return tables, draw(st.lists(size, min_size=5, max_size=40))


def play(session: Session, transactions: list[list[str]]) -> None:
    """Run them; what a statement may not do is left out."""
    for number, statements in enumerate(transactions):
        execute(session, "BEGIN")
        for statement in statements:
            try:
                execute(session, statement)
            except Exception as error:  # noqa: BLE001
                assert any(f" {n}:" in str(error) for n in (1062, 1451, 1452, 1264, 1416)), error
        execute(session, "ROLLBACK" if number % 7 == 6 else "COMMIT")


def definitions(server: Server, tables: list[Plan]) -> list[object]:
    """SHOW CREATE TABLE of all tables."""
    with open_session(server) as session:
        return [query(session, f"SHOW CREATE TABLE rnd.{table.name}") for table in tables]


@pytest.mark.parametrize("names", [("mysql57", "mysql97"), ("mysql97", "mysql57")], ids="-".join)
def test_regrouped_is_one_by_one(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    """Random transactions over random schemas leave the same rows, regrouped or one by one."""
    origin, destination = (request.getfixturevalue(name) for name in names)
    assert isinstance(origin, RunningServer) and isinstance(destination, RunningServer)
    wipe(origin.server)
    wipe(destination.server)
    begin(origin.server, destination.server)
    numbers = itertools.count()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def check(history: tuple[list[Plan], list[list[str]]]) -> None:
        tables, transactions = history
        with open_session(origin.server) as session:
            run(session, "DROP DATABASE IF EXISTS rnd;; CREATE DATABASE rnd CHARACTER SET utf8mb4")
            start = begin(origin.server, destination.server)
            run(session, "USE rnd;; CREATE TABLE parents (id INT PRIMARY KEY)")
            for table in tables:
                execute(session, table.sql)
            play(session, transactions)
        seen = []
        for threshold in (ONE_BY_ONE, 1):
            monkeypatch.setattr(windows, "REGROUP_BYTES", threshold)
            _from(destination.server, start)
            with (
                tempfile.TemporaryDirectory() as folder,
                Link(origin.server, destination.server, Path(folder) / str(next(numbers))) as link,
            ):
                link.caught_up(60)
            assert_equal(origin.server, destination.server, ["rnd"])
            seen.append(definitions(destination.server, tables))
        assert seen[0] == seen[1]

    check()


def _from(server: Server, start: Position) -> None:
    with open_session(server) as session:
        run(session, "DROP DATABASE IF EXISTS rnd;; CREATE DATABASE rnd CHARACTER SET utf8mb4")
        checkpoint.write_start(session, TASK, 1, start)


@pytest.mark.parametrize("sides", [("mysql97", "mysql57")], indirect=True, ids="-".join)
def test_packed_transactions_are_regrouped(
    sides: tuple[Server, Server], tmp_path: Path, bulk: list[RowPiece]
) -> None:
    """Compressed transactions, of a session or of all, become few like others; so do both mixed."""
    origin, destination = sides
    with open_session(origin) as session:
        run(session, "CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;; USE d")
        run(session, "CREATE TABLE t (id INT PRIMARY KEY, n INT);; CREATE TABLE k (n INT)")
        with Link(origin, destination, tmp_path / "first") as link:
            execute(session, "INSERT INTO t VALUES (1, 0)")
            link.caught_up()
        bulk.clear()
        execute(session, "SET binlog_transaction_compression = ON")
        for number in range(300):
            execute(session, "UPDATE t SET n = %s", [number])
            if number % 100 == 50:
                run(session, "INSERT INTO k VALUES (1), (1);; SAVEPOINT ignored")
                run(
                    session,
                    "BEGIN;; INSERT INTO t SELECT id + 1 + n, 0 FROM t WHERE id = 1;; COMMIT",
                )
                execute(session, "SET binlog_transaction_compression = OFF")
                execute(session, "UPDATE t SET n = n + 1")
                execute(session, "SET binlog_transaction_compression = ON")
    with Link(origin, destination, tmp_path / "second") as link:
        link.caught_up()
    assert_equal(origin, destination, ["d"])
    assert 0 < sum(len(piece.events) // 2 for piece in bulk) < 60
