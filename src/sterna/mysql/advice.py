"""What to do about an error of a server, where the number alone says it."""

from __future__ import annotations

_REPAIR = (
    "The table is damaged on that server: run CHECK TABLE on it, then REPAIR TABLE (MyISAM), or"
    " restore it from a backup, or drop it. Then go on."
)
_ROOM = "Make room on that server's disks, then go on."
_GRANT = "Grant what is missing to the account, then go on."
_LIMIT = "Raise max_allowed_packet on that server (at most 1 GB), then go on."

_BY_NUMBER = {
    # files that are damaged or missing
    **dict.fromkeys((126, 127, 134, 144, 145, 1016, 1017, 1034, 1194, 1195), _REPAIR),
    **dict.fromkeys((1712, 1812, 1813, 1814, 1815, 1877, 1932, 1942), _REPAIR),
    # no room
    **dict.fromkeys((3, 1021, 1026, 1041, 1114, 1135), _ROOM),
    # no privilege
    **dict.fromkeys((1142, 1143, 1227, 1370), _GRANT),
    # no packet is large enough
    **dict.fromkeys((1153, 1162, 1301), _LIMIT),
    1118: "A row is too long for an InnoDB page: turn its longest CHAR or VARCHAR columns into"
    " TEXT on the origin, then go on.",
    3819: "Rows break a CHECK of the table: correct or delete them on the origin, or drop the"
    " CHECK, then go on.",
    4025: "Rows break a CHECK of the table: correct or delete them, then go on.",
}
_OUTSIDE = ("errno: 28", "error 28 ", "Errcode: 28", "No space left", "File too large")


def advice(number: int, text: str) -> str:
    """A sentence or two, "" where the number says too little."""
    if any(words in text for words in _OUTSIDE):
        return _ROOM
    return _BY_NUMBER.get(number, "")
