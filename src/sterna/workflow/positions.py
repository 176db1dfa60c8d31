"""Where an external reader of one side's binary log goes on at the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from sterna.errors import Refused
from sterna.mysql.gtids import Gtids
from sterna.mysql.position import Position
from sterna.store.records import PositionPair
from sterna.workflow.tools import Tools

NEWEST = 20


class Positions:
    """The part of the operator's desk that is about pairs of positions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def find(
        self, cluster_id: str, *, at: str | None = None, side: str = "source"
    ) -> list[PositionPair]:
        """The newest pairs, newest first; with `at` the one to go on from.

        That is the newest pair which does not lie behind `at`, a position of the source or the
        cluster, or the GTIDs of what was read of it: whoever has read that log up to there has
        read all that the other holds up to the pair. What lies between the pair and `at` is read
        twice.

        Raises:
            Refused: NotFound, BadPosition, or PositionUnknown where it is older than all pairs.
        """
        task_id = self._tools.journal.migration(cluster_id).task_id
        if at is None:
            return self._tools.tasks.newest_pairs(task_id, NEWEST)
        found = newest_up_to(self._tools.tasks.pairs(task_id), _parsed(at), side)
        if found is None:
            raise Refused(
                f"No pair of positions is kept that lies at or before {at} of the {side}.",
                code="PositionUnknown",
                remedy=f"See which are kept: sterna positions {cluster_id}. Pairs begin when all"
                " data is copied and caught up.",
            )
        return [found]


def newest_up_to(
    pairs: Iterable[PositionPair], at: Position | Gtids, side: str
) -> PositionPair | None:
    """The pair to go on from; Refused (BadPosition) for a position of another server.

    Pairs whose GTIDs are not known do not fit GTIDs.
    """
    try:
        fitting = [pair for pair in pairs if _is_up_to(pair, at, side)]
    except ValueError as error:
        raise _bad_position(str(at)) from error
    return max(fitting, key=lambda pair: _place(pair, side), default=None)


def _is_up_to(pair: PositionPair, at: Position | Gtids, side: str) -> bool:
    if isinstance(at, Position):
        return _place(pair, side) <= at
    gtids = pair.source_gtids if side == "source" else pair.cluster_gtids
    return bool(gtids) and at.holds(Gtids.parse(gtids))


def _place(pair: PositionPair, side: str) -> Position:
    return Position.parse(pair.source_position if side == "source" else pair.cluster_position)


def _parsed(text: str) -> Position | Gtids:
    for parse in (Position.parse, Gtids.parse):
        with contextlib.suppress(ValueError):
            return parse(text)
    raise _bad_position(text)


def _bad_position(text: str) -> Refused:
    return Refused(
        f"{text} is not a position in that side's binary log.",
        code="BadPosition",
        remedy="Give it as FILE:OFFSET, e.g. mysql-bin.000003:1234, or as the GTIDs that were read,"
        " e.g. 3e11fa47-…:1-77 or 0-1-77, and --of cluster where it is the cluster's.",
    )
