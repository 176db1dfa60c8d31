"""Nodes, endpoints, whitelists, hooks, schedules and usage through nothing but the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from sterna.store.access_records import Role
from sterna.store.database import now
from sterna.store.records import Cluster, Endpoint
from sterna.workflow.health import INTERVAL_SECONDS
from sterna.workflow.node_life import NodeKeeper
from sterna.workflow.ticker import Ticker
from tests.console.cast import DESKTOP, LONG_SECONDS, PASSWORD, new_page
from tests.console.viewer import Viewer
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.running import RunningServer, ServerFarm, eventually

TOMORROW = now() + timedelta(days=1)


@dataclass
class Place:
    """An instance and a cluster of real servers behind a real proxy, and an admin in front."""

    desk: Desk
    instance_id: str
    cluster_id: str
    ada: Viewer

    @property
    def cluster(self) -> Cluster:
        """The cluster as it is now."""
        return self.desk.tools.inventory.cluster(self.cluster_id)

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint people call so, if there is one."""
        found = (e for e in self.desk.tools.inventory.endpoints() if e.name == name)
        return next(found, None)


@pytest.fixture
def place(server_farm: ServerFarm, browser: Browser, mysql57: RunningServer) -> Iterator[Place]:
    """The cluster's keeper is at work, and its nodes are looked at."""
    home = server_farm.folder / "looking-after"
    home.mkdir()
    server = mysql57.server
    with open_desk(home) as desk:
        desk.service.people.add("ada", Role.ADMIN, PASSWORD)
        add = desk.service.instances.add
        instance = add(server.host, server.port, server.user, server.password)
        cluster = desk.make_cluster()
        desk.service.metering.tick()
        hands = (
            Ticker("keeper", NodeKeeper(desk.tools).tick, interval_seconds=0.2),
            Ticker("health", desk.service.health.tick, interval_seconds=INTERVAL_SECONDS),
        )
        for hand in hands:
            hand.start()
        ada = Viewer(new_page(browser.new_context(**DESKTOP)), desk.url)
        yield Place(desk, instance.id, cluster.id, ada)
        ada.page.context.close()
        for hand in hands:
            hand.stop()
            hand.join()


def test_somebody_looks_after_a_cluster(place: Place, mysql57: RunningServer) -> None:
    """All get another class, a node is added and removed; endpoints are made, altered and deleted,
    a whitelist and a hook are changed, an operation is planned and is not; the cluster is deleted:
    with a dry run where it matters, and every new page can be read in both themes."""
    ada = place.ada
    ada.go(f"/clusters/{place.cluster_id}/nodes")
    ada.sign_in("ada", PASSWORD)
    change_the_class(place)
    add_a_node(place)
    keep_a_hook(place)
    look_at_usage(place)
    name_a_read_only_instance(place, mysql57)
    narrow_a_whitelist(place)
    look_at_nodes(place)
    give_the_nodes_an_address(place)
    remove_a_node(place)
    expires_at = now() + timedelta(days=30)
    place.desk.add_migration(place.instance_id, place.cluster_id, expires_at=expires_at)
    plan_a_switchover(place)
    compare_both_sides(place)
    see_what_is_in_the_way(place)
    place.desk.tools.journal.change_migration(place.cluster_id, status="NO_MIGRATION")
    delete_the_cluster(place)


def row_of(viewer: Viewer, text: str) -> Locator:
    """The row of a table with this text."""
    return viewer.page.get_by_role("row", name=re.compile(re.escape(text))).first


def confirm(place: Place, button: str, name: str) -> None:
    """The button works only when the dry run allows it and the name is typed."""
    ada = place.ada
    ada.sees("All guards pass")
    last = ada.dialog.get_by_role("button", name=button, exact=True)
    expect(last).to_be_disabled()
    ada.dialog.get_by_role("textbox").last.fill(name)
    last.click()
    expect(ada.dialog).to_have_count(0)


def submit(place: Place, button: str) -> None:
    """Press what ends the dialog; it closes when the server has agreed."""
    place.ada.press(button, within=place.ada.dialog)
    expect(place.ada.dialog).to_have_count(0)


def change_the_class(place: Place) -> None:
    """Every node restarts with it; until then nothing else may be changed."""
    ada, (writer,) = place.ada, place.cluster.nodes
    ada.press("Change class")
    ada.dialog.get_by_role("combobox", name="Node class").click()
    ada.page.get_by_text("sterna.medium, ").last.click()
    ada.sees(f"{writer.id} (127.0.0.1:{writer.port}), the primary, restarts as sterna.medium")
    confirm(place, "Change class", place.cluster_id)
    eventually(lambda: place.cluster.status == "Running", within_seconds=LONG_SECONDS)
    expect(row_of(ada, writer.id)).to_contain_text(re.compile("sterna.medium *Running"))
    expect(ada.button("Add nodes")).to_be_enabled()


def add_a_node(place: Place) -> None:
    """It is made while one looks elsewhere."""
    ada = place.ada
    ada.press("Add nodes")
    ada.sees("A read-only node gets the data of")
    ada.inspect("dialog-add-nodes", full_page=False)
    confirm(place, "Add", place.cluster_id)
    expect(row_of(ada, "read-only")).to_contain_text("Creating")
    expect(ada.button("Restart all nodes")).to_have_attribute("title", re.compile("DBNodeCreating"))


def keep_a_hook(place: Place) -> None:
    """Added, tested, and removed again."""
    ada = place.ada
    make_program(place.desk.tools.settings.home / "hooks", "page")
    ada.turn_to("/settings")
    ada.press("Add hook")
    ada.type("Program and arguments", "page\n--team\ndb")
    submit(place, "Add")
    (hook,) = place.desk.service.hooks.hooks()
    assert (hook.command, hook.events) == (("page", "--team", "db"), ("after", "failed", "warning"))
    ada.press(f"Test {hook.id}")
    ada.sees(f"{hook.id} was told, and agrees.")
    ada.inspect("settings-hooks")
    ada.press(f"Remove {hook.id}")
    submit(place, "Remove")
    ada.sees("Nobody is told.")


def make_program(folder: Path, name: str) -> None:
    """One that agrees with everything."""
    folder.mkdir(mode=0o755)
    program = folder / name
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)


def look_at_usage(place: Place) -> None:
    """Hours of this month, on the page and as a file."""
    ada = place.ada
    place.desk.service.metering.tick()
    ada.turn_to("/usage")
    expect(row_of(ada, place.cluster_id)).to_contain_text("sterna.medium")
    with ada.page.expect_download() as download:
        ada.press("Download CSV")
    header, line, *_ = Path(download.value.path()).read_text().splitlines()
    assert header.startswith("cluster_id,node_class") and line.startswith(place.cluster_id)
    assert header.endswith("assumed_node_hours")
    ada.inspect("usage")


def name_a_read_only_instance(place: Place, mysql57: RunningServer) -> None:
    """An endpoint of the instance leads there, and the page lists it."""
    ada = place.ada
    ada.turn_to(f"/instances/{place.instance_id}/endpoints")
    ada.sees("None is known.")
    ada.press("Create endpoint")
    ada.type("Name for people", "reports")
    ada.type("Servers and weights", f"{mysql57.server.host}:{mysql57.server.port}=2")
    submit(place, "Create")
    expect(row_of(ada, "reports")).to_be_visible()
    made = place.endpoint("reports")
    assert made is not None and list(made.nodes.values()) == [2]


def narrow_a_whitelist(place: Place) -> None:
    """What it no longer names is said before it is saved."""
    ada = place.ada
    ada.press("Whitelist of reports")
    ada.dialog.get_by_role("textbox").fill("10.0.0.0/8\n127.0.0.1")
    ada.sees("No longer named: 0.0.0.0/0, ::/0")
    ada.inspect("dialog-whitelist", full_page=False)
    submit(place, "Save whitelist")
    expect(row_of(ada, "reports")).to_contain_text("10.0.0.0/8 and 1 more")
    made = place.endpoint("reports")
    assert made is not None and made.allowed_networks == ("10.0.0.0/8", "127.0.0.1/32")
    ada.inspect("instance-endpoints")


def look_at_nodes(place: Place) -> None:
    """The new one serves, and one reads what it has written."""
    ada = place.ada
    ada.turn_to(f"/clusters/{place.cluster_id}/nodes")
    expect(row_of(ada, "fresh")).to_contain_text("in rotation")
    ada.inspect("cluster-nodes")
    ada.press("Let commits wait for a node")
    ada.sees("restarts with semi-synchronous replication")
    ada.key("Escape")
    expect(ada.dialog).to_have_count(0)
    ada.page.get_by_role("link", name="Logs").first.click()
    expect(ada.page.get_by_role("log")).to_contain_text("ready for connections")
    ada.inspect("node-logs")


def give_the_nodes_an_address(place: Place) -> None:
    """A custom endpoint with weights, under another name, and closed again."""
    ada, (writer, reader) = place.ada, place.cluster.nodes
    ada.turn_to(f"/clusters/{place.cluster_id}/endpoints")
    ada.press("Create endpoint")
    ada.dialog.get_by_role("combobox", name="Type").click()
    ada.page.get_by_text("Custom: the nodes you choose").click()
    ada.type("Name for people", "mixed")
    for node, weight in ((writer, "1"), (reader, "3")):
        ada.dialog.get_by_role("checkbox", name=node.id).check()
        ada.type(f"Weight of {node.id}", weight)
    ada.inspect("dialog-create-endpoint", full_page=False)
    submit(place, "Create")
    made = place.endpoint("mixed")
    assert made is not None and made.nodes == {writer.id: 1, reader.id: 3}
    ada.press("Alter mixed")
    ada.type("Name for people", "blend")
    submit(place, "Save")
    expect(row_of(ada, "blend")).to_contain_text(f"read-only node {reader.id}")
    ada.inspect("cluster-endpoints")
    ada.press("Delete blend")
    confirm(place, "Delete", made.id)
    expect(row_of(ada, "blend")).to_have_count(0)
    assert place.endpoint("blend") is None


def remove_a_node(place: Place) -> None:
    """By its own name; the primary cannot be."""
    ada, (writer, reader) = place.ada, place.cluster.nodes
    ada.turn_to(f"/clusters/{place.cluster_id}/nodes")
    ada.press(f"Remove {reader.id}")
    ada.inspect("dialog-remove-node", full_page=False)
    confirm(place, "Remove", reader.id)
    expect(row_of(ada, reader.id)).to_have_count(0)
    expect(ada.button(f"Remove {writer.id}")).to_have_attribute("title", re.compile("the primary"))


def delete_the_cluster(place: Place) -> None:
    """Its name is typed; then there is no such cluster, and one stands where all are listed."""
    ada = place.ada
    ada.turn_to(f"/clusters/{place.cluster_id}")
    ada.press("Delete cluster")
    ada.sees("there is no way back: the data is gone")
    ada.dialog.get_by_role("textbox").last.fill("pc-another")
    expect(ada.dialog.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
    ada.inspect("dialog-delete-cluster", full_page=False)
    confirm(place, "Delete", place.cluster_id)
    expect(ada.page.locator("h1")).to_have_text("Clusters")
    ada.sees("There is no cluster yet.")
    assert place.desk.service.clusters() == []


def plan_a_switchover(place: Place) -> None:
    """It waits on three pages with what stands in its way, until it is cancelled."""
    ada = place.ada
    ada.turn_to("/schedules")
    ada.press("Schedule an operation")
    ada.type("Window opens", f"{TOMORROW:%Y-%m-%dT02:00}")
    ada.type("Window closes", f"{TOMORROW:%Y-%m-%dT03:00}")
    expect(ada.dialog).to_contain_text(f"{place.cluster_id}, of {place.instance_id}")
    submit(place, "Schedule")
    row = row_of(ada, "Switch Over")
    expect(row).to_contain_text("waiting")
    ada.inspect("schedules")
    ada.turn_to("/")
    expect(row_of(ada, "Switch Over")).to_be_visible()
    ada.inspect("overview-planned")
    (schedule,) = place.desk.service.schedules.schedules()
    ada.press(f"Cancel {schedule.id}")
    submit(place, "Cancel schedule")
    ada.turn_to("/schedules")
    expect(row).to_contain_text("cancelled")


def compare_both_sides(place: Place) -> None:
    """What the cluster lacks is named."""
    ada = place.ada
    ada.turn_to(f"/clusters/{place.cluster_id}/inherited")
    ada.sees_fact("Accounts carried", "")
    ada.inspect("cluster-inherited")


def see_what_is_in_the_way(place: Place) -> None:
    """During a migration nodes stay as they are; what is exchanged says so."""
    ada = place.ada
    ada.turn_to(f"/clusters/{place.cluster_id}/nodes")
    ada.sees("The nodes cannot be changed now")
    expect(ada.button("Restart all nodes")).to_be_disabled()
    (primary,) = (e for e in place.desk.service.endpoints(place.instance_id) if e.type == "Primary")
    reason = re.compile("is the only primary endpoint")
    ada.turn_to(f"/instances/{place.instance_id}/endpoints")
    expect(ada.button(f"Delete {primary.id}")).to_have_attribute("title", reason)
