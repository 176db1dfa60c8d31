"""A copy under several snapshots, with DDL in between: whole sync tasks on real servers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sterna.dataplane import copy_ranges
from sterna.dataplane.copy_starts import read_starts
from sterna.dataplane.range_starts import TableStarts
from sterna.dataplane.reports import Report, TableReport
from sterna.errors import SternaError, Stopped
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    execute,
    open_session,
    query,
    scalar,
    server_version,
)
from tests.fixtures.compare import assert_equal
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.task import RunningTask, task_spec

pytestmark = pytest.mark.usefixtures("never_slower")


@pytest.fixture(params=["mysql56", "mysql57", "mariadb1011"])
def origin(request: pytest.FixtureRequest) -> Server:
    """Each server that people leave, empty."""
    running: RunningServer = request.getfixturevalue(request.param)
    wipe(running.server)
    return running.server


@pytest.fixture
def mysql(mysql57: RunningServer) -> Server:
    """The main origin, empty."""
    wipe(mysql57.server)
    return mysql57.server


def run(session: Session, script: str) -> None:
    for statement in filter(None, (part.strip() for part in script.split(";;"))):
        query(session, statement)


def run_at(server: Server, script: str) -> None:
    with open_session(server) as session:
        run(session, script)


def fill(session: Session, table: str, *, rows: int) -> None:
    """Rows (id, v) with ids from 1 on."""
    execute(session, f"INSERT INTO {table} (id, v) VALUES (1, 'x')")
    count = 1
    while count < rows:
        more = min(count, rows - count)
        execute(session, f"INSERT INTO {table} (id, v) SELECT id + {count}, v FROM {table}"
                         f" ORDER BY id LIMIT {more}")  # fmt: skip
        count += more


@contextmanager
def writing(server: Server, *statements: str) -> Iterator[list[int]]:
    """Statements again and again; `%s` is the number of the turn. Refused ones are left out."""
    stop, turns = threading.Event(), [0]

    def write() -> None:
        with open_session(server) as session:
            while not stop.is_set():
                turns[0] += 1
                for sql in statements:
                    try:
                        query(session, sql.replace("%s", str(turns[0])))
                    except SternaError:
                        execute(session, "ROLLBACK")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield turns
    finally:
        stop.set()
        thread.join()


TABLES = [f"t{number}" for number in range(16)]


def test_snapshots_are_renewed_while_others_write(
    origin: Server, destination: Server, tmp_path: Path
) -> None:
    """Tables end up with start positions of their own and all are equal; no snapshot is as old
    as the copy is long, so the origin's list of old row versions stays short."""
    with open_session(origin) as session:
        run(session, "CREATE DATABASE shop;; CREATE DATABASE other")
        for table in TABLES:
            run(session, f"CREATE TABLE shop.{table} (id INT PRIMARY KEY, v VARCHAR(30), KEY (v))")
            fill(session, f"shop.{table}", rows=600)
    writes = [f"UPDATE shop.{table} SET v = 'w%s' WHERE id = %s * 7 MOD 600" for table in TABLES]
    writes += [f"DELETE FROM shop.{table} WHERE id = %s * 11 MOD 600" for table in TABLES[::2]]
    writes += ["INSERT INTO shop.t3 VALUES (5000 + %s, 'new')"]
    spec = task_spec(origin, destination, tmp_path, rows_per_second=1000)
    began = time.monotonic()
    with RunningTask(spec, epoch_seconds=1.0) as task:
        with writing(origin, *writes) as turns:
            oldest = watch_oldest(origin, task)
            copied_seconds = time.monotonic() - began
            history, written = history_length(origin), turns[0] * len(writes)
        task.caught_up()
    assert max(oldest) <= copied_seconds / 3 + 1, "\n".join(task.sentences)
    if not is_mariadb(origin):  # it removes old versions when it likes to
        assert history < written / 3, (history, written)
    with open_session(destination) as session:
        assert len(set(read_starts(session).values())) >= 4
    assert_equal(origin, destination, ["shop"])


def watch_oldest(origin: Server, task: RunningTask) -> list[int]:
    """While the tables are copied, the age of the oldest transaction, now and then, in seconds."""
    ages: list[int] = []
    with open_session(origin) as session:

        def is_done() -> bool:
            if task.failure:
                raise task.failure
            ages.append(int(scalar(session, OLDEST)))
            return len(set(task.copied)) == len(TABLES)

        # who asks more often than ten times a second is shown the same again and again
        eventually(is_done, within_seconds=60, every_seconds=0.3)
    return ages


OLDEST = (
    "SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0)"
    " FROM information_schema.innodb_trx"
)


def is_mariadb(server: Server) -> bool:
    with open_session(server) as session:
        return server_version(session).is_mariadb


def history_length(server: Server) -> int:
    with open_session(server) as session:
        status = str(query(session, "SHOW ENGINE INNODB STATUS")[0][2])
    found = re.search(r"History list length (\d+)", status)
    assert found
    return int(found[1])


BEFORE = """CREATE DATABASE shop;; CREATE DATABASE gone;; CREATE DATABASE odd
;; CREATE TABLE shop.untouched (id INT PRIMARY KEY, v VARCHAR(30), KEY (v))
;; CREATE TABLE shop.altered LIKE shop.untouched;; CREATE TABLE shop.renamed LIKE shop.untouched
;; CREATE TABLE shop.truncated LIKE shop.untouched;; CREATE TABLE shop.dropped LIKE shop.untouched
;; CREATE TABLE shop.one LIKE shop.untouched;; CREATE TABLE shop.two LIKE shop.untouched
;; CREATE TABLE shop.again LIKE shop.untouched;; CREATE TABLE gone.t LIKE shop.untouched
;; CREATE TABLE shop.indexed LIKE shop.untouched
;; CREATE TABLE shop.plain (id INT, v VARCHAR(30)) ENGINE=MyISAM
;; CREATE TABLE shop.cut (id INT PRIMARY KEY, v VARCHAR(30)) PARTITION BY RANGE (id)
   (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN MAXVALUE)
;; CREATE TABLE shop.loose (id INT PRIMARY KEY, v VARCHAR(30))
;; CREATE TABLE shop.parent (id INT PRIMARY KEY, v VARCHAR(30))
;; CREATE TABLE shop.child (id INT PRIMARY KEY, v VARCHAR(30), up INT,
   FOREIGN KEY (up) REFERENCES shop.parent (id) ON DELETE CASCADE)
;; CREATE TABLE shop.waiting LIKE shop.untouched
;; CREATE VIEW shop.seen AS SELECT id FROM shop.altered
;; CREATE VIEW shop.old AS SELECT 1 AS one
;; CREATE TRIGGER shop.told BEFORE INSERT ON shop.indexed FOR EACH ROW SET NEW.v = 'told'
;; CREATE PROCEDURE shop.called() SELECT 1"""
FILLED = ["altered", "renamed", "truncated", "dropped", "one", "two", "again", "indexed", "plain",
          "cut", "loose", "parent", "waiting"]  # fmt: skip

BETWEEN = """ALTER TABLE shop.altered ADD COLUMN more INT NOT NULL DEFAULT 7
;; INSERT INTO shop.altered (id, v, more) VALUES (-1, 'new', 8)
;; RENAME TABLE shop.renamed TO shop.newname, shop.two TO odd.two
;; INSERT INTO shop.newname VALUES (-1, 'new')
;; UPDATE odd.two SET v = 'moved' WHERE id = 3
;; ALTER TABLE shop.one RENAME TO shop.two
;; DELETE FROM shop.two WHERE id < 10
;; TRUNCATE TABLE shop.truncated;; INSERT INTO shop.truncated VALUES (4, 'after')
;; DROP TABLE shop.dropped
;; DROP TABLE shop.again;; CREATE TABLE shop.again (id BIGINT, w CHAR(3));;
   INSERT INTO shop.again VALUES (1, 'a'), (1, 'a')
;; CREATE INDEX late ON shop.indexed (id, v);; INSERT INTO shop.indexed VALUES (-1, 'new')
;; ALTER TABLE shop.cut EXCHANGE PARTITION low WITH TABLE shop.loose
;; UPDATE shop.cut SET v = 'in' WHERE id = 5;; UPDATE shop.loose SET v = 'out' WHERE id = 6
;; DROP DATABASE gone;; CREATE DATABASE gone CHARACTER SET latin1;; CREATE TABLE gone.u (a INT)
;; INSERT INTO gone.u VALUES (1), (1)
;; CREATE DATABASE fresh CHARACTER SET utf8 COLLATE utf8_bin
;; CREATE TABLE fresh.t (id INT PRIMARY KEY, v VARCHAR(9));; INSERT INTO fresh.t VALUES (1, 'x')
;; CREATE TABLE fresh.picked LIKE shop.parent
;; INSERT INTO fresh.picked SELECT * FROM shop.parent WHERE id < 9
;; ALTER DATABASE odd CHARACTER SET latin1 COLLATE latin1_bin
;; ALTER TABLE shop.child ADD COLUMN more INT;; DELETE FROM shop.parent WHERE id IN (3, 50)
;; CREATE VIEW shop.newer AS SELECT id, more FROM shop.altered
;; DROP VIEW shop.old;; ALTER VIEW shop.seen AS SELECT id, v FROM shop.altered
;; DROP TRIGGER shop.told;; CREATE TRIGGER shop.said BEFORE INSERT ON shop.two FOR EACH ROW
   SET NEW.v = 'said'
;; DROP PROCEDURE shop.called;; CREATE PROCEDURE shop.asked() SELECT 2
;; INSERT INTO shop.two VALUES (-5, 'x')
;; CREATE EVENT shop.yearly ON SCHEDULE EVERY 1 YEAR DO SET @x = 1
;; TRUNCATE shop.plain;; INSERT INTO shop.plain VALUES (1, 'p')
"""
SELECTED = "CREATE TABLE fresh.selected AS SELECT * FROM shop.parent WHERE id < 5"
AFTER = """ALTER TABLE shop.altered DROP COLUMN more
;; RENAME TABLE shop.newname TO shop.renamed;; DROP VIEW shop.newer
;; INSERT INTO shop.renamed VALUES (-2, 'x');; DROP PROCEDURE shop.asked
;; CREATE TABLE odd.late (v VARCHAR(3));; DROP DATABASE fresh
;; CREATE VIEW shop.old AS SELECT 2 AS b
"""


def make_before(origin: Server) -> None:
    with open_session(origin) as session:
        run(session, BEFORE)
        fill(session, "shop.untouched", rows=6000)
        for table in FILLED:
            fill(session, f"shop.{table}", rows=90 if table == "loose" else 1000)
        fill(session, "gone.t", rows=1000)
        run(session, "INSERT INTO shop.child SELECT id, v, id FROM shop.parent")


def test_only_what_ddl_names_is_copied_again(
    origin: Server, destination: Server, tmp_path: Path
) -> None:
    """All kinds of DDL between snapshots, on tables that are copied, being copied and not yet:
    everything comes out as on the origin, objects too, and the rest keeps its copy."""
    make_before(origin)
    spec = task_spec(origin, destination, tmp_path, rows_per_second=5000)
    begun, ran = threading.Event(), threading.Event()

    def at(report: Report) -> None:
        is_late = isinstance(report, TableReport) and report.copied and len(task.copied) == 8
        if is_late and not begun.is_set():
            begun.set()
            run_at(origin, BETWEEN)
            with suppress(ServerError):  # not with GTIDs
                run_at(origin, SELECTED)
            ran.set()

    task = RunningTask(spec, epoch_seconds=0.5, on_report=at)
    with task:
        eventually(lambda: ran.is_set() or task.failure, within_seconds=40)
        task.caught_up()
        compare(origin, destination)
        run_at(origin, AFTER)
        task.caught_up()
    compare(origin, destination)
    assert ran.is_set()
    assert task.copied.count("shop.untouched") == 1, "\n".join(task.sentences)
    assert not [name for name in set(task.copied) if task.copied.count(name) > 3]
    hits = [said for said in task.sentences if "is copied again" in said]
    assert len(hits) > 3, "\n".join(task.sentences)


DEFINITIONS = """SELECT 'table', TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES
  WHERE {0}
UNION ALL SELECT 'column', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
  WHERE {0}
UNION ALL SELECT 'key', TABLE_SCHEMA, TABLE_NAME, CONCAT(INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME)
  FROM information_schema.STATISTICS WHERE {0}
UNION ALL SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE
  FROM information_schema.TRIGGERS WHERE {1}
UNION ALL SELECT 'routine', ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION
  FROM information_schema.ROUTINES WHERE {2}
UNION ALL SELECT 'event', EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION
  FROM information_schema.EVENTS WHERE {3}
UNION ALL SELECT 'database', SCHEMA_NAME, REPLACE(DEFAULT_COLLATION_NAME, 'utf8mb3', 'utf8'), ''
  FROM information_schema.SCHEMATA WHERE {4} ORDER BY 1, 2, 3, 4"""
SCHEMAS = ("TABLE_SCHEMA", "TRIGGER_SCHEMA", "ROUTINE_SCHEMA", "EVENT_SCHEMA", "SCHEMA_NAME")


def compare(origin: Server, destination: Server) -> None:
    """Rows and definitions of all databases."""
    names = "IN ('shop', 'gone', 'odd', 'fresh')"
    sql = DEFINITIONS.format(*(f"{column} {names}" for column in SCHEMAS))
    with open_session(origin) as one, open_session(destination) as other:
        found = query(one, sql)
        assert found == query(other, sql)
    assert_equal(origin, destination, {str(row[1]) for row in found})


def test_ranges_have_start_positions_of_their_own(
    origin: Server, destination: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One long table under several snapshots, while rows are changed and move from one range to
    another: what each range lacks is applied to it, nothing else."""
    monkeypatch.setattr(copy_ranges, "RANGE_ROWS", 500)
    with open_session(origin) as session:
        run(session, LONG)
        fill(session, "shop.numbered", rows=4000)
        run(session, "INSERT INTO shop.binary_key SELECT UNHEX(MD5(id)), v FROM shop.numbered")
        run(session, "ANALYZE TABLE shop.numbered, shop.binary_key")
    spec = task_spec(origin, destination, tmp_path, rows_per_second=1500)
    with RunningTask(spec, epoch_seconds=0.5) as task:
        with writing(origin, *MOVES):
            eventually(lambda: task.is_following or task.failure, within_seconds=60)
        task.caught_up()
    with open_session(destination) as session:
        starts = read_starts(session)
    assert all(isinstance(start, TableStarts) for start in starts.values()), starts
    assert_equal(origin, destination, ["shop"])


LONG = """CREATE DATABASE shop
;; CREATE TABLE shop.numbered (id INT PRIMARY KEY, v VARCHAR(30), KEY (v))
;; CREATE TABLE shop.binary_key (id BINARY(16) PRIMARY KEY, v VARCHAR(30))"""
MOVES = [
    "UPDATE shop.numbered SET v = 'w%s' WHERE id = %s * 7 MOD 4000",
    "UPDATE shop.numbered SET id = (id + 1777) MOD 4000 + 100000 WHERE id = %s * 13 MOD 4000",
    "UPDATE shop.numbered SET id = id - 100000 WHERE id = 100000 + %s * 17 MOD 4000",
    "DELETE FROM shop.numbered WHERE id = %s * 31 MOD 4000",
    "INSERT INTO shop.numbered VALUES (%s * 37 MOD 4000, 'new %s')",
    "UPDATE shop.binary_key SET id = UNHEX(MD5(%s + 9)) WHERE id = UNHEX(MD5(%s * 5 MOD 4000))",
    "UPDATE shop.binary_key SET v = 'w%s' WHERE id = UNHEX(MD5(%s * 3 MOD 4000))",
]


def test_a_table_that_never_stands_still_is_named(
    mysql: Server, destination: Server, tmp_path: Path
) -> None:
    """All others are copied, the task stops and says which; when the table rests it goes on."""
    with open_session(mysql) as session:
        run(session, "CREATE DATABASE shop;; CREATE TABLE shop.restless (id INT PRIMARY KEY)")
        for table in TABLES[:4]:
            run(session, f"CREATE TABLE shop.{table} (id INT PRIMARY KEY, v VARCHAR(30))")
            fill(session, f"shop.{table}", rows=500)
    spec = task_spec(mysql, destination, tmp_path)
    restless = ["TRUNCATE shop.restless", "INSERT INTO shop.restless VALUES (%s)"]
    with writing(mysql, *restless), RunningTask(spec) as task:
        error = task.stopped()
    assert isinstance(error, Stopped) and error.code == "DefinitionKeepsChanging"
    assert "`shop`.`restless`" in error.message
    assert set(task.copied) >= {f"shop.{table}" for table in TABLES[:4]}
    with RunningTask(task_spec(mysql, destination, tmp_path, epoch=2)) as again:
        again.caught_up()
    assert again.copied == ["shop.restless"]
    assert_equal(mysql, destination, ["shop"])


def test_ddl_behind_set_statement_is_seen(
    mariadb1011: RunningServer, destination: Server, tmp_path: Path
) -> None:
    """MariaDB's SET STATEMENT … FOR hides no ALTER of a table that is copied already."""
    origin = mariadb1011.server
    wipe(origin)
    with open_session(origin) as session:
        run(session, "CREATE DATABASE shop")
        for table in TABLES[:6]:
            run(session, f"CREATE TABLE shop.{table} (id INT PRIMARY KEY, v VARCHAR(30))")
            fill(session, f"shop.{table}", rows=600)
    spec = task_spec(origin, destination, tmp_path, rows_per_second=600)
    with RunningTask(spec, epoch_seconds=0.5) as task:
        eventually(lambda: task.failure or task.copied, within_seconds=60)
        name = task.copied[0]
        alter = f"ALTER TABLE {name} ADD w INT NOT NULL DEFAULT 7"
        run_at(origin, f"SET STATEMENT lock_wait_timeout = 9 FOR {alter};; UPDATE {name} SET w = 8")
        task.caught_up()
    assert task.copied.count(name) == 2
    assert_equal(origin, destination, ["shop"])
