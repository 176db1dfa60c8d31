"""The judge: did the databases keep what the application was promised?

Knows the ledgers, the schema and SQL; nothing of how the data came where it is. `judge` takes one
server to court, `compare` looks for any difference between two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.compare import compare
from demo.connection import ConnectionParameters, connect, rows, run
from demo.ledger import Ledger, read_ledger
from demo.schema import OPENING_BALANCE

__all__ = ["Verdict", "compare", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What the ledgers say against what a server holds. Lists are sorted.

    Attributes:
        acknowledged, failed, unknown: transfers by their end; unknown with those that have none.
        unknown_present: how many of the unknown ones are there; any number is right.
        lost: acknowledged transfers missing from `transfers` or `audit`.
        doubled: transfers with more than one row in `transfers` or in `audit`.
        ghosts: transfers that are there although they failed, or that nobody ever attempted.
        torn: transfers with a row in only one of the two tables.
        accounts_off: accounts whose balance is not the opening balance and their transfers.
        balance_off: in cents, how far these accounts are off together.
        total_off: in cents, how far the sum of all balances is from what was paid in at first.
    """

    acknowledged: int
    failed: int
    unknown: int
    unknown_present: int
    lost: list[str]
    doubled: list[str]
    ghosts: list[str]
    torn: list[str]
    accounts_off: list[int]
    balance_off: int
    total_off: int

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        wrong = (self.lost, self.doubled, self.ghosts, self.torn, self.accounts_off)
        return not any(wrong) and not self.total_off

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} acknowledged transfers: {len(self.lost)} lost,"
            f" {len(self.doubled)} doubled, {len(self.ghosts)} ghosts, {len(self.torn)} torn;"
            f" balances off by {self.balance_off / 100:.2f}"
        )


@dataclass(frozen=True)
class _Evidence:
    """What one snapshot of a server holds: rows by transfer id, cents by account."""

    transfers: Counter[str]
    audit: Counter[str]
    balances: dict[int, int]
    expected: dict[int, int]


def judge(connection_parameters: ConnectionParameters, ledgers: Path | Iterable[Path]) -> Verdict:
    """Hold a server's bank against all its ledgers, also while the application writes.

    Raises:
        ValueError: a ledger is not one.
        pymysql.MySQLError: the server cannot be read.
    """
    paths = [ledgers] if isinstance(ledgers, Path) else list(ledgers)
    before = read_ledger(paths)
    with connect(connection_parameters, database="bank") as connection:
        evidence = _collect(connection)
    # Whatever the snapshot holds was noted as attempted before the ledger is read again.
    return _decide(before, read_ledger(paths), evidence)


def _collect(connection: Connection[Cursor]) -> _Evidence:
    run(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    transfers = Counter(str(name) for (name,) in rows(connection, "SELECT id FROM transfers"))
    audit = Counter(str(name) for (name,) in rows(connection, "SELECT transfer_id FROM audit"))
    balances = _cents(connection, "SELECT id, balance FROM accounts")
    income = _cents(connection, _sums("to_account"))
    spending = _cents(connection, _sums("from_account"))
    # Accounts are numbered without a gap and never closed, so a missing one is noticed.
    numbers = {*range(1, max(balances, default=0) + 1), *income, *spending}
    expected = {
        number: OPENING_BALANCE * 100 + income.get(number, 0) - spending.get(number, 0)
        for number in numbers
    }
    return _Evidence(transfers, audit, balances, expected)


def _sums(column: str) -> str:
    return f"SELECT {column}, SUM(amount) FROM transfers GROUP BY {column}"


def _cents(connection: Connection[Cursor], sql: str) -> dict[int, int]:
    return {int(key): int(Decimal(value) * 100) for key, value in rows(connection, sql)}


def _decide(before: Ledger, after: Ledger, evidence: _Evidence) -> Verdict:
    there = evidence.transfers.keys() | evidence.audit.keys()
    whole = evidence.transfers.keys() & evidence.audit.keys()
    unknown = after.ids("unknown", "attempted")
    counted = (evidence.transfers, evidence.audit)
    off = {
        number: abs(evidence.balances.get(number, 0) - cents)
        for number, cents in evidence.expected.items()
        if evidence.balances.get(number) != cents
    }
    paid_in = OPENING_BALANCE * 100 * len(evidence.expected)
    return Verdict(
        acknowledged=len(before.ids("acknowledged")),
        failed=len(after.ids("failed")),
        unknown=len(unknown),
        unknown_present=len(unknown & there),
        lost=sorted(before.ids("acknowledged") - whole),
        doubled=sorted({name for rows in counted for name, times in rows.items() if times > 1}),
        ghosts=sorted(there & after.ids("failed") | there - after.states.keys()),
        torn=sorted(there - whole),
        accounts_off=sorted(off),
        balance_off=sum(off.values()),
        total_off=abs(sum(evidence.balances.values()) - paid_in),
    )
