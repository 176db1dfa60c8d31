"""How much is to be copied, and how long that takes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sterna.prechecks.base import COPY_BYTES_PER_SECOND, Check, Context, Finding, counted

_MIB = 1024**2


class Estimate(Check):
    """Says how large the source is, how long the full copy takes at most, and how much room the
    changes need that are made meanwhile (as many as on an average day)."""

    name = "estimate"
    title = "Size and duration"
    category = "notes"
    why = "The source stays in use meanwhile; the switch has to wait until the copy is done."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note, where there are tables."""
        if context.tables:
            spool_bytes = context.spool_bytes
            minutes = math.ceil(context.copy_seconds / 60)
            yield self.note(
                "full copy",
                message=f"{counted(len(context.tables), 'table')} with"
                f" {context.size_bytes / _MIB:,.0f} MiB."
                f" At {COPY_BYTES_PER_SECOND // 1_000_000} MB a second, which most machines exceed,"
                f" they are copied in {counted(minutes, 'minute')} at most. Meanwhile about"
                f" {spool_bytes / _MIB:,.0f} MiB of changes may wait in the spool.",
            )
