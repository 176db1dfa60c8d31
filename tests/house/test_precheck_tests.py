"""Every precheck is tested on real servers: what makes it speak, and what silences it again.

And the documentation shows what was really said to one.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from sterna.prechecks import PRECHECKS, Check
from tests.house.project import functions, modules
from tools.precheck_texts import fits, sayings
from tools.write_precheck_reference import examples

FOLDER = "tests/integration/prechecks"
# A table of causes is healed by its one test; elsewhere the healing, or the silence, is there.
# Where the remedy is no SQL, the test says so, and does what it advises.
SILENCED = re.compile(r"^(?:Cause|setting)\(|finds_and_heals\(|heal\(|is_advice\(")


def _tests() -> Iterator[str]:
    """The text of each test, and of each entry in a table of causes."""
    for module in modules(FOLDER, "tests/fixtures"):
        calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        causes = (c for c in calls if isinstance(c.func, ast.Name) and c.func.id in _TABLES)
        for node in (*functions(module), *causes):
            yield ast.get_source_segment(module.text, node) or ""


_TABLES = ("Cause", "setting")


def _asks_for_something(check: Check) -> bool:
    """Notes ask for nothing."""
    code = inspect.getsource(type(check))
    return "self.error(" in code or "self.warning(" in code


def test_every_precheck_speaks_in_a_test() -> None:
    """Each name is in a test; if it ever asks for something, in one that silences it again."""
    texts = list(_tests())
    silenced = [text for text in texts if SILENCED.search(text)]
    missing = [
        check.name
        for check in PRECHECKS
        if not any(
            f'"{check.name}"' in text
            for text in (silenced if _asks_for_something(check) else texts)
        )
    ]
    assert missing == []


def test_examples_are_what_the_code_says() -> None:
    """Each check has one, and each could be said by the check today."""
    kept = {(example["check"], example["severity"]): example for example in examples()}
    for check in PRECHECKS:
        said = sayings(check)
        for (name, severity), example in kept.items():
            if name == check.name:
                could = [
                    s
                    for s in said
                    if (s.severity, fits(example["message"], s.message)) == (severity, True)
                ]
                assert any(
                    not s.remedies or any(fits(example["remedy"], r) for r in s.remedies)
                    for s in could
                ), example
    assert {name for name, _ in kept} == {check.name for check in PRECHECKS}
