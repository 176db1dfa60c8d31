"""The parameters a cluster inherits from its source; which ones, and why, is `parameters.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sterna.mysql.connection import Session, greeting_version
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version

_DATA = Path(__file__).with_name("parameters.toml")
_CHARSETS = {"utf8": "utf8mb3"}


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text())


def read_inherited(source: Session, target: Version) -> dict[str, str]:
    """Parameter → value for the configuration of a new primary of version `target`."""
    entries = _data()["parameter"]
    names = [name for e in entries for name in (e["name"], e.get("old_name")) if name]
    values = read_variables(source, *names)
    found: dict[str, str] = {}
    for entry in entries:
        value = values.get(entry["name"], values.get(entry.get("old_name", ""), ""))
        if value and (kept := _translated(entry["name"], value, target)):
            found[entry.get("option", entry["name"])] = kept
    if _is_unknown_collation(found.get("collation_server", ""), greeting_version(source), target):
        del found["collation_server"]
    return found


def _translated(name: str, value: str, target: Version) -> str:
    if name == "sql_mode":
        return ",".join(_sql_mode(value, target))
    if name == "time_zone":
        return value if value[:1] in "+-" else ""
    if name in ("character_set_server", "collation_server") and not target.is_mariadb:
        charset, _, rest = value.partition("_")
        renamed = _CHARSETS.get(charset, charset) if target.at_least(8, 0, 30) else charset
        return f"{renamed}_{rest}" if rest else renamed
    return value


def _sql_mode(value: str, target: Version) -> Iterator[str]:
    dropped = _data()["dropped"]["sql_mode"]
    is_new = not target.is_mariadb and target.at_least(8)
    for flag in value.split(","):
        if not (is_new and flag in dropped):
            yield flag


def _is_unknown_collation(collation: str, source: Version, target: Version) -> bool:
    """MariaDB's newer Unicode collations and its NOPAD ones are not MySQL's."""
    crossing = source.is_mariadb and not target.is_mariadb
    return crossing and ("uca1400" in collation or "nopad" in collation)
