"""Hosts: other machines nodes are made on, and servers somebody else has made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from sterna.server.api.common import TheService
from sterna.store.host_records import Host, HostTest
from sterna.workflow import hosting

router = APIRouter(prefix="/hosts", tags=["hosts"])


@dataclass(frozen=True)
class NewHost:
    """A host to add. `secret` is a private key without a passphrase, or a server's password.

    `folder` is where nodes are made, `servers` where server versions lie there. A `fingerprint`
    "SHA256:…" must be that of the machine's key; without one the first key it shows is believed.
    """

    name: str
    kind: Literal["ssh", "existing"]
    address: str
    user: str
    secret: str = field(repr=False)
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    folder: str = hosting.FOLDER
    servers: str = ""
    fingerprint: str = ""


@router.post("", status_code=201)
def add_host(new: NewHost, service: TheService) -> Host:
    """Look at a host and keep it. From now on its machine must show the key it has shown."""
    return service.hosts.add(hosting.NewHost(**asdict(new)))


@router.get("")
def list_hosts(service: TheService) -> list[Host]:
    """All hosts, oldest first."""
    return service.hosts.all()


@router.get("/{host_id}")
def show_host(host_id: str, service: TheService) -> Host:
    """One host, by its id or name."""
    return service.hosts.one(host_id)


@router.post("/{host_id}/test")
def test_host(host_id: str, service: TheService) -> HostTest:
    """Look at a host again; which server versions it has now is kept."""
    return service.hosts.test(host_id)


@router.delete("/{host_id}", status_code=204)
def remove_host(host_id: str, service: TheService) -> None:
    """Forget a host; nothing is changed there."""
    service.hosts.remove(host_id)
