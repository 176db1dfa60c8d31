"""What InnoDB, or MySQL, refuses of a table that another engine, or MariaDB, has taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sterna.dataplane.schema_text import Kind, Token, find_words, significant
from sterna.mysql.catalog import Column

_HIDDEN_COLUMNS = frozenset({"DB_ROW_ID", "DB_TRX_ID", "DB_ROLL_PTR"})
_HIDDEN_INDEX = "GEN_CLUST_INDEX"
_OF_FULLTEXT = re.compile(r"FTS_[0-9a-f]{16}_(?:CONFIG|(?:BEING_)?DELETED)", re.IGNORECASE)
_ID_OF_FULLTEXT = "FTS_DOC_ID"

Item = Sequence[Token]


def refused(name: str, columns: Sequence[Column], items: Iterable[Item]) -> Iterator[str]:
    """What InnoDB does not take of a table of this name, in words."""
    if _OF_FULLTEXT.match(name):
        yield "InnoDB keeps its name for FULLTEXT indexes"
    words = [significant(item) for item in items if item[0].kind is not Kind.NAME]
    is_fulltext = any(word[0].is_word("FULLTEXT") for word in words)
    if any(t.kind is Kind.NAME and t.name.upper() == _HIDDEN_INDEX for w in words for t in w[:3]):
        yield f"InnoDB keeps the name of its index {_HIDDEN_INDEX} for itself"
    for column in columns:
        if column.name.upper() in _HIDDEN_COLUMNS:
            yield f"InnoDB keeps the name of its column {column.name} for itself"
        if column.name.upper() == _ID_OF_FULLTEXT and is_fulltext and not _is_id(column):
            yield f"InnoDB wants {_ID_OF_FULLTEXT} BIGINT UNSIGNED NOT NULL beside a FULLTEXT index"


def not_kept(columns: Sequence[Column]) -> Iterator[str]:
    """What MySQL from 8.0 on makes something else of, in words."""
    for column in columns:
        if column.data_type in ("enum", "set") and column.collation == "binary":
            yield f"the members of its column {column.name} are bytes, which it does not keep"


def refused_by_mysql(columns: Sequence[Column], items: Iterable[Item]) -> Iterator[str]:
    """What MySQL does not take of a table of MariaDB, in words."""
    numbered = {column.name.lower() for column in columns if column.auto_increment}
    for item in items:
        if item[0].kind is not Kind.NAME:
            continue
        name = item[0].name
        if _names_behind(item, "CHECK") - {name.lower()}:
            yield f"the CHECK of its column {name} is about another column"
        if _names_behind(item, "GENERATED", "ALWAYS", "AS") & numbered:
            yield f"its generated column {name} is computed from an AUTO_INCREMENT"


def _is_id(column: Column) -> bool:
    kind = column.column_type.lower()
    is_large = kind.startswith("bigint") and "unsigned" in kind
    return column.name == _ID_OF_FULLTEXT and is_large and not column.nullable


def _names_behind(item: Item, *words: str) -> set[str]:
    found = find_words(item, *words, depth=1)
    behind = item[found[1] :] if found else ()
    return {token.name.lower() for token in behind if token.kind is Kind.NAME}
