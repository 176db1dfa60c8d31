"""Endpoints: the stable addresses of instances and clusters."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from sterna.endpoints.whitelist import EVERYBODY
from sterna.server.api.common import TheService
from sterna.store.records import Endpoint, Plan
from sterna.store.view_records import EndpointActions
from sterna.workflow.addressing import WEIGHT_MAX, NewEndpoint

router = APIRouter(prefix="/endpoints", tags=["endpoints"])


def _numeric(host: str) -> str:
    """An address of this machine to listen on; no name, for it may change, and no zone."""
    if "%" in host:
        raise ValueError("an address with a zone cannot be listened on")
    return str(ipaddress.ip_address(host))


Name = Annotated[str, Field(max_length=64, pattern=r"^[\w .:/@-]*$")]
Host = Annotated[str, Field(max_length=45), AfterValidator(_numeric)]
Port = Annotated[int, Field(ge=1024, le=65535)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Mode = Literal["ReadOnly", "ReadWrite"]
Nodes = dict[Annotated[str, Field(max_length=280)], Annotated[int, Field(ge=1, le=WEIGHT_MAX)]]
Networks = tuple[Annotated[str, Field(max_length=64)], ...]


@dataclass(frozen=True)
class Wanted:
    """An endpoint to make. The port is chosen when it is left out.

    `nodes` are those of a Custom endpoint, or "host:port" of the read-only servers of an
    instance, each with its weight. `read_only_port` is for a Cluster endpoint of mode ReadWrite.
    """

    owner_id: str
    type: Literal["Primary", "Cluster", "Custom", "ReadOnly", "Proxy"]
    name: Name = ""
    host: Host = "127.0.0.1"
    port: Port | None = None
    net_type: Label = "Private"
    ssl_enabled: bool = False
    read_write_mode: Mode | None = None
    nodes: Nodes = field(default_factory=dict)
    allowed_networks: Networks = EVERYBODY
    read_only_port: Port | None = None


@dataclass(frozen=True)
class Changes:
    """What is to become another; what is left out stays. `read_only_port` 0 closes it."""

    name: Name | None = None
    host: Host | None = None
    port: Port | None = None
    net_type: Label | None = None
    ssl_enabled: bool | None = None
    read_write_mode: Mode | None = None
    nodes: Nodes | None = None
    allowed_networks: Networks | None = None
    read_only_port: Port | Literal[0] | None = None


@router.get("")
def list_endpoints(service: TheService, owner_id: str | None = None) -> list[Endpoint]:
    """All endpoints, or those of one instance or cluster."""
    return service.endpoints(owner_id)


@router.post("", status_code=201)
def create_endpoint(wanted: Wanted, service: TheService) -> Endpoint:
    """Make an endpoint and serve it; refused while an operation moves the others."""
    values = {**asdict(wanted), "read_write_mode": wanted.read_write_mode or ""}
    return service.addresses.create(NewEndpoint(**values))


@router.get("/actions")
def list_endpoint_actions(owner_id: str, service: TheService) -> list[EndpointActions]:
    """What may be done now with the endpoints of an instance or a cluster, and what may not."""
    return service.addresses.actions(owner_id)


@router.get("/{endpoint_id}")
def show_endpoint(endpoint_id: str, service: TheService) -> Endpoint:
    """One endpoint."""
    return service.addresses.one(endpoint_id)


@router.patch("/{endpoint_id}")
def alter_endpoint(endpoint_id: str, changes: Changes, service: TheService) -> Endpoint:
    """Change an endpoint. A whitelist holds at once: sessions it no longer names are cut."""
    given = {name: value for name, value in asdict(changes).items() if value is not None}
    return service.addresses.alter(endpoint_id, given)


@router.get("/{endpoint_id}/delete/plan")
def plan_delete_endpoint(endpoint_id: str, service: TheService) -> Plan:
    """What closing an endpoint would do, and why it would be refused. Changes nothing."""
    return service.addresses.plan_delete(endpoint_id)


@router.delete("/{endpoint_id}", status_code=204)
def delete_endpoint(endpoint_id: str, service: TheService) -> None:
    """Close an endpoint; its sessions are cut."""
    service.addresses.delete(endpoint_id)
