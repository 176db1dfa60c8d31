"""Whatever can be shown to an operator has an entry in the runbook."""

from __future__ import annotations

import re

from sterna.migration.status import Status
from tests.house.project import ROOT
from tools.write_error_reference import entries

RUNBOOK = ROOT / "docs/how-to/runbook"
SECTION = re.compile(r"^## `(?P<code>\w+)`\n\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
QUESTIONS = ("Means", "Touched", "ook at", "o.")  # a page may answer two of them in one sentence


def _sections() -> list[tuple[str, str]]:
    """(code, what is written about it), over all pages."""
    return [
        (found["code"], found["text"].strip())
        for page in sorted(RUNBOOK.glob("codes-*.md"))
        for found in SECTION.finditer(page.read_text())
    ]


def test_every_status_has_a_page() -> None:
    """One page per status, that says what it means, what was touched, where to look, what to do."""
    for status in Status:
        text = (RUNBOOK / f"{status}.md").read_text()
        assert text.startswith(f"# `{status}`\n")
        bold = " ".join(re.findall(r"\*\*(.+?)\*\*", text))
        assert all(word in bold for word in QUESTIONS), status
        assert f"({status}.md)" in (RUNBOOK / "README.md").read_text()
    pages = {page.stem for page in RUNBOOK.glob("*.md") if not page.stem.startswith("codes-")}
    assert pages == {*Status, "README"}


def test_every_code_has_one_section() -> None:
    """Each code anything raises is there once, with a sentence, and no other code is."""
    codes = [code for code, _ in _sections()]
    assert sorted(codes) == sorted({entry.code for entry in entries()})
    assert not [code for code, text in _sections() if len(text.split()) < 4]
