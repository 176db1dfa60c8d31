"""Rows in a partition that is not theirs, as EXCHANGE PARTITION … WITHOUT VALIDATION leaves them.

A server looks for a row by its key only where it should be: such rows are found by a scan of the
whole table and by nothing else. The ends of each partition's index tell, without reading it.
"""

from __future__ import annotations

import re

from sterna.mysql.connection import Session, query
from sterna.mysql.identifiers import quote

_PLAIN = re.compile(r"-?\d+|'[-0-9:. ]*'")  # a bound that means the same in every statement
_NO_BOUND = "MAXVALUE"


def misplaced_partition(session: Session, database: str, table: str, column: str) -> str:
    """The first partition by ranges of `column`, the first of an index, with rows of another; ""
    where there is none."""
    found = query(
        session,
        "SELECT DISTINCT PARTITION_NAME, PARTITION_METHOD, PARTITION_EXPRESSION,"
        " PARTITION_DESCRIPTION, PARTITION_ORDINAL_POSITION FROM information_schema.PARTITIONS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY PARTITION_ORDINAL_POSITION",
        [database, table],
    )
    low = _NO_BOUND
    for name, method, expression, high, _ in found:
        if method not in ("RANGE", "RANGE COLUMNS") or not _is_of(str(expression), column):
            return ""
        sides = [f"({expression}) < {low}"] if _PLAIN.fullmatch(low) else []
        sides += [f"({expression}) >= {high}"] if _PLAIN.fullmatch(str(high)) else []
        low = str(high)
        if sides and query(session, _outside(quote(database, table), str(name), column, sides)):
            return str(name)
    return ""


def _is_of(expression: str, column: str) -> bool:
    """Whether it is this column's, and no other's."""
    return "," not in expression and bool(
        re.search(rf"(?<!\w)`?{re.escape(column)}`?(?!\w)", expression)
    )


def _outside(table: str, partition: str, column: str, sides: list[str]) -> str:
    name, part = quote(column), f"{table} PARTITION ({quote(partition)})"
    ends = " UNION ALL ".join(
        f"SELECT {end}({name}) AS {name} FROM {part}" for end in ("MIN", "MAX")
    )
    return f"SELECT 1 FROM ({ends}) AS ends WHERE {' OR '.join(sides)}"
