"""An application that pays all day through one address, and remembers what it was promised.

Every transfer is one transaction of several statements. Its id is made here and used once: whatever
happens to a transfer, it is never tried again. What became of it stands in a ledger outside the
databases, see `demo.ledger`. Run `python -m demo.bank --help`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from demo.connection import Login, connect, rows, run
from demo.ledger import LedgerWriter, State

RETRY_SECONDS = 0.05
ORDER_EVERY = 20  # one order for so many transfers
ORDERS_KEPT = 2  # of each thread; older ones are deleted, and what hangs on them goes by cascade
DEADLOCK_NUMBERS = (1205, 1213)  # the connection is fine, the transaction is not


@dataclass(frozen=True)
class Work:
    """What the threads of one bank share.

    Attributes:
        login: the one address, and the application's account.
        ledger: where the state of every transfer goes.
        pace: transfers per second and thread; 0 is as fast as it goes.
        tls: encrypt connections.
    """

    login: Login
    ledger: LedgerWriter
    pace: float = 0.0
    tls: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class Teller(threading.Thread):
    """One thread with one connection at a time."""

    def __init__(self, work: Work, number: int, run_id: str) -> None:
        super().__init__(name=f"teller-{number}")
        self.work = work
        self.prefix = f"{run_id}-{number:03d}"
        self.done: Counter[str] = Counter()
        self.crash: BaseException | None = None
        self._connection: Connection[Cursor] | None = None
        self._random = random.Random(self.prefix)
        self._accounts = 0
        self._orders: list[int] = []

    def run(self) -> None:
        """Pay until told to stop; what was not foreseen ends the whole bank."""
        try:
            self._work_on()
        except BaseException as error:
            self.crash = error
            self.work.stop.set()
            raise
        finally:
            self._hang_up()

    def _work_on(self) -> None:
        """Tellers begin spread out; one that lost its connection calls again at once."""
        due = time.monotonic() + self._random.random() / (self.work.pace or math.inf)
        self.work.stop.wait(due - time.monotonic())
        while not self.work.stop.is_set():
            connection = self._connection or self._call()
            if connection is None:
                continue
            if self.done["attempted"] % ORDER_EVERY == ORDER_EVERY - 1:
                self._shop(connection)
            if self._connection is not None:
                self._transfer(connection)
            if self.work.pace and self._connection is not None:
                due = max(time.monotonic(), due + 1 / self.work.pace)
                self.work.stop.wait(due - time.monotonic())

    # Connections, as a driver's pool would handle them.

    def _call(self) -> Connection[Cursor] | None:
        """A new connection; None after a failure and a short wait."""
        try:
            connection = connect(self.work.login, database="bank", tls=self.work.tls)
            ((self._accounts,),) = rows(connection, "SELECT MAX(id) FROM accounts")
        except (pymysql.OperationalError, pymysql.InterfaceError):
            self.done["failed_connections"] += 1
            self.work.stop.wait(RETRY_SECONDS)
            return None
        self.done["connections"] += 1
        self._connection = connection
        return connection

    def _hang_up(self) -> None:
        if self._connection is not None and self._connection.open:
            self._connection.close()
        self._connection = None

    def _recover(self, error: pymysql.MySQLError) -> None:
        """After an error before COMMIT: nothing of the transaction may stay."""
        if self._connection is not None and error.args[:1] and error.args[0] in DEADLOCK_NUMBERS:
            try:
                self._connection.rollback()
                return
            except (pymysql.MySQLError, OSError):
                self.done["failed_rollbacks"] += 1
        self._hang_up()
        self.work.stop.wait(RETRY_SECONDS)

    # Transfers.

    def _transfer(self, connection: Connection[Cursor]) -> None:
        """One transfer, with one id, once."""
        self.done["attempted"] += 1
        transfer_id = f"{self.prefix}-{self.done['attempted']:09d}"
        self.work.ledger.write(transfer_id, "attempted")
        try:
            self._pay(connection, transfer_id)
        except (pymysql.MySQLError, OSError) as error:
            # COMMIT was not sent, so the server has nothing to commit.
            self._note(transfer_id, "failed", error)
            return
        try:
            run(connection, "COMMIT")
        except (pymysql.MySQLError, OSError) as error:
            self._note(transfer_id, "unknown", error)
            return
        self.work.ledger.write(transfer_id, "acknowledged")
        self.done["acknowledged"] += 1

    def _note(self, transfer_id: str, state: State, error: pymysql.MySQLError | OSError) -> None:
        self.work.ledger.write(transfer_id, state, repr(error))
        self.done[state] += 1
        if state == "unknown" or isinstance(error, OSError):
            self._hang_up()
        else:
            self._recover(error)

    def _pay(self, connection: Connection[Cursor], transfer_id: str) -> None:
        """Everything of a transfer but its COMMIT."""
        payer, payee = self._random.sample(range(1, self._accounts + 1), 2)
        amount = f"{self._random.randint(1, 5000) / 100:.2f}"
        run(connection, "BEGIN")
        lock = "SELECT id, balance FROM accounts WHERE id IN (%s, %s) ORDER BY id FOR UPDATE"
        if len(rows(connection, lock, payer, payee)) != 2:
            raise LookupError(f"accounts {payer} and {payee} were there and are not any more")
        change = "UPDATE accounts SET balance = balance + %s WHERE id = %s"
        run(connection, change, f"-{amount}", payer)
        run(connection, change, amount, payee)
        run(
            connection,
            "INSERT INTO transfers (id, from_account, to_account, amount, memo, at)"
            " VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
            *(transfer_id, payer, payee, amount, "Café à la carte"),
        )
        run(connection, "INSERT INTO audit (transfer_id, note) VALUES (%s, '佐藤')", transfer_id)

    # Orders: a trigger counts them, cascades delete what hangs on them. The ledger ignores them.

    def _shop(self, connection: Connection[Cursor]) -> None:
        try:
            self._orders.append(self._order(connection))
            if len(self._orders) > ORDERS_KEPT:
                run(connection, "DELETE FROM orders WHERE id = %s", self._orders.pop(0))
            self.done["orders"] += 1
        except pymysql.MySQLError as error:
            self._recover(error)
        except OSError:
            self._hang_up()

    def _order(self, connection: Connection[Cursor]) -> int:
        """An order of two items, the first with a delivery; its id."""
        run(connection, "BEGIN")
        run(
            connection,
            "INSERT INTO orders (customer_id, ordered) SELECT customer_id, UTC_TIMESTAMP()"
            " FROM accounts WHERE id = %s",
            self._random.randint(1, self._accounts),
        )
        ((order_id,),) = rows(connection, "SELECT LAST_INSERT_ID()")
        item = "INSERT INTO order_items VALUES (%s, %s, %s, %s, 1.25)"
        for line in (1, 2):
            run(connection, item, order_id, line, f"sku-{self._random.randint(1, 10)}", line)
        parcel = "INSERT INTO deliveries VALUES (%s, 1, %s)"
        run(connection, parcel, order_id, secrets.token_bytes(8))
        run(connection, "COMMIT")
        return int(order_id)


def work_until_stopped(work: Work, threads: int) -> dict[str, float]:
    """Run the tellers until `work.stop` is set; what they did together, and for how long.

    Raises:
        RuntimeError: a teller met something nobody foresaw.
    """
    began = time.monotonic()
    run_id = secrets.token_hex(4)
    tellers = [Teller(work, number, run_id) for number in range(threads)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    for teller in tellers:
        if teller.crash is not None:
            raise RuntimeError(f"{teller.name} gave up") from teller.crash
    names = ("attempted", "acknowledged", "failed", "unknown", "connections", "orders")
    totals: dict[str, float] = {name: sum(each.done[name] for each in tellers) for name in names}
    return totals | {"seconds": round(time.monotonic() - began, 1)}


def main() -> None:
    """Work until SIGTERM or Ctrl-C, then print the totals as one line of JSON."""
    parser = argparse.ArgumentParser(description="Pay all day until SIGTERM; print totals.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="app")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True, help="is appended to")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--pace", type=float, default=0.0, help="transfers/s of each thread")
    parser.add_argument("--tls", action="store_true", help="else by the server's public key")
    parser.add_argument("--forget-password-file", action="store_true", help="remove it once read")
    asked = parser.parse_args()
    login = Login(asked.host, asked.port, asked.user, asked.password_file.read_text().strip())
    if asked.forget_password_file:
        asked.password_file.unlink()
    with LedgerWriter(asked.ledger) as ledger:
        work = Work(login, ledger, asked.pace, asked.tls)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: work.stop.set())
        totals = work_until_stopped(work, asked.threads)
    json.dump(totals, sys.stdout)
    print()


if __name__ == "__main__":
    main()
