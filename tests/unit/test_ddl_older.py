"""DDL of MySQL 9.7 as older servers read it."""

from __future__ import annotations

import pytest

from sterna.dataplane.ddl_older import Destination, Unrepresentable, for_older
from sterna.mysql.sql_text import classify
from sterna.mysql.version import Version

NAMES = {"utf8", "utf8_general_ci", "utf8mb4", "utf8mb4_general_ci", "latin1", "binary"}


def there(version: Version = Version("mysql", 5, 7, 29)) -> Destination:
    """A destination where every table has a column `a`."""
    return Destination(
        version, NAMES, lambda database, table, name: "int(11) NOT NULL" if name == "a" else None
    )


def rewrite(sql: str, destination: Destination | None = None) -> str:
    """The statement as 5.7 gets it."""
    raw = sql.encode()
    return for_older(raw, classify(raw), destination or there())[0].decode()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE t ADD b INT, ALGORITHM=INSTANT, LOCK=NONE", "ALTER TABLE t ADD b INT  "),
        ("ALTER TABLE t ALGORITHM INPLACE, ADD KEY k (a, b)", "ALTER TABLE t  ADD KEY k (a, b)"),
        ("ALTER TABLE t ADD b INT, LOCK NONE, ADD c INT", "ALTER TABLE t ADD b INT , ADD c INT"),
        ("ALTER TABLE t LOCK=DEFAULT, ALGORITHM=COPY", "ALTER TABLE t  "),
        ("CREATE INDEX i ON t (a) ALGORITHM=INPLACE LOCK=NONE", "CREATE INDEX i ON t (a)  "),
        ("DROP INDEX i ON d.t LOCK=NONE", "DROP INDEX i ON d.t "),
        (
            "ALTER TABLE t ADD lock INT, DROP algorithm",
            "ALTER TABLE t ADD lock INT, DROP algorithm",
        ),
        (
            "CREATE TABLE t (a INT DEFAULT (5), b VARCHAR(9) DEFAULT ('x'), c INT DEFAULT (-1.5))",
            "CREATE TABLE t (a INT DEFAULT 5, b VARCHAR(9) DEFAULT 'x', c INT DEFAULT -1.5)",
        ),
        (
            "CREATE TABLE t (a INT VISIBLE, KEY (a) INVISIBLE, CHECK (a > 1) NOT ENFORCED)",
            "CREATE TABLE t (a INT , KEY (a) , CHECK (a > 1) )",
        ),
        (
            "CREATE TABLE t (enforced INT, visible INT)",
            "CREATE TABLE t (enforced INT, visible INT)",
        ),
        ("ALTER TABLE t ALTER INDEX i INVISIBLE, ADD b INT", "ALTER TABLE t  ADD b INT"),
        ("ALTER TABLE t DROP CHECK c", "ALTER TABLE t "),
        ("ALTER TABLE d.t RENAME COLUMN a TO b", "ALTER TABLE d.t CHANGE `a` `b` int(11) NOT NULL"),
        (
            "CREATE TABLE t (a TEXT) CHARSET = utf8mb3 COLLATE utf8mb3_general_ci",
            "CREATE TABLE t (a TEXT) CHARSET = utf8 COLLATE utf8_general_ci",
        ),
        ("CREATE TABLE t (charset INT)", "CREATE TABLE t (charset INT)"),
        (
            "CREATE TABLE t (visible INT, KEY (visible))",
            "CREATE TABLE t (visible INT, KEY (visible))",
        ),
        ("CREATE ALGORITHM=MERGE VIEW v AS SELECT 1", "CREATE ALGORITHM=MERGE VIEW v AS SELECT 1"),
        (
            "ALTER TABLE t PARTITION BY KEY ALGORITHM=2 (a)",
            "ALTER TABLE t PARTITION BY KEY ALGORITHM=2 (a)",
        ),
        (
            "ALTER TABLE t ADD PARTITION (PARTITION p VALUES IN (1, 2)), ALGORITHM=INPLACE",
            "ALTER TABLE t ADD PARTITION (PARTITION p VALUES IN (1, 2)) ",
        ),
    ],
)
def test_what_can_be_put_is_put(sql: str, expected: str) -> None:
    """The same meaning in the words of 5.7; names and texts that look alike stay."""
    assert rewrite(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a CHAR(36) DEFAULT (UUID()))",
        "CREATE TABLE t (a JSON DEFAULT ('[]'))",
        "CREATE TABLE t (a VARCHAR(9) COLLATE utf8mb4_0900_ai_ci)",
        "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE 'utf8mb4_0900_bin'",
        "CREATE TABLE t (a INT, b INT INVISIBLE)",
        "ALTER TABLE t ADD COLUMN (b INT DEFAULT (1 + 1))",
        "ALTER TABLE t ADD UNIQUE KEY u ((LOWER(a)))",
        "CREATE INDEX i ON t ((a + 1))",
        "ALTER TABLE t ALTER COLUMN a SET DEFAULT (UUID())",
        "ALTER TABLE t RENAME COLUMN missing TO b",
        "CREATE PROCEDURE p() SELECT 'a' COLLATE utf8mb4_0900_ai_ci",
    ],
)
def test_what_cannot_be_put_is_said(sql: str) -> None:
    """No statement is given another meaning; the remedy is named."""
    with pytest.raises(Unrepresentable) as caught:
        rewrite(sql)
    assert caught.value.code == "Unrepresentable" and "no way back" in caught.value.remedy


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a INT INVISIBLE DEFAULT (1 + 1), CHECK (a > 1))",
        "ALTER TABLE t RENAME COLUMN a TO b",
    ],
)
def test_mariadb_has_some_of_it(sql: str) -> None:
    """What the other flavor knows as well stays."""
    assert rewrite(sql, there(Version("mariadb", 10, 11, 19))) == sql


def test_a_server_as_new_gets_all_but_the_manner() -> None:
    """Between equals only how it is done is left to the destination."""
    sql = "ALTER TABLE t ADD b INT INVISIBLE DEFAULT (UUID()), ADD KEY ((a + 1)) INVISIBLE"
    newest = there(Version("mysql", 9, 7, 4))
    assert rewrite(sql, newest) == sql
    assert rewrite(f"{sql}, LOCK=NONE", newest).strip() == sql
