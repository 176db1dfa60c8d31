"""The endpoints an operator makes, alters and removes, while nothing else moves them.

A change is kept first and looked at again before it is served: an operation that began meanwhile
either saw it, or is seen here, and then the change is taken back.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sterna.endpoints.render import NETWORKS_MAX
from sterna.endpoints.whitelist import EVERYBODY, normal_networks
from sterna.errors import Refused
from sterna.migration.status import TITLES, Status
from sterna.store.records import ActionInfo, Cluster, Endpoint, Migration, Node, Plan, Reason
from sterna.store.repository import new_id
from sterna.store.view_records import EndpointActions
from sterna.workflow.tools import Tools

WEIGHT_MAX = 10
OF_INSTANCES = ("Primary", "ReadOnly", "Proxy")
OF_CLUSTERS = ("Primary", "Cluster", "Custom")
QUIET = (Status.SYNCING, Status.REVERSED, Status.PRE_CHECK_FAIL, Status.CLOSED)
ADDRESS = re.compile(r"[A-Za-z0-9_.:-]+:[0-9]{1,5}")
# What an alteration of an endpoint changes at its read-only port as well.
SHARED = ("host", "net_type", "ssl_enabled", "allowed_networks")


@dataclass(frozen=True)
class NewEndpoint:
    """An endpoint to make.

    Attributes:
        port: None: a free one.
        read_write_mode: of a cluster endpoint: ReadOnly (balanced over the read-only nodes) or
            ReadWrite (the primary); the others have no choice.
        nodes: node id → weight 1..10; of an instance's ReadOnly endpoint "host:port" → weight.
        read_only_port: of a cluster endpoint for reading and writing: reads go there.
    """

    owner_id: str
    type: str
    name: str = ""
    host: str = "127.0.0.1"
    port: int | None = None
    net_type: str = "Private"
    ssl_enabled: bool = False
    read_write_mode: str = ""
    nodes: Mapping[str, int] = field(default_factory=dict)
    allowed_networks: tuple[str, ...] = EVERYBODY
    read_only_port: int | None = None


@dataclass(frozen=True)
class EndpointLoad:
    """Client connections of an endpoint now."""

    endpoint: Endpoint
    sessions: int
    waiting: int


class Addresses:
    """Every method either answers with a record or raises Refused before anything was changed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def one(self, endpoint_id: str) -> Endpoint:
        """One endpoint."""
        return self._tools.inventory.endpoint(endpoint_id)

    def statistics(self) -> list[EndpointLoad]:
        """Connections of each endpoint now, by whether they have reached a server."""
        counted = self._tools.proxy.statistics()
        return [
            EndpointLoad(endpoint, found.sessions, found.waiting)
            for endpoint in self._tools.inventory.endpoints()
            if (found := counted.get(endpoint.id))
        ]

    def actions(self, owner_id: str) -> list[EndpointActions]:
        """Whether an endpoint can be made now, then what may be done with each there is."""
        owner = _Owner(self._tools, owner_id)
        checks = {
            "alter": self._refuse_alter,
            "route": self._refuse_route,
            "delete": self._refuse_delete,
        }
        found = [EndpointActions("", (_asked("create", owner.refuse_busy),))]
        for endpoint in owner.endpoints():
            asked = (
                _asked(name, partial(check, owner, endpoint)) for name, check in checks.items()
            )
            found.append(EndpointActions(endpoint.id, tuple(asked)))
        return found

    def create(self, new: NewEndpoint) -> Endpoint:
        """Make an endpoint and serve it."""
        owner = _Owner(self._tools, new.owner_id)
        owner.refuse_busy()
        endpoint = self._routed(owner, self._drafted(owner, new))
        made = [endpoint]
        if new.read_only_port:
            made.append(self._part(owner, endpoint, new.read_only_port))
        for each in made:
            self._tools.refuse_taken(each.port, but_of=each.id)

        def keep() -> None:
            for each in made:
                self._tools.inventory.add_endpoint(each)

        def undo() -> None:
            self._tools.inventory.remove_endpoint(endpoint.id)

        self._change(owner, keep, undo, chosen=() if new.port else (endpoint.id,))
        return self.one(endpoint.id)

    def alter(self, endpoint_id: str, changes: Mapping[str, Any]) -> Endpoint:
        """Change fields of an endpoint; whitelists hold at once, for sessions under way too."""
        before = self.one(endpoint_id)
        owner = _Owner(self._tools, before.owner_id)
        self._refuse_alter(owner, before)
        after = self._altered(owner, before, changes)
        part = next(self._parts(before), None)
        port = changes.get("read_only_port")
        new_part = self._new_part(owner, after, part, port)
        for each in (after, *([new_part] if new_part else [])):
            self._tools.refuse_taken(each.port, but_of=each.id)

        def keep() -> None:
            self._keep(before, after)
            self._keep(part, new_part)

        def undo() -> None:
            self._keep(after, before)
            self._keep(new_part, part)

        self._change(owner, keep, undo)
        return self.one(endpoint_id)

    def plan_delete(self, endpoint_id: str) -> Plan:
        """The dry run of a deletion."""
        endpoint = self.one(endpoint_id)
        owner = _Owner(self._tools, endpoint.owner_id)
        asked = _asked("delete", partial(self._refuse_delete, owner, endpoint))
        doomed = {each.id: each for each in (endpoint, *self._parts(endpoint))}
        loads = [load for load in self.statistics() if load.endpoint.id in doomed]
        connected = sum(load.sessions + load.waiting for load in loads)
        return Plan(
            operation="delete",
            allowed=asked.allowed,
            refusals=tuple(f"{reason.message} {reason.remedy}" for reason in asked.refusals),
            actions=tuple(f"{e.id} ({e.host}:{e.port}) is closed" for e in doomed.values()),
            figures={
                "address": f"{endpoint.host}:{endpoint.port}",
                "leads to": ", ".join(dict.fromkeys(endpoint.routes_to)) or "nowhere",
                "connections that are cut": str(connected),
            },
        )

    def delete(self, endpoint_id: str) -> None:
        """Close an endpoint; its sessions are cut."""
        endpoint = self.one(endpoint_id)
        owner = _Owner(self._tools, endpoint.owner_id)
        self._refuse_delete(owner, endpoint)
        doomed = [endpoint, *self._parts(endpoint)]

        def undo() -> None:
            for each in doomed:
                self._tools.inventory.add_endpoint(each)

        self._change(owner, lambda: self._tools.inventory.remove_endpoint(endpoint_id), undo)

    # --- what is kept

    def _change(
        self,
        owner: _Owner,
        keep: Callable[[], None],
        undo: Callable[[], None],
        *,
        chosen: tuple[str, ...] = (),
    ) -> None:
        """Keep and serve, or leave all as it was. Sterna has chosen the ports of `chosen`."""
        keep()
        try:
            owner.refuse_busy()
            self._tools.serve_new(chosen)
        except Refused:
            undo()
            raise

    def _keep(self, before: Endpoint | None, after: Endpoint | None) -> None:
        inventory = self._tools.inventory
        if before and after:
            values = dataclasses.asdict(after)
            # The state and, while endpoints are exchanged, the routes belong to the operations.
            for name in ("id", "state"):
                del values[name]
            if before.routes_to == after.routes_to:
                del values["routes_to"]
            inventory.change_endpoint(before.id, **values)
        elif after:
            inventory.add_endpoint(after)
        elif before:
            inventory.remove_endpoint(before.id)

    def _parts(self, endpoint: Endpoint) -> Iterator[Endpoint]:
        everybody = self._tools.inventory.endpoints(endpoint.owner_id)
        return (each for each in everybody if each.part_of == endpoint.id)

    # --- what is made

    def _drafted(self, owner: _Owner, new: NewEndpoint) -> Endpoint:
        owner.refuse_type(new.type)
        return Endpoint(
            id=new_id("pe"),
            owner_id=new.owner_id,
            type=new.type,
            read_write_mode=new.read_write_mode,
            host=new.host,
            port=new.port or self._tools.free_port(),
            net_type=new.net_type,
            ssl_enabled=new.ssl_enabled,
            state="Open",
            name=new.name,
            nodes=dict(new.nodes),
            allowed_networks=_networks(new.allowed_networks),
        )

    def _altered(self, owner: _Owner, before: Endpoint, changes: Mapping[str, Any]) -> Endpoint:
        given = {name: value for name, value in changes.items() if name != "read_only_port"}
        if "allowed_networks" in given:
            given["allowed_networks"] = _networks(given["allowed_networks"])
        after = dataclasses.replace(before, **given)
        if (before.nodes, before.read_write_mode) == (after.nodes, after.read_write_mode):
            return after
        self._refuse_exchanged(owner, before)
        return self._routed(owner, after)

    def _routed(self, owner: _Owner, endpoint: Endpoint) -> Endpoint:
        """With the mode its type has, and where it leads."""
        owner.refuse_nodes(endpoint)
        mode = owner.mode_of(endpoint)
        endpoint = dataclasses.replace(endpoint, read_write_mode=mode)
        return dataclasses.replace(endpoint, routes_to=owner.route_of(endpoint))

    def _new_part(
        self, owner: _Owner, parent: Endpoint, part: Endpoint | None, port: int | None
    ) -> Endpoint | None:
        """The read-only port as it will be; 0 removes it."""
        if port == 0 or (port is None and part is None):
            return None
        if part is None or port:
            fresh = self._part(owner, parent, int(port or 0))
            return dataclasses.replace(fresh, id=part.id) if part else fresh
        return dataclasses.replace(part, **{name: getattr(parent, name) for name in SHARED})

    def _part(self, owner: _Owner, parent: Endpoint, port: int) -> Endpoint:
        if parent.type != "Cluster" or parent.read_write_mode != "ReadWrite":
            raise _bad("Only a cluster endpoint for reading and writing has a read-only port.")
        part = dataclasses.replace(
            parent,
            id=new_id("pe"),
            port=port,
            read_write_mode="ReadOnly",
            part_of=parent.id,
            name="",
        )
        return dataclasses.replace(part, routes_to=owner.route_of(part))

    # --- what is refused

    def _refuse_alter(self, owner: _Owner, endpoint: Endpoint) -> None:
        owner.refuse_busy()
        _refuse_part(endpoint)

    def _refuse_route(self, owner: _Owner, endpoint: Endpoint) -> None:
        self._refuse_alter(owner, endpoint)
        self._refuse_exchanged(owner, endpoint)

    def _refuse_delete(self, owner: _Owner, endpoint: Endpoint) -> None:
        self._refuse_route(owner, endpoint)
        same = [e for e in owner.endpoints() if e.type == endpoint.type == "Primary"]
        if len(same) == 1:
            raise Refused(
                f"{endpoint.id} is the only primary endpoint of {endpoint.owner_id}.",
                code="EndpointNeeded",
                remedy="Create another one first, or release the instance, or delete the cluster.",
            )

    def _refuse_exchanged(self, owner: _Owner, endpoint: Endpoint) -> None:
        migration = owner.migration()
        if migration and migration.with_endpoints:
            raise Refused(
                f"{endpoint.id} cannot be changed so: the endpoints of {endpoint.owner_id} are"
                " exchanged, and a rollback leads them back.",
                code="EndpointExchanged",
                remedy=f"Complete the migration first, or roll it back: "
                f"sterna migration show {migration.cluster_id}.",
            )


class _Owner:
    """The instance or the cluster an endpoint belongs to. Refused: NotFound."""

    def __init__(self, tools: Tools, owner_id: str) -> None:
        self._tools = tools
        self.id = owner_id
        self._cluster: Cluster | None = None
        if owner_id.startswith("pc-"):
            self._cluster = tools.inventory.cluster(owner_id)
        else:
            instance = tools.inventory.instance(owner_id)
            self._address = f"{instance.host}:{instance.port}"

    def endpoints(self) -> list[Endpoint]:
        """All it has."""
        return self._tools.inventory.endpoints(self.id)

    def migration(self) -> Migration | None:
        """The one under way."""
        for migration in self._tools.journal.migrations():
            is_ours = self.id in (migration.instance_id, migration.cluster_id)
            if is_ours and migration.status != Status.CLOSED:
                return migration
        return None

    def refuse_busy(self) -> None:
        """Refused while an operation moves endpoints, and before the cluster runs."""
        migration = self.migration()
        if migration and (migration.operation or migration.status not in QUIET):
            status = Status(migration.status)
            raise Refused(
                f"Endpoints of {self.id} cannot be changed now: the migration to"
                f" {migration.cluster_id} is in status {status} ({TITLES[status]}).",
                code="OperationUnderWay",
                remedy=f"Wait until it has ended: sterna migration watch {migration.cluster_id}.",
            )
        if self._cluster and self._tools.inventory.cluster(self.id).status != "Running":
            raise Refused(
                f"{self.id} is {self._cluster.status}; its endpoints can be changed when it runs.",
                code="ClusterNotRunning",
                remedy=f"Look with: sterna cluster show {self.id}.",
            )

    def refuse_type(self, type_: str) -> None:
        """Refused where such an endpoint cannot be made."""
        allowed = OF_CLUSTERS if self._cluster else OF_INSTANCES
        if type_ not in allowed:
            raise _bad(f"{self.id} cannot have an endpoint of type {type_}: {', '.join(allowed)}.")

    def refuse_nodes(self, endpoint: Endpoint) -> None:
        """Refused unless the chosen nodes fit the type."""
        wants = endpoint.type in ("Custom", "ReadOnly")
        if wants != bool(endpoint.nodes):
            what = "names its nodes" if wants else "has no nodes to choose"
            raise _bad(f"An endpoint of type {endpoint.type} {what}.")
        for name, weight in endpoint.nodes.items():
            if not self._knows(name):
                raise _bad(f"{self.id} has no node {name!r}.")
            if not 1 <= weight <= WEIGHT_MAX:
                raise _bad(f"The weight of {name} is {weight}, which is not in 1..{WEIGHT_MAX}.")

    def mode_of(self, endpoint: Endpoint) -> str:
        """ReadWrite | ReadOnly."""
        if endpoint.type == "Cluster":
            return endpoint.read_write_mode or "ReadOnly"
        if endpoint.type == "Custom":
            writers = {node.id for node in self._nodes() if node.role == "Writer"}
            return "ReadWrite" if writers & endpoint.nodes.keys() else "ReadOnly"
        return "ReadOnly" if endpoint.type == "ReadOnly" else "ReadWrite"

    def route_of(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Where it leads now."""
        migration = self.migration()
        if migration and migration.with_endpoints and endpoint.type == "Primary":
            twin = next(e for e in self.endpoints() if e.type == "Primary")
            return twin.routes_to
        return self._tools.route_of(endpoint)

    def _nodes(self) -> tuple[Node, ...]:
        return self._tools.inventory.nodes(self.id)

    def _knows(self, name: str) -> bool:
        if not self._cluster:
            port = name.rpartition(":")[2]
            return bool(ADDRESS.fullmatch(name)) and 1 <= int(port) <= 65535
        return name in {node.id for node in self._nodes()}


_TITLES = {
    "create": "Create an endpoint",
    "alter": "Alter the endpoint",
    "route": "Choose where the endpoint leads",
    "delete": "Delete the endpoint",
}


def _asked(action: str, check: Callable[[], None]) -> ActionInfo:
    """Whether the check passes, and if not, why."""
    reasons: tuple[Reason, ...] = ()
    try:
        check()
    except Refused as error:
        reasons = (Reason(error.code, error.message, error.remedy),)
    return ActionInfo(action, _TITLES[action], not reasons, reasons)


def _networks(given: tuple[str, ...]) -> tuple[str, ...]:
    try:
        networks = normal_networks(given)
    except ValueError as error:
        raise _bad(f"The whitelist cannot be read: {error}.") from error
    if len(networks) > NETWORKS_MAX:
        raise _bad(f"The whitelist has {len(networks)} networks; {NETWORKS_MAX} are possible.")
    return networks


def _refuse_part(endpoint: Endpoint) -> None:
    if endpoint.part_of:
        raise Refused(
            f"{endpoint.id} is the read-only port of {endpoint.part_of}.",
            code="EndpointNeeded",
            remedy=f"Change that one: sterna endpoint alter {endpoint.part_of} --read-only-port N.",
        )


def _bad(message: str) -> Refused:
    return Refused(
        f"{message} Nothing was changed.",
        code="BadEndpoint",
        remedy="Correct it and try again; see: sterna endpoint create --help.",
    )
