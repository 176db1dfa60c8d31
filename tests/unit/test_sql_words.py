"""Statements whose words mean something else elsewhere: comments that are executed, SET STATEMENT,
default collations."""

from __future__ import annotations

import pytest

from sterna.dataplane.ddl_defaults import out_of_reach, settings_for
from sterna.mysql.binlog.events import Context
from sterna.mysql.sql_comments import without_marks
from sterna.mysql.sql_text import Kind, classify, tokens, without_set_statement
from sterna.mysql.version import Version

OLD, NEW = Version("mysql", 5, 7, 29), Version("mysql", 9, 7, 4)
MARIADB = Version("mariadb", 10, 11, 19)
GENERAL, UNICODE, MODERN, LATIN1 = 45, 224, 255, 8
CHARSETS = {
    GENERAL: ("utf8mb4", "utf8mb4_general_ci"),
    UNICODE: ("utf8mb4", "utf8mb4_unicode_ci"),
    LATIN1: ("latin1", "latin1_swedish_ci"),
}
OF_NEW = {**CHARSETS, MODERN: ("utf8mb4", "utf8mb4_0900_ai_ci")}
ANSI_QUOTES, NO_BACKSLASH_ESCAPES = 1 << 2, 1 << 20
SETTABLE = {"default_collation_for_utf8mb4": "utf8mb4_0900_ai_ci"}


@pytest.mark.parametrize(
    ("sql", "origin", "destination", "expected"),
    [
        ("CREATE TABLE t (a INT) /*!50100 PARTITION BY KEY (a) */", OLD, NEW, None),
        ("ALTER TABLE t /*!100100 ADD b INT */", MARIADB, NEW, "ALTER TABLE t   ADD b INT  "),
        ("/*M! DROP TABLE t */", MARIADB, NEW, "  DROP TABLE t  "),
        ("ALTER TABLE t ADD a INT /*!80023 NULL*/", NEW, OLD, "ALTER TABLE t ADD a INT   NULL "),
        ("ALTER TABLE t /*!80013 ADD b INT,*/ADD c INT", MARIADB, NEW, "ALTER TABLE t  ADD c INT"),
        ("SELECT '/*!80023 x */' /*!80023 */", NEW, OLD, "SELECT '/*!80023 x */'    "),
        ("/* a */ ALTER TABLE t ADD b INT -- /*!80023", NEW, OLD, None),
        ("ALTER TABLE t /*!80013 it's /* 'old' */ */ ADD c INT DEFAULT '1'", OLD, NEW,
         "ALTER TABLE t   ADD c INT DEFAULT '1'"),
    ],
)  # fmt: skip
def test_comments_that_only_one_executes_are_said_aloud(
    sql: str, origin: Version, destination: Version, expected: str | None
) -> None:
    """What the origin executed is executed, what it did not is gone; else nothing is touched."""
    found = without_marks(sql.encode(), origin=origin, destination=destination).decode()
    assert found == (sql if expected is None else expected)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET STATEMENT max_statement_time=5 FOR DROP TABLE t", "DROP TABLE t"),
        ("set statement sql_mode = REPLACE('a', 'b', 'c'), lock_wait_timeout=1 for drop table t",
         "drop table t"),
        ("SET STATEMENT default_storage_engine=Aria FOR CREATE TABLE t (a INT)", None),
        ("SET STATEMENT sql_mode='', debug_dbug='x' FOR DROP TABLE t", None),
        ("SET PASSWORD FOR x = 'y'", None),
    ],
)  # fmt: skip
def test_set_statement_is_taken_away_where_it_says_nothing_more(
    sql: str, expected: str | None
) -> None:
    """Limits, and what the event says of its session anyway."""
    assert without_set_statement(sql.encode()).decode() == (expected or sql)


@pytest.mark.parametrize(
    ("sql_mode", "sql", "words"),
    [
        (0, r"CHECK 'it\'s' \ 'C:\\'", ["CHECK", r"'it\'s'", "\\", r"'C:\\'"]),
        (NO_BACKSLASH_ESCAPES, r"'C:\', 'it''s'", [r"'C:\'", ",", "'it''s'"]),
        (NO_BACKSLASH_ESCAPES, r'"C:\", "it""s"', [r'"C:\"', ",", '"it""s"']),
        (ANSI_QUOTES, r"""'it\'s' "C:\" a""", [r"'it\'s'", r'"C:\"', "a"]),
    ],
)
def test_a_backslash_is_what_the_mode_makes_of_it(
    sql_mode: int, sql: str, words: list[str]
) -> None:
    """It hides the quote behind it, or is a character like others; so also in a quoted name."""
    assert [token.text for token in tokens(sql.encode(), sql_mode)] == words
    marked = f"{sql} /*!80023 x */".encode()
    aloud = without_marks(marked, sql_mode, origin=NEW, destination=OLD).decode()
    assert aloud == f"{sql}   x  "


def test_analyze_may_be_a_change() -> None:
    """MariaDB's ANALYZE runs the statement behind it; it must not be passed over."""
    assert classify(b"ANALYZE UPDATE t SET a = 1").kind is Kind.DML
    assert classify(b"ANALYZE FORMAT=JSON DELETE FROM t").kind is Kind.DML
    assert classify(b"ANALYZE LOCAL TABLE t").kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("sql", "context", "on_old", "on_new"),
    [
        ("CREATE TABLE t (v TEXT) CHARSET=utf8mb4", Context(), None, None),
        ("CREATE TABLE t (v TEXT) CHARSET=utf8mb4", Context(default_collation_for_utf8mb4=MODERN),
         MODERN, None),
        ("CREATE TABLE t (v TEXT CHARACTER SET utf8mb4, w TEXT COLLATE utf8mb4_bin)",
         Context(default_collation_for_utf8mb4=MODERN), MODERN, None),
        ("CREATE TABLE t (v TEXT) DEFAULT CHARSET = 'utf8mb4', DEFAULT COLLATE = utf8mb4_bin",
         Context(default_collation_for_utf8mb4=MODERN), None, None),
        ("CREATE TABLE t (v TEXT) CHARSET=utf8mb4", Context(default_collations={GENERAL: UNICODE}),
         UNICODE, UNICODE),
        ("CREATE TABLE t (v TEXT) CHARSET=latin1", Context(default_collations={GENERAL: UNICODE}),
         None, None),
        ("CREATE TABLE t (v TEXT CHARACTER SET latin1)", Context(default_collations={LATIN1: 5}),
         5, 5),
        ("CREATE TABLE t (v VARCHAR(9) CHAR SET utf8mb4)",
         Context(default_collation_for_utf8mb4=MODERN), MODERN, None),
        ("CREATE TABLE t (v VARCHAR(9) ASCII NOT NULL)", Context(default_collations={LATIN1: 5}),
         5, 5),
        ("CREATE TABLE t (ascii INT, v INT AS (ASCII('a')))",
         Context(default_collations={LATIN1: 5}), None, None),
    ],
)  # fmt: skip
def test_default_collations_are_had_or_missed(
    sql: str, context: Context, on_old: int | None, on_new: int | None
) -> None:
    """A character set without COLLATE means what it meant, or its number is told."""
    found = list(tokens(sql.encode()))
    assert out_of_reach(found, context, CHARSETS, {}) == on_old
    assert out_of_reach(found, context, OF_NEW, SETTABLE) == on_new
    everything = {"character_set_collations": ""}
    if LATIN1 not in context.default_collations:
        assert out_of_reach(found, context, OF_NEW, everything) is None


def test_a_mariadb_is_told_all_of_them() -> None:
    """By name, whatever its own defaults are."""
    context = Context(default_collations={GENERAL: UNICODE})
    told = settings_for(context, CHARSETS, {"character_set_collations": ""})
    assert told["character_set_collations"] == "utf8mb4=utf8mb4_unicode_ci"
