"""Events are carried: disabled on the target until it takes the writes."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding, counted, shorten

_OVER = (
    "SELECT EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS"
    " WHERE ON_COMPLETION = 'NOT PRESERVE' AND COALESCE(EXECUTE_AT, ENDS)"
    " < CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', TIME_ZONE) ORDER BY 1, 2"
)


class Events(Check):
    """Says which events exist, and finds those whose time is over: servers keep them only where
    no scheduler runs."""

    name = "events"
    title = "Events"
    category = "notes"
    why = "An event may run on one side only, so it is enabled where the writes are."

    def run(self, context: Context) -> Iterator[Finding]:
        """One note per database, a warning per event that no server would create."""
        for database in context.databases:
            if events := context.events[database]:
                names = shorten([event.name for event in events])
                yield self.note(
                    database, message=f"{counted(len(events), 'event')} carried: {names}."
                )
        for database, name in query(context.source, _OVER):
            if database in context.databases:
                yield self.warning(
                    f"{database}.{name}",
                    message="Its time is over and it is not to be preserved: it stays behind.",
                    remedy=f"DROP EVENT {quote(database, name)};\n"
                    "-- Or give it another time, or ON COMPLETION PRESERVE.",
                )
