"""Pairs the tables of two servers and says where their definitions alone differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sterna.dataplane.verify_expressions import LOOSE_JSON, REREAD_JSON
from sterna.dataplane.verify_scope import Layout
from sterna.mysql.catalog import (
    Column,
    Key,
    Table,
    TableName,
    read_columns,
    read_databases,
    read_keys,
    read_tables,
)
from sterna.mysql.connection import Session, greeting_version, query

# Types that are spelled differently by the two servers, and hold the same bytes.
_SAME_TYPE = {"geomcollection": "geometrycollection"}
_NUMBERED = frozenset({"enum", "set"})  # compared by numbers, which only the members explain
_JSON = frozenset({"json", LOOSE_JSON})
_POINT_ZERO_SINCE = (8, 0)  # MariaDB has no JSON type, so for it this does not matter
_NOT_TABLES = frozenset({"SEQUENCE"})


@dataclass(frozen=True)
class Pair:
    """A table on both sides. `problem` is what makes comparing its rows pointless, or ""."""

    origin: Layout
    destination: Layout
    problem: str


def read_table_sizes(connection: Session) -> dict[TableName, int]:
    """All tables a customer has on a server, and how many rows it thinks they have."""
    databases = [database.name for database in read_databases(connection)]
    tables = [table for name in databases for table in read_tables(connection, name)]
    return {
        (table.database, table.name): table.rows_estimated for table in tables if _holds_rows(table)
    }


def _holds_rows(table: Table) -> bool:
    return table.kind not in _NOT_TABLES


def read_layouts(connection: Session, database: str) -> dict[str, Layout]:
    """The layouts of a database's tables, by table."""
    columns = read_columns(connection, database)
    keys = read_keys(connection, database)
    point_zero = greeting_version(connection).at_least(*_POINT_ZERO_SINCE)
    return {
        table.name: _layout(table, columns[table.name], keys.get(table.name, []), point_zero)
        for table in read_tables(connection, database)
        if _holds_rows(table)
    }


def is_altered(connection: Session, layout: Layout) -> bool:
    """Whether the table's columns are others by now."""
    found = query(
        connection,
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
        [layout.database, layout.table],
    )
    now = [tuple(map(_text, row)) for row in found]
    return now != [(column.name, column.column_type) for column in layout.columns]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _layout(table: Table, columns: list[Column], keys: list[Key], point_zero: bool) -> Layout:
    by_name = {column.name: column for column in columns}
    found = next(
        ((key.name, parts) for key in keys if (parts := _identifying(key, by_name))), ("", ())
    )
    return Layout(
        database=table.database,
        table=table.name,
        columns=tuple(columns),
        key=found[1],
        key_name=found[0],
        prints_point_zero=point_zero,
    )


def _identifying(key: Key, columns: dict[str, Column]) -> tuple[Column, ...]:
    """The key's columns, if no two rows can have the same values in them; else none."""
    found = [columns[part.column] for part in key.parts if part.column in columns]
    whole = len(found) == len(key.parts) and not any(part.prefix_characters for part in key.parts)
    if key.unique and whole and not any(column.nullable for column in found):
        return tuple(found)
    return ()


def pair(origin: Layout, destination: Layout | None) -> Pair:
    """Both sides with the origin's columns and key, in the origin's order.

    Columns only the destination has (a hidden primary key) are not compared.
    """
    if destination is None:
        return Pair(origin, origin, "is missing on the destination")
    columns = {column.name: column for column in destination.columns}
    problem = _difference(origin.columns, columns)
    if problem:
        return Pair(origin, destination, problem)
    same = replace(
        destination,
        columns=tuple(columns[column.name] for column in origin.columns),
        key=tuple(columns[column.name] for column in origin.key),
        key_name=origin.key_name,
    )
    if origin.prints_point_zero != destination.prints_point_zero:
        return Pair(_with_json_as(LOOSE_JSON, origin), _with_json_as(LOOSE_JSON, same), "")
    return Pair(origin, same, "")


def reread(pair: Pair) -> Pair | None:
    """The same table with its documents as the copy reads them, from their text; None where it
    has none, or no key to tell its rows apart."""
    has_documents = any(column.data_type in _JSON for column in pair.origin.columns)
    if not has_documents or not pair.origin.key:
        return None
    origin, destination = (
        _with_json_as(REREAD_JSON, layout) for layout in (pair.origin, pair.destination)
    )
    return Pair(origin, destination, "")


def _with_json_as(form: str, layout: Layout) -> Layout:
    columns = (
        replace(column, data_type=form) if column.data_type in _JSON else column
        for column in layout.columns
    )
    return replace(layout, columns=tuple(columns))


def _difference(origin: Iterable[Column], destination: dict[str, Column]) -> str:
    for column in origin:
        other = destination.get(column.name)
        if other is None:
            return f"has no column {column.name} on the destination"
        if _type(column) != _type(other):
            return (
                f"has the column {column.name} as {_type(column)} on the origin"
                f" and as {_type(other)} on the destination"
            )
    return ""


def _type(column: Column) -> str:
    if column.data_type in _NUMBERED:
        return column.column_type
    return _SAME_TYPE.get(column.data_type, column.data_type)
