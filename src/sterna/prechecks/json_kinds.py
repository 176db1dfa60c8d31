"""JSON documents hold only what their text says: the copy carries them as text."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.catalog import Column, Table
from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

DOCUMENTS_MAX = 10_000
BYTES_MAX = 64 * 1024**2


class JsonKinds(Check):
    """Finds documents that change when their text is read again: a DECIMAL becomes a DOUBLE, a
    DATETIME or binary value a string, and in 5.7, which prints 52.0 as 52, a whole DOUBLE an
    INTEGER. It looks at the first 10,000 documents of a column, or 64 MB.

    An error where the text changes with it (1.10 becomes 1.1); accepting it means that the
    verification shows these rows, until they are carried anew. A warning where only the kind does.
    """

    name = "json_kinds"
    title = "Kinds of values in JSON"
    category = "other"
    why = (
        "No server shows the kinds inside a document to a client. Changes that are followed carry"
        " them all; rows that were copied have what their text says."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding per column; a note on what could not be looked at."""
        if context.version.is_mariadb:
            return
        prints, kinds = _printed_otherwise(context), _changed_kind(context)
        for table, column in _documents(context):
            counted = _count(context, table, column, (prints, kinds))
            if counted is None:
                continue
            looked_at, printed, changed = counted
            about = f"{table.database}.{table.name}.{column.name}"
            seen = f"of the first {looked_at} documents"
            if not _has_key(context, table):
                if looked_at:
                    yield self._without_key(about, f"{changed} {seen}", is_certain=changed > 0)
            elif printed:
                yield self.error(
                    about,
                    message=f"{printed} {seen} print differently when they were copied as text.",
                    remedy=_remedy(table, column, prints),
                    ignorable=True,
                )
            elif changed:
                yield self.warning(
                    about,
                    message=f"{changed} {seen} hold a kind of value that text does not carry.",
                    remedy=_remedy(table, column, kinds),
                )
        yield from self.unseen(context)

    def _without_key(self, about: str, seen: str, *, is_certain: bool) -> Finding:
        """A change of such a row finds no row on the target, and the task stops."""
        message = (
            "The table has no primary key: a changed row is found by all its columns, documents"
            f" included. {seen} hold a kind of value that text does not carry."
        )
        remedy = "Give the table a primary key."
        if is_certain:
            return self.error(about, message=message, remedy=remedy, ignorable=True)
        return self.warning(about, message=message, remedy=remedy)


# Whether a document's text, read again, prints differently, or takes another number of bytes.
_TEXT, _REREAD = "CAST({j} AS CHAR)", "CAST(CAST(CAST({j} AS CHAR) AS JSON) AS CHAR)"
_SIZES = "JSON_STORAGE_SIZE({j}) {free} <> JSON_STORAGE_SIZE(CAST(CAST({j} AS CHAR) AS JSON))"


def _printed_otherwise(context: Context) -> str:
    """Whether the target prints a document unlike the source. 5.7 prints a DOUBLE 52.0 as 52 and
    a DECIMAL 52.0 as 52.0, a newer target both as 52.0: between the two only the rest counts."""
    text, reread = _TEXT, _REREAD
    if not context.version.at_least(8) and context.target.at_least(8):
        text, reread = _without_point_zero(text), _without_point_zero(reread)
    return f"{text} COLLATE utf8mb4_bin <> {reread}"


def _without_point_zero(text: str) -> str:
    text = f"CONCAT({text}, ']')"
    for end in (", ", "]", "}}"):  # the brace is doubled for format()
        text = f"REPLACE({text}, '.0{end}', '{end}')"
    return text


def _changed_kind(context: Context) -> str:
    if not context.version.at_least(5, 7, 22):
        return _printed_otherwise(context)
    free = "- JSON_STORAGE_FREE({j})" if context.version.at_least(8) else ""
    return _SIZES.replace("{free}", free)


def _documents(context: Context) -> Iterator[tuple[Table, Column]]:
    for database in context.databases:
        columns = context.columns[database]
        for table in (each for each in context.tables if each.database == database):
            for column in columns.get(table.name, []):
                if column.data_type == "json" and not column.generated:
                    yield table, column


def _count(
    context: Context, table: Table, column: Column, conditions: tuple[str, str]
) -> tuple[int, int, int] | None:
    """Documents looked at, those that print differently, those of which a kind changes; None when
    the table could not be looked at."""
    row_bytes = table.data_bytes // max(table.rows_estimated, 1) or 1
    limit = max(1, min(DOCUMENTS_MAX, BYTES_MAX // row_bytes))
    printed, changed = (each.format(j="j") for each in conditions)
    rows = context.sample(
        f"{table.database}.{table.name}",
        f"COUNT(j), IFNULL(SUM({printed}), 0), IFNULL(SUM({changed}), 0)"
        f" FROM (SELECT {quote(column.name)} AS j"
        f" FROM {quote(table.database, table.name)} LIMIT {limit}) AS looked_at",
    )
    if not rows:
        return None
    looked_at, different, other = rows[0]
    return int(looked_at), int(different), int(other)


def _has_key(context: Context, table: Table) -> bool:
    keys = context.keys[table.database].get(table.name, [])
    return any(key.is_primary for key in keys)


def _remedy(table: Table, column: Column, condition: str) -> str:
    """Statements for later, as comments: a document that is written anew is logged whole."""
    name, document = quote(table.database, table.name), quote(column.name)
    where = condition.format(j=document)
    statements = (
        "SET autocommit = 0;",
        f"LOCK TABLES {name} WRITE;",
        f"UPDATE {name} SET {document} = JSON_ARRAY({document}) WHERE {where};",
        f"UPDATE {name} SET {document} = JSON_EXTRACT({document}, '$[0]') WHERE {where};",
        "COMMIT;",
        "UNLOCK TABLES;",
        "SET autocommit = 1;",
    )
    return (
        "-- Accept it. Once changes are followed, write these documents anew on the source, so that"
        "\n-- they are logged with all their kinds (columns ON UPDATE CURRENT_TIMESTAMP change):\n"
        + "\n".join(f"-- {sql}" for sql in statements)
    )
