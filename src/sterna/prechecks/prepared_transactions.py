"""No XA transaction waits in the state prepared."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding


class PreparedTransactions(Check):
    """Finds XA transactions somebody forgot."""

    name = "prepared_transactions"
    title = "Prepared XA transactions"
    category = "other"
    why = "Their rows are neither written nor not: the switch waits for each to be decided."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning each."""
        for number, first_bytes, _, data in query(context.source, "XA RECOVER"):
            raw = data if isinstance(data, bytes) else str(data).encode()
            name, branch = raw[:first_bytes], raw[first_bytes:]
            xid = f"x'{name.hex()}', x'{branch.hex()}', {number}"
            yield self.warning(
                xid,
                message="A transaction is prepared and neither committed nor rolled back.",
                remedy=f"XA ROLLBACK {xid};\n-- Or XA COMMIT; whoever prepared it knows.",
            )
