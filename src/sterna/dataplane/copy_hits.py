"""Tables that DDL hit while they were copied: copied again, last of all, and given up in the end.

As long as there is something else to copy, it does not matter how often a table changes: it comes
last. Only then its tries are counted, and one that changes faster than it can be copied is named.
"""

from __future__ import annotations

import threading
from collections import Counter

from sterna.dataplane.reports import LogReport, ReportTo
from sterna.errors import Stopped
from sterna.mysql.catalog import TableName
from sterna.mysql.identifiers import quote

TRIES_MAX = 10


class Hits:
    """Of one copy.

    Attributes:
        names: all that were ever hit.
        given_up: those that were hit too often while nothing else was left to copy.
        is_closing: nothing else is left.
    """

    def __init__(self, report: ReportTo) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._tries: Counter[TableName] = Counter()
        self.names: set[TableName] = set()
        self.given_up: set[TableName] = set()
        self.is_closing = False

    def add(self, name: TableName, sentence: str) -> None:
        """A table has to be copied again; `sentence` says what hit it."""
        with self._lock:
            self.names.add(name)
            self._tries[name] += self.is_closing
            is_over = self._tries[name] >= TRIES_MAX
            if is_over:
                self.given_up.add(name)
        then = "it is left out for now" if is_over else "it is copied again"
        self._report(LogReport("WARN", f"DDL hit {quote(*name)}, {then}: {sentence}", "ddl"))

    def require_none_given_up(self) -> None:
        """Stopped when tables were given up; it names them."""
        if not self.given_up:
            return
        names = ", ".join(quote(*name) for name in sorted(self.given_up))
        raise Stopped(
            f"All is copied but {names}: DDL on the source hit it each of {TRIES_MAX} times.",
            code="DefinitionKeepsChanging",
            remedy="Stop what creates, alters, truncates or renames it until the copy is done, then"
            " resume the sync task; what is copied stays.",
        )
