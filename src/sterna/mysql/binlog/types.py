"""Event type numbers, the allow-list, and what to do about the rest."""

from __future__ import annotations

from enum import IntEnum


class EventType(IntEnum):
    """Every event type that has a name; whether it is carried is another matter (`CARRIED`)."""

    START_V3 = 1
    QUERY = 2
    STOP = 3
    ROTATE = 4
    INTVAR = 5
    APPEND_BLOCK = 9
    DELETE_FILE = 11
    RAND = 13
    USER_VAR = 14
    FORMAT_DESCRIPTION = 15
    XID = 16
    BEGIN_LOAD_QUERY = 17
    EXECUTE_LOAD_QUERY = 18
    TABLE_MAP = 19
    WRITE_ROWS_V1 = 23
    UPDATE_ROWS_V1 = 24
    DELETE_ROWS_V1 = 25
    INCIDENT = 26
    HEARTBEAT = 27
    IGNORABLE = 28
    ROWS_QUERY = 29
    WRITE_ROWS = 30
    UPDATE_ROWS = 31
    DELETE_ROWS = 32
    GTID = 33
    ANONYMOUS_GTID = 34
    PREVIOUS_GTIDS = 35
    TRANSACTION_CONTEXT = 36
    VIEW_CHANGE = 37
    XA_PREPARE = 38
    PARTIAL_UPDATE_ROWS = 39
    TRANSACTION_PAYLOAD = 40
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42
    MARIADB_ANNOTATE_ROWS = 160
    MARIADB_BINLOG_CHECKPOINT = 161
    MARIADB_GTID = 162
    MARIADB_GTID_LIST = 163
    MARIADB_START_ENCRYPTION = 164
    MARIADB_QUERY_COMPRESSED = 165
    MARIADB_WRITE_ROWS_COMPRESSED_V1 = 166
    MARIADB_UPDATE_ROWS_COMPRESSED_V1 = 167
    MARIADB_DELETE_ROWS_COMPRESSED_V1 = 168
    MARIADB_WRITE_ROWS_COMPRESSED = 169
    MARIADB_UPDATE_ROWS_COMPRESSED = 170
    MARIADB_DELETE_ROWS_COMPRESSED = 171


_STATEMENT_FORMAT = (
    "A session on the origin writes in STATEMENT or MIXED format. Set binlog_format=ROW there, end"
    " the old sessions, and start the sync task again from a new copy of the tables concerned."
)

# Types with a name that stop the task, and what the operator does then.
ADVICE: dict[int, str] = {
    EventType.INTVAR: _STATEMENT_FORMAT,
    EventType.RAND: _STATEMENT_FORMAT,
    EventType.USER_VAR: _STATEMENT_FORMAT,
    EventType.APPEND_BLOCK: _STATEMENT_FORMAT,
    EventType.DELETE_FILE: _STATEMENT_FORMAT,
    EventType.BEGIN_LOAD_QUERY: _STATEMENT_FORMAT,
    EventType.EXECUTE_LOAD_QUERY: _STATEMENT_FORMAT,
    EventType.TRANSACTION_CONTEXT: (
        "The origin wrote down what belongs to Group Replication's own channel. Follow a member's"
        " own binary log."
    ),
    EventType.MARIADB_START_ENCRYPTION: (
        "The origin sends its binary log encrypted. Set encrypt_binlog=OFF there, FLUSH LOGS, and"
        " start the sync task again from a new copy."
    ),
    EventType.INCIDENT: (
        "The origin lost changes from its binary log (see its error log). Start the sync task"
        " again from a new copy."
    ),
}
UNKNOWN_ADVICE = "Report this event type; until it is carried, start again from a new copy."

ROWS_V1 = range(EventType.WRITE_ROWS_V1, EventType.DELETE_ROWS_V1 + 1)
ROWS_V2 = range(EventType.WRITE_ROWS, EventType.DELETE_ROWS + 1)
COMPRESSED_ROWS_V1 = range(
    EventType.MARIADB_WRITE_ROWS_COMPRESSED_V1, EventType.MARIADB_DELETE_ROWS_COMPRESSED_V1 + 1
)
COMPRESSED_ROWS_V2 = range(
    EventType.MARIADB_WRITE_ROWS_COMPRESSED, EventType.MARIADB_DELETE_ROWS_COMPRESSED + 1
)
UPDATES = frozenset(
    {EventType.UPDATE_ROWS_V1, EventType.UPDATE_ROWS, EventType.PARTIAL_UPDATE_ROWS}
)

# Events that say nothing about data: they only move the position forward.
MARKERS = frozenset(
    {
        EventType.STOP,
        EventType.ROWS_QUERY,
        EventType.PREVIOUS_GTIDS,
        EventType.VIEW_CHANGE,
        EventType.MARIADB_ANNOTATE_ROWS,
        EventType.MARIADB_BINLOG_CHECKPOINT,
        EventType.MARIADB_GTID_LIST,
    }
)

# Column type codes of a table map that are relayed as they are.
COLUMN_TYPES = bytes([*range(1, 6), *range(7, 14), *range(15, 20), 242, *range(245, 256)])


def name_of(event_type: int) -> str:
    """ "TABLE_MAP (19)"; "unknown (77)" for a number without a name."""
    try:
        return f"{EventType(event_type).name} ({event_type})"
    except ValueError:
        return f"unknown ({event_type})"
