"""Pairs of positions: where the destination's binary log stands at a position of the origin's.

Asked on the applier's own connection right behind its commit, while nothing else is under way
there: what the origin's log holds up to its position, the destination holds up to the other, and
no more. (Sterna's own database does not count.) GTIDs of the origin are known where its log ends
just there, as it does whenever the destination has caught up.
"""

from __future__ import annotations

import time

from sterna.dataplane.reports import LogReport, PairReport, ReportTo
from sterna.errors import SternaError
from sterna.mysql.connection import (
    Server,
    ServerError,
    Session,
    greeting_version,
    open_session,
    query,
    scalar,
)
from sterna.mysql.position import Position
from sterna.mysql.statements import statement

EVERY_SECONDS = 1.0


class PairKeeper:
    """Reports a pair a second while positions move, and the last one when they rest."""

    def __init__(self, origin: Server, report: ReportTo) -> None:
        self._origin_server = origin
        self._report = report
        self._origin: Session | None = None
        self._noted: Position | None = None
        self._noted_at = 0.0
        self._is_off = False

    def close(self) -> None:
        """End the session on the origin."""
        if self._origin is not None:
            self._origin.cut()
            self._origin = None

    def note(self, destination: Session, boundary: Position, *, rests: bool) -> None:
        """Nothing but what the origin has up to `boundary` is committed on the destination."""
        is_due = rests or time.monotonic() - self._noted_at >= EVERY_SECONDS
        if self._is_off or not is_due or boundary == self._noted:
            return
        self._noted, self._noted_at = boundary, time.monotonic()
        try:
            place = log_end(destination)
        except ServerError as error:
            self._is_off = True
            sentence = f"Pairs of positions are not kept: {error.message}"
            self._report(LogReport("WARN", sentence))
            return
        if place is not None:
            self._report(PairReport(str(boundary), self._origin_gtids(boundary), *place))

    def _origin_gtids(self, boundary: Position) -> str:
        try:
            if self._origin is None:
                self._origin = open_session(self._origin_server)
            place = log_end(self._origin)
        except SternaError:  # they are only not known; the stream itself says if it is lost
            self.close()
            return ""
        return place[1] if place is not None and place[0] == str(boundary) else ""


def log_end(session: Session) -> tuple[str, str] | None:
    """Where the server's binary log ends, and the GTIDs up to there ("" where they are off); None
    where it writes none."""
    version = greeting_version(session)
    rows = query(session, statement("read_position", version))
    if not rows:
        return None
    if version.is_mariadb:
        gtids = str(scalar(session, "SELECT @@GLOBAL.gtid_binlog_pos") or "")
    else:
        gtids = str(rows[0][4] or "") if len(rows[0]) > 4 else ""
    return str(Position(str(rows[0][0]), int(rows[0][1]))), gtids.replace("\n", "")
