"""One word per thing, everywhere."""

from __future__ import annotations

import re

from tests.house.project import texts
from tests.house.words import (
    BANNED,
    BROWSER_WORDS,
    NOT_OURS,
    PATHS,
    PROXY_FILES,
    PROXY_WORDS,
    SERVER_WORDS,
)


def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases))


ALLOWED = _any_of(*SERVER_WORDS, *BROWSER_WORDS, *PATHS)
ALLOWED_IN_PROXY = _any_of(*SERVER_WORDS, *BROWSER_WORDS, *PATHS, *PROXY_WORDS)
# Words end at underscores, digits and capitals too: master_host, srcTable and SlaveId are caught.
SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z]+")


def wrong_words(line: str, path: str = "") -> list[str]:
    """The banned words of a line, besides those the servers and the proxy themselves use."""
    allowed = ALLOWED_IN_PROXY if path.startswith(PROXY_FILES) else ALLOWED
    words = (word.lower() for word in SPLIT.split(allowed.sub(" ", line)))
    joined = re.search(r"(cut|fail)[- ]over\b", line, re.IGNORECASE)
    return [word for word in words if word in BANNED] + ([joined.group()] if joined else [])


def test_nothing_is_called_by_a_banned_word() -> None:
    """Names, comments and docs say source and target; the servers' own words are listed."""
    found = [
        f"{path}:{number}: {', '.join(wrong)}: {line.strip()[:80]}"
        for path, text in texts().items()
        if path not in NOT_OURS
        for number, line in enumerate(text.splitlines(), start=1)
        if (wrong := wrong_words(line, path))
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_check_sees_words_inside_names() -> None:
    """The check looks into snake_case and CamelCase, and spares the servers' statements."""
    for line in ("master_host = 1", "class SrcTable:", "the dst side", "# fail-over", "mySlave"):
        assert wrong_words(line), line
    for line in ('"SHOW MASTER STATUS"', "COM_REGISTER_SLAVE = 0x15", "in src/sterna", "remaster"):
        assert not wrong_words(line), line
