"""Rows in a partition that is not theirs, as EXCHANGE PARTITION … WITHOUT VALIDATION leaves them.

A server looks for a row by its key only where it should be: such rows are found by a scan of the
whole table and by nothing else. What an index says of its first column in each partition tells,
without reading the partition. HASH and KEY are not looked at: hardly a condition leaves any out.
"""

from __future__ import annotations

import re

from sterna.mysql.connection import Session, query
from sterna.mysql.identifiers import quote

# Bounds and values that mean the same in every statement.
_PLAIN = re.compile(r"-?\d+|'[-0-9:. ]*'")
_PLAIN_LIST = re.compile(r"(-?\d+|'[-\w:. ]*')(,(-?\d+|'[-\w:. ]*'))*", re.ASCII)
_NO_BOUND = "MAXVALUE"
_ALL = 1 << 62


def misplaced_partition(session: Session, database: str, table: str, column: str) -> str:
    """The first partition by ranges or lists of `column`, the first of an index, with rows of
    another; "" where there is none."""
    found = query(
        session,
        "SELECT DISTINCT PARTITION_NAME, PARTITION_METHOD, PARTITION_EXPRESSION,"
        " PARTITION_DESCRIPTION, PARTITION_ORDINAL_POSITION FROM information_schema.PARTITIONS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY PARTITION_ORDINAL_POSITION",
        [database, table],
    )
    low = _NO_BOUND
    for name, method, expression, high, _ in found:
        if expression is None or not _is_of(str(expression), column):
            return ""
        part = f"{quote(database, table)} PARTITION ({quote(str(name))})"
        where, found_in = "", _ends(part, column)
        if method in ("RANGE", "RANGE COLUMNS"):
            where = _beyond(str(expression), low, str(high))
        elif method in ("LIST", "LIST COLUMNS"):
            where, found_in = _not_listed(str(expression), str(high)), _values(part, column)
        low = str(high)
        if where and query(session, f"SELECT 1 FROM ({found_in}) AS found WHERE {where} LIMIT 1"):
            return str(name)
    return ""


def _is_of(expression: str, column: str) -> bool:
    """Whether it is this column's, and no other's."""
    return "," not in expression and bool(
        re.search(rf"(?<!\w)`?{re.escape(column)}`?(?!\w)", expression)
    )


def _beyond(expression: str, low: str, high: str) -> str:
    sides = [f"({expression}) < {low}"] if _PLAIN.fullmatch(low) else []
    sides += [f"({expression}) >= {high}"] if _PLAIN.fullmatch(high) else []
    return " OR ".join(sides)


def _not_listed(expression: str, values: str) -> str:
    """NULL belongs anywhere as far as this is concerned."""
    listed = ",".join(value for value in values.split(",") if value != "NULL")
    return f"({expression}) NOT IN ({listed})" if _PLAIN_LIST.fullmatch(listed) else ""


def _ends(part: str, column: str) -> str:
    """The smallest and the largest value."""
    name = quote(column)
    return " UNION ALL ".join(
        f"SELECT {end}({name}) AS {name} FROM {part}" for end in ("MIN", "MAX")
    )


def _values(part: str, column: str) -> str:
    """Every value once: there are few in a list. The limit keeps conditions from being pushed down,
    where they would leave out what they look for."""
    return f"SELECT DISTINCT {quote(column)} FROM {part} LIMIT {_ALL}"
