"""Somebody in front of the console: what they read, press, type, and photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build/screenshots"
AXE = ROOT / "console/node_modules/axe-core/axe.min.js"
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
TWO_FRAMES = "() => new Promise(next => requestAnimationFrame(() => setTimeout(next, 100)))"
SERIOUS = ("serious", "critical")


@dataclass
class Viewer:
    """A person with one tab."""

    page: Page
    url: str

    def go(self, path: str) -> None:
        """Type an address; returns when the page has its data."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Until nothing is being loaded any more."""
        self.page.wait_for_load_state()
        expect(self.page.get_by_text("Loading ")).to_have_count(0)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Press a button by what is written on it."""
        place = within or self.page
        place.get_by_role("button", name=name, exact=True).click()

    def button(self, name: str) -> Locator:
        """A button by what is written on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    def type(self, label: str, text: str) -> None:
        """Fill a field by its label."""
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str) -> None:
        """Until a text is there."""
        shown = self.page.get_by_text(text).first
        expect(shown).to_be_visible()

    def sees_fact(self, name: str, value: str) -> None:
        """Until a fact of the page, by its name, contains a value."""
        term = self.page.locator(".facts > div", has=self.page.locator("dt", has_text=name)).first
        expect(term.locator("dd")).to_contain_text(value)

    @property
    def dialog(self) -> Locator:
        """The dialog in front of the page."""
        return self.page.get_by_role("dialog")

    def photograph(self, name: str) -> None:
        """The page in light and dark, below build/screenshots."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        for theme in THEMES:
            self._use(theme)
            file = PICTURES / f"{name}-{theme}.png"
            self.page.screenshot(path=file, full_page=True, animations="disabled")
        self._use("light")

    def _use(self, theme: Theme) -> None:
        """The system's theme; returns when the page is drawn in it."""
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_function(
            "theme => document.documentElement.dataset.theme == theme", arg=theme
        )
        self.page.evaluate(TWO_FRAMES)

    def assert_accessible(self) -> None:
        """axe-core finds nothing serious on the page as it is."""
        self.page.evaluate(AXE.read_text())  # a script tag would break the page's own policy
        found: dict[str, Any] = self.page.evaluate("() => axe.run({resultTypes: ['violations']})")
        serious = [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
        ]
        assert not serious, f"{self.page.url}\n" + "\n".join(serious)
