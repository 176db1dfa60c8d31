"""Definitions are taken apart by tokens, never by what happens to look like a keyword."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sterna.dataplane.schema_tables import Facts, convert_table, same_definition
from sterna.dataplane.schema_text import join, read_table_text, tokenize, without_event_status
from sterna.errors import Stopped
from sterna.mysql.catalog import Column, Table
from sterna.mysql.version import Version

TABLE = Table(
    "db",
    "t",
    kind="BASE TABLE",
    engine="MyISAM",
    collation="utf8_general_ci",
    row_format="Dynamic",
    rows_estimated=0,
    data_bytes=0,
    index_bytes=0,
)
COLLATIONS = frozenset({"utf8mb3_general_ci", "latin1_bin", "utf8mb4_0900_ai_ci"})
FACTS = Facts(Version("mysql", 5, 7, 29), Version("mysql", 9, 7, 4), COLLATIONS)
TEXT = """CREATE TABLE `t` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `COLLATE ``x` enum('COLLATE a','),(','it''s \\\\') COLLATE latin1_bin DEFAULT ')' COMMENT 'K (`',
  PRIMARY KEY (`id`),
  KEY `k` (`COLLATE ``x`),
  CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `u` (`id`)
) ENGINE=MyISAM AUTO_INCREMENT=7 DEFAULT CHARSET=utf8 COMMENT=') ENGINE=x' PACK_KEYS=1
/*!50100 PARTITION BY HASH (id) (PARTITION p0 COMMENT = 'ENGINE = MyISAM' ENGINE = MyISAM) */"""


def column(name: str, data_type: str, **others: object) -> Column:
    fields: dict[str, object] = {
        "column_type": data_type, "charset": "", "collation": "", "nullable": True,
        "default": None, "generated": "", "invisible": False, "auto_increment": False,
    }  # fmt: skip
    return Column("t", name, data_type, **{**fields, **others})  # type: ignore[arg-type]


COLUMNS = [
    column("id", "int", auto_increment=True),
    column("COLLATE `x", "enum", charset="latin1", collation="latin1_bin"),
]


@given(st.text(alphabet="`'\"\\ab(),/*!#- \n5", max_size=40))
def test_tokens_joined_are_the_text(text: str) -> None:
    """Whatever the text, nothing is lost; unmatched parentheses stop."""
    try:
        tokens = tokenize(text)
    except Stopped:
        return
    assert join(tokens) == text


def test_a_definition_is_converted_without_touching_strings() -> None:
    """Keywords in strings, names and comments stay; engine, collation, keys are converted."""
    script = convert_table(TEXT, TABLE, columns=COLUMNS, facts=FACTS)
    assert script.create == (
        "CREATE TABLE `db`.`t` (\n"
        "  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
        "  `COLLATE ``x` enum('COLLATE a','),(','it''s \\\\') CHARACTER SET latin1"
        " COLLATE latin1_bin DEFAULT ')' COMMENT 'K (`',\n"
        "  PRIMARY KEY (`id`)\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci AUTO_INCREMENT=7"
        " COMMENT=') ENGINE=x' /*!50100 PARTITION BY HASH (id)"
        " (PARTITION p0 COMMENT = 'ENGINE = MyISAM' ENGINE = InnoDB) */"
    )
    assert script.indexes == "ALTER TABLE `db`.`t` ADD KEY `k` (`COLLATE ``x`)"
    assert script.foreign_keys.endswith("FOREIGN KEY (`id`) REFERENCES `u` (`id`)")
    assert script.notes == (
        "its storage engine MyISAM became InnoDB",
        "its option PACK_KEYS=1 was left out",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PACK_KEYS=1", "SHINY=1", "option SHINY=1"),
        ("COLLATE latin1_bin DEFAULT", "/* 5.5 binary format */ DEFAULT", "format of its own"),
        ("  `id` int(11)", "  `id` int(11) /*!100301 COMPRESSED*/", "format of its own"),
    ],
)
def test_what_is_not_known_stops(old: str, new: str, said: str) -> None:
    """An option or a column format that nobody has thought of is never dropped."""
    with pytest.raises(Stopped, match=said):
        convert_table(TEXT.replace(old, new), TABLE, columns=COLUMNS, facts=FACTS)


def test_a_collation_the_destination_lacks_stops() -> None:
    """No collation is replaced by one that merely has the same character set."""
    columns = [COLUMNS[0], column("COLLATE `x", "enum", charset="x", collation="x_odd_ci")]
    with pytest.raises(Stopped, match="x_odd_ci") as caught:
        convert_table(TEXT, TABLE, columns=columns, facts=FACTS)
    assert caught.value.code == "UnknownCollation"


def test_only_the_counter_may_differ_between_two_readings() -> None:
    """AUTO_INCREMENT moves while rows are written; anything else is DDL."""
    assert same_definition(TEXT, TEXT.replace("AUTO_INCREMENT=7", "AUTO_INCREMENT=8"))
    assert same_definition(TEXT, TEXT.replace(" AUTO_INCREMENT=7", ""))
    assert not same_definition(TEXT, TEXT.replace("'K (`'", "'K ('"))


def test_partitions_are_found_with_and_without_a_version_gate() -> None:
    """MySQL prints them in a versioned comment, MariaDB does not."""
    plain = TEXT.replace("/*!50100 ", " ").replace(" */", "")
    for text in (TEXT, plain):
        parts = read_table_text(text)
        assert "PARTITION BY HASH (id)" in join(parts.partitions)
        assert "PARTITION" not in join(parts.options)


@pytest.mark.parametrize("status", ["ENABLE", "DISABLE", "DISABLE ON SLAVE", "DISABLE ON REPLICA"])
def test_an_event_loses_only_its_status(status: str) -> None:
    """Names, comments and bodies that look like a status stay as they are."""
    text = (
        "CREATE DEFINER=`a`@`%` EVENT `PRESERVE ENABLE` ON SCHEDULE EVERY 1 DAY ON COMPLETION"
        " NOT PRESERVE {} COMMENT 'PRESERVE ENABLE' DO SELECT ')PRESERVE ENABLE'"
    )
    assert without_event_status(text.format(status)) == text.format("DISABLE")


def test_a_definition_newer_than_its_columns_stops() -> None:
    """DDL may come between the two readings; the copy takes that for DDL, not for a riddle."""
    with pytest.raises(Stopped, match="altered while"):
        convert_table(TEXT, TABLE, columns=COLUMNS[1:], facts=FACTS)
