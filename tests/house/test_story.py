"""The story file stays a story."""

from __future__ import annotations

import ast

import pytest

from tests.house.project import ROOT, STORY, functions, modules

MAY_IMPORT = ("__future__", "sterna.migration", "sterna.workflow.engine", "sterna.workflow.steps")
LINES_MAX = 300
(story,) = (module for module in modules("src") if ROOT / module.path == STORY)


def _imported() -> list[str]:
    names: list[str] = []
    for node in ast.walk(story.tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


def test_it_imports_only_the_domain_the_steps_and_the_engine() -> None:
    """No clock, no log, no socket and no SQL can be used: nothing that has them is imported."""
    for name in _imported():
        assert any(name == each or name.startswith(f"{each}.") for each in MAY_IMPORT), name


@pytest.mark.parametrize("kind", [ast.Try, ast.With, ast.AsyncFunctionDef, ast.Lambda])
def test_it_has_no_mechanism(kind: type[ast.AST]) -> None:
    """What to do when something fails is the engine's business; the story only tells the order."""
    assert not [node for node in ast.walk(story.tree) if isinstance(node, kind)]


def test_it_holds_no_sql() -> None:
    """Strings outside docstrings are names of arguments, not statements."""
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    prose = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(story.tree)
        if isinstance(node, documented)
    }
    for node in ast.walk(story.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value in prose or node.value.isidentifier(), node.value


def test_it_is_short_and_every_operation_has_a_title() -> None:
    """At most 300 lines; the first docstring line of an operation is what people see."""
    assert len(story.text.splitlines()) <= LINES_MAX
    for function in functions(story):
        assert ast.get_docstring(function), function.name
