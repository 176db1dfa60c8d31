"""Imports go one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.house.project import ROOT, modules

MAY_CATCH_ALL = {
    "src/sterna/workflow/engine.py",
    "src/sterna/dataplane/supervisor.py",
    "src/sterna/dataplane/runner.py",
}


def test_the_layers_hold() -> None:
    """No module imports a layer above it or a sibling beside it; every package has its layer."""
    checker = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([checker], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _importers(package: str) -> set[str]:
    """Paths of the product's files that import a package."""
    return {
        module.path
        for module in modules("src")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and package in {name.split(".")[0] for name in _names(node)}
    }


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def test_only_the_engine_knows_dbos() -> None:
    """The library that makes operations durable can be replaced by changing one file."""
    assert _importers("dbos") == {"src/sterna/workflow/engine.py"}


def test_only_one_file_opens_sessions() -> None:
    """Whoever talks to a server goes through open_session, which sets every variable on purpose."""
    openers = ("pymysql.connect", "pymysql.Connection", "Connection", "Session")
    importers = _importers("pymysql")
    callers = {
        module.path
        for module in modules("src")
        if module.path in importers
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in openers
    }
    assert callers == {"src/sterna/mysql/connection.py"}


def test_only_the_outermost_loops_catch_everything() -> None:
    """An error nobody expected ends the operation or the sync task; nobody else swallows it."""
    catchers = {
        module.path
        for module in modules("src")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    }
    assert catchers <= MAY_CATCH_ALL
