"""Triggers are carried, and do not fire for replayed rows."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, counted, shorten


class Triggers(Check):
    """Says which tables have triggers."""

    name = "triggers"
    title = "Source Instance Trigger Verification"
    category = "dependencies"
    why = (
        "What a trigger wrote on the source arrives as rows; the target's own does not fire again."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per database."""
        for database in context.databases:
            if triggers := context.triggers[database]:
                names = shorten([trigger.name for trigger in triggers])
                message = f"{counted(len(triggers), 'trigger')} carried: {names}."
                yield self.note(database, message=message)
