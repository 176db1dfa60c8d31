"""Writes docs/reference/prechecks.md from the prechecks themselves.

python -m tools.write_precheck_reference docs/reference/prechecks.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from sterna.prechecks import PRECHECKS, Check

HEAD = """# Prechecks

This page is written by `make docs` from the checks themselves; a test compares the two.

`sterna evaluate` runs all of them, in this order, and changes nothing. An upgrade runs them again.
An *error* stops it; where the page says so, the error can be accepted with `--ignore NAME`. A
*warning* does not stop it, but somebody should look. A *note* is good to know. A check that cannot
look is an error itself. Each finding comes with what to do, as SQL to paste where that is possible.

| name | title | category | may say |
|---|---|---|---|
"""


def render() -> str:
    """The whole page, in Markdown."""
    rows = (
        f"| [`{check.name}`](#{check.name}) | {check.title} | {check.category} "
        f"| {', '.join(_sayings(check)) or 'error'} |\n"
        for check in PRECHECKS
    )
    return HEAD + "".join(rows) + "".join(map(_section, PRECHECKS))


def _section(check: Check) -> str:
    finds = inspect.cleandoc(type(check).__doc__ or "")
    return f"\n## {check.name}\n\n{finds}\n\nWhy: {check.why}\n"


def _sayings(check: Check) -> Iterator[str]:
    """The severities a check can find, read from its own code."""
    code = inspect.getsource(type(check))
    if "self.error(" in code:
        yield "error (some may be ignored)" if "ignorable=" in code else "error"
    yield from (kind for kind in ("warning", "note") if f"self.{kind}(" in code)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
