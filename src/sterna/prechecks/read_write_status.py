"""The source takes writes: a read-only source has nothing to hand over."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding


class ReadWriteStatus(Check):
    """Finds `read_only` and what goes with it."""

    name = "read_write_status"
    title = "Source Instance Read/Write Status"
    category = "basic"
    why = (
        "The switchover makes the source read-only, and going back restores what was before;"
        " a source that is read-only already may be fed by another server."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One error when a variable is set (during a migration Sterna sets it)."""
        if context.migrating:
            return
        names = ("super_read_only", "read_only")
        on = [name for name in names if context.variable(name) not in ("", "OFF", "0")]
        if on:
            yield self.error(
                ", ".join(on),
                message="The source refuses writes.",
                remedy="\n".join(f"SET GLOBAL {name} = OFF;" for name in on),
            )
