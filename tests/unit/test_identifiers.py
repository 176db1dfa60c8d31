"""Quoting names and texts."""

from __future__ import annotations

import pytest

from sterna.mysql.identifiers import quote, quote_text


def test_names_are_quoted_and_joined() -> None:
    """Dots, backticks and blanks stay inside their name."""
    assert quote("a.b", "c`d e") == "`a.b`.`c``d e`"


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_impossible_names_are_refused(name: str) -> None:
    """What no server takes as a name never gets into a statement."""
    with pytest.raises(ValueError, match="not a name"):
        quote("ok", name)


def test_texts_are_escaped() -> None:
    """Quotes are doubled, backslashes too."""
    assert quote_text("it's \\n") == "'it''s \\\\n'"
