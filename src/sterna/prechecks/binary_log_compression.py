"""Compressed binary logs are read, at some cost."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding


class BinaryLogCompression(Check):
    """Says when the source compresses its binary log."""

    name = "binary_log_compression"
    title = "Compressed binary log"
    category = "dependencies"
    why = "Sterna unpacks it, which takes some of its own processor time and none of the source's."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note."""
        for name in ("binlog_transaction_compression", "log_bin_compress"):
            if context.variable(name) == "ON":
                yield self.note(name, message="The source compresses its binary log.")
