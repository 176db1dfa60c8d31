"""What a precheck can say, read from its own code: severity, message and remedy of each finding.

What is only known when it runs stands in ‹› under its name in the code. `fits` tells whether a text
that was really said is one of these.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from sterna.prechecks import Check

SEVERITIES = ("error", "warning", "note")
UNKNOWN = "‹…›"
_HOLE = re.compile("‹[^›]*›")
_VARIANTS_MAX = 64
_DEPTH_MAX = 12
_SAY_NOTHING = ("str", "len", "join", "map", "int", "context", "shorten")


@dataclass(frozen=True)
class Saying:
    """One message of a check, with the remedies it may have ("" for a note)."""

    severity: str
    message: str
    remedies: tuple[str, ...]
    ignorable: str  # no | yes | sometimes


def sayings(check: Check) -> list[Saying]:
    """Everything the check's file says, in the order of the code."""
    reader = _Reader(sys.modules[type(check).__module__])
    found: dict[tuple[str, str], Saying] = {}
    for call, scope in reader.findings():
        given = {str(keyword.arg): keyword.value for keyword in call.keywords}
        remedies = tuple(reader.texts(given["remedy"], scope)) if "remedy" in given else ()
        severity = call.func.attr  # type: ignore[attr-defined]
        for message in filter(None, reader.texts(given["message"], scope)):
            found.setdefault(
                (severity, message), Saying(severity, message, remedies, _ignorable(given))
            )
    return sorted(found.values(), key=lambda each: SEVERITIES.index(each.severity))


def fits(text: str, template: str) -> bool:
    """Whether a text that was said comes from this template."""
    pattern = ".*".join(map(re.escape, _HOLE.split(template)))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


class _Reader:
    """A module as a tree, and what its expressions can be as text."""

    def __init__(self, module: object) -> None:
        self._tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
        self._functions = {
            node.name: node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef)
        }
        self._depth = 0

    def findings(self) -> Iterator[tuple[ast.Call, ast.FunctionDef]]:
        """Each `self.error(…)`, `self.warning(…)` and `self.note(…)` with the function it is in."""
        for function in self._functions.values():
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    of_self = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
                    if of_self and node.func.attr in SEVERITIES:
                        yield node, function

    def texts(self, node: ast.AST, scope: ast.FunctionDef | None) -> list[str]:
        """What the expression can be, each once."""
        self._depth += 1
        try:
            if self._depth > _DEPTH_MAX:
                return [_hole(node)]
            return list(islice(dict.fromkeys(self._read(node, scope)), _VARIANTS_MAX))
        finally:
            self._depth -= 1

    def _read(self, node: ast.AST, scope: ast.FunctionDef | None) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield from map("".join, product(*(self.texts(part, scope) for part in parts)))
            case ast.FormattedValue(value=value):
                yield from self.texts(value, scope)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = product(self.texts(left, scope), self.texts(right, scope))
                yield from map("".join, both)
            case ast.IfExp(body=body, orelse=other):
                yield from (*self.texts(body, scope), *self.texts(other, scope))
            case ast.BoolOp(values=values):
                yield from (text for value in values for text in self.texts(value, scope))
            case ast.Name(id=name):
                yield from self._named(node, scope) or [_hole(node)]
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                yield from self._returned(self._functions[name]) or [_hole(node)]
            case _:
                yield _hole(node)

    def _named(self, node: ast.Name, scope: ast.FunctionDef | None) -> list[str]:
        """What a name stands for: assigned in its function, given to it, or of the module."""
        if scope is not None:
            if assigned := self._assigned(node, scope):
                return assigned
            if any(a.arg == node.id for a in (*scope.args.args, *scope.args.kwonlyargs)):
                return self._given(node.id, scope)
        for each in self._tree.body:
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == node.id:
                is_text = isinstance(each.value, ast.Constant | ast.JoinedStr | ast.BinOp)
                return self.texts(each.value, None) if is_text else []
        return []

    def _assigned(self, node: ast.Name, scope: ast.FunctionDef) -> list[str]:
        """What was assigned last before this line, and what may have been added to it since."""
        found: list[str] = []
        statements = (each for each in ast.walk(scope) if isinstance(each, ast.stmt))
        for each in sorted(statements, key=lambda each: each.lineno):
            if each.lineno >= node.lineno:
                break
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == node.id:
                other_branch = _branches(scope, each) - _branches(scope, node)
                found = (found if other_branch else []) + self.texts(each.value, scope)
            elif isinstance(each, ast.AugAssign) and ast.unparse(each.target) == node.id:
                added = [one + more for one in found for more in self.texts(each.value, scope)]
                is_certain = _branches(scope, each) <= _branches(scope, node)
                found = added if is_certain else [*found, *added]
        return found

    def _given(self, name: str, scope: ast.FunctionDef) -> list[str]:
        """What the module's own calls give for a parameter."""
        names = [a.arg for a in scope.args.args if a.arg != "self"]
        found: list[str] = []
        for caller in self._functions.values():
            for node in ast.walk(caller):
                if isinstance(node, ast.Call) and _name(node.func) == scope.name:
                    given = dict(zip(names, node.args, strict=False))
                    given |= {str(k.arg): k.value for k in node.keywords}
                    found += self.texts(given[name], caller) if name in given else []
        return found

    def _returned(self, function: ast.FunctionDef) -> list[str]:
        returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
        values = [r.value for r in sorted(returns, key=lambda r: r.lineno) if r.value]
        return [text for value in values for text in self.texts(value, function)]


def _ignorable(given: dict[str, ast.expr]) -> str:
    match given.get("ignorable"):
        case None | ast.Constant(value=False):
            return "no"
        case ast.Constant(value=True):
            return "yes"
    return "sometimes"


def _branches(scope: ast.FunctionDef, node: ast.stmt | ast.expr) -> set[int]:
    """The lines of the `if`s a node is in."""
    return {
        each.lineno
        for each in ast.walk(scope)
        if isinstance(each, ast.If) and each.lineno <= node.lineno <= (each.end_lineno or 0)
    }


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _hole(node: ast.AST) -> str:
    """A place to be filled, under the last name in the expression."""
    if isinstance(node, ast.Call) and _name(node.func) in ("quote", "quote_text"):
        return "‹" + ".".join(_hole(argument)[1:-1] for argument in node.args) + "›"
    if isinstance(node, ast.Call) and _name(node.func) == "counted":
        return f"‹{ast.unparse(node.args[1])[1:-1]}s›"
    names = [_name(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]
    words = [name for name in names if name not in _SAY_NOTHING]
    return f"‹{words[0].strip('_').replace('_', ' ').lower()}›" if words else UNKNOWN
