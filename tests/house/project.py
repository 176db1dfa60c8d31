"""What the house tests read: the project's own files, and the Python in them as trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORY = ROOT / "src/sterna/workflow/upgrade.py"
REFERENCE = ROOT / "docs/reference"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, its text and its tree."""

    path: str
    text: str
    tree: ast.Module


@cache
def tracked() -> tuple[str, ...]:
    """Paths, from the root, of all files that are there and that git keeps or would keep."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for path in listing.split("\0") if path and (ROOT / path).is_file())


@cache
def texts() -> dict[str, str]:
    """Path and text of every tracked file; all of them are text."""
    return {path: (ROOT / path).read_text() for path in tracked()}


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The Python files below the given folders."""
    return tuple(
        Module(path, text, ast.parse(text, path))
        for path, text in texts().items()
        if path.endswith(".py") and path.startswith(tuple(f"{folder}/" for folder in folders))
    )


def functions(module: Module) -> Iterator[Function]:
    """Every function of a module, also those inside classes and other functions."""
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


def lines_of(function: Function) -> int:
    """Lines from `def` to the end, without the docstring: prose is no complexity."""
    assert function.end_lineno is not None
    length = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        length -= first.end_lineno - first.lineno + 1
    return length


def place(module: Module, node: ast.stmt | ast.expr) -> str:
    """Where to look, as file:line."""
    return f"{module.path}:{node.lineno}"
