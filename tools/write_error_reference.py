"""Writes docs/reference/errors.md from the places that raise errors.

python -m tools.write_error_reference docs/reference/errors.md
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src/sterna"

HEAD = """# Errors

This page is written by `make docs` from the places that raise errors; a test compares the two.

Every error has a code for scripts, a message that says what happened and what was or was not
touched, and, where something can be done, a remedy. Where a name or a number stands in a message,
this page shows ….

| family | meaning | exit code | HTTP |
|---|---|---|---|
| refused | must not be done now; nothing was changed | 3 | 409; 404 for `NotFound` |
| retried | a cause that may go away by itself; tried again, a bounded number of times | 1 | 500 |
| stopped | a sync task met something it must not guess about; the data stays as it is | 1 | 500 |
| ambiguous | it cannot be known who owns the writes; only a person goes on | 1 | 500 |
| failed | everything else | 1 | 500 |

The API answers 401 for `Unauthorized`, `WrongLogin` and `SetupTokenWrong`, 403 for `Forbidden` and
`CsrfRefused`, 429 for `TooManyAttempts` and `TooManyStreams`. It also answers 408 (TooSlow), 413
(TooLarge), 421 (WrongHost: see `STERNA_NAMES`) and 422 (InvalidRequest). `Usage` and
`InvalidRequest` are exit code 2.

| code | family | message | remedy |
|---|---|---|---|
"""

FAMILIES = {
    "Refused": "refused",
    "Transient": "retried",
    "Stopped": "stopped",
    "Ambiguous": "ambiguous",
}


@dataclass(frozen=True, order=True)
class Entry:
    """One way an error is raised; texts have … in place of values."""

    code: str
    family: str
    message: str
    remedy: str


def render() -> str:
    """The whole page, in Markdown."""
    rows = (
        f"| `{each.code}` | {each.family} | {_cell(each.message)} | {_cell(each.remedy)} |\n"
        for each in sorted(set(entries()))
    )
    return HEAD + "".join(rows)


def entries() -> Iterator[Entry]:
    """Every error the product can raise with a code of its own."""
    trees = [ast.parse(path.read_text()) for path in sorted(SOURCES.rglob("*.py"))]
    bases = {
        node.name: ast.unparse(node.bases[0])
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.bases
    }
    constants = {
        ast.unparse(node.targets[0]): node.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    for tree in trees:
        yield from _raised(tree, bases, constants)
        yield from _declared(tree, bases)


def _raised(
    tree: ast.Module, bases: dict[str, str], constants: dict[str, ast.expr]
) -> Iterator[Entry]:
    """Calls with `code=…`: each is an error made on the spot."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = {word.arg: word.value for word in call.keywords if word.arg}
        if "code" not in given or not call.args:
            continue
        texts = (_text(call.args[0]), _text(given.get("remedy")))
        for code in _codes(given["code"], tree, constants):
            yield Entry(code, _family(ast.unparse(call.func), bases), *texts)


def _declared(tree: ast.Module, bases: dict[str, str]) -> Iterator[Entry]:
    """Error classes with a code of their own; the docstring says what happened."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        for line in node.body:
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                prose = (ast.get_docstring(node) or "").split("\n\n")[0]
                yield Entry(_text(line.value), _family(node.name, bases), prose, "")


def _codes(value: ast.expr, tree: ast.Module, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The codes an expression can stand for: a text, a constant, a table's entry, a parameter."""
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Subscript):
        table = constants.get(ast.unparse(value.value))
        yield from map(_text, table.values if isinstance(table, ast.Dict) else [])
    elif isinstance(value, ast.Name) and value.id in constants:
        yield _text(constants[value.id])
    elif isinstance(value, ast.Name):
        yield from _passed(value.id, tree)


def _passed(parameter: str, tree: ast.Module) -> Iterator[str]:
    """Texts given to functions of the same module in the place of a parameter."""
    places = {
        node.name: [arg.arg for arg in node.args.args].index(parameter)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and parameter in [arg.arg for arg in node.args.args]
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        place = places.get(ast.unparse(call.func))
        if place is not None and place < len(call.args):
            yield _text(call.args[place])


def _family(name: str, bases: dict[str, str]) -> str:
    while name not in FAMILIES and name in bases:
        name = bases[name]
    return FAMILIES.get(name, "failed")


def _text(node: ast.expr | None) -> str:
    """A text with … for every value in it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return "" if node is None else "…"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
