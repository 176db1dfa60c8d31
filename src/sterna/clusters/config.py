"""A node's configuration file and its first statements: pure text, made from a NodeSpec.

What Sterna sets, and why, is data: `node_defaults.toml`. The same spec gives the same text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sterna.clusters.provisioner import NodeSpec
from sterna.errors import Refused
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version

_FILE = Path(__file__).with_name("node_defaults.toml")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9_./:,*@%+-]+")
_UNWRITABLE = re.compile(r'[\x00-\x1f"\\]')

MIB = 1024**2
# Set in this order: the server refuses a capacity above its limit.
WHILE_IT_RUNS = (
    *("innodb_buffer_pool_size", "rocksdb_block_cache_size"),
    *("max_connections", "innodb_io_capacity_max", "innodb_io_capacity"),
)
POOL_STEP_BYTES = 128 * MIB  # InnoDB rounds the buffer pool up to whole chunks
REDO_BYTES_MIN = 96 * MIB
REDO_BYTES_MAX = 8192 * MIB


def render_config(spec: NodeSpec) -> str:
    """The text of my.cnf.

    Raises:
        Refused: BadParameter; a parameter's name or value cannot be written into the file.
    """
    lines = ["# Written by Sterna at every start; changes made here are lost.", "[mysqld]"]
    for why, values in _groups(spec):
        lines += ["", f"# {why}"] if why else []
        lines += [_line(name, value) for name, value in values.items()]
    return "\n".join(lines) + "\n"


def sizes_of(spec: NodeSpec) -> dict[str, str]:
    """What follows from the node's class and can be changed while it runs, in the order to set."""
    pool = {"innodb_buffer_pool_size": str(_facts(spec)["pool_bytes"])}
    asked = {name: spec.parameters[name] for name in WHILE_IT_RUNS if name in spec.parameters}
    return pool | asked


def first_statements(spec: NodeSpec) -> str:
    """The init file of the first start, one statement per line: only the admin may log in."""
    admin = f"{quote_text(spec.admin.user)}@{quote_text(spec.admin.host)}"
    names = {"admin": admin, "password": quote_text(spec.admin.password)}
    (entry,) = _fitting("accounts", spec.engine.version)
    statements = [
        "SET SESSION sql_log_bin = 0",
        *(statement.format(**names) for statement in entry["statements"]),
        f"GRANT ALL PRIVILEGES ON *.* TO {admin} WITH GRANT OPTION",
    ]
    return "".join(f"{statement};\n" for statement in statements)


def _groups(spec: NodeSpec) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(why, parameters), each parameter once: what the spec asks for replaces our own."""
    facts = _facts(spec)
    for entry in _fitting("parameters", spec.engine.version):
        kept = {name: value for name, value in entry["values"].items() if _is_ours(name, spec)}
        if kept:
            values = {name: value.format(**facts) for name, value in kept.items()}
            yield entry.get("why", ""), values
    engine = spec.engine
    own = {
        "lc_messages_dir": engine.messages,
        "character_sets_dir": engine.charsets,
        "plugin_dir": engine.plugins,
    }
    yield "Where the engine's files are.", {name: str(path) for name, path in own.items() if path}
    if spec.parameters:
        yield "Asked for by the user, or inherited from the source.", spec.parameters


def _is_ours(name: str, spec: NodeSpec) -> bool:
    return name not in spec.parameters


def _facts(spec: NodeSpec) -> dict[str, object]:
    pool = max(spec.memory_bytes * 5 // 8 // POOL_STEP_BYTES, 1) * POOL_STEP_BYTES
    redo = min(max(pool // 2, REDO_BYTES_MIN), REDO_BYTES_MAX)
    return {
        "host": spec.host,
        "port": spec.port,
        "server_id": spec.server_id,
        "basedir": spec.engine.basedir,
        "folder": spec.folder,
        "data": spec.data,
        "read_only": "OFF" if spec.role == "Instance" else "ON",
        "pool_bytes": pool,
        "redo_bytes": redo,
        "redo_half_bytes": redo // 2,
    }


def _line(name: str, value: str) -> str:
    if not _NAME.fullmatch(name) or _UNWRITABLE.search(value):
        raise Refused(
            f"The server parameter {name!r} cannot be written into a configuration file.",
            code="BadParameter",
            remedy="Names are lower case with underscores; values have no quotes or line ends.",
        )
    return f"{name} = {value}" if _PLAIN.fullmatch(value) else f'{name} = "{value}"'


def _fitting(kind: str, version: Version) -> list[dict[str, Any]]:
    return [entry for entry in _defaults()[kind] if _fits(entry, version)]


def _fits(entry: Mapping[str, Any], version: Version) -> bool:
    return (
        entry.get("flavor", version.flavor) == version.flavor
        and version.at_least(*_numbers(entry.get("since", "0")))
        and not version.at_least(*_numbers(entry.get("before", "999")))
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))


@cache
def _defaults() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
