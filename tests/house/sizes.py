"""How large functions and files are; the figures `make test` prints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import median, quantiles

from tests.house.project import functions, lines_of, modules

MEDIAN_MAX = 8
P95_MAX = 35
FUNCTION_MAX = 60
FILE_MAX = 500
PARAMETERS_MAX = 5

# A revision is a list of columns, written once and never changed: a script, not logic.
SCRIPTS = "src/sterna/store/revisions/versions/"


@dataclass(frozen=True)
class Sizes:
    """Lines of the product's functions (docstrings not counted) and of its files."""

    functions: dict[str, int]
    files: dict[str, int]

    @property
    def median(self) -> float:
        """Half of the functions are shorter."""
        return median(self.functions.values())

    @property
    def p95(self) -> float:
        """19 of 20 functions are shorter."""
        return quantiles(self.functions.values(), n=20)[-1]

    def report(self) -> str:
        """The figures in one line, with their limits."""
        return (
            f"{len(self.functions)} functions: median {self.median:.0f} (≤ {MEDIAN_MAX}), "
            f"p95 {self.p95:.0f} (≤ {P95_MAX}), longest {max(self.functions.values())} "
            f"(≤ {FUNCTION_MAX}); {len(self.files)} files: longest {max(self.files.values())} "
            f"(≤ {FILE_MAX}), all {sum(self.files.values()):,} lines"
        )


@cache
def measure() -> Sizes:
    """The sizes of the whole product."""
    product = modules("src")
    return Sizes(
        functions={
            f"{module.path}:{function.lineno} {function.name}": lines_of(function)
            for module in product
            if not module.path.startswith(SCRIPTS)
            for function in functions(module)
        },
        files={module.path: len(module.text.splitlines()) for module in product},
    )
