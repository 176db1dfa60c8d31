"""The bank, its ledger and its judge: what is wrong is found, and what is right is not accused."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from demo.connection import Login, connect, rows, run
from demo.judge import compare, judge
from demo.ledger import longest_gap_ms, read_ledger
from demo.running_bank import RunningBank, start_bank
from demo.schema import create_schema
from tests.fixtures.running import RunningServer, eventually, wipe
from tests.fixtures.servers import SourceFactory

SCALE = 0.02


def open_bank(running: RunningServer) -> Login:
    """A small bank on a wiped server; the login of its application."""
    wipe(running.server)
    accounts = create_schema(running.server, running.version.series, SCALE)
    return Login(running.server.host, running.server.port, "app", accounts.app_password)


def has_acknowledged(bank: RunningBank, count: int) -> None:
    """Wait until a ledger has so many acknowledgements."""
    eventually(
        lambda: bank.ledger.exists() and read_ledger(bank.ledger).totals()["acknowledged"] >= count,
        within_seconds=60,
        every_seconds=0.2,
    )


@pytest.fixture(scope="module")
def paid(
    mysql57: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[RunningServer, Path]]:
    """A bank that has closed for the day, and its ledger."""
    ledger = tmp_path_factory.mktemp("bank") / "ledger"
    bank = start_bank(open_bank(mysql57), ledger)
    try:
        has_acknowledged(bank, 200)
        totals = bank.stop()
    finally:
        bank.kill()
    assert totals["attempted"] == totals["acknowledged"] >= 200
    assert totals["orders"] > 0
    yield mysql57, ledger
    wipe(mysql57.server)


@pytest.mark.parametrize("name", ["mysql56", "mysql57", "mysql97", "mariadb1011"])
def test_the_same_bank_opens_on_every_version(name: str, request: pytest.FixtureRequest) -> None:
    """Every version takes the schema, and the application can log in and read all of it."""
    running: RunningServer = request.getfixturevalue(name)
    with connect(open_bank(running), database="bank") as session:
        tables = [row[0] for row in rows(session, "SHOW TABLES")]
        assert len(tables) == 17
        assert all(rows(session, f"SELECT COUNT(*) FROM {table}") for table in tables)
        assert rows(session, "SELECT COUNT(*) > 14000 FROM card_payments") == ((0,),)
    assert compare(running.server, running.server) == []
    wipe(running.server)


def test_what_was_kept_is_not_accused(paid: tuple[RunningServer, Path]) -> None:
    """Every acknowledged transfer is there once, and all the money."""
    running, ledger = paid
    verdict = judge(running.server, ledger)
    assert verdict.is_clean, verdict
    assert verdict.acknowledged >= 200


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM transfers WHERE id = %s", "lost"),
        ("DELETE FROM audit WHERE transfer_id = %s", "lost"),
        ("DELETE FROM audit WHERE transfer_id = %s", "torn"),
        ("INSERT INTO audit SELECT * FROM audit WHERE transfer_id = %s", "doubled"),
        ("UPDATE transfers SET id = CONCAT('x', SUBSTR(id, 2)) WHERE id = %s", "ghosts"),
        ("UPDATE accounts SET balance = balance + 0.01 ORDER BY id <> LENGTH(%s) LIMIT 1", "off"),
    ],
)
def test_damage_is_found(damage: str, fault: str, paid: tuple[RunningServer, Path]) -> None:
    """A lost, torn, doubled or invented transfer and a cent too much are each found by name."""
    running, ledger = paid
    transfer_id = min(read_ledger(ledger).states)
    with connect(running.server, database="bank") as session:
        kept = {table: rows(session, f"SELECT * FROM {table}") for table in ("transfers", "audit")}
        assert run(session, damage, transfer_id) == 1
        verdict = judge(running.server, ledger)
        if fault == "off":
            run(session, damage.replace("+", "-"), transfer_id)
        for table, contents in kept.items():
            run(session, f"DELETE FROM {table}")
            with session.cursor() as cursor:
                places = ", ".join(["%s"] * len(contents[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({places})", contents)
    assert not verdict.is_clean
    if fault == "off":
        assert (verdict.balance_off, len(verdict.accounts_off)) == (1, 1)
    elif fault == "ghosts":
        assert verdict.ghosts == [f"x{transfer_id[1:]}"]
    else:
        assert getattr(verdict, fault) == [transfer_id]


DAMAGES = {
    "UPDATE products SET picture = CONCAT(picture, 'x') WHERE sku = 'sku-1'": "picture is",
    "UPDATE exchange_rates SET noise = -0.0 WHERE currency = 'USD' LIMIT 1": "noise is",
    "UPDATE customers SET status = 0 WHERE id = 9223372036854775001": "status is",
    "UPDATE branches SET town = 'Munster-1' WHERE code = 'B1'": "town is",
    "DELETE FROM visits LIMIT 1": "3 times against 2",
    "DELETE FROM documents WHERE id = LEFT(SHA2(7, 256), 32)": "1 times against 0",
    "DROP VIEW rich_customers": "view bank.rich_customers is only in the first",
    "DROP TABLE nightly_sums": "table bank.nightly_sums is only in the first",
    "ALTER TABLE audit DROP note": "columns or key differ",
}


def test_a_changed_byte_is_found(mysql57: RunningServer, mysql97: RunningServer) -> None:
    """The same bank on two versions is equal; whatever then changes on one of them is named."""
    for running in (mysql57, mysql97):
        open_bank(running)
    assert compare(mysql57.server, mysql97.server) == []
    found: list[str] = []
    with connect(mysql97.server, database="bank") as session:
        for damage, finding in DAMAGES.items():
            run(session, damage)
            before, found = found, compare(mysql57.server, mysql97.server)
            assert any(finding in each for each in set(found) - set(before)), (damage, found)


@pytest.mark.parametrize("engine", ["5.7", "9.7"])
def test_a_power_cut_is_no_false_alarm(
    engine: str, source_factory: SourceFactory, tmp_path: Path
) -> None:
    """A server killed under load loses nothing it promised, and the judge says so; the
    application goes on by itself, and its outage shows in the ledger."""
    running = source_factory(engine)
    bank = start_bank(open_bank(running), tmp_path / "ledger", threads=8)
    try:
        has_acknowledged(bank, 300)
        since = time.time()
        running.kill9()
        running.start()
        until = time.time()
        has_acknowledged(bank, read_ledger(bank.ledger).totals()["acknowledged"] + 300)
        assert judge(running.server, bank.ledger).is_clean  # also while it writes
        totals = bank.stop()
    finally:
        bank.kill()
        running.stop()
    assert totals["failed"] + totals["unknown"] > 0
    assert totals["connections"] >= 16
    assert longest_gap_ms(bank.ledger, since, until) >= (until - since) * 1000 * 0.9


def test_a_gap_counts_from_commit_to_commit(tmp_path: Path) -> None:
    """The longest gap is whole even where the window cuts it, and runs to the border where
    nothing follows."""
    lines = [
        {"id": str(number), "state": state, "at": at, "error": None}
        for number, at in enumerate((10.0, 10.1, 12.1, 12.2))
        for state in ("attempted", "acknowledged")
    ]
    ledger = tmp_path / "ledger"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
    gaps = [longest_gap_ms(ledger, *window) for window in ((11, 12), (10.05, 10.09), (12.2, 20))]
    assert [round(gap) for gap in gaps] == [2000, 100, 7800]
