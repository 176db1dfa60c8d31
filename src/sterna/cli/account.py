"""`sterna account`: how the accounts of an instance reach the cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.ask import PasswordFile, read_password
from sterna.cli.client import connect
from sterna.cli.evaluation import Version
from sterna.cli.output import Json, print_table, say, show
from sterna.store.records import AccountPlan

app = typer.Typer(no_args_is_help=True, help="Accounts and how they reach the cluster.")

InstanceId = Annotated[str, typer.Argument(metavar="INSTANCE")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Written 'user'@'host'.")]


@app.command("list")
def list_accounts(instance_id: InstanceId, version: Version, as_json: Json = False) -> None:
    """List the accounts of an instance and what becomes of each at a version."""
    path = f"/instances/{instance_id}/accounts"
    plans = connect().get(path, list[AccountPlan], target_version=version)
    rows = ((plan.account, plan.plugin, plan.how, plan.reason) for plan in plans)
    columns = ("Account", "Plugin", "How", "Reason")
    show(plans, as_json=as_json, human=lambda: print_table(columns, rows, empty="No accounts."))


@app.command("set-password")
def set_password(
    instance_id: InstanceId,
    account: Account,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Supply the password an account will have on the cluster.

    The password comes from --password-file, STERNA_PASSWORD or a prompt.
    """
    password = read_password(f"Password of {account}", password_file)
    path = f"/instances/{instance_id}/accounts/set-password"
    connect().tell(path, {"account": account, "password": password})
    sentence = f"{account} will be created with this password."
    show({"password_set": account}, as_json=as_json, human=lambda: say(sentence))


@app.command("leave-out")
def leave_out(instance_id: InstanceId, account: Account, as_json: Json = False) -> None:
    """Do not carry an account to the cluster."""
    connect().tell(f"/instances/{instance_id}/accounts/leave-out", {"account": account})
    sentence = f"{account} will not be on the cluster."
    show({"left_out": account}, as_json=as_json, human=lambda: say(sentence))
