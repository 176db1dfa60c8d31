"""Functions and files stay small enough to be read in one go."""

from __future__ import annotations

import ast

from tests.house.project import Function, functions, modules, place
from tests.house.sizes import (
    FILE_MAX,
    FUNCTION_MAX,
    MEDIAN_MAX,
    P95_MAX,
    PARAMETERS_MAX,
    measure,
)


def test_functions_are_short() -> None:
    """Median at most 8 lines, 19 of 20 at most 35, none above 60."""
    sizes = measure()
    too_long = {name: lines for name, lines in sizes.functions.items() if lines > FUNCTION_MAX}
    assert not too_long
    assert sizes.median <= MEDIAN_MAX, sizes.report()
    assert sizes.p95 <= P95_MAX, sizes.report()


def test_files_are_short() -> None:
    """No file of the product, the tests or the tools has more than 500 lines."""
    everything = modules("src", "tests", "demo", "tools", "bench")
    lines = {module.path: len(module.text.splitlines()) for module in everything}
    assert not {path: count for path, count in lines.items() if count > FILE_MAX}


def _given(function: Function) -> int:
    """Parameters a caller must give or may give by place; commands are called by their options."""
    arguments = function.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    own = bool(by_place) and by_place[0].arg in ("self", "cls")
    needed_by_name = sum(default is None for default in arguments.kw_defaults)
    return len(by_place) - own + needed_by_name


def _is_command(function: Function) -> bool:
    """Whether every parameter is an option or argument of a command."""
    annotated = [ast.unparse(arg.annotation) for arg in function.args.args if arg.annotation]
    return any(text in ("Json", "Yes", "Wait", "Ignore") for text in annotated)


def test_functions_take_few_parameters() -> None:
    """At most 5 that must be given or go by place; the rest has defaults and goes by name."""
    many = [
        f"{place(module, function)} {function.name} takes {_given(function)}"
        for module in modules("src")
        for function in functions(module)
        if _given(function) > PARAMETERS_MAX and not _is_command(function)
    ]
    assert not many, "\n" + "\n".join(many)
