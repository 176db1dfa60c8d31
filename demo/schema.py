"""A bank with a shop, of any size, with nearly everything a schema can have.

The rows are made by the server itself. `schema.sql` holds the tables, `schema_rows.sql` the rows,
`schema_code.sql` the triggers, views, routines and the event.
"""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import ConnectionParameters, Login, connect, rows, run

OPENING_BALANCE = 1000  # of every account; the judge knows it without asking a server
SERIES = ("5.6", "5.7", "9.7", "10.11")

# With scale 1: 1,283,700 rows.
ROWS = {
    "branches": 200,
    "customers": 20_000,
    "accounts": 20_000,
    "card_payments": 700_000,
    "products": 2_000,
    "orders": 90_000,  # and three items each, and a delivery for every second one
    "visits": 120_000,
    "exchange_rates": 8_000,
    "documents": 2_000,
}


@dataclass(frozen=True)
class Accounts:
    """Passwords of the accounts `app` (reads and writes bank.*) and `report` (reads bank.*)."""

    app_password: str = field(repr=False)
    report_password: str = field(repr=False)


def create_schema(
    connection_parameters: ConnectionParameters, version_series: str, scale: float = 1.0
) -> Accounts:
    """Make the database `bank` and its two accounts on a server that has neither.

    With `scale` 1 there are 1.2 million rows; 0.02 is enough for tests.

    Raises:
        ValueError: an unknown series, or the server is of another one.
        pymysql.MySQLError: whatever the server refuses.
    """
    connection = connect(connection_parameters)
    with connection:
        _check_series(connection, version_series)
        run(connection, "SET SESSION foreign_key_checks = 0, unique_checks = 0")
        for statement in _statements("schema.sql"):
            run(connection, statement)
        _fill(connection, scale)
        for statement in _statements("schema_code.sql"):
            run(connection, statement)
        return _create_accounts(connection)


def _check_series(connection: Connection[Cursor], version_series: str) -> None:
    ((version,),) = rows(connection, "SELECT VERSION()")
    if version_series not in SERIES or not version.startswith(f"{version_series}."):
        raise ValueError(f"the server is a {version}, not one of series {version_series}")


def _statements(name: str) -> Iterator[str]:
    text = (Path(__file__).parent / name).read_text()
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return (part.strip() for part in re.split(r";$", text, flags=re.MULTILINE) if part.strip())


def _fill(connection: Connection[Cursor], scale: float) -> None:
    counts = {table: max(10, round(count * scale)) for table, count in ROWS.items()}
    _create_numbers(connection, max(*counts.values(), 3 * counts["orders"]))
    for statement in _statements("schema_rows.sql"):
        run(connection, statement.format(opening_balance=OPENING_BALANCE, **counts))
    run(connection, "DROP TEMPORARY TABLE bank.numbers")


def _create_numbers(connection: Connection[Cursor], largest: int) -> None:
    """Numbers from 1 to at least the largest; temporary, so the binary log does not have them."""
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    places = range(len(str(largest)))
    value = " + ".join(f"p{place}.d * {10**place}" for place in places)
    tables = " JOIN ".join(f"({digits}) AS p{place}" for place in places)
    run(connection, "CREATE TEMPORARY TABLE bank.numbers (n BIGINT PRIMARY KEY) ENGINE=InnoDB")
    run(
        connection,
        f"INSERT INTO bank.numbers SELECT 1 + {value} AS n FROM {tables}"
        f" HAVING n <= {largest} ORDER BY n",
    )


def _create_accounts(connection: Connection[Cursor]) -> Accounts:
    accounts = Accounts(secrets.token_urlsafe(12), secrets.token_urlsafe(12))
    run(connection, "CREATE USER 'app'@'%%' IDENTIFIED BY %s", accounts.app_password)
    run(connection, "CREATE USER 'report'@'%%' IDENTIFIED BY %s", accounts.report_password)
    run(connection, "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON bank.* TO 'app'@'%'")
    run(connection, "GRANT SELECT, SHOW VIEW ON bank.* TO 'report'@'%'")
    return accounts


def main() -> None:
    """Make the schema on a server; the password of `app` goes into a new file."""
    parser = argparse.ArgumentParser(description="Make the database bank on a server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="root")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--series", choices=SERIES, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--app-password-file", type=Path, required=True, help="is written")
    asked = parser.parse_args()
    password = asked.password_file.read_text().strip()
    login = Login(asked.host, asked.port, asked.user, password)
    accounts = create_schema(login, asked.series, asked.scale)
    asked.app_password_file.touch(mode=0o600)
    asked.app_password_file.write_text(accounts.app_password)


if __name__ == "__main__":
    main()
