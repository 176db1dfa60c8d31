"""A table's definition as the destination must get it: the same columns, storage of its own.

Row events are relayed unchanged, so a column must have exactly the origin's type, character set
and collation; all are written out, because defaults differ between versions. What is only about
storage (engine, directories, checksums) is converted and noted. Secondary indexes and foreign
keys come out apart, to be added after the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sterna.dataplane.schema_limits import not_kept, refused, refused_by_mysql
from sterna.dataplane.schema_text import (
    Kind,
    TableText,
    Token,
    find_words,
    join,
    read_table_text,
    significant,
    strip,
    tokenize,
)
from sterna.errors import Stopped
from sterna.mysql.catalog import Column, Table
from sterna.mysql.identifiers import quote
from sterna.mysql.version import Version

ENGINES_CONVERTED = frozenset({"MYISAM", "ARIA", "MEMORY", "ARCHIVE", "CSV"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TYPES = _words(
    "tinyint smallint mediumint int bigint decimal float double bit year date time "
    "datetime timestamp char varchar tinytext text mediumtext longtext binary varbinary "
    "tinyblob blob mediumblob longblob enum set json geometry point linestring polygon "
    "multipoint multilinestring multipolygon geometrycollection geomcollection vector"
)
_ITEMS = _words("PRIMARY UNIQUE KEY INDEX FULLTEXT SPATIAL CONSTRAINT FOREIGN CHECK")
_EXPRESSION_DEFAULT_TYPES = ("text", "blob", "json", "geometry", "point", "linestring", "polygon")
_OPTIONS_KEPT = _words(
    "AUTO_INCREMENT COMMENT ROW_FORMAT KEY_BLOCK_SIZE STATS_PERSISTENT STATS_AUTO_RECALC "
    "STATS_SAMPLE_PAGES MAX_ROWS MIN_ROWS AVG_ROW_LENGTH COMPRESSION"
)
_OPTIONS_REPLACED = frozenset(["ENGINE", "CHARSET", "CHARACTER SET", "COLLATE"])
_OPTIONS_DROPPED = _words(
    "CHECKSUM DELAY_KEY_WRITE PACK_KEYS PAGE_CHECKSUM TRANSACTIONAL TABLESPACE ENCRYPTION "
    "ENCRYPTED AUTOEXTEND_SIZE"
) | {"DATA DIRECTORY", "INDEX DIRECTORY"}
_ONLY_INNODB = frozenset({"ROW_FORMAT", "KEY_BLOCK_SIZE", "COMPRESSION"})
_MARIADB_GATE = 100_000  # /*!100301 … */: code for MariaDB alone


@dataclass(frozen=True)
class Facts:
    """What conversion must know of the two servers; `collations` are the destination's."""

    origin: Version
    destination: Version
    collations: frozenset[str]


@dataclass(frozen=True)
class TableScript:
    """SQL that makes a table on the destination.

    `indexes` and `foreign_keys` are ALTER TABLE statements for after the rows, "" where there
    is nothing to add. `notes` are sentences on what is stored differently from the origin.
    """

    create: str
    indexes: str
    foreign_keys: str
    notes: tuple[str, ...]


def convert_table(
    definition: str,
    table: Table,
    *,
    columns: list[Column],
    facts: Facts,
    defer_indexes: bool = True,
) -> TableScript:
    """The script for a table from its SHOW CREATE TABLE text; indexes come after the rows, or
    with the table.

    Raises:
        Stopped: the table uses something that cannot be carried exactly; says what to do.
    """
    text = read_table_text(definition)
    _require_known_engine(table)
    _require_taken(text, table, columns=columns, facts=facts)
    notes: list[str] = []
    by_name = {column.name: column for column in columns}
    items = [_item(item, table, by_name=by_name, facts=facts) for item in text.items]
    items += _auto_increment_key(text, columns)
    if len(items) > len(text.items):
        notes.append("an index was added for its AUTO_INCREMENT column, which InnoDB demands")
    kept, indexes, foreign_keys = _sort_items(items, columns)
    if not defer_indexes:
        kept, indexes = kept + indexes, []
    options = _options(text.options, table, facts=facts, notes=notes)
    partitions = _partitions(text.partitions, notes)
    notes += _collation_notes(table, columns, facts)
    name = quote(table.database, table.name)
    create = f"CREATE TABLE {name} (\n  " + ",\n  ".join(kept) + f"\n){options}{partitions}"
    return TableScript(create, _alter(name, indexes), _alter(name, foreign_keys), tuple(notes))


def _alter(name: str, items: list[str]) -> str:
    return f"ALTER TABLE {name} " + ", ".join(f"ADD {item}" for item in items) if items else ""


def _stopped(table: Table, what: str, advice: str) -> Stopped:
    name = quote(table.database, table.name)
    return Stopped(f"{name} cannot be carried: {what}.", code="UnknownDefinition", remedy=advice)


def _require_known_engine(table: Table) -> None:
    if table.kind != "BASE TABLE":
        raise _stopped(
            table,
            f"it is a {table.kind.lower()} table, which MySQL does not have",
            "Turn it into an ordinary table, or leave it out of the migration.",
        )
    if table.engine.upper() not in ENGINES_CONVERTED | {"INNODB"}:
        raise _stopped(
            table,
            f"its storage engine is {table.engine or 'unknown'}",
            "Change it with ALTER TABLE … ENGINE=InnoDB, or leave it out of the migration.",
        )


def _require_taken(text: TableText, table: Table, *, columns: list[Column], facts: Facts) -> None:
    found = list(refused(table.name, columns, text.items))
    if not facts.destination.is_mariadb:
        found += not_kept(columns) if facts.destination.at_least(8) else ()
        found += refused_by_mysql(columns, text.items) if facts.origin.is_mariadb else ()
    if found:
        raise _stopped(table, "; ".join(found), "Change it with ALTER TABLE, or rename the table.")


# Columns, keys, constraints


def _item(
    item: Sequence[Token], table: Table, *, by_name: dict[str, Column], facts: Facts
) -> list[Token]:
    if item[0].kind is Kind.NAME:
        column = by_name.get(item[0].name)
        if column is None:  # DDL came between the columns and the definition
            raise _stopped(table, "was altered while it was looked at", "Resume the sync task")
        return _column(item, table, column=column, facts=facts)
    if not significant(item)[0].is_word(*_ITEMS):
        raise _stopped(
            table, f"it has the part {join(item)}", "Take it out of the table with ALTER TABLE."
        )
    moved = facts.origin.is_mariadb and not facts.destination.is_mariadb
    return _mariadb_constraint(item) if moved else list(item)


def _mariadb_constraint(item: Sequence[Token]) -> list[Token]:
    """MariaDB names checks CONSTRAINT_1, … in every table; MySQL wants them unique per database.
    MariaDB's IGNORED indexes are MySQL's invisible ones."""
    solid = significant(item)
    if (
        len(solid) > 2
        and solid[0].is_word("CONSTRAINT")
        and solid[1].text.startswith("`CONSTRAINT_")
        and solid[2].is_word("CHECK")
    ):
        return list(item[item.index(solid[2]) :])
    return [
        Token(t.kind, "INVISIBLE", t.depth) if t.is_word("IGNORED") and t.depth == 1 else t
        for t in item
    ]


def _column(item: Sequence[Token], table: Table, *, column: Column, facts: Facts) -> list[Token]:
    _require_known_column(item, table, column)
    tokens = list(item)
    if column.charset:
        tokens = _without(tokens, "CHARACTER", "SET")
        tokens = _without(tokens, "CHARSET")
        tokens = _without(tokens, "COLLATE")
        charset, collation = destination_collation(column.collation, facts)
        end = _type_end(tokens)
        tokens[end:end] = [_raw(f" CHARACTER SET {charset} COLLATE {collation}")]
    if facts.origin.is_mariadb and not facts.destination.is_mariadb:
        tokens = _default_in_parentheses(tokens, column)
    return tokens


def _require_known_column(item: Sequence[Token], table: Table, column: Column) -> None:
    if column.data_type not in _TYPES:
        raise _stopped(
            table,
            f"column {quote(column.name)} has type {column.column_type}",
            "Change the column's type to one that both servers have.",
        )
    if column.column_type.lower().startswith("year(2)"):
        raise _stopped(
            table,
            f"column {quote(column.name)} is a two-digit year",
            "Rebuild it with ALTER TABLE … MODIFY … YEAR.",
        )
    for token in item:
        foreign = token.kind is Kind.GATE and int(token.text[3:] or 0) >= _MARIADB_GATE
        if token.kind is Kind.COMMENT or foreign:
            raise _stopped(
                table,
                f"column {quote(column.name)} is stored in a format of its own ({token.text})",
                f"Rebuild it on the origin: ALTER TABLE {quote(table.database, table.name)} FORCE.",
            )


def destination_collation(collation: str, facts: Facts) -> tuple[str, str]:
    """The destination's character set and collation for one of the origin's.

    Raises:
        Stopped: the destination has none that orders the same characters the same way.
    """
    for candidate in _collation_candidates(collation):
        if candidate in facts.collations:
            return candidate.split("_", 1)[0], candidate
    raise Stopped(
        f"The destination does not know the collation {collation}.",
        code="UnknownCollation",
        remedy="Change the columns that have it to a collation both servers know.",
    )


def destination_charset(charset: str, facts: Facts) -> str:
    """The destination's name for a character set: utf8 and utf8mb3 are one."""
    if charset not in ("utf8", "utf8mb3"):
        return charset
    return destination_collation("utf8_general_ci", facts)[0]


def _collation_candidates(collation: str) -> Iterable[str]:
    yield collation
    charset, _, rest = collation.partition("_")
    charset = {"utf8": "utf8mb3", "utf8mb3": "utf8"}.get(charset, charset)
    yield f"{charset}_{rest}"
    if rest.startswith("uca1400_"):
        strength = rest.removeprefix("uca1400_").removeprefix("nopad_")
        yield f"{charset}_0900_{strength}"
        yield f"{charset}_unicode_520_ci" if strength == "ai_ci" else ""
    if rest == "nopad_bin":
        yield f"{charset}_0900_bin"


def _collation_notes(table: Table, columns: list[Column], facts: Facts) -> Iterable[str]:
    """A sentence for each collation that is another one on the destination, not just renamed."""
    for collation in sorted({table.collation, *(c.collation for c in columns if c.collation)}):
        found = destination_collation(collation, facts)[1]
        if found not in tuple(_collation_candidates(collation))[:2]:
            yield f"its collation {collation} became {found}"


def _raw(text: str) -> Token:
    return Token(Kind.WORD, text, 1)


def _type_end(tokens: Sequence[Token]) -> int:
    """Where a column's type and its parentheses end; the name is token 0."""
    at = next(n for n, t in enumerate(tokens) if n and t.kind is Kind.WORD)
    if at + 1 < len(tokens) and tokens[at + 1].text == "(":
        return next(n for n in range(at, len(tokens)) if _closes(tokens[n])) + 1
    return at + 1


def _closes(token: Token) -> bool:
    return token.text == ")" and token.kind is Kind.SIGN and token.depth == 1


def _without(tokens: list[Token], *words: str) -> list[Token]:
    """Without these keywords and the name behind them, e.g. COLLATE utf8_bin."""
    found = find_words(tokens, *words, depth=1)
    if found is None:
        return tokens
    start, end = found
    value = next(n for n in range(end, len(tokens)) if tokens[n].kind is not Kind.SPACE)
    return tokens[: start - 1] + tokens[value + 1 :]


def _default_in_parentheses(tokens: list[Token], column: Column) -> list[Token]:
    """MariaDB prints DEFAULT uuid(), MySQL reads only DEFAULT (uuid())."""
    found = find_words(tokens, "DEFAULT", depth=1)
    if found is None:
        return tokens
    start = next(n for n in range(found[1], len(tokens)) if tokens[n].kind is not Kind.SPACE)
    ends = (n for n in range(start + 1, len(tokens)) if _follows_default(tokens[n]))
    end = next(ends, len(tokens))
    value = strip(tokens[start:end])
    if _is_plain_default(value, column):
        return tokens
    return [*tokens[:start], _raw(f"({join(value)})"), _raw(" "), *tokens[end:]]


def _follows_default(token: Token) -> bool:
    return token.depth == 1 and token.is_word(
        "COMMENT", "ON", "CHECK", "INVISIBLE", "REF_SYSTEM_ID"
    )


def _is_plain_default(value: Sequence[Token], column: Column) -> bool:
    if value[0].is_word("NULL", "CURRENT_TIMESTAMP"):
        return True
    literal = value[0].kind is Kind.STRING or value[0].text[0] in "-0123456789"
    prefixed = len(value) == 2 and value[0].is_word("B", "X") and value[1].kind is Kind.STRING
    needs_expression = column.data_type.endswith(_EXPRESSION_DEFAULT_TYPES)
    return ((len(value) <= 2 and literal) or prefixed) and not needs_expression


# What is added after the rows


def _sort_items(
    items: list[list[Token]], columns: list[Column]
) -> tuple[list[str], list[str], list[str]]:
    """(in CREATE TABLE, indexes for later, foreign keys for later)."""
    automatic = {column.name for column in columns if column.auto_increment}
    has_primary = any(_starts(item, "PRIMARY", "KEY") for item in items)
    lead = next((_first_column(i) for i in items if _starts(i, "PRIMARY", "KEY")), "")
    kept: list[str] = []
    indexes: list[str] = []
    foreign_keys: list[str] = []
    for item in items:
        needed = _first_column(item) in automatic and lead not in automatic
        if find_words(item, "FOREIGN", "KEY", depth=1):
            foreign_keys.append(join(item))
        elif _starts(item, "KEY") or (_starts(item, "UNIQUE", "KEY") and has_primary):
            (kept if needed else indexes).append(join(item))
        else:
            kept.append(join(item))
    return kept, indexes, foreign_keys


def _starts(item: Sequence[Token], *words: str) -> bool:
    if item[0].kind is Kind.NAME:  # a column; most items are
        return False
    solid = significant(item)
    return len(solid) > len(words) and all(
        token.is_word(word) for token, word in zip(solid, words, strict=False)
    )


def _first_column(item: Sequence[Token]) -> str:
    """The first column of a key's definition; "" for an expression or no key."""
    inside = [t for t in item if t.depth == 2]
    return inside[0].name if inside and inside[0].kind is Kind.NAME else ""


def _auto_increment_key(text: TableText, columns: list[Column]) -> list[list[Token]]:
    """MyISAM counts per group in (group, id); InnoDB wants an index that begins with id."""
    keys = [item for item in text.items if item[0].kind is not Kind.NAME]
    firsts = {_first_column(item) for item in keys}
    missing = [c.name for c in columns if c.auto_increment and c.name not in firsts]
    return [tokenize(f"(KEY ({quote(name)}))")[1:-1] for name in missing]


# Options and partitions


def _options(tokens: Sequence[Token], table: Table, *, facts: Facts, notes: list[str]) -> str:
    charset, collation = destination_collation(table.collation, facts)
    converted = table.engine.upper() != "INNODB"
    if converted:
        notes.append(f"its storage engine {table.engine} became InnoDB")
    text = f" ENGINE=InnoDB DEFAULT CHARSET={charset} COLLATE={collation}"
    for name, value in _read_options(tokens, table):
        if name in _OPTIONS_KEPT and not (converted and name in _ONLY_INNODB):
            text += f" {name}={value}"
        elif name not in _OPTIONS_REPLACED:
            notes.append(f"its option {name}={value} was left out")
    return text


def _read_options(tokens: Sequence[Token], table: Table) -> Iterable[tuple[str, str]]:
    """NAME=value pairs, `DEFAULT CHARSET` as CHARSET, `TABLESPACE x` as if it had a sign."""
    known = _OPTIONS_KEPT | _OPTIONS_REPLACED | _OPTIONS_DROPPED
    words: list[str] = []
    waiting = iter(significant(tokens))
    for token in waiting:
        name = " ".join(words)
        if token.text == "=" or name == "TABLESPACE":
            value = next(waiting) if token.text == "=" else token
            if name not in known:
                raise _stopped(
                    table,
                    f"it has the option {name}={value.text}",
                    f"ALTER TABLE {quote(table.database, table.name)} {name} = DEFAULT;",
                )
            yield name, value.text
            words = []
        elif not token.is_word("DEFAULT", "STORAGE", "DISK", "MEMORY"):
            words.append(token.text.strip("`").upper())
    if words:
        raise _stopped(table, f"it has the option {' '.join(words)}", "Remove the option.")


def _partitions(tokens: Sequence[Token], notes: list[str]) -> str:
    """The partitions with InnoDB as their engine and without directories of their own."""
    kept = list(tokens)
    for words in (("DATA", "DIRECTORY"), ("INDEX", "DIRECTORY")):
        for depth in (1, 2):
            while found := find_words(kept, *words, depth=depth):
                value = next(n for n in range(found[1], len(kept)) if kept[n].kind is Kind.STRING)
                notes.append(f"a partition's {' '.join(words)} was left out")
                del kept[found[0] : value + 1]
    return " " + join(_partition_engines(kept)) if kept else ""


def _partition_engines(tokens: list[Token]) -> list[Token]:
    for n, token in enumerate(tokens):
        if token.is_word(*ENGINES_CONVERTED) and _is_engine(tokens[:n]):
            tokens[n] = Token(Kind.WORD, "InnoDB", token.depth)
    return tokens


def _is_engine(before: Sequence[Token]) -> bool:
    solid = significant(before)
    return len(solid) > 1 and solid[-1].text == "=" and solid[-2].is_word("ENGINE")


def same_definition(first: str, second: str) -> bool:
    """True when two SHOW CREATE TABLE texts differ at most in the AUTO_INCREMENT value."""
    return first == second or _comparable(first) == _comparable(second)


def _comparable(definition: str) -> str:
    text = read_table_text(definition)
    options = list(text.options)
    if found := find_words(options, "AUTO_INCREMENT", depth=0):
        del options[found[0] : found[0] + 3]
    return repr((text.items, "".join(t.text for t in significant(options)), text.partitions))
