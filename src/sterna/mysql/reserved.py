"""Words that became reserved: names an older server takes without quotes and a newer does not."""

from __future__ import annotations

from sterna.mysql.version import Version

# Reserved from MySQL 8.0 on and no keyword of any kind before, so in an older statement each of
# them is a name. ROW, ROWS, FUNCTION and CUBE are missing: they were keywords already.
_NEW_IN_MYSQL_8 = frozenset(
    {
        *("CUME_DIST", "DENSE_RANK", "EMPTY", "EXCEPT", "FIRST_VALUE", "GROUPING", "GROUPS"),
        *("INTERSECT", "JSON_TABLE", "LAG", "LAST_VALUE", "LATERAL", "LEAD", "LIBRARY", "MANUAL"),
        *("NTH_VALUE", "NTILE", "OF", "OVER", "PARALLEL", "PERCENT_RANK", "QUALIFY", "RANK"),
        *("RECURSIVE", "ROW_NUMBER", "SYSTEM", "TABLESAMPLE", "WINDOW"),
    }
)
# Of these, the ones MariaDB does not use itself.
_NAMES_IN_MARIADB = frozenset(["EMPTY", "GROUPS", "MANUAL", "PARALLEL", "QUALIFY", "TABLESAMPLE"])
# Reserved from MySQL 5.7 on.
_NEW_IN_MYSQL_5_7 = frozenset(["GENERATED", "OPTIMIZER_COSTS", "STORED", "VIRTUAL"])


def newly_reserved(origin: Version, destination: Version) -> frozenset[str]:
    """Words that are names to `origin` and have to be quoted for `destination`."""
    if destination.is_mariadb:
        return frozenset()
    if origin.is_mariadb:
        return _NAMES_IN_MARIADB if destination.at_least(8) else frozenset()
    words: frozenset[str] = frozenset()
    if not origin.at_least(8) and destination.at_least(8):
        words |= _NEW_IN_MYSQL_8
    if not origin.at_least(5, 7) and destination.at_least(5, 7):
        words |= _NEW_IN_MYSQL_5_7
    return words
