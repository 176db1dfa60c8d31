"""The whole upgrade, through nothing but the console."""

from __future__ import annotations

from playwright.sync_api import expect

from demo.judge import judge
from tests.console.cast import PASSWORD, Cast
from tests.console.viewer import Viewer


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
        look_at_what_was_done(cast)
        look_from_a_phone(cast)
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


def look_at_what_was_done(cast: Cast) -> None:
    """The pages that only a real upgrade fills: timeline, speeds, tables, both sides compared."""
    task = f"/tasks/{cast.migration['task_id']}"
    cluster = f"/clusters/{cast.cluster_id}"
    for name, path in {
        "upgraded-timeline": f"{cluster}/timeline",
        "upgraded-inherited": f"{cluster}/inherited",
        "upgraded-endpoints": f"{cluster}/endpoints",
        "upgraded-task": task,
        "upgraded-monitoring": f"{task}/monitoring",
    }.items():
        cast.admin.turn_to(path)
        cast.admin.inspect(name)
        assert not cast.admin.too_wide()


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
