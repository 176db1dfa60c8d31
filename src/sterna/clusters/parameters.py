"""The parameters a cluster inherits from its source; which ones, and why, is `parameters.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sterna.mysql.connection import Session, greeting_version
from sterna.mysql.variables import read_variables
from sterna.mysql.version import Version

_DATA = Path(__file__).with_name("parameters.toml")
_CHARSETS = {"utf8": "utf8mb3"}
ZONE_OPTION = "default_time_zone"

How = Literal["carried", "translated", "dropped", "own"]


@dataclass(frozen=True)
class Parameter:
    """What becomes of one parameter of a source.

    Attributes:
        option: what it is called in a configuration file.
        value: what a new primary is started with; "" where it is left to itself.
        how: carried | translated | dropped (the target cannot have it) | own (the cluster's).
    """

    name: str
    option: str
    source_value: str
    value: str
    how: How
    why: str


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


def plan_parameters(source: Session, target: Version) -> tuple[Parameter, ...]:
    """Every parameter of the data that the source knows, in the data's order."""
    entries = [*_data()["parameter"], *_data()["own"]]
    keys = ("name", "old_name", "from_seconds")
    names = {entry.get(key, "") for entry in entries for key in keys}
    values = read_variables(source, *sorted(names - {""}))
    version = greeting_version(source)
    planned = (_inherited(e, values, version, target) for e in _data()["parameter"])
    own = (
        Parameter(e["name"], e["name"], values[e["name"]], "", "own", e["why"])
        for e in _data()["own"]
        if e["name"] in values
    )
    return (*(parameter for parameter in planned if parameter is not None), *own)


def read_inherited(source: Session, target: Version) -> dict[str, str]:
    """Parameter → value for the configuration of a new primary of version `target`."""
    return {p.option: p.value for p in plan_parameters(source, target) if p.value}


def dropped_modes() -> frozenset[str]:
    """Flags of sql_mode that MySQL 8.0 and later do not know."""
    return frozenset(_data()["dropped"]["sql_mode"])


def can_start_with(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of it a server can be started with that knows no time zones by name yet."""
    zone = parameters.get(ZONE_OPTION, "")
    return {n: v for n, v in parameters.items() if n != ZONE_OPTION or zone[:1] in "+-"}


def _inherited(
    entry: Mapping[str, Any], values: Mapping[str, str], source: Version, target: Version
) -> Parameter | None:
    name, old = entry["name"], entry.get("old_name", "")
    before = values.get(name, values.get(old, ""))
    if not before and (seconds := values.get(entry.get("from_seconds", ""), "")):
        before = str(round(float(seconds) * 1000))
    if not before:
        return None
    value = _translated(name, before, target) if _is_known(entry, target) else ""
    if name == "collation_server" and _is_unknown_collation(value, source, target):
        value = ""
    how: How = "carried" if value == before else "translated" if value else "dropped"
    why = entry["why"] if value else f"The cluster cannot have {before or 'it'}. {entry['why']}"
    return Parameter(name, entry.get("option", name), before, value, how, why)


def _is_known(entry: Mapping[str, Any], target: Version) -> bool:
    if entry.get("flavor", target.flavor) != target.flavor:
        return False
    return target.at_least(*map(int, entry.get("since", "0").split(".")))


def _translated(name: str, value: str, target: Version) -> str:
    if name == "sql_mode":
        return ",".join(_sql_mode(value, target))
    if name == "lower_case_table_names":
        return "1" if value == "2" else value  # 2 is for disks that do not tell case
    if name == "time_zone":
        return "" if value == "SYSTEM" else value
    if name in ("character_set_server", "collation_server") and not target.is_mariadb:
        charset, _, rest = value.partition("_")
        renamed = _CHARSETS.get(charset, charset) if target.at_least(8, 0, 30) else charset
        return f"{renamed}_{rest}" if rest else renamed
    return value


def _sql_mode(value: str, target: Version) -> Iterator[str]:
    is_new = not target.is_mariadb and target.at_least(8)
    for flag in value.split(","):
        if not (is_new and flag in dropped_modes()):
            yield flag


def _is_unknown_collation(collation: str, source: Version, target: Version) -> bool:
    """MariaDB's newer Unicode collations and its NOPAD ones are not MySQL's."""
    crossing = source.is_mariadb and not target.is_mariadb
    return crossing and ("uca1400" in collation or "nopad" in collation)
