"""The catalog read from every version says the same about the same database."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sterna.mysql.catalog import (
    KeyPart,
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
from sterna.mysql.connection import Session, execute, open_session
from tests.fixtures.running import RunningServer, wipe

SCHEMA = """
CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_bin
;; CREATE DATABASE sterna
;; USE shop
;; CREATE TABLE customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
   name VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL DEFAULT 'x', note TEXT, at DATETIME NULL,
   KEY by_name (name(5), id), FULLTEXT KEY words (note)) ENGINE=InnoDB
;; CREATE TABLE orders (id INT PRIMARY KEY, customer INT UNSIGNED, other INT UNSIGNED,
   UNIQUE KEY u (customer, other),
   CONSTRAINT c FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE) ENGINE=InnoDB
;; INSERT INTO customers (name) VALUES ('a'), ('b')
;; CREATE VIEW v AS SELECT id FROM customers
;; CREATE PROCEDURE p() SELECT 1
;; CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW SET NEW.other = 1
;; CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DISABLE DO SELECT 1
"""


@pytest.fixture(params=["mysql56", "mysql57", "mysql97", "mariadb1011"])
def session(request: pytest.FixtureRequest) -> Generator[Session]:
    """A session on each server that holds the same schema."""
    server: RunningServer = request.getfixturevalue(request.param)
    wipe(server.server)
    opened = open_session(server.server)
    for statement in SCHEMA.split("\n;; "):
        execute(opened, statement)
    yield opened
    opened.close()


def test_only_the_users_databases_are_listed(session: Session) -> None:
    """Neither the system's databases nor Sterna's own are anybody's data."""
    found = read_databases(session)
    assert [(d.name, d.charset, d.collation) for d in found] == [("shop", "latin1", "latin1_bin")]


def test_tables_are_listed_without_views(session: Session) -> None:
    """Base tables come with engine and collation."""
    tables = read_tables(session, "shop")
    assert [(t.name, t.kind, t.engine) for t in tables] == [
        ("customers", "BASE TABLE", "InnoDB"),
        ("orders", "BASE TABLE", "InnoDB"),
    ]
    assert {t.collation for t in tables} == {"latin1_bin"}


def test_columns_have_their_properties(session: Session) -> None:
    """Type, character set, nullability, default and numbering of each column."""
    number, name, note, at = read_columns(session, "shop")["customers"]
    assert (number.data_type, number.charset, number.auto_increment) == ("int", "", True)
    assert number.column_type.endswith("unsigned") and not number.nullable
    assert (name.charset, name.column_type, name.nullable) == ("utf8mb4", "varchar(20)", False)
    assert (note.data_type, note.default, note.generated) == ("text", None, "")
    assert (at.default, at.nullable, at.invisible) == (None, True, False)


def test_generated_and_invisible_columns_are_known(
    mysql57: RunningServer, mariadb1011: RunningServer
) -> None:
    """A generated column is never loaded, so it must be recognised."""
    for server, invisible in ((mysql57, ""), (mariadb1011, "INVISIBLE")):
        wipe(server.server)
        with open_session(server.server) as session:
            execute(session, "CREATE DATABASE made")
            execute(
                session,
                f"CREATE TABLE made.t (a INT {invisible}, b INT AS (1), v INT AS (a) VIRTUAL,"
                " s INT AS (a + 1) STORED)",
            )
            a, b, v, s = read_columns(session, "made")["t"]
        assert [c.generated for c in (a, b, v, s)] == ["", "VIRTUAL", "VIRTUAL", "STORED"]
        assert a.invisible == bool(invisible)


def test_keys_and_foreign_keys_keep_their_columns_in_order(session: Session) -> None:
    """The primary key first; prefixes, uniqueness and kinds as defined."""
    primary, by_name, words = read_keys(session, "shop")["customers"]
    assert primary.is_primary and primary.unique
    assert by_name.parts == (KeyPart("name", 5), KeyPart("id", None)) and not by_name.unique
    assert words.kind == "FULLTEXT"
    (key,) = read_foreign_keys(session, "shop")["orders"]
    assert (key.name, key.columns, key.referenced_columns) == ("c", ("customer",), ("id",))
    assert (key.referenced_database, key.referenced_table) == ("shop", "customers")
    assert key.on_delete == "CASCADE"


def test_stored_objects_have_definers(session: Session) -> None:
    """Views, routines, triggers and events with the account they run as."""
    (view,) = read_views(session, "shop")
    (routine,) = read_routines(session, "shop")
    (trigger,) = read_triggers(session, "shop")
    (event,) = read_events(session, "shop")
    assert {view.definer, routine.definer, trigger.definer, event.definer} == {"root@%"}
    assert (routine.name, routine.kind) == ("p", "PROCEDURE")
    assert (trigger.table, trigger.timing, trigger.event) == ("orders", "BEFORE", "INSERT")
    assert (event.name, event.status, event.time_zone) == ("e", "DISABLED", "+00:00")
