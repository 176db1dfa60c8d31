"""The text of SHOW CREATE TABLE as tokens and parts; no SQL is understood beyond that.

Strings, quoted names, comments and parentheses are never looked into, so nothing inside them can
be taken for a keyword. Joining all tokens gives the text back unchanged. Versioned comments
(`/*!50100 … */`) are code: their contents are tokens, the opening and closing marks are tokens
of kind GATE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from sterna.errors import Stopped


class Kind(Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    GATE = "gate"  # /*!50100 or the */ that closes it
    NAME = "name"  # in backticks
    STRING = "string"  # in quotes
    WORD = "word"  # keyword, bare name, number
    SIGN = "sign"


_KINDS = {kind.value: kind for kind in Kind}
_NOT_SOLID = frozenset({Kind.SPACE, Kind.COMMENT, Kind.GATE})


class Token(NamedTuple):
    """A piece of the text. `depth` counts the parentheses around it; a parenthesis itself has
    the depth outside of it."""

    kind: Kind
    text: str
    depth: int

    def is_word(self, *words: str) -> bool:
        """True when this is one of these keywords (given in upper case)."""
        return self.kind is Kind.WORD and self.text.upper() in words

    @property
    def name(self) -> str:
        """The name in backticks, unquoted."""
        return self.text[1:-1].replace("``", "`")


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<gate>/\*!\d* | \*/)
      | (?P<comment>/\*.*?\*/ | --\s[^\n]*\n? | \#[^\n]*\n?)
      | (?P<name>`(?:[^`]|``)*`)
      | (?P<string>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
      | (?P<word>[\w$.@]+)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


def tokenize(text: str) -> list[Token]:
    """The tokens of a statement. Stopped when its parentheses do not match."""
    tokens, depth = [], 0
    for match in _TOKEN.finditer(text):
        piece = match.group()
        if piece == ")":
            depth -= 1
        tokens.append(Token(_KINDS[str(match.lastgroup)], piece, depth))
        if piece == "(":
            depth += 1
    if depth != 0 or text != join(tokens):
        raise Stopped(f"Cannot read this definition: {text}", code="UnknownDefinition")
    return tokens


def join(tokens: Iterable[Token]) -> str:
    """The text of the tokens."""
    return "".join(token.text for token in tokens)


def significant(tokens: Iterable[Token]) -> list[Token]:
    """Without white space, comments and version gates."""
    return [token for token in tokens if token.kind not in _NOT_SOLID]


def strip(tokens: Sequence[Token]) -> list[Token]:
    """Without white space at both ends."""
    inside = [n for n, token in enumerate(tokens) if token.kind is not Kind.SPACE]
    return list(tokens[inside[0] : inside[-1] + 1]) if inside else []


def find_words(tokens: Sequence[Token], *words: str, depth: int) -> tuple[int, int] | None:
    """Where these keywords stand one after the other at this depth: first and last + 1 token."""
    for start, token in enumerate(tokens):
        if token.depth == depth and token.is_word(words[0]):
            end = _end_of_words(tokens, start, words)
            if end is not None:
                return start, end
    return None


def _end_of_words(tokens: Sequence[Token], start: int, words: tuple[str, ...]) -> int | None:
    """Where the keywords that begin at `start` end; None where others follow the first."""
    waiting = list(words)
    for number in range(start, len(tokens)):
        token = tokens[number]
        if token.kind in _NOT_SOLID:
            continue
        if token.depth != tokens[start].depth or not token.is_word(waiting.pop(0)):
            return None
        if not waiting:
            return number + 1
    return None


@dataclass(frozen=True)
class TableText:
    """SHOW CREATE TABLE in parts: `items` inside the parentheses, `options`, `partitions`."""

    items: tuple[tuple[Token, ...], ...]
    options: tuple[Token, ...]
    partitions: tuple[Token, ...]

    @property
    def columns(self) -> dict[str, tuple[Token, ...]]:
        """The definition of each column, by its name."""
        return {item[0].name: item for item in self.items if item[0].kind is Kind.NAME}


def read_table_text(text: str) -> TableText:
    """Take SHOW CREATE TABLE apart. Stopped when it does not look like a table."""
    tokens = tokenize(text)
    opening = [n for n, t in enumerate(tokens) if t.text == "(" and t.depth == 0]
    closing = [n for n, t in enumerate(tokens) if t.text == ")" and t.depth == 0]
    if not opening or not tokens[0].is_word("CREATE"):
        raise Stopped(f"This is not a table's definition: {text}", code="UnknownDefinition")
    items = tuple(tuple(strip(item)) for item in split(tokens[opening[0] + 1 : closing[0]]))
    tail = tokens[closing[0] + 1 :]
    start = _partitions_start(tail)
    return TableText(items, tuple(tail[:start]), tuple(tail[start:]))


def split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Cut a list in parentheses at its commas; `tokens` is what is between the parentheses."""
    part: list[Token] = []
    for token in tokens:
        if token.text == "," and token.depth == tokens[0].depth:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _partitions_start(tail: Sequence[Token]) -> int:
    found = find_words(tail, "PARTITION", "BY", depth=0)
    if found is None:
        return len(tail)
    before = [n for n in range(found[0]) if tail[n].kind is Kind.GATE]
    # the gate that is open where PARTITION stands belongs to it
    return before[-1] if before and tail[before[-1]].text != "*/" else found[0]


def without_event_status(text: str) -> str:
    """SHOW CREATE EVENT with DISABLE for its status. Its body is not looked at: it may be
    written for an sql_mode that reads strings in another way."""
    before = ""
    for match in _TOKEN.finditer(text):
        word = match.group().upper()
        if before == "PRESERVE" and word in ("ENABLE", "DISABLE"):
            rest = re.sub(r"^\s+ON\s+(SLAVE|REPLICA)\b", "", text[match.end() :], count=1)
            return f"{text[: match.start()]}DISABLE{rest}"
        if match.lastgroup != "space":
            before = word if match.lastgroup == "word" else ""
    raise Stopped(f"This is not an event's definition: {text}", code="UnknownDefinition")
