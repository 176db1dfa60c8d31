"""`sterna instance`: the servers an upgrade can start from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sterna.cli.ask import PasswordFile, Yes, confirm, read_password
from sterna.cli.client import Client, connect
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.plan import DryRun, show_plan
from sterna.store.records import Endpoint, Instance
from sterna.store.view_records import ConnectionTest

app = typer.Typer(no_args_is_help=True, help="Servers an upgrade can start from.")


class Tls(StrEnum):
    """Whether connections to the server are encrypted."""

    Disabled = "Disabled"
    Preferred = "Preferred"
    Required = "Required"


@app.command()
def add(
    host: Annotated[str, typer.Option(help="Address of the server.")],
    user: Annotated[str, typer.Option(help="Account Sterna uses on it.")],
    port: Annotated[int, typer.Option(help="Port of the server.")] = 3306,
    description: Annotated[str, typer.Option(help="A name for people.")] = "",
    tls: Annotated[Tls, typer.Option(help="Encryption of connections to it.")] = Tls.Preferred,
    endpoint_port: Annotated[
        int | None, typer.Option(help="Port of its endpoint; chosen when left out.")
    ] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Register a server and give it an endpoint; prints the id and the endpoint's address.

    The password comes from --password-file, STERNA_PASSWORD or a prompt.
    """
    body = {
        "host": host,
        "port": port,
        "user": user,
        "password": read_password(f"Password of {user} on {host}", password_file),
        "description": description,
        "tls": tls.value,
        "endpoint_port": endpoint_port,
    }
    client = connect()
    instance = client.post("/instances", Instance, body)
    show(instance, as_json=as_json, human=lambda: _print_added(client, instance))


@app.command("test")
def test_connection(
    host: Annotated[str, typer.Option(help="Address of the server.")],
    user: Annotated[str, typer.Option(help="Account Sterna would use on it.")],
    port: Annotated[int, typer.Option(help="Port of the server.")] = 3306,
    tls: Annotated[Tls, typer.Option(help="Encryption of connections to it.")] = Tls.Preferred,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Log in to a server and look at it; nothing is kept.

    The password comes from --password-file, STERNA_PASSWORD or a prompt.
    """
    password = read_password(f"Password of {user} on {host}", password_file)
    body = {"host": host, "port": port, "user": user, "password": password, "tls": tls.value}
    found = connect().post("/instances/test", ConnectionTest, body)

    def tell() -> None:
        say(f"{user} is let in; the server is {found.version}.")
        for warning in found.warnings:
            say(warning)

    show(found, as_json=as_json, human=tell)


@app.command("list")
def list_instances(as_json: Json = False) -> None:
    """List the registered instances."""
    instances = connect().get("/instances", list[Instance])
    rows = ((i.id, i.version, f"{i.host}:{i.port}", i.status, i.description) for i in instances)
    columns = ("Instance", "Version", "Address", "Status", "Description")
    empty = "No instances. Register one with: sterna instance add"
    show(instances, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_instance(
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE")], as_json: Json = False
) -> None:
    """Show one instance and its endpoints."""
    client = connect()
    instance = client.get(f"/instances/{instance_id}", Instance)
    show(instance, as_json=as_json, human=lambda: _print_instance(client, instance))


@app.command("set-password")
def set_password(
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE")],
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Tell Sterna the password its own account on an instance has now; it is tried first.

    A sync task under way goes on with it. The password comes from --password-file,
    STERNA_PASSWORD or a prompt. The account itself is not changed.
    """
    password = read_password(f"Password of Sterna's account on {instance_id}", password_file)
    path = f"/instances/{instance_id}/set-password"
    instance = connect().post(path, Instance, {"password": password})
    sentence = f"Sterna signs in to {instance_id} as {instance.user} with this password now."
    show(instance, as_json=as_json, human=lambda: say(sentence))


@app.command()
def release(
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE")],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let Sterna forget an instance; the server itself keeps running and nothing on it is deleted.

    Endpoints that lead to a cluster stay open and become that cluster's; the others are closed.
    """
    client = connect()
    path = f"/instances/{instance_id}/release"
    if show_plan(client, path, dry_run=dry_run, as_json=as_json):
        return
    confirm(f"Forget {instance_id}?", yes=yes)
    client.tell(path, {})
    sentence = f"{instance_id} is forgotten; the server itself was not touched."
    show({"released": instance_id}, as_json=as_json, human=lambda: say(sentence))


def _print_added(client: Client, instance: Instance) -> None:
    say(instance.id)
    for endpoint in _endpoints(client, instance):
        say(f"endpoint {endpoint.host}:{endpoint.port}")


def _print_instance(client: Client, instance: Instance) -> None:
    print_facts(
        {
            "Instance": instance.id,
            "Description": instance.description,
            "Address": f"{instance.host}:{instance.port}",
            "User": instance.user,
            "Version": instance.version,
            "TLS": instance.tls,
            "Status": instance.status,
            "Registered": instance.created_at,
            "Endpoints": [f"{e.host}:{e.port} ({e.type})" for e in _endpoints(client, instance)],
        }
    )


def _endpoints(client: Client, instance: Instance) -> list[Endpoint]:
    return client.get("/endpoints", list[Endpoint], owner_id=instance.id)
