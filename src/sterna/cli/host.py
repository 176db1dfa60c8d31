"""`sterna host`: where nodes are made besides this machine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sterna.cli.ask import PasswordFile, Yes, confirm, read_password, read_text
from sterna.cli.client import connect
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.store.host_records import Host, HostTest

app = typer.Typer(no_args_is_help=True, help="Machines and servers clusters are made on.")

HostId = Annotated[str, typer.Argument(metavar="HOST", help="Name, or id ho-….")]
PORTS = {"ssh": 22, "existing": 3306}
BYTES_PER_GIB = 1024**3


class Kind(StrEnum):
    """What a host is."""

    ssh = "ssh"
    existing = "existing"


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for it.")],
    address: Annotated[str, typer.Option(help="Address of the machine or the server.")],
    user: Annotated[str, typer.Option(help="Who logs in: a user there, or an account.")],
    kind: Annotated[
        Kind, typer.Option(help="ssh: a machine. existing: a server that is there already.")
    ] = Kind.ssh,
    port: Annotated[int | None, typer.Option(help="22, or 3306 of a server.")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Private key of ssh."),
    ] = None,
    password_file: PasswordFile = None,
    folder: Annotated[str, typer.Option(help="Where nodes are made on a machine.")] = "sterna",
    servers: Annotated[
        str, typer.Option(help="Folder of server versions there; as on this machine if left out.")
    ] = "",
    fingerprint: Annotated[
        str, typer.Option(help="SHA256:… the machine's key must have; else the first is believed.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Add a machine or a server after looking at it; prints its id and the key it must show.

    The key comes from --key-file; the password from --password-file, STERNA_PASSWORD or a prompt.
    """
    body = {
        "name": name,
        "kind": kind.value,
        "address": address,
        "user": user,
        "port": port or PORTS[kind.value],
        "secret": _secret(kind, key_file, password_file, f"Password of {user} on {address}"),
        "folder": folder,
        "servers": servers,
        "fingerprint": fingerprint,
    }
    host = connect().post("/hosts", Host, body)
    show(host, as_json=as_json, human=lambda: _print_added(host))


@app.command("list")
def list_hosts(as_json: Json = False) -> None:
    """List the hosts."""
    hosts = connect().get("/hosts", list[Host])
    rows = ((h.id, h.name, h.kind, f"{h.address}:{h.port}", h.versions) for h in hosts)
    columns = ("Host", "Name", "Kind", "Address", "Versions")
    empty = "No hosts; nodes are made on this machine. Add one with: sterna host add"
    show(hosts, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_host(host_id: HostId, as_json: Json = False) -> None:
    """Show one host and the fingerprint of its key."""
    host = connect().get(f"/hosts/{host_id}", Host)
    show(host, as_json=as_json, human=lambda: _print(host))


@app.command("test")
def test_host(host_id: HostId, as_json: Json = False) -> None:
    """Look at a host again: room, server versions, what would be in the way."""
    found = connect().post(f"/hosts/{host_id}/test", HostTest)
    show(found, as_json=as_json, human=lambda: _print_test(found))


@app.command()
def remove(host_id: HostId, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a host; nothing is changed there. Refused while a cluster has its nodes there.

    A machine that is gone for good: delete its clusters first, then remove it while they are
    Deleting; what was there is forgotten.
    """
    client = connect()
    confirm(f"Forget {host_id}?", yes=yes)
    client.delete(f"/hosts/{host_id}")
    show({"removed": host_id}, as_json=as_json, human=lambda: say(f"{host_id} is forgotten."))


def _secret(kind: Kind, key_file: Path | None, password_file: Path | None, prompt: str) -> str:
    """A usage error where the wrong one is given, or none."""
    if kind is Kind.existing:
        if key_file is not None:
            raise typer.BadParameter("--key-file goes with --kind ssh")
        return read_password(prompt, password_file)
    if key_file is None or password_file is not None:
        raise typer.BadParameter("a machine is entered with a key: use --key-file")
    return read_text(key_file)


def _print_added(host: Host) -> None:
    say(host.id)
    if host.fingerprint:
        say(f"key {host.fingerprint}")
    say(f"versions {', '.join(host.versions) or 'none'}")


def _print(host: Host) -> None:
    print_facts(
        {
            "Host": host.id,
            "Name": host.name,
            "Kind": host.kind,
            "Address": f"{host.address}:{host.port}",
            "User": host.user,
            "Key": host.fingerprint,
            "Folder of nodes": host.folder,
            "Folder of versions": host.servers,
            "Versions": list(host.versions),
            "Added": host.created_at,
        }
    )


def _print_test(found: HostTest) -> None:
    room = (
        "not known" if found.free_bytes is None else f"{found.free_bytes / BYTES_PER_GIB:.1f} GiB"
    )
    print_facts({"Versions": list(found.versions), "Room": room, "Nodes": list(found.nodes)})
    for warning in found.warnings:
        say(warning)
