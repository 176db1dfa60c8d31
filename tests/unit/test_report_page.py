"""The report of the prechecks as a page: complete, safe, and sufficient in itself."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

from sterna.prechecks import CATEGORIES
from sterna.workflow.evaluating import compare
from sterna.workflow.report_page import render_page
from tests.fixtures.pretend_service import EVALUATION, FINDING

NASTY = dataclasses.replace(FINDING, object="a`<script>alert(1)</script>&'\"")


class Reader(HTMLParser):
    """Tags, attributes that load something, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loading: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loading += [name for name, _ in attrs if name in ("src", "href", "action", "onload")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_loads_nothing_and_runs_nothing() -> None:
    """Names out of a server are text on the page, whatever they are."""
    report = dataclasses.replace(EVALUATION, findings=(NASTY,))
    reader = Reader()
    reader.feed(render_page(report, compare(report, None)))
    assert reader.loading == []
    assert "script" not in reader.tags
    assert NASTY.object in reader.text


def test_categories_are_in_their_order() -> None:
    """All of the vendor's categories are there, also those without a finding."""
    page = render_page(EVALUATION, compare(EVALUATION, None))
    places = [page.index(title) for title in CATEGORIES.values()]
    assert places == sorted(places)


def test_comparison_with_the_report_before() -> None:
    """What is new, gone and still there is told by check, object and severity."""
    other = dataclasses.replace(FINDING, object="other")
    before = dataclasses.replace(EVALUATION, id="ev-0", findings=(FINDING, other))
    healed = dataclasses.replace(FINDING, severity="warning")
    report = dataclasses.replace(EVALUATION, findings=(other, healed))
    found = compare(report, before)
    assert (found.new, found.gone, found.still_there) == ((healed,), (FINDING,), (other,))
    page = render_page(report, found)
    assert "1 new, 1 gone, 1 still there" in page
    assert compare(report, None).new == ()
