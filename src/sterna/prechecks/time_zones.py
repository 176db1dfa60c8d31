"""Times are shown on the target as they are on the source."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

_UTC = frozenset({"UTC", "GMT", "Etc/UTC", "Universal", "Zulu"})


class TimeZones(Check):
    """Finds a time zone that a new cluster does not have: by name, or the machine's own."""

    name = "time_zones"
    title = "Time zones"
    category = "dependencies"
    why = (
        "TIMESTAMP columns keep moments and show them in the server's zone; in another zone an"
        " application reads other times out of the same rows."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning for the server's zone, a note where zones have been loaded by name."""
        zone, system = context.variable("time_zone"), context.variable("system_time_zone")
        if zone == "SYSTEM" and system not in _UTC:
            yield self._zone(f"The source runs in its machine's zone {system}")
        elif zone != "SYSTEM" and not zone.startswith(("+", "-")) and zone not in _UTC:
            yield self._zone(f"The source runs in the zone {zone}, known by its name")
        if query(context.source, "SELECT 1 FROM mysql.time_zone_name LIMIT 1"):
            yield self.note(
                "mysql.time_zone_name",
                message="The source knows zones by name. Before applications use them on the"
                " cluster: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql",
            )

    def _zone(self, message: str) -> Finding:
        return self.warning(
            "time_zone",
            message=f"{message}; a new cluster runs in its own machine's.",
            remedy="SET GLOBAL time_zone = '+00:00';\n"
            "-- Or another offset, which the cluster takes over. Offsets know no summer time:"
            " applications that need it set their session's time_zone.",
        )
