"""The binary log is kept long enough to bridge an interruption."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

SECONDS_MIN = 24 * 3600
_COPIES = 2  # one that is interrupted, and the one that is begun anew
_SECONDS = "binlog_expire_logs_seconds"
_DAYS = "expire_logs_days"
_SIZES = ("binlog_space_limit", "max_binlog_total_size")  # Percona Server, MariaDB from 11.4 on


class BinaryLogRetention(Check):
    """Finds a retention below 24 hours, or below twice the time the full copy takes, and logs that
    are removed when they have grown to some size."""

    name = "binary_log_retention"
    title = "Binary log retention"
    category = "dependencies"
    is_safe_to_fix = True
    why = (
        "While Sterna cannot read, the source keeps the changes; what it removes meanwhile is"
        " lost, and the copy begins anew."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning for the time (0 keeps for ever), one for the size."""
        seconds = context.variable(_SECONDS)
        name, unit = (_SECONDS, 1) if seconds else (_DAYS, 24 * 3600)
        kept = float(seconds or context.variable(_DAYS) or 0) * unit
        wanted = max(SECONDS_MIN, _COPIES * context.copy_seconds)
        if 0 < kept < wanted:
            days = max(7, math.ceil(wanted / (24 * 3600)))
            yield self.warning(
                name,
                message=f"The source keeps its binary log for {kept / 3600:.1f} hours only; the"
                f" full copy may take {context.copy_seconds / 3600:.1f}.",
                remedy=f"SET GLOBAL {name} = {days * 24 * 3600 // unit};",
            )
        yield from self._sizes(context)

    def _sizes(self, context: Context) -> Iterator[Finding]:
        for name in _SIZES:
            size_bytes = int(context.variable(name) or 0)
            if size_bytes:
                yield self.warning(
                    name,
                    message=f"The source removes its oldest binary logs when all together have"
                    f" {size_bytes / 1024**3:.1f} GiB, however new they are.",
                    remedy=f"SET GLOBAL {name} = 0;",
                )
