"""How the console feels: by keyboard, in both themes, in every dialog, when something is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from sterna.migration.scaling import Serverless
from sterna.server.api.migrations import NewMigration
from sterna.store.access_records import Role
from sterna.store.cluster_records import NO_BINLOG
from sterna.store.database import now
from sterna.store.host_records import Host
from tests.console.cast import PASSWORD
from tests.console.paper import TASK, Paper, open_paper
from tests.console.viewer import Viewer
from tests.fixtures.running import RunningServer, ServerFarm

INTERACTIVE_SECONDS = 1.0
LOADED = 15.0  # times slower may a machine be that has ten other things to do
FIRST_LOAD_KB = 300
# Loaded by a page that works already.
LATER = "LineChart"
READY = """() => document.querySelector('h1') && document.querySelector('.facts dd, td, .figure')
  && !document.body.innerText.includes('Loading ') && performance.now()"""
ASSETS = """() => performance.getEntriesByType('resource')
  .filter(each => each.name.includes('/assets/')).map(each => [each.name, each.encodedBodySize])"""

HOST = {
    "id": "ho-1", "name": "rack-1", "kind": "ssh", "address": "10.0.0.9", "port": 22, "user": "ops",
    "fingerprint": "", "folder": "/srv", "servers": "/opt", "versions": [], "server_id": 0,
    "created_at": "2026-01-02T03:04:05Z",
}  # fmt: skip

# Status of the migration → the buttons whose dialogs it has.
DIALOGS: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("RDS2POLARDB_SYNCING", "rw", "ro"): ("Switch Over", "Cancel Migration"),
    ("POLARDB2RDS_SYNCING", "ro", "rw"): (
        "Roll Back Migration",
        "Complete Migration",
        "Source Instance DTS Task Switchover",
    ),
    ("PRE_CHECK_FAIL", "rw", "ro"): ("Continue Migration", "Give Up Migration"),
    ("AMBIGUOUS", "rw", "ro"): ("Resolve",),
}


@pytest.fixture(scope="module")
def paper(server_farm: ServerFarm, browser: Browser, mysql57: RunningServer) -> Iterator[Paper]:
    """A migration on paper between two servers that answer."""
    with open_paper(server_farm, browser, mysql57) as paper:
        yield paper


@pytest.fixture(scope="module")
def signed_in(paper: Paper) -> Iterator[Viewer]:
    """An admin who has signed in; one for all tests."""
    viewer = paper.visitor()
    viewer.go("/")
    viewer.sign_in("ada", PASSWORD)
    yield viewer
    viewer.page.context.close()


@pytest.fixture
def ada(paper: Paper, signed_in: Viewer) -> Viewer:
    """The same, while the migration is in sync."""
    paper.change(status="RDS2POLARDB_SYNCING", source_mode="rw", cluster_mode="ro", comment="")
    return signed_in


def test_everything_is_reached_by_keyboard(paper: Paper) -> None:
    """Sign in, skip to the page, open the cluster and the switch dialog, and leave it; one always
    sees where the focus is, and it comes back to where it was."""
    viewer = paper.visitor()
    viewer.go("/clusters")
    viewer.page.keyboard.type("ada")
    viewer.key("Tab")
    viewer.page.keyboard.type(PASSWORD)
    viewer.key("Enter")
    viewer.sees("Sign out")
    viewer.settle()
    viewer.go("/clusters")
    viewer.tab_to("Skip to the page")
    expect(viewer.page.get_by_text("Skip to the page")).to_be_in_viewport()
    viewer.key("Enter")
    viewer.tab_to(paper.cluster_id)
    viewer.key("Enter")
    viewer.sees("RDS Migration")
    viewer.tab_to("Switch Over")
    viewer.key("Enter")
    expect(viewer.dialog).to_be_visible()
    expect(viewer.page.get_by_test_id("plan")).to_be_visible()
    for _ in range(30):
        viewer.key("Tab")
        assert viewer.focus_is_in_dialog(), "the focus has left the dialog"
    viewer.key("Escape")
    expect(viewer.dialog).to_have_count(0)
    expect(viewer.button("Switch Over")).to_be_focused()
    viewer.page.context.close()


def test_every_dialog_can_be_read_in_both_themes(paper: Paper, ada: Viewer) -> None:
    """axe-core finds nothing serious in any dialog of a migration; each closes with Escape."""
    readers = paper.desk.tools.journal.readers
    readers.note(paper.cluster_id, "cdc@10.0.0.7", side="source", seen_at=now())
    for (status, source_mode, cluster_mode), buttons in DIALOGS.items():
        paper.change(status=status, source_mode=source_mode, cluster_mode=cluster_mode)
        ada.turn_to(paper.cluster)
        for button in buttons:
            look_into(ada, button)


def test_dialogs_of_other_pages_can_be_read(paper: Paper, ada: Viewer) -> None:
    """Registering and releasing an instance, users, tokens and hosts; looking does nothing."""
    paper.desk.service.people.add("vera", Role.VIEWER, PASSWORD)
    for path, button in (
        ("/instances", "Register instance"),
        (f"/instances/{paper.instance_id}", "Release"),
        ("/settings", "Add user"),
        ("/settings", "Make token"),
        ("/settings", "Add host"),
        ("/settings", "Remove vera"),
    ):
        ada.turn_to(path)
        look_into(ada, button)
    assert [user.name for user in paper.desk.service.people.users()] == ["ada", "vera"]


def look_into(ada: Viewer, button: str) -> None:
    """Open a dialog, read it, and close it again."""
    ada.press(button)
    expect(ada.dialog).to_be_visible()
    ada.settle()
    ada.inspect(f"dialog-{button.lower().replace(' ', '-')}", full_page=False)
    ada.key("Escape")
    expect(ada.dialog).to_have_count(0)


def test_a_cluster_on_its_own_is_changed(paper: Paper, ada: Viewer, mysql57: RunningServer) -> None:
    """The limits of a serverless one, with what was changed; its binary log, on again."""
    inventory, name = paper.desk.tools.inventory, paper.desk.add_cluster(mysql57).id
    inventory.change_node(f"{name}-0", port=1)  # not the instance's own: that is being migrated
    limits = Serverless("sterna.small", "sterna.large", 0, 0)
    inventory.change_cluster(name, serverless=dataclasses.asdict(limits), pay_type="Serverless")
    inventory.set_cluster_parameters(name, NO_BINLOG)
    ada.turn_to(f"/clusters/{name}/nodes")
    ada.sees("Nothing was changed yet.")
    ada.press("Change limits")
    ada.type("Read-only nodes, at most", "2")
    ada.inspect("dialog-change-limits", full_page=False)
    ada.press("Change limits", within=ada.dialog)
    ada.sees(f"Switch it on first: sterna cluster enable-binlog {name}.")
    ada.type("Read-only nodes, at most", "0")
    ada.dialog.get_by_role("combobox", name="Smallest node").click()
    ada.page.get_by_text("sterna.medium, ").last.click()
    ada.press("Change limits", within=ada.dialog)
    ada.sees("the limits are sterna.medium to sterna.large, 0 to 0 read-only nodes now")
    expect(ada.dialog).to_have_count(0)
    ada.inspect("cluster-serverless")
    ada.turn_to(f"/clusters/{name}")
    ada.sees_fact("Binary log", "off")
    ada.press("Enable binary log")
    ada.sees("All guards pass")
    ada.dialog.get_by_role("textbox").last.fill(name)
    ada.press("Enable", within=ada.dialog)
    ada.sees("Rebooting")
    ada.sees_fact("Binary log", "on")
    inventory.remove_cluster(name)


def test_hosts_are_looked_at_and_forgotten(
    paper: Paper, ada: Viewer, mysql57: RunningServer
) -> None:
    """One that does not answer is not kept; one that does is tested, and removed by a question."""
    ada.turn_to("/settings")
    ada.press("Add host")
    ada.dialog.get_by_role("combobox", name="Kind").click()
    ada.page.get_by_text("an empty server that is there already").click()
    nobody = {"Name": "rack-2", "Address": "127.0.0.1", "Port": "1", "User": "root"}
    for label, text in {**nobody, "Password": PASSWORD}.items():
        ada.type(label, text)
    ada.press("Add", within=ada.dialog)
    expect(ada.dialog.get_by_role("alert")).to_contain_text("127.0.0.1:1")
    ada.key("Escape")
    server, hosts = mysql57.server, paper.desk.tools.hosts
    there = Host("ho-1", "rack-1", "existing", server.host, server.port, server.user, (), now())
    hosts.add(there, secret=server.password, host_key="", engines=[])
    ada.go("/settings")
    ada.press("Test rack-1")
    ada.sees("ho-1 answers: server versions: MySQL 5.7")
    ada.sees("only MySQL 8.0 or MariaDB 10.5, or newer, can be adopted")
    ada.press("Remove rack-1")
    ada.press("Remove", within=ada.dialog)
    ada.sees("Nodes are made on this machine.")
    assert hosts.hosts() == []


def test_the_order_is_sent_as_it_was_made(paper: Paper, ada: Viewer) -> None:
    """Billing, source, place, network, limits and name; what was refused is said, and the order is
    still there."""
    sent: list[dict[str, Any]] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(route.request.post_data_json)
        route.fulfill(status=409, json={"code": "No", "message": "Not today.", "remedy": "Wait."})

    ada.page.route("**/api/v1/migrations", refuse)
    ada.page.route("**/api/v1/hosts", lambda route: route.fulfill(json=[HOST]))
    ada.go("/clusters/new")  # anew: other hosts may still be at hand
    ada.page.get_by_role("radio", name="Serverless").check()
    ada.page.get_by_role("radio", name="the shop").check()
    ada.press("Next")
    ada.type("Name", "the new shop")
    ada.type("Region and network", "vpc-1")
    ada.page.get_by_role("radio", name="Other hosts").check()
    ada.page.get_by_role("checkbox", name="rack-1").check()
    ada.page.get_by_role("spinbutton", name="Read-only nodes, at most").fill("3")
    ada.inspect("create-cluster-serverless")
    ada.press("Next")
    ada.sees("Evaluation: ")
    ada.press("Next")
    ada.sees_fact("Nodes", "0 to 3 read-only nodes")
    ada.sees_fact("Made on", "rack-1")
    ada.press("Create cluster and migrate")
    ada.sees("Not today.")
    ada.sees_fact("Name", "the new shop")
    ada.page.unroute("**/api/v1/migrations")
    ada.page.unroute("**/api/v1/hosts")
    (order,) = sent
    expected = {"pay_type": "Serverless", "instance_id": paper.instance_id, "hosts": [HOST["id"]]}
    expected |= {"network_label": "vpc-1", "description": "the new shop", "existing": ""}
    assert expected.items() <= order.items()
    assert order["serverless"]["nodes_max"] == 3
    assert set(order) == {field.name for field in dataclasses.fields(NewMigration)}


def test_pages_are_there_at_once(
    paper: Paper, ada: Viewer, capsys: pytest.CaptureFixture[str]
) -> None:
    """From typing an address to its data: below a second, were the machine idle; each loads
    less than 300 KB before it works."""
    paths = ("/", paper.cluster, f"/tasks/{TASK}", "/settings")
    told = []
    for path in paths:
        times = [seconds_until_ready(ada, path) for _ in range(2)]
        size = kilobytes_loaded(ada)
        told.append(f"{path:32} {min(times):5.2f} s  {size:4.0f} KB")
        assert min(times) < INTERACTIVE_SECONDS * LOADED, path
        assert size < FIRST_LOAD_KB, path
    with capsys.disabled():
        print("\n" + "\n".join(told))


def seconds_until_ready(viewer: Viewer, path: str) -> float:
    """From the navigation until there is a heading with data, by the browser's own clock."""
    viewer.page.goto(viewer.url + path)
    ready = viewer.page.wait_for_function(READY).json_value()
    return float(ready) / 1000


def kilobytes_loaded(viewer: Viewer) -> float:
    """Scripts and styles of the page as they travel."""
    sizes: list[tuple[str, int]] = viewer.page.evaluate(ASSETS)
    return sum(size for name, size in sizes if LATER not in name) / 1000


def test_what_is_not_there_is_said(ada: Viewer) -> None:
    """An address without a page, and one of a cluster that is not."""
    ada.turn_to("/no/such/place")
    ada.sees("There is no such page.")
    ada.inspect("not-found")
    ada.page.get_by_role("link", name="Go to the overview").click()
    ada.sees("Nothing needs you.")
    ada.turn_to("/clusters/pc-nobody")
    ada.sees("There is no migration pc-nobody.")
    expect(ada.button("Try again").first).to_be_visible()


def test_a_page_that_breaks_takes_no_other_with_it(ada: Viewer) -> None:
    """It says so and that nothing was changed; the next page works."""

    def nonsense(route: Route) -> None:
        route.fulfill(json={"version": 1})

    ada.page.route("**/api/v1/settings", nonsense)
    ada.go("/settings")  # anew: the right answer may still be at hand
    ada.sees("This page could not be shown.")
    ada.sees("Nothing was changed by that")
    ada.inspect("broken-page")
    ada.page.unroute("**/api/v1/settings")
    ada.page.get_by_role("link", name="Instances").first.click()
    ada.sees("rm-paper")


def test_without_a_connection_one_sees_what_was(paper: Paper, ada: Viewer) -> None:
    """The page stays, a new one says why it is empty, and both come back by themselves."""
    ada.go(paper.cluster)
    ada.sees_fact("Source RDS Read/Write Status", "read and write")
    ada.page.context.set_offline(True)
    ada.follow("/clusters/pc-nobody/verification")
    ada.sees("The Sterna server does not answer")
    ada.inspect("disconnected")
    ada.follow(paper.cluster)
    ada.sees_fact("Source RDS Read/Write Status", "read and write")
    ada.follow("/audit")
    ada.page.context.set_offline(False)
    expect(ada.page.get_by_text("The Sterna server does not answer")).to_have_count(0)
    expect(ada.page.locator("h1")).to_have_text("Audit log")


def test_ten_thousand_tables_stay_quick(paper: Paper, ada: Viewer) -> None:
    """Filtered, sorted and paged by the server: one page of them is drawn at a time."""
    paper.fill_tables(10_000)
    ada.go(f"/tasks/{TASK}")
    rows = ada.page.get_by_role("table", name="Tables").locator("tbody tr")
    expect(rows).to_have_count(100)
    ada.sees("1 to 100 of 10,000")
    ada.press("Last")
    ada.sees("9,901 to 10,000 of 10,000")
    sort = ada.page.get_by_role("columnheader", name="Data").get_by_role("button")
    sort.click()
    sort.click()
    expect(rows.first).to_contain_text("orders_09999")
    ada.type("Filter by name", "shop_07.orders_00007")
    expect(rows).to_have_count(1)
    ada.sees("1 of 10,000 tables")
    ada.inspect("task-10000", full_page=False)
