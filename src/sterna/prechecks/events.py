"""Events are carried: disabled on the target until it takes the writes."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding, counted, shorten


class Events(Check):
    """Says which events exist."""

    name = "events"
    title = "Events"
    category = "notes"
    why = "An event may run on one side only, so it is enabled where the writes are."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per database."""
        for database in context.databases:
            if events := context.events[database]:
                names = shorten([event.name for event in events])
                yield self.note(
                    database, message=f"{counted(len(events), 'event')} carried: {names}."
                )
