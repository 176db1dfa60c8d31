"""Writes docs/reference/outline.md: what each operation does, from the story itself."""

from __future__ import annotations

import sys
from pathlib import Path

from sterna.workflow import upgrade
from sterna.workflow.engine import STORY, outline

assert upgrade  # registers the operations

HEAD = """# What each operation does

Generated from the story by `make docs`; `sterna explain` prints the same. A step that fails before
the point of no return is undone together with all before it; after it, it is tried until it works.
"""


def render() -> str:
    """The page."""
    parts = [HEAD]
    for name, operation in STORY.items():
        parts.append(f"\n## {operation.title}\n")
        for step in outline(name, {"with_endpoints": True}):
            parts.append(f"{step.number}. {step.title}.  ")
            parts.append(f"   *Undo:* {step.undo}.")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the page to the path given."""
    Path(sys.argv[1]).write_text(render())


if __name__ == "__main__":
    main()
