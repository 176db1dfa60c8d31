"""Which tables may come and go while others are copied."""

from __future__ import annotations

import pytest

from sterna.dataplane.copy_ddl import Change, change_of
from sterna.dataplane.copy_places import passing
from sterna.dataplane.schema_objects import StoredObject
from sterna.mysql.binlog.events import Context, Header, Query
from sterna.mysql.position import Position

HEADER = Header(timestamp=0, type=2, server_id=1, size_bytes=0, end_offset=0, flags=0)


def changes(*statements: str) -> list[Change]:
    """What these statements change, one after the other, in the database d."""
    found = []
    for number, sql in enumerate(statements, 1):
        event = Query(HEADER, "d", sql.encode(), 0, Context(charset=(45, 45, 45)))
        if change := change_of(event, Position("bin.000001", 1000 * number)):
            found.append(change)
    return found


@pytest.mark.parametrize(
    ("statements", "names"),
    [
        (["DROP TABLE a", "CREATE TABLE a (id INT)"], {"a"}),
        (["CREATE TABLE b (id INT)", "DROP TABLE b"], {"b"}),
        (["ALTER TABLE a ADD x INT", "DROP TABLE a"], set()),
        (["CREATE TABLE b LIKE a", "DROP TABLE a", "RENAME TABLE b TO a"], {"b"}),
        (["CREATE VIEW v AS SELECT * FROM `A`", "DROP TABLE a"], set()),
        (["CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 1", "DROP TABLE a"], set()),
        (["CREATE PROCEDURE p() SELECT * FROM a", "DROP TABLE a"], {"a"}),
        (["DROP TABLE a", "CREATE TABLE a (id INT)", "CREATE TABLE b LIKE a"], {"a", "b"}),
        (["DROP DATABASE d", "CREATE DATABASE d", "CREATE TABLE a (id INT)"], set()),
        (["DROP DATABASE other", "CREATE TABLE a (id INT)"], {"a"}),
    ],
)
def test_only_tables_nobody_looked_at_may_pass(statements: list[str], names: set[str]) -> None:
    """An empty table in the place of one that is gone must not be what another is made like, nor
    what a view or a trigger is made on; and who knows of a database that went knows no tables."""
    assert set(passing(changes(*statements), set(), [])) == {("d", name) for name in names}


def test_a_table_with_a_trigger_does_not_pass() -> None:
    """The trigger of the snapshot could not be made on an empty table without its columns."""
    trigger = StoredObject(
        "TRIGGER", "d", "t", "root@%", "CREATE TRIGGER t BEFORE INSERT ON `a` …", "", "", "", ""
    )
    assert not passing(changes("DROP TABLE a"), set(), [trigger])
