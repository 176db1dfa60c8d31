"""The binary log is kept long enough to bridge an interruption."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

SECONDS_MIN = 24 * 3600
_SECONDS = "binlog_expire_logs_seconds"
_DAYS = "expire_logs_days"


class BinaryLogRetention(Check):
    """Finds a retention below 24 hours."""

    name = "binary_log_retention"
    title = "Binary log retention"
    category = "dependencies"
    is_safe_to_fix = True
    why = (
        "While Sterna cannot read, the source keeps the changes; what it removes meanwhile is"
        " lost, and the copy begins anew."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning; 0 keeps for ever."""
        seconds = context.variable(_SECONDS)
        name, unit = (_SECONDS, 1) if seconds else (_DAYS, 24 * 3600)
        kept = float(seconds or context.variable(_DAYS) or 0) * unit
        if 0 < kept < SECONDS_MIN:
            yield self.warning(
                name,
                message=f"The source keeps its binary log for {kept / 3600:.1f} hours only.",
                remedy=f"SET GLOBAL {name} = {7 * 24 * 3600 // unit};",
            )
