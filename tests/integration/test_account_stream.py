"""Account statements while following: carried where they are exact, told where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.mysql.connection import Server, execute, open_session, query
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link
from tests.integration.test_follow import FORWARD, REVERSE, SCHEMA, run, sides

__all__ = ["sides"]

MADE = "CREATE USER 'app'@'%';; CREATE USER 'old'@'localhost';; CREATE USER 'gone'@'%'"
CHANGED = """GRANT SELECT, INSERT ON shop.* TO 'app'@'%'
;; GRANT UPDATE (name) ON shop.parents TO 'app'@'%' WITH GRANT OPTION
;; REVOKE INSERT ON shop.* FROM 'app'@'%'
;; RENAME USER 'old'@'localhost' TO 'new'@'10.0.0.%'
;; GRANT ALL PRIVILEGES ON shop.* TO 'new'@'10.0.0.%'
;; DROP USER 'gone'@'%'"""
LEFT_OUT = """GRANT SELECT ON shop.* TO 'nobody'@'%'
;; GRANT SUPER ON *.* TO 'app'@'%'
;; GRANT ALL PRIVILEGES ON *.* TO 'app'@'%'"""


def accounts(server: Server) -> set[str]:
    """All accounts but those of the server."""
    with open_session(server) as session:
        rows = query(session, "SELECT user, host FROM mysql.user WHERE user NOT LIKE '%.%'")
    return {f"{user}@{host}" for user, host in rows if user not in ("", "root", "PUBLIC")}


def grants(server: Server, account: str) -> set[str]:
    """What an account may do, passwords left out, in one spelling."""
    with open_session(server) as session:
        rows = query(session, f"SHOW GRANTS FOR {account}")
    texts = (str(row[0]).replace("`", "").replace("'", "") for row in rows)
    return {text for text in texts if " USAGE " not in text}


@pytest.mark.parametrize("sides", FORWARD + REVERSE, indirect=True, ids="-".join)
def test_what_is_exact_is_carried(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """Rights given and taken, names changed and accounts dropped are so on the destination."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        run(there, MADE)
        with Link(origin, destination, tmp_path) as link:
            run(session, SCHEMA)
            run(session, f"SET SESSION sql_log_bin = 0;; {MADE};; SET SESSION sql_log_bin = 1")
            run(session, CHANGED)
            execute(session, "INSERT INTO parents VALUES (1, 'goes on')")
            link.caught_up()
    assert accounts(destination) == {"app@%", "new@10.0.0.%"}
    assert grants(destination, "'app'@'%'") == {
        "GRANT SELECT ON shop.* TO app@%",
        "GRANT UPDATE (name) ON shop.parents TO app@% WITH GRANT OPTION",
    }
    (all_of_shop,) = grants(destination, "'new'@'10.0.0.%'")
    assert all_of_shop.startswith("GRANT ALL PRIVILEGES ON shop.* TO new@")
    assert_equal(origin, destination, ["shop"])


@pytest.mark.parametrize("sides", FORWARD[:2] + REVERSE, indirect=True, ids="-".join)
def test_what_is_not_exact_is_told(sides: tuple[Server, Server], tmp_path: Path) -> None:
    """No account comes to be without its password, none gets other rights, nothing is silent."""
    origin, destination = sides
    with open_session(origin) as session, open_session(destination) as there:
        for one in (session, there):
            run(one, "SET SESSION sql_log_bin = 0;; CREATE USER 'app'@'%'")
        execute(session, "CREATE USER 'nobody'@'%'")
        execute(session, "SET SESSION sql_log_bin = 1")
        with Link(origin, destination, tmp_path) as link:
            run(session, SCHEMA)
            run(session, LEFT_OUT)
            execute(session, "CREATE USER 'secretive'@'%' IDENTIFIED BY 'sEcret-1234'")
            execute(session, "SET PASSWORD FOR 'app'@'%' = " + password_of(origin))
            execute(session, "CREATE USER 'root'@'127.0.0.77'")
            execute(session, "INSERT INTO parents VALUES (1, 'goes on')")
            link.caught_up()
        run(session, "SET SESSION sql_log_bin = 0;; DROP USER 'root'@'127.0.0.77'")
    assert accounts(destination) == {"app@%"}
    assert grants(destination, "'app'@'%'") == set()
    told = [sentence for sentence in link.sentences if "not carried" in sentence]
    assert len(told) == 6 and all("@" in sentence for sentence in told)
    assert not {"sEcret", "*2"} & set(str(link.reports).split("'"))
    assert "sEcret" not in str(link.reports)


def password_of(server: Server) -> str:
    """What SET PASSWORD takes there."""
    with open_session(server) as session:
        old = str(query(session, "SELECT VERSION()")[0][0]).startswith("5.6")
    return "PASSWORD('sEcret-99')" if old else "'sEcret-99'"
