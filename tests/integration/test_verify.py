"""Verification on real servers: what is equal is clean, what differs is found and named."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sterna.dataplane.reports import Report, VerifyDoneReport, VerifyReport
from sterna.dataplane.verify import Sides, Verification, verify_tables
from sterna.dataplane.verify_chunks import Chunks
from sterna.dataplane.verify_compare import read_position
from sterna.dataplane.verify_layout import read_layouts
from sterna.dataplane.verify_scope import select_sql
from sterna.errors import Stopped
from sterna.mysql.connection import Server, Session, execute, open_session, query, scalar
from sterna.mysql.position import Position
from tests.fixtures.running import RunningServer, wipe

ORIGINS = ["mysql56", "mysql57", "mariadb1011"]

NASTY_TABLES = """
CREATE TABLE numbers (id BIGINT UNSIGNED NOT NULL, a TINYINT, b MEDIUMINT, c DECIMAL(65,30),
  d FLOAT, e DOUBLE, f FLOAT(7,2), g DOUBLE(12,3), h BIT(1), i BIT(9), j BIT(64), k YEAR,
  l INT(5) UNSIGNED ZEROFILL, PRIMARY KEY (id))
CREATE TABLE times (a DATE NOT NULL, b DATETIME(3), c TIMESTAMP NULL, d TIMESTAMP(6) NULL, e TIME,
  f TIME(6), PRIMARY KEY (a))
CREATE TABLE strings (a VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  b CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, c BINARY(16), d VARBINARY(40),
  e VARCHAR(10) CHARACTER SET utf16 COLLATE utf16_general_ci,
  f VARCHAR(10) CHARACTER SET gbk COLLATE gbk_chinese_ci,
  g VARCHAR(20) CHARACTER SET utf8 COLLATE utf8_general_ci,
  h ENUM('2','1','') CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  i SET('x','y','ß') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, PRIMARY KEY (a))
CREATE TABLE large (id INT NOT NULL, a TEXT CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  b LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, c LONGBLOB, d TINYTEXT CHARACTER SET ucs2
  COLLATE ucs2_general_ci, e GEOMETRY, f POINT NOT NULL, PRIMARY KEY (id))
CREATE TABLE no_key (a INT, b VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci)
CREATE TABLE nullable_key (a INT, b INT, UNIQUE KEY (a))
CREATE TABLE odd_key (a BIT(9) NOT NULL, b INT, PRIMARY KEY (a))
CREATE TABLE binary_key (a BINARY(4) NOT NULL, b VARCHAR(9) CHARACTER SET utf8mb4
  COLLATE utf8mb4_unicode_ci NOT NULL, c DATETIME NOT NULL, PRIMARY KEY (a, b, c))
CREATE TABLE `odd ``name.x` (`select` INT NOT NULL, `b ``q` INT, PRIMARY KEY (`select`))
CREATE TABLE void (a INT NOT NULL, PRIMARY KEY (a))
"""

NASTY_ROWS = r"""
INSERT INTO numbers VALUES (18446744073709551615,-128,-8388608,
 99999999999999999999999999999999999.999999999999999999999999999999,
 1.1,1.7976931348623157e308,12345.67,-0.125,1,511,18446744073709551615,1901,42),
 (0,127,8388607,-99999999999999999999999999999999999.999999999999999999999999999999,
 3.4e38,5e-324,-0.01,1e5,0,0,9223372036854775808,0,0),
 (1,NULL,0,0,16777216,-0.0,NULL,NULL,NULL,NULL,NULL,2155,99999),
 (2,1,1,1e-30,1e-45,0.1,0.1,0.1,b'1',b'101',b'11',1999,123456),
 (3,1,1,1,16777217,123456789.123456789,1,1,1,1,1,2000,1)
INSERT INTO times VALUES ('0000-00-00','0000-00-00 00:00:00.000',NULL,NULL,'-838:59:59',
 '-838:59:59.000000'),('2023-00-00','9999-12-31 23:59:59.999','1970-01-01 00:00:01',
 '2038-01-19 03:14:07.999999','838:59:59','-00:00:00.000001'),('2023-02-31',NULL,
 '0000-00-00 00:00:00','2023-10-29 00:59:59.5','00:00:00','12:34:56.789')
INSERT INTO strings VALUES ('',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
 (x'81C3A9','a  ',x'00112233445566778899AABBCCDDEE00',x'00275C0A0D1A','ä€',_gbk x'815C',
 'ß','',''),
 ('a','',x'',x'',_utf16 x'D83DDE00','','a ','2','x,ß'),
 ('b','\\''"\0\Z','a','a ','','a','ss','1','y')
UPDATE strings SET h = 0 WHERE a = 'b'
INSERT INTO large VALUES (1,REPEAT('x',60000),REPEAT('ä€😀',40000),REPEAT(x'00FF',1500000),'äö',
 ST_GeomFromText('LINESTRING(0 0,1 2.5,-3e10 4)'),ST_GeomFromText('POINT(1 2)')),
 (2,NULL,NULL,NULL,NULL,NULL,ST_GeomFromText('POINT(0.1 -0.2)')),
 (3,'','','','',ST_GeomFromText('POLYGON((0 0,0 3,3 3,0 0))'),ST_GeomFromText('POINT(0 0)'))
INSERT INTO no_key VALUES (1,'a'),(1,'a'),(1,'a'),(NULL,NULL),(NULL,''),(NULL,NULL)
INSERT INTO nullable_key VALUES (1,1),(NULL,1),(NULL,1),(2,NULL)
INSERT INTO odd_key VALUES (0,1),(511,2),(7,NULL)
INSERT INTO binary_key VALUES (x'00000000','','0000-00-00'),(x'61000000','ä','2020-01-01'),
 (x'61000000','ss','2020-01-01'),(x'61000000','z','2020-01-01 10:00:00'),
 (x'FF000000','x','2021-1-1')
INSERT INTO `odd ``name.x` VALUES (1,2),(3,NULL)
"""


@dataclass
class Link:
    """Two servers that agree so far: `origin` and `destination` are sessions in `shop`."""

    sides: Sides
    origin: Session
    destination: Session

    def both(self, *statements: str) -> None:
        """The same on both."""
        for session in (self.origin, self.destination):
            for sql in statements:
                execute(session, sql)

    def verify(self, report: Callable[[Report], None] = lambda _: None) -> Verification:
        """One pass over everything."""
        return verify_tables(self.sides, report=report, stop=threading.Event())


def static_sides(origin: Server, destination: Server) -> Sides:
    """Sides of servers nobody writes to: everything counts as applied at once."""

    def applied() -> Position:
        with open_session(origin) as session:
            return read_position(session)

    return Sides(origin, destination, applied)


@pytest.fixture(scope="module", params=ORIGINS)
def servers(request: pytest.FixtureRequest, mysql97: RunningServer) -> tuple[Server, Server]:
    """An origin of every kind, and a 9.7."""
    origin: RunningServer = request.getfixturevalue(request.param)
    return origin.server, mysql97.server


@pytest.fixture
def link(servers: tuple[Server, Server]) -> Iterator[Link]:
    """Both servers with an empty database `shop`."""
    for server in servers:
        wipe(server)
    origin, destination = (open_session(server) for server in servers)
    found = Link(static_sides(*servers), origin, destination)
    found.both("CREATE DATABASE shop DEFAULT CHARACTER SET latin1", "USE shop")
    yield found
    origin.close()
    destination.close()


@pytest.fixture
def shop(link: Link) -> Link:
    """Three tables, equal on both sides: with a key, with a composite key, without one."""
    link.both(
        "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, who VARCHAR(20), amount INT)",
        "CREATE TABLE parts (a VARCHAR(9) NOT NULL, b INT NOT NULL, c INT, PRIMARY KEY (a, b))",
        "CREATE TABLE log (who VARCHAR(20), amount INT)",
        "INSERT INTO orders VALUES (1, 'ann', 1), (2, '', 2), (3, NULL, 3)",
        "INSERT INTO parts VALUES ('x', 1, 1), ('x', 2, 2), ('y', 1, NULL)",
        "INSERT INTO log VALUES ('ann', 1), ('ann', 1), ('bob', 2)",
    )
    return link


def test_nasty_types_print_alike(link: Link) -> None:
    """The same values are equal on every pair of versions, whatever their type."""
    link.both(*statements(NASTY_TABLES), *statements(NASTY_ROWS))
    reports: list[Report] = []
    result = link.verify(reports.append)
    assert result.details == ()
    assert result.rows_verified == 35
    assert {report.table for report in reports if isinstance(report, VerifyReport)} > {"numbers"}
    assert isinstance(reports[-1], VerifyDoneReport)


def test_json_prints_alike(link: Link) -> None:
    """JSON values are equal where both sides have the type; elsewhere that is said."""
    link.both(
        "CREATE TABLE j (id INT NOT NULL PRIMARY KEY,"
        f" v {'JSON' if is_mysql_with_json(link.origin) else 'LONGTEXT'})",
        r"""INSERT INTO j VALUES (1, '{"b": [1, 52.0, 1e100, null], "a": "x\\u00e4"}'),
            (2, NULL), (3, '12345678901234567'), (4, '0.1'), (5, 'true'), (6, '-0.0')""",
    )
    assert link.verify().details == ()


def test_json_copied_as_text(link: Link) -> None:
    """A row of which only a DECIMAL in a document became a DOUBLE is told from one that differs."""
    if not is_mysql_with_json(link.origin):
        pytest.skip("a text stays a text")
    link.both("CREATE TABLE j (id INT NOT NULL PRIMARY KEY, v JSON)")
    insert = "INSERT INTO j VALUES (1, %s), (2, %s), (3, '{}')"
    decimals = "JSON_ARRAY(CAST(1.10 AS DECIMAL(3,2)))"
    execute(link.origin, insert % (decimals, decimals))
    execute(link.destination, insert % ("'[1.1]'", "'[1.2]'"))
    first, second = link.verify().details
    assert "id = 1 differs only by what its JSON lost" in first
    assert second.endswith("id = 2 differs.")


def test_generated_columns_are_compared(link: Link) -> None:
    """A generated column counts; a hidden key only the destination has does not."""
    if scalar(link.origin, "SELECT VERSION()").startswith("5.6"):
        pytest.skip("5.6 has no generated columns")
    link.both(
        "CREATE TABLE g (a INT, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL,"
        " c INT GENERATED ALWAYS AS (a * 2) STORED)",
        "INSERT INTO g (a) VALUES (1), (2)",
    )
    execute(
        link.destination,
        "ALTER TABLE g ADD COLUMN hidden BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY INVISIBLE",
    )
    assert link.verify().details == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE orders SET who = 'anm' WHERE id = 1", "shop.orders: the row with id = 1 differs."),
        (
            "UPDATE orders SET who = NULL WHERE id = 2",
            "shop.orders: the row with id = 2 differs.",
        ),
        ("UPDATE orders SET who = '' WHERE id = 3", "shop.orders: the row with id = 3 differs."),
        (
            "DELETE FROM orders WHERE id = 3",
            "shop.orders: the row with id = 3 is missing on the destination.",
        ),
        (
            "INSERT INTO orders VALUES (9, '', 0)",
            "shop.orders: the row with id = 9 is only on the destination.",
        ),
        (
            "UPDATE parts SET c = 0 WHERE a = 'y'",
            "shop.parts: the row with a = 'y', b = 1 differs.",
        ),
        ("DROP TABLE parts", "shop.parts is missing on the destination."),
        ("ALTER TABLE parts DROP c", "shop.parts has no column c on the destination."),
        ("CREATE TABLE more (a INT)", "shop.more is only on the destination."),
    ],
)
def test_one_difference_is_found_and_named(shop: Link, change: str, found: str) -> None:
    """A byte, a row, NULL instead of '', a table: each is found, with table and key."""
    execute(shop.destination, change)
    assert shop.verify().details == (found,)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO log VALUES ('ann', 1)",
        "INSERT INTO log VALUES ('ann', 1), ('ann', 1)",
        "INSERT INTO log VALUES ('bob', 2)",
    ],
)
def test_doubled_row_without_a_key(shop: Link, change: str) -> None:
    """Rows too many in a table without a key do not cancel, in whatever number."""
    execute(shop.destination, change)
    result = shop.verify()
    assert result.differences == 1
    assert "shop.log: the row with hash" in result.details[0]
    assert "times on the origin" in result.details[0]


@pytest.mark.parametrize("servers", ["mysql57"], indirect=True)
def test_a_row_that_only_a_scan_finds(shop: Link) -> None:
    """A row in a partition that is not its own is compared all the same, however it got there."""
    columns = "(id INT NOT NULL PRIMARY KEY, v INT)"
    shop.both(
        f"CREATE TABLE p {columns} PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10),"
        " PARTITION high VALUES LESS THAN (100))",
        f"CREATE TABLE other {columns}",
        "INSERT INTO other VALUES (50, 1), (60, 1), (70, 1)",
    )
    execute(shop.destination, "UPDATE other SET v = 2 WHERE id = 50")
    execute(shop.destination, "DELETE FROM other WHERE id = 70")
    shop.both("ALTER TABLE p EXCHANGE PARTITION low WITH TABLE other WITHOUT VALIDATION")
    found = shop.verify()
    assert found.differences == 2, found.details
    assert "id = 50 differs" in " ".join(found.details)


def test_values_that_move_between_columns(shop: Link) -> None:
    """('a,', 'b') and ('a', ',b') are two rows."""
    shop.both("CREATE TABLE c (id INT NOT NULL PRIMARY KEY, a VARCHAR(9), b VARCHAR(9))")
    execute(shop.origin, "INSERT INTO c VALUES (1, 'a,', 'b')")
    execute(shop.destination, "INSERT INTO c VALUES (1, 'a', ',b')")
    assert shop.verify().details == ("shop.c: the row with id = 1 differs.",)


def test_many_chunks(shop: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences in the first, a middle and the last chunk are found, and nothing else."""
    monkeypatch.setattr("sterna.dataplane.verify_chunks.CHUNK_ROWS", 7)
    rows = ", ".join(f"('{'abc'[n % 3]}', {n}, {n})" for n in range(10, 300))
    shop.both(f"INSERT INTO parts VALUES {rows}")
    assert shop.verify().details == ()
    execute(shop.destination, "DELETE FROM parts WHERE b IN (12, 150)")
    execute(shop.destination, "INSERT INTO parts VALUES ('zz', 1, 1)")
    result = shop.verify()
    assert result.rows_verified == 3 + 3 + 3 + 290
    assert [detail.split("with ")[1] for detail in result.details] == [
        "a = 'a', b = 12 is missing on the destination.",
        "a = 'a', b = 150 is missing on the destination.",
        "a = 'zz', b = 1 is only on the destination.",
    ]


@pytest.mark.parametrize("servers", ["mysql57"], indirect=True)
def test_many_rows_that_only_the_destination_has(
    shop: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are compared in parts, and each is counted once; so are those without a key."""
    monkeypatch.setattr("sterna.dataplane.verify_chunks.CHUNK_ROWS", 40)
    monkeypatch.setattr("sterna.dataplane.verify_compare.ROWS_COMPARED_MAX", 60)
    rows = [f"({number}, 'x', 1)" for number in range(-200, 300) if number not in (1, 2, 3)]
    execute(shop.destination, f"INSERT INTO orders VALUES {', '.join(rows)}")
    rows = [f"('x', {number})" for number in range(300)]
    execute(shop.destination, f"INSERT INTO log VALUES {', '.join(rows)}, ('bob', 2)")
    reports: list[Report] = []
    shop.verify(reports.append)
    found = {each.table: each for each in reports if isinstance(each, VerifyReport)}
    assert {table: each.differences for table, each in found.items()} == {
        "log": 301,
        "orders": 497,
        "parts": 0,
    }


@pytest.mark.parametrize("servers", ["mysql57", "mariadb1011"], indirect=True)
def test_chunks_stay_small_where_keys_lie_denser(
    shop: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a stretch of few keys no chunk has many times its rows; every row is in one."""
    monkeypatch.setattr("sterna.dataplane.verify_chunks.CHUNK_ROWS", 50)
    execute(shop.origin, "INSERT INTO orders (id) VALUES (10), (1000010), (2000010), (3000010)")
    execute(shop.origin, "INSERT INTO orders (id) VALUES (4000010), (9000010)")
    dense = ", ".join(f"({number})" for number in range(5000000, 5008000))
    execute(shop.origin, f"INSERT INTO orders (id) VALUES {dense}")
    query(shop.origin, "ANALYZE TABLE orders")
    orders = read_layouts(shop.origin, "shop")["orders"]
    chunks, sizes = Chunks(shop.origin, orders), []
    for scope in chunks:
        sizes.append(int(query(shop.origin, select_sql(orders, ["COUNT(*)"], scope))[0][0]))
        chunks.found(sizes[-1])
    assert sum(sizes) == 3 + 6 + 8000
    assert max(sizes) <= 500


def test_unknown_column_type_stops(mariadb1011: RunningServer) -> None:
    """A type nobody taught the verifier is not passed over."""
    wipe(mariadb1011.server)
    with open_session(mariadb1011.server) as session:
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.u (id INT NOT NULL PRIMARY KEY, a INET6)")
    sides = static_sides(mariadb1011.server, mariadb1011.server)
    with pytest.raises(Stopped, match="inet6"):
        verify_tables(sides, report=lambda _: None, stop=threading.Event())


def test_row_beyond_max_allowed_packet_stops(mysql57: RunningServer) -> None:
    """A row the server could not print is not taken for equal."""
    wipe(mysql57.server)
    server = mysql57.server
    with open_session(server) as session:
        execute(session, "CREATE DATABASE shop")
        execute(session, "CREATE TABLE shop.w (id INT PRIMARY KEY, a VARCHAR(5000), b CHAR)")
        execute(session, "INSERT INTO shop.w VALUES (1, REPEAT('x', 5000), 'y')")
        limit = scalar(session, "SELECT @@GLOBAL.max_allowed_packet")
        execute(session, "SET GLOBAL max_allowed_packet = 4096")
        try:
            with pytest.raises(Stopped, match="max_allowed_packet"):
                verify_tables(
                    static_sides(server, server), report=lambda _: None, stop=threading.Event()
                )
        finally:
            execute(session, f"SET GLOBAL max_allowed_packet = {limit}")


class Relay:
    """Writes random transactions to the origin; the same ones reach the destination later."""

    def __init__(self, link: Link) -> None:
        self.stop = threading.Event()
        self.written = 0
        self._waiting: queue.Queue[tuple[list[str], Position] | None] = queue.Queue(50)
        self._origin, self._destination = (
            open_session(server) for server in (link.sides.origin, link.sides.destination)
        )
        self.applied = read_position(self._origin)
        self._threads = [threading.Thread(target=run) for run in (self._write, self._apply)]

    def __enter__(self) -> Relay:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()
        self._origin.close()
        self._destination.close()

    def _write(self) -> None:
        dice = random.Random(7)
        while not self.stop.is_set():
            transaction = [random_write(dice) for _ in range(dice.randint(1, 4))]
            run(self._origin, transaction)
            self.written += 1
            self._waiting.put((transaction, read_position(self._origin)))
        self._waiting.put(None)

    def _apply(self) -> None:
        while (found := self._waiting.get()) is not None:
            transaction, position = found
            run(self._destination, transaction)
            self.applied = position


def random_write(dice: random.Random) -> str:
    """A statement that does the same on both sides; row 1 is hot."""
    key = dice.choice([1, 1, 1, dice.randint(2, 500)])
    return dice.choice(
        [
            f"UPDATE shop.orders SET amount = amount + 1 WHERE id = {key}",
            f"REPLACE INTO shop.orders VALUES ({key}, '{dice.random()}', 1)",
            f"DELETE FROM shop.orders WHERE id = {dice.randint(2, 500)}",
            f"INSERT INTO shop.log VALUES ('{dice.randint(1, 9)}', 1)",
            "DELETE FROM shop.log WHERE who = '3'",
        ]
    )


def run(session: Session, transaction: list[str]) -> None:
    """One transaction."""
    for sql in ("BEGIN", *transaction, "COMMIT"):
        execute(session, sql)


def test_clean_while_writes_flow(shop: Link) -> None:
    """Equal tables stay clean under a writer and an applier that lags; one wrong row is found."""
    with Relay(shop) as relay:
        sides = Sides(shop.sides.origin, shop.sides.destination, lambda: relay.applied)
        for _ in range(3):
            clean = verify_tables(sides, report=lambda _: None, stop=threading.Event())
            assert clean.details == ()
        execute(shop.destination, "INSERT INTO parts VALUES ('rogue', 1, 1)")
        execute(shop.destination, "INSERT INTO log VALUES ('rogue', 1)")
        found = verify_tables(sides, report=lambda _: None, stop=threading.Event())
        assert relay.written > 20
    assert len(found.details) == 2
    assert "a = 'rogue', b = 1 is only on the destination" in found.details[1]


def test_altered_meanwhile(shop: Link) -> None:
    """A table that is altered or dropped during the pass is compared anew, or left."""

    def alter(report: Report) -> None:
        if isinstance(report, VerifyReport) and report.table == "log":
            shop.both("ALTER TABLE orders DROP amount", "DROP TABLE parts")

    assert shop.verify(alter).details == ()


def test_a_new_column_is_compared_as_well(shop: Link) -> None:
    """A column that came after the pass had read the definitions is not left out."""

    def alter(report: Report) -> None:
        if isinstance(report, VerifyReport) and report.table == "log":
            shop.both("ALTER TABLE orders ADD late INT DEFAULT 1")
            execute(shop.destination, "UPDATE orders SET late = 2 WHERE id = 2")

    assert "id = 2 differs" in " ".join(shop.verify(alter).details)


def test_stop_ends_the_pass(shop: Link) -> None:
    """A stopped pass says that it is not complete and reports no end."""
    stop = threading.Event()
    reports: list[Report] = []

    def stop_after_first(report: Report) -> None:
        reports.append(report)
        if isinstance(report, VerifyReport):
            stop.set()

    result = verify_tables(shop.sides, report=stop_after_first, stop=stop)
    assert not result.complete
    assert not any(isinstance(report, VerifyDoneReport) for report in reports)


def statements(text: str) -> list[str]:
    """Statements begin in the first column of a line."""
    found: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found


def is_mysql_with_json(session: Session) -> bool:
    """JSON as a type of its own: MySQL from 5.7 on."""
    version = str(scalar(session, "SELECT VERSION()"))
    return "MariaDB" not in version and not version.startswith("5.6")


def test_origin_is_not_locked(shop: Link) -> None:
    """The session leaves no transaction open, so nothing waits for it."""
    shop.verify()
    assert query(shop.origin, "SELECT * FROM information_schema.INNODB_TRX") == []
