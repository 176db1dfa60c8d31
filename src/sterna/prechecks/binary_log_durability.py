"""The binary log has exactly what the tables have, also after a crash of the source."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_CRASH = "after a crash of the source's machine the log may lack what its tables have"
# variable: (what it should be, what happens otherwise)
_WANTED = {
    "sync_binlog": ("1", _CRASH),
    "innodb_flush_log_at_trx_commit": ("1", "after a crash the log may have what its tables lack"),
    "binlog_checksum": ("CRC32", "a damaged event is not noticed"),
    "binlog_order_commits": ("ON", "transactions may be committed in another order than logged"),
    "innodb_support_xa": ("ON", _CRASH),
}


class BinaryLogDurability(Check):
    """Finds settings under which the log and the tables may come apart."""

    name = "binary_log_durability"
    title = "Durability of the binary log"
    category = "dependencies"
    is_safe_to_fix = True
    why = "The cluster gets what the log says; after a crash the source might have other rows."

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning per variable; one that a version does not know is as it should be."""
        for name, (wanted, effect) in _WANTED.items():
            value = context.variable(name)
            if value not in ("", wanted):
                yield self.warning(
                    name,
                    message=f"{name} is {value}: {effect}.",
                    remedy=f"SET GLOBAL {name} = {wanted};",
                )
