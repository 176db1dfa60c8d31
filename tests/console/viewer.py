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
SETTLED = """() => document.readyState == 'complete'
  && document.querySelector('h1, .state') && !document.body.innerText.includes('Loading ')"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SERIOUS = ("serious", "critical")
TOO_WIDE = """() => [document.documentElement,
    ...(innerWidth < 1000 ? [] : document.querySelectorAll('.table-scroll'))]
  .filter(each => each.scrollWidth > each.clientWidth + 1)
  .map(each => `${each.ariaLabel || each.tagName}: ${each.scrollWidth} > ${each.clientWidth} px`)"""
# In the other theme nothing but the colours is another.
COLOURS = {"runOnly": ["color-contrast"]}
# Of a dialog nothing but itself: the page behind it has been looked at.
RUN_AXE = """options => axe.run(document.querySelector('[role=dialog]') || document,
  {resultTypes: ['violations'], ...options})"""
# The focused element: what it says, and whether one sees that it is the one.
FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  const name = here.getAttribute('aria-label') || here.innerText || here.value || '';
  const seen = style.outlineStyle !== 'none' || style.boxShadow !== 'none'
    || style.borderColor !== getComputedStyle(document.body).borderColor;
  // The body: the focus is on the browser's own bar, and comes back from there.
  const within = here === document.body || Boolean(here.closest('[role=dialog]'));
  return [name.trim(), seen || here === document.body, within];
}"""


@dataclass
class Viewer:
    """A person with one tab."""

    page: Page
    url: str

    def go(self, path: str) -> None:
        """Type an address; returns when the page has its data."""
        self.page.goto(self.url + path)
        self.settle()

    def turn_to(self, path: str) -> None:
        """Go to another page without loading the console anew, as a link does."""
        self.follow(path)
        self.settle()

    def follow(self, path: str) -> None:
        """The same, whether it gets there or not."""
        self.page.evaluate("path => history.pushState(null, '', path)", path)
        self.page.evaluate(TWO_FRAMES)

    def settle(self) -> None:
        """Until nothing is being loaded any more."""
        self.page.wait_for_function(SETTLED, polling=50)

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

    def sign_in(self, name: str, password: str) -> None:
        """At the door, wherever one wanted to go."""
        self.type("Name", name)
        self.type("Password", password)
        self.press("Sign in")
        expect(self.button("Sign out")).to_be_visible()
        self.settle()

    # By keyboard

    def key(self, *names: str) -> None:
        """Press keys, one after the other."""
        for name in names:
            self.page.keyboard.press(name)

    def tab_to(self, name: str, *, within: int = 60) -> None:
        """Press Tab until something of this name has the focus; one always sees where it is."""
        passed: list[str] = []
        for _ in range(within):
            self.key("Tab")
            found, seen, _ = self.page.evaluate(FOCUSED)
            assert seen, f"nobody sees that the focus is on {found!r}"
            if found == name:
                return
            passed.append(found)
        raise AssertionError(f"{name!r} cannot be reached by Tab: {passed}")

    def focus_is_in_dialog(self) -> bool:
        """Whether what has the focus lies in the dialog."""
        return bool(self.page.evaluate(FOCUSED)[2])

    # What it looks like

    def inspect(self, name: str, *, full_page: bool = True) -> None:
        """Photographed in both themes below build/screenshots; nothing serious for axe-core."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.mouse.move(0, 0)  # nothing is under the pointer
        for theme in THEMES:
            self._use(theme)
            self.photograph(f"{name}-{theme}", full_page=full_page)
            self._assert_accessible({} if theme == "light" else COLOURS)
        self._use("light")

    def too_wide(self) -> list[str]:
        """What is wider than the window; on a screen no table is wider than its place."""
        found: list[str] = self.page.evaluate(TOO_WIDE)
        return [f"{self.page.url}: {each}" for each in found]

    def photograph(self, name: str, *, full_page: bool = True) -> None:
        """As it is now."""
        file = PICTURES / f"{name}.png"
        self.page.screenshot(path=file, full_page=full_page, animations="disabled")

    def _use(self, theme: Theme) -> None:
        """The system's theme; returns when the page is drawn in it."""
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_function(
            "theme => document.documentElement.dataset.theme == theme", arg=theme, polling=50
        )
        self.page.evaluate(TWO_FRAMES)

    def _assert_accessible(self, options: dict[str, Any]) -> None:
        """axe-core finds nothing serious on the page as it is."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())  # a script tag would break the page's own policy
        found: dict[str, Any] = self.page.evaluate(RUN_AXE, options)
        serious = [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
        ]
        assert not serious, f"{self.page.url}\n" + "\n".join(serious)
