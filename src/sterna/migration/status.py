"""The statuses of a migration, who may do what in each, and why not.

    NO_MIGRATION -> CLONING -> SYNCING source→cluster <-> SYNCING cluster→source -> CLOSING -> NO_MIGRATION
                     |  ^                 (SWITCHING, ROLLBACK in between)
                     v  |
                  PRE_CHECK_FAIL -> NO_MIGRATION (given up)

    Both SYNCING -> AMBIGUOUS when it is not known who owns the writes; a person leads it back.

The words are the vendor's wire names, so scripts written for them keep working.
"""  # noqa: E501

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a migration stands."""

    CLONING = "RDS2POLARDB_CLONING"
    PRE_CHECK_FAIL = "PRE_CHECK_FAIL"
    SYNCING = "RDS2POLARDB_SYNCING"
    SWITCHING = "SWITCHING"
    REVERSED = "POLARDB2RDS_SYNCING"
    ROLLING_BACK = "ROLLBACK"
    CLOSING = "CLOSING_MIGRATION"
    CLOSED = "NO_MIGRATION"
    AMBIGUOUS = "AMBIGUOUS"


class Action(StrEnum):
    """What an operator can ask for; the names of the operations in the story."""

    CONTINUE = "upgrade"
    GIVE_UP = "give_up"
    SWITCH_OVER = "switch_over"
    ROLL_BACK = "roll_back"
    COMPLETE = "complete"
    CANCEL = "cancel"
    RESOLVE_TO_SOURCE = "resolve_to_source"
    RESOLVE_TO_CLUSTER = "resolve_to_cluster"
    OPEN = "open_cluster"
    EXPIRE = "expire"  # nobody asks for it: the thirty days are over


TRANSITIONS: dict[Action, tuple[Status, ...]] = {
    Action.CONTINUE: (Status.PRE_CHECK_FAIL,),
    Action.GIVE_UP: (Status.PRE_CHECK_FAIL,),
    Action.SWITCH_OVER: (Status.SYNCING,),
    Action.ROLL_BACK: (Status.REVERSED,),
    Action.COMPLETE: (Status.REVERSED,),
    Action.CANCEL: (Status.SYNCING,),
    Action.RESOLVE_TO_SOURCE: (Status.AMBIGUOUS,),
    Action.RESOLVE_TO_CLUSTER: (Status.AMBIGUOUS,),
    Action.OPEN: (Status.CLOSED,),
    Action.EXPIRE: (Status.PRE_CHECK_FAIL, Status.SYNCING, Status.REVERSED),
}

TITLES: dict[Status, str] = {
    Status.CLONING: "Synchronizing Data (full copy)",
    Status.PRE_CHECK_FAIL: "Pre-check failed",
    Status.SYNCING: "Synchronizing Data",
    Status.SWITCHING: "Switching",
    Status.REVERSED: "Synchronizing Data (cluster to source)",
    Status.ROLLING_BACK: "Rolling Back",
    Status.CLOSING: "Disable Synchronization",
    Status.CLOSED: "Closed",
    Status.AMBIGUOUS: "Ambiguous",
}

REMEDIES: dict[Status, str] = {
    Status.CLONING: "Wait until the full copy is done: sterna migration watch CLUSTER.",
    Status.PRE_CHECK_FAIL: "Fix the cause, then: sterna continue CLUSTER; "
    "or leave it: sterna give-up CLUSTER.",
    Status.SYNCING: "Now possible: sterna switch-over CLUSTER, or: sterna cancel CLUSTER.",
    Status.SWITCHING: "Wait until the switchover has ended: sterna migration watch CLUSTER.",
    Status.REVERSED: "Now possible: sterna roll-back CLUSTER, or: sterna complete CLUSTER.",
    Status.ROLLING_BACK: "Wait until the rollback has ended: sterna migration watch CLUSTER.",
    Status.CLOSING: "Wait until the synchronization is disabled: sterna migration watch CLUSTER.",
    Status.CLOSED: "A new upgrade starts with: sterna upgrade INSTANCE; a cluster that expired "
    "read-only opens with: sterna cluster open CLUSTER.",
    Status.AMBIGUOUS: "Look at both sides first: sterna migration resolve CLUSTER.",
}
