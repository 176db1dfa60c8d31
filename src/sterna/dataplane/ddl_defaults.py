"""What a character set without COLLATE means to a statement, and whether that can be had elsewhere.

MySQL 8.0 and MariaDB 11.5 gave character sets other default collations, and MariaDB lets every
session choose its own. Two servers would make two tables of one statement, and nobody would notice
before a key holds one value for two that are the same elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sterna.mysql.binlog.events import Context
from sterna.mysql.sql_text import Token

OF_UTF8MB4, OF_ALL = "default_collation_for_utf8mb4", "character_set_collations"
_UTF8MB4 = 45
_MYSQL_ALLOWS = frozenset({"utf8mb4_general_ci", "utf8mb4_0900_ai_ci"})
_NATIONAL = frozenset({"NCHAR", "NVARCHAR", "NATIONAL"})
_SHORT = {"ASCII": "latin1", "UNICODE": "ucs2"}  # behind a type
_TEXTS = frozenset({")", "CHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"})

Charsets = Mapping[int, tuple[str, str]]  # collation number to (character set, collation)


def default_collations(context: Context) -> dict[int, int]:
    """The built-in default of a character set to the one that it had in a session."""
    of_utf8mb4 = context.default_collation_for_utf8mb4 or _UTF8MB4
    return {_UTF8MB4: of_utf8mb4, **context.default_collations}


def settings_for(
    context: Context, charsets: Charsets, variables: Mapping[str, str]
) -> dict[str, str]:
    """What a session of the destination has to be told, by variable, whether it has it or not."""
    collations = {
        charsets[one][0]: charsets[other][1]
        for one, other in default_collations(context).items()
        if _can_be_had(one, other, charsets, variables)
    }
    settings = {OF_ALL: ",".join(f"{charset}={name}" for charset, name in collations.items())}
    if "utf8mb4" in collations:
        settings[OF_UTF8MB4] = collations["utf8mb4"]
    return settings


def out_of_reach(
    found: Sequence[Token], context: Context, charsets: Charsets, variables: Mapping[str, str]
) -> int | None:
    """The number of a default collation that the statement relies on and that the destination
    cannot be given; None where there is none."""
    defaults = default_collations(context).items()
    by_name = {_one_name(charsets[one][0]): (one, to) for one, to in defaults if one in charsets}
    for charset in _left_open(found):
        one, other = by_name.get(_one_name(charset), (0, 0))
        if one and not _can_be_had(one, other, charsets, variables):
            return other
    return None


def _one_name(charset: str) -> str:
    return "utf8mb3" if charset == "utf8" else charset


def _can_be_had(one: int, other: int, charsets: Charsets, variables: Mapping[str, str]) -> bool:
    if one not in charsets or other not in charsets:
        return False
    is_settable = charsets[other][1] in _MYSQL_ALLOWS and OF_UTF8MB4 in variables
    return one == other or OF_ALL in variables or is_settable


def _left_open(found: Sequence[Token]) -> Iterator[str]:
    """Character sets that are named without a collation behind them, in lower case."""
    words = [token.upper for token in found]
    for at, word in enumerate(words):
        if word in _NATIONAL:
            yield "utf8mb3"
        before = words[at - 1] if at else ""
        if word in _SHORT and before in _TEXTS and words[at + 1 : at + 2] != ["COLLATE"]:
            yield _SHORT[word]
        is_set = word == "SET" and before in ("CHARACTER", "CHAR")
        if word != "CHARSET" and not is_set:
            continue
        at += 2 if words[at + 1 : at + 2] == ["="] else 1
        behind = [w for w in words[at + 1 : at + 4] if w not in (",", "DEFAULT")]
        if at < len(found) and behind[:1] != ["COLLATE"]:
            yield found[at].text.strip("`'\"").lower()
