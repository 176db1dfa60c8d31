"""sql_mode as the binary log has it: bits, and which of them a server still knows."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.errors import Stopped
from sterna.mysql.version import Version

_COMMON = {
    0: "REAL_AS_FLOAT",
    1: "PIPES_AS_CONCAT",
    2: "ANSI_QUOTES",
    3: "IGNORE_SPACE",
    5: "ONLY_FULL_GROUP_BY",
    6: "NO_UNSIGNED_SUBTRACTION",
    7: "NO_DIR_IN_CREATE",
    19: "NO_AUTO_VALUE_ON_ZERO",
    20: "NO_BACKSLASH_ESCAPES",
    21: "STRICT_TRANS_TABLES",
    22: "STRICT_ALL_TABLES",
    23: "NO_ZERO_IN_DATE",
    24: "NO_ZERO_DATE",
    25: "ALLOW_INVALID_DATES",
    26: "ERROR_FOR_DIVISION_BY_ZERO",
    29: "HIGH_NOT_PRECEDENCE",
    30: "NO_ENGINE_SUBSTITUTION",
    31: "PAD_CHAR_TO_FULL_LENGTH",
}
# Bits that change nothing about what a DDL statement makes, or whose parts are bits of their own.
_WITHOUT_EFFECT = {8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 27, 28}
_ORACLE = 9  # in MySQL such a bit, in MariaDB another grammar
_TIME_TRUNCATE = (32, "TIME_TRUNCATE_FRACTIONAL")  # MySQL 8.0+
_ROUNDS = 34
_MARIADB_ONLY = {
    4: "IGNORE_BAD_TABLE_OPTIONS",
    32: "EMPTY_STRING_IS_NULL",
    33: "SIMULTANEOUS_ASSIGNMENT",
    _ROUNDS: "TIME_ROUND_FRACTIONAL",
}


def mode_names(bits: int, *, origin: Version, destination: Version) -> list[str]:
    """The names `destination` knows the mode of `origin` by.

    Stopped (UnknownSqlMode) for a bit whose effect the destination cannot have.
    """
    return list(_names(bits, origin, destination))


def fraction_modes(bits: int, *, origin: Version, destination: Version) -> list[str]:
    """What lets `destination` round fractions of seconds, or cut them off, as `origin` does where
    a column has less of them: MySQL rounds and MariaDB cuts, unless the mode says otherwise."""
    if origin.is_mariadb == destination.is_mariadb:
        return []
    bit = _ROUNDS if origin.is_mariadb else _TIME_TRUNCATE[0]
    is_known = destination.at_least(*((10, 4, 1) if destination.is_mariadb else (8, 0, 1)))
    is_usual = not bits >> bit & 1
    name = _MARIADB_ONLY[_ROUNDS] if destination.is_mariadb else _TIME_TRUNCATE[1]
    return [name] if is_known and is_usual else []


def _names(bits: int, origin: Version, destination: Version) -> Iterator[str]:
    special = _special(origin, destination)
    for bit in range(bits.bit_length()):
        if not bits >> bit & 1 or bit in _WITHOUT_EFFECT:
            continue
        if bit == _ORACLE and not origin.is_mariadb:
            continue
        name = _COMMON.get(bit) or special.get(bit)
        if name is None:
            raise Stopped(
                f"A statement ran with sql_mode bit {bit}, which {destination} does not have.",
                code="UnknownSqlMode",
                remedy="Run the statement on the destination by hand and skip it, or copy anew.",
            )
        yield name


def _special(origin: Version, destination: Version) -> dict[int, str]:
    if origin.is_mariadb and destination.is_mariadb:
        return {**_MARIADB_ONLY, _ORACLE: "ORACLE"}
    if not origin.is_mariadb and not destination.is_mariadb and destination.at_least(8, 0, 1):
        return dict([_TIME_TRUNCATE])
    return {}
