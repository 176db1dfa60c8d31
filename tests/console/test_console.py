"""The whole upgrade, through nothing but the console; on its way every page is looked at."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from demo.judge import judge
from tests.console.cast import PASSWORD, Cast
from tests.console.viewer import ROOT, Viewer

ROUTES = ROOT / "console/src/routes.tsx"
NO_PAGE = "There is no such page."


def test_a_bank_is_upgraded_by_somebody_with_a_browser(cast: Cast) -> None:
    """Register, evaluate, create, switch over, roll back, switch, complete; nothing is lost."""
    admin = cast.admin
    sign_up(cast)
    register(cast)
    supply_passwords(cast)
    create_cluster(cast)
    cast.wait_until_verified()
    with cast.bank():
        move(cast, "Switch Over", "Cluster Read/Write Status", "read and write")
        refuse_release(cast)
        look_at_every_page(cast)
        look_from_a_phone(cast)
        keep_a_viewer_from_pressing(cast)
        lose_the_server(cast)
        move(cast, "Roll Back Migration", "Source RDS Read/Write Status", "read and write")
        verify_again(cast)
        move(cast, "Switch Over", "Cluster Read/Write Status", "read and write")
    end(cast, "Complete Migration")
    admin.sees_fact("Status", "Closed")
    verdict = judge(cast.cluster, cast.farm.folder / "ledger.jsonl")
    assert verdict.is_clean, str(verdict)
    assert verdict.acknowledged > 0


def sign_up(cast: Cast) -> None:
    """The first admin is whoever can read the server's terminal."""
    admin = cast.admin
    admin.go("/")
    admin.type("One-time token", cast.setup_token)
    admin.type("Your name", "ada")
    admin.type("Your password", PASSWORD)
    admin.press("Create and sign in")
    admin.sees("Nothing needs you.")


def register(cast: Cast) -> None:
    """With a test of the connection first."""
    admin, server = cast.admin, cast.source.server
    admin.go("/instances")
    admin.press("Register instance")
    admin.type("Host", server.host)
    admin.type("Port", str(server.port))
    admin.type("User", server.user)
    admin.type("Password", server.password)
    admin.type("Name for people", "the bank")
    admin.press("Test connection")
    admin.sees("The server answers")
    admin.press("Register")
    admin.page.wait_for_url("**/instances/rm-*")
    cast.instance_id = admin.page.url.rsplit("/", 1)[1]


def supply_passwords(cast: Cast) -> None:
    """For accounts whose hash the target cannot take."""
    known = {"app": cast.accounts.app_password, "report": cast.accounts.report_password}
    for name, password in known.items():
        row = cast.admin.page.get_by_role("row", name=f"'{name}'@'%'")
        cast.admin.press("Supply password", within=row)
        cast.admin.dialog.get_by_label("Password").fill(password)
        cast.admin.press("Supply", within=cast.admin.dialog)
        expect(row).to_contain_text("password supplied")


def create_cluster(cast: Cast) -> None:
    """The wizard, with the evaluation inside it."""
    admin = cast.admin
    admin.go("/clusters/new")
    admin.page.get_by_role("radio", name="Subscription").check()
    admin.page.get_by_role("radio", name="the bank").check()
    admin.press("Next")
    admin.page.get_by_role("radio", name="sterna.small").check()
    admin.type("Name", "the bank, new")
    admin.press("Next")
    admin.sees("Evaluation: ")
    admin.press("Next")
    admin.sees_fact("Billing method", "Subscription")
    admin.inspect("create-cluster-summary")
    admin.press("Create cluster and migrate")
    admin.page.wait_for_url("**/clusters/pc-*")
    cast.cluster_id = admin.page.url.rsplit("/", 1)[1]
    admin.sees("Migrate from RDS is under way")
    cast.wait_until_idle()
    admin.sees_fact("Status", "Synchronizing Data")


def move(cast: Cast, action: str, fact: str, value: str) -> None:
    """Switch over or roll back: dry run, the cluster's name, and the button."""
    admin = cast.admin
    admin.go(f"/clusters/{cast.cluster_id}")
    confirm(cast, action)
    cast.wait_until_idle()
    admin.sees(f"{action} is done")
    admin.sees_fact(fact, value)


def end(cast: Cast, action: str) -> None:
    """The same for what ends a migration."""
    confirm(cast, action)
    cast.wait_until_idle()
    cast.admin.sees(f"{action} is done")


def confirm(cast: Cast, action: str) -> None:
    """The button works only when the guards pass and the name is typed."""
    admin = cast.admin
    admin.press(action)
    button = admin.dialog.get_by_role("button", name=action, exact=True)
    admin.sees("All guards pass")
    expect(button).to_be_disabled()
    admin.dialog.get_by_role("textbox").last.fill(cast.cluster_id)
    expect(button).to_be_enabled()
    button.click()
    expect(admin.dialog).to_have_count(0)


def refuse_release(cast: Cast) -> None:
    """What is refused says why, and cannot be pressed."""
    admin = cast.admin
    admin.go(f"/instances/{cast.instance_id}")
    admin.press("Release")
    admin.sees("Refused now. Nothing was changed.")
    admin.dialog.get_by_role("textbox").last.fill(cast.instance_id)
    expect(admin.dialog.get_by_role("button", name="Release", exact=True)).to_be_disabled()


def verify_again(cast: Cast) -> None:
    """A pass ordered in the console ends clean."""
    admin: Viewer = cast.admin
    admin.go(f"/clusters/{cast.cluster_id}/verification")
    admin.press("Verify again")
    row = admin.page.get_by_role("row").nth(1)
    expect(row).to_contain_text("clean")
    cast.wait_until_verified()


def look_at_every_page(cast: Cast) -> None:
    """Each shows its data, has nothing serious for axe-core, and is photographed."""
    for name, path in pages_of(cast).items():
        cast.admin.turn_to(path)
        expect(cast.admin.page.locator("h1")).not_to_have_text(NO_PAGE)
        cast.admin.inspect(name)


def pages_of(cast: Cast) -> dict[str, str]:
    """Name → address of every page there is, of what is here."""
    (report, *_) = cast.product.see(f"/instances/{cast.instance_id}/evaluations")
    ids = {
        "/instances/:id": f"/instances/{cast.instance_id}",
        "/clusters/:id": f"/clusters/{cast.cluster_id}",
        "/tasks/:id": f"/tasks/{cast.migration['task_id']}",
        "/evaluations/:instance/:id": f"/evaluations/{cast.instance_id}/{report['id']}",
    }
    pages = {}
    for route in re.findall(r'^  \["(/[^"]*)", page\(', ROUTES.read_text(), re.MULTILINE):
        name = re.sub(r"/:\w+", "-one", route).strip("/").replace("/", "-")
        pattern = next((each for each in ids if route.startswith(each)), "")
        address = route.replace(pattern, ids.get(pattern, "")).replace(":node", cast.node_id)
        pages[name or "overview"] = address
    assert not [path for path in pages.values() if ":" in path], pages
    return pages


def look_from_a_phone(cast: Cast) -> None:
    """Watching and switching fit on a phone: nothing is wider than it."""
    page = cast.admin.page
    desktop = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    cast.admin.turn_to(f"/clusters/{cast.cluster_id}")
    cast.admin.inspect("phone-cluster")
    cast.admin.press("Roll Back Migration")
    cast.admin.sees("All guards pass")
    cast.admin.inspect("phone-roll-back", full_page=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert desktop is not None
    page.set_viewport_size(desktop)


def keep_a_viewer_from_pressing(cast: Cast) -> None:
    """Somebody with the role viewer sees the migration, and reads which role is missing."""
    admin = cast.admin
    admin.go("/settings")
    admin.press("Add user")
    admin.type("Name", "vera")
    admin.type("First password", PASSWORD)
    admin.press("Add", within=admin.dialog)
    admin.sees("vera")
    vera = cast.somebody()
    vera.go(f"/clusters/{cast.cluster_id}")
    vera.inspect("login")
    vera.type("Name", "vera")
    vera.type("Password", PASSWORD)
    vera.press("Sign in")
    vera.sees_fact("Cluster Read/Write Status", "read and write")
    expect(vera.button("Roll Back Migration")).to_be_disabled()
    expect(vera.button("Roll Back Migration")).to_have_attribute("title", re.compile("operator"))
    vera.go("/settings")
    vera.sees("for those with the role admin")
    vera.page.context.close()


def lose_the_server(cast: Cast) -> None:
    """While the server is gone the page says so and keeps what it knew; then it goes on."""
    admin = cast.admin
    admin.go(f"/clusters/{cast.cluster_id}")
    cast.product.stop()
    admin.sees("The Sterna server does not answer")
    admin.sees_fact("Cluster Read/Write Status", "read and write")
    admin.inspect("server-gone")
    cast.product.start()
    expect(admin.page.get_by_text("The Sterna server does not answer")).to_have_count(0)
    cast.wait_until_idle()
