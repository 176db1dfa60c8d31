"""Writes docs/reference/prechecks.md and a page per check from the prechecks themselves.

python -m tools.write_precheck_reference docs/reference

The examples are what real servers were told: `PRECHECK_EXAMPLES=1 pytest
tests/integration/prechecks` writes tools/precheck_examples.json anew.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from sterna.prechecks import CATEGORIES, PRECHECKS, Check
from tools.precheck_texts import SEVERITIES, Saying, sayings

EXAMPLES = Path(__file__).with_name("precheck_examples.json")
INDEX, FOLDER = "prechecks.md", "prechecks"
HEAD = """# Prechecks

These pages are written by `make docs` from the checks themselves; a test compares the two.

`sterna evaluate` runs all of them, in this order, and changes nothing. An upgrade runs them again.
An *error* stops it; where the page says so, the error can be accepted with `--ignore NAME`. A
*warning* does not stop it, but somebody should look. A *note* is good to know. A check that cannot
look is an error itself. Each finding comes with what to do, as SQL to paste where that is possible.
What stands in ‹› is known only when the check runs.
"""


def render() -> dict[str, str]:
    """Every page in Markdown, by its path from docs/reference."""
    return {INDEX: _index(), **{f"{FOLDER}/{check.name}.md": _page(check) for check in PRECHECKS}}


@cache
def examples() -> list[dict[str, Any]]:
    """What was said of real servers: the fields of findings."""
    found: list[dict[str, Any]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return found


def _index() -> str:
    text = HEAD
    for category, checks in groupby(PRECHECKS, key=lambda check: check.category):
        text += f"\n## {CATEGORIES[category]}\n\n| name | title | at worst | may be ignored |\n"
        text += "|---|---|---|---|\n"
        for check in checks:
            link = f"[`{check.name}`]({FOLDER}/{check.name}.md)"
            text += f"| {link} | {check.title} | {_worst(check)} | {_ignorable(check)} |\n"
    return text


def _worst(check: Check) -> str:
    """Every check is an error where it cannot look; this is what it finds."""
    return sayings(check)[0].severity


def _ignorable(check: Check) -> str:
    kinds = {saying.ignorable for saying in sayings(check) if saying.severity == "error"}
    if not kinds - {"no"}:
        return "no" if kinds else ""
    return f"{'' if kinds == {'yes'} else 'some errors: '}`--ignore {check.name}`"


def _page(check: Check) -> str:
    finds = inspect.cleandoc(type(check).__doc__ or "")
    facts = {
        "Category": CATEGORIES[check.category],
        "At worst": _worst(check),
        "May be ignored": _ignorable(check),
        "Sterna may put it right": f"`sterna evaluation fix INSTANCE {check.name}`"
        if check.is_safe_to_fix
        else "",
    }
    rows = "".join(f"| {name} | {value} |\n" for name, value in facts.items() if value)
    return (
        f"# {check.title}\n\n`{check.name}`: {finds}\n\n{check.why}\n\n| | |\n|---|---|\n{rows}"
        f"\n## What it says\n{''.join(map(_saying, sayings(check)))}"
        f"\n## Said of real servers\n{''.join(_examples(check))}"
        f"\n[All prechecks](../{INDEX})\n"
    )


def _saying(saying: Saying) -> str:
    may = {"no": "", "yes": ", may be ignored", "sometimes": ", may be ignored for some objects"}
    told = may[saying.ignorable] if saying.severity == "error" else ""
    text = f"\n**{saying.severity}**{told}: {saying.message}\n"
    return text + "\nor\n".join(map(_remedy, saying.remedies))


def _remedy(remedy: str) -> str:
    ends = [line.endswith(";") for line in remedy.splitlines()]
    is_code = any(ends) or remedy.startswith(("--", "sterna ", "SET "))
    return f"\n```\n{remedy}\n```\n" if is_code else f"\n> {remedy}\n"


def _examples(check: Check) -> Iterator[str]:
    for severity in SEVERITIES:
        for example in examples():
            if (example["check"], example["severity"]) == (check.name, severity):
                yield f"\n**{severity}** `{example['object']}`: {example['message']}\n"
                yield _remedy(example["remedy"]) if example["remedy"] else ""


def write(folder: Path) -> None:
    """Put the pages there; what no check has any more goes."""
    pages = render()
    (folder / FOLDER).mkdir(exist_ok=True)
    for old in (folder / FOLDER).glob("*.md"):
        if f"{FOLDER}/{old.name}" not in pages:
            old.unlink()
    for path, text in pages.items():
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
