"""Everything public says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.project import Documented, Module, functions, modules


def _public(module: Module) -> Iterator[tuple[str, Documented]]:
    """The module, its public classes, their public methods and its public functions."""
    yield module.path, module.tree
    yield from _public_below(module.path, module.tree.body)


def _public_below(path: str, body: list[ast.stmt]) -> Iterator[tuple[str, Documented]]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        yield f"{path}:{node.lineno} {node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from _public_below(path, node.body)


def _is_declared_only(node: Documented) -> bool:
    """Overloads, setters, and the members of a Protocol, which are like its fields."""
    decorators = getattr(node, "decorator_list", [])
    if any(ast.unparse(each).endswith(("overload", ".setter")) for each in decorators):
        return True
    return isinstance(node, ast.FunctionDef) and ast.unparse(node.body[-1]) == "..."


def test_everything_public_has_a_docstring() -> None:
    """Modules, public classes and public functions of the product, the demo and the tools."""
    silent = [
        name
        for module in modules("src", "demo", "tools", "bench")
        for name, node in _public(module)
        if ast.get_docstring(node) is None and not _is_declared_only(node)
    ]
    assert not silent, "\n" + "\n".join(silent)


def test_every_test_states_its_claim() -> None:
    """The docstring of a test is the sentence that is true when it passes."""
    silent = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules("tests")
        for function in functions(module)
        if function.name.startswith("test_") and ast.get_docstring(function) is None
    ]
    assert not silent, "\n" + "\n".join(silent)
    assert not [module.path for module in modules("tests") if not ast.get_docstring(module.tree)]
