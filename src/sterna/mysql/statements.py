"""Statements that differ between versions: read from `statements.toml`, chosen by version."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from sterna.mysql.version import Version

_FILE = Path(__file__).with_name("statements.toml")


@cache
def _statements() -> dict[str, list[dict[str, str]]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def statement(name: str, version: Version) -> str:
    """The SQL called `name` as `version` spells it; "" where the version needs none."""
    fitting = [
        entry["sql"]
        for entry in _statements()[name]
        if entry["flavor"] == version.flavor and version.at_least(*_numbers(entry["since"]))
    ]
    if not fitting:
        raise LookupError(f"{version} has no statement called {name}")
    return fitting[-1]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))
