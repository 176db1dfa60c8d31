"""Times are shown on the target as they are on the source."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_UTC = frozenset({"UTC", "GMT", "Etc/UTC", "Universal", "Zulu"})
_KNOWN = "SELECT COUNT(*) FROM mysql.time_zone_name"


class TimeZones(Check):
    """Finds a source that runs in its machine's own time zone, and events in a zone that the
    source itself does not know any more. The zones it knows by name are carried."""

    name = "time_zones"
    title = "Time zones"
    category = "dependencies"
    why = (
        "TIMESTAMP columns keep moments and show them in the server's zone; in another zone an"
        " application reads other times out of the same rows. An event in an unknown zone cannot"
        " be created."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning for the server's zone, an error per event, a note on what is carried."""
        zone, system = context.variable("time_zone"), context.variable("system_time_zone")
        if zone == "SYSTEM" and system not in _UTC:
            yield self._machines(system)
        yield from self._events(context)
        ((known,),) = query(context.source, _KNOWN)
        if known:
            message = f"{known} time zones that the source knows by name are carried."
            yield self.note("mysql.time_zone_name", message=message)

    def _events(self, context: Context) -> Iterator[Finding]:
        """Servers from 8.0 on refuse to lose a zone; older ones then list no events at all."""
        if context.version.at_least(8) and not context.version.is_mariadb:
            return
        sql = "SELECT db, name, time_zone FROM mysql.event ORDER BY 1, 2"
        for database, name, zone in query(context.source, sql):
            if not _is_known(context, _text(zone)):
                yield self.error(
                    f"{_text(database)}.{_text(name)}",
                    message=f"The event is in the zone {_text(zone)}, which the source does not"
                    " know any more; so it shows no events.",
                    remedy="-- Load the zones again: mysql_tzinfo_to_sql /usr/share/zoneinfo |"
                    " mysql mysql\n-- Or, if nobody needs the event:\n"
                    f"DROP EVENT {quote(_text(database), _text(name))};",
                )

    def _machines(self, system: str) -> Finding:
        return self.warning(
            "time_zone",
            message=f"The source runs in its machine's zone {system}; a new cluster runs in its own"
            " machine's.",
            remedy="SET GLOBAL time_zone = '+00:00';\n"
            "-- Or the zone that is meant: an offset or, where the source knows zones by name,"
            " a name. The cluster takes it over. Sessions that are open keep the old one.",
        )


def _is_known(context: Context, zone: str) -> bool:
    if zone == "SYSTEM" or zone[:1] in "+-":
        return True
    sql = "SELECT CONVERT_TZ('2000-01-01 00:00:00', '+00:00', %s) IS NOT NULL"
    return bool(query(context.source, sql, [zone])[0][0])


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
