"""Every page there is: with its data, in both themes, on a wide screen and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from sterna.mysql.connection import execute, open_session, scalar
from sterna.store.access_records import Role
from tests.console.cast import PASSWORD
from tests.console.paper import TASK, Paper, open_paper
from tests.console.viewer import ROOT
from tests.fixtures.running import RunningServer, ServerFarm

ROUTES = ROOT / "console/src/routes.tsx"
NO_PAGE = "There is no such page."
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def paper(server_farm: ServerFarm, browser: Browser, mysql57: RunningServer) -> Iterator[Paper]:
    """A migration on paper with a past, between two servers that answer."""
    with open_paper(server_farm, browser, mysql57) as paper:
        paper.live_through()
        paper.desk.service.people.add("vera", Role.VIEWER, PASSWORD)
        yield paper


def test_every_page_can_be_read(paper: Paper) -> None:
    """Each shows its data and no error, has nothing serious for axe-core, fits a screen and a
    phone, and is photographed."""
    ada = paper.visitor()
    ada.go("/")
    ada.inspect("login")
    ada.sign_in("ada", PASSWORD)
    wide = ada.page.viewport_size
    assert wide is not None
    too_wide: list[str] = []
    for name, path in pages_of(paper).items():
        ada.turn_to(path)
        expect(ada.page.locator("h1")).not_to_have_text(NO_PAGE)
        expect(ada.button("Try again")).to_have_count(0)
        ada.inspect(name)
        too_wide += ada.too_wide()
        ada.page.set_viewport_size(PHONE)
        ada.photograph(f"phone-{name}")
        too_wide += ada.too_wide()
        ada.page.set_viewport_size(wide)
    assert not too_wide, "\n".join(too_wide)
    ada.page.context.close()


def pages_of(paper: Paper) -> dict[str, str]:
    """Name → address of every page there is, of what is here."""
    version = paper.desk.tools.inventory.cluster(paper.cluster_id).version
    report = paper.desk.service.evaluating.evaluate(paper.instance_id, version)
    (node,) = paper.desk.tools.inventory.nodes(paper.cluster_id)
    ids = {
        "/instances/:id": f"/instances/{paper.instance_id}",
        "/clusters/:id": paper.cluster,
        "/tasks/:id": f"/tasks/{TASK}",
        "/evaluations/:instance/:id": f"/evaluations/{paper.instance_id}/{report.id}",
    }
    pages = {}
    for route in re.findall(r'^  \["(/[^"]*)", page\(', ROUTES.read_text(), re.MULTILINE):
        name = re.sub(r"/:\w+", "-one", route).strip("/").replace("/", "-")
        pattern = next((each for each in ids if route.startswith(each)), "")
        address = route.replace(pattern, ids.get(pattern, "")).replace(":node", node.id)
        pages[name or "overview"] = address
    assert not [path for path in pages.values() if ":" in path], pages
    return pages


def test_a_viewer_presses_nothing(paper: Paper) -> None:
    """Somebody with the role viewer sees the migration, and reads which role is missing."""
    vera = paper.visitor()
    vera.go(paper.cluster)
    vera.sign_in("vera", PASSWORD)
    vera.sees_fact("Cluster Read/Write Status", "read-only")
    expect(vera.button("Switch Over")).to_be_disabled()
    expect(vera.button("Switch Over")).to_have_attribute("title", re.compile("operator"))
    vera.turn_to("/settings")
    vera.sees("for those with the role admin")
    vera.page.context.close()


def test_what_is_safe_is_put_right(paper: Paper, mysql57: RunningServer) -> None:
    """The SQL of a fix is shown before it is run on the source; the next report misses the
    finding, and says so."""
    ada, version = paper.visitor(), paper.desk.tools.inventory.cluster(paper.cluster_id).version
    with open_session(mysql57.server) as session:
        execute(session, "SET GLOBAL max_allowed_packet = 4194304")
        report = paper.desk.service.evaluating.evaluate(paper.instance_id, version)
        ada.go(f"/evaluations/{paper.instance_id}/{report.id}")
        ada.sign_in("ada", PASSWORD)
        finding = ada.page.get_by_role("article").filter(has_text="packet_size")
        ada.press("Fix it", within=finding)
        expect(ada.dialog).to_contain_text("SET GLOBAL max_allowed_packet = 1073741824;")
        ada.inspect("dialog-fix", full_page=False)
        ada.press("Run it on the source", within=ada.dialog)
        ada.sees_fact("Since the report before", "1 gone (packet_size max_allowed_packet)")
        expect(finding.get_by_role("button", name="Fix it")).to_have_count(0)
        assert scalar(session, "SELECT @@GLOBAL.max_allowed_packet") == 1 << 30
    ada.page.context.close()
