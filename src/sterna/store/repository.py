"""The store: every row that outlives a process, read and written as frozen records."""

from __future__ import annotations

import dataclasses
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Table, delete, insert, select, update

from sterna.errors import Refused
from sterna.migration.scaling import Serverless
from sterna.store import tables
from sterna.store.cluster_records import NO_BINLOG
from sterna.store.database import Secrets, open_database
from sterna.store.records import Cluster, Endpoint, Instance, Node

RecordT = TypeVar("RecordT")


def new_id(kind: str) -> str:
    """A fresh id such as `rm-3f9a…`; 60 random bits."""
    return f"{kind}-{secrets.token_hex(8)}"[:19]


def to_record(record: type[RecordT], row: Row[Any], **extra: Any) -> RecordT:
    """A record from the columns of the same names, `extra` for the others."""
    known = row._mapping
    names = [f.name for f in dataclasses.fields(record) if f.name in known]  # type: ignore[arg-type]
    values = {name: _frozen(known[name]) for name in names}
    return record(**{**values, **extra})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Database:
    """Four verbs on one table; everything else is in the repositories."""

    def __init__(self, engine: Engine, hasty: Engine) -> None:
        self.engine = engine
        self._hasty = hasty
        self._mine = threading.local()

    @property
    def hasty(self) -> Database:
        """The same without waiting for the disk; see `open_database`."""
        return Database(self._hasty, self._hasty)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._hasty.dispose()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What this thread's verbs write within is kept together, or nothing of it."""
        with self.engine.begin() as connection:
            self._mine.connection = connection
            try:
                yield
            finally:
                del self._mine.connection

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """The connection of `at_once`, or one of its own that commits at the end."""
        if hasattr(self._mine, "connection"):
            yield self._mine.connection
            return
        with self.engine.begin() as connection:
            yield connection

    def add(self, table: Table, /, **values: Any) -> None:
        """Insert one row."""
        with self._connection() as connection:
            connection.execute(insert(table).values(**values))

    def rows(self, table: Table, /, *, order: str = "", **where: Any) -> list[Row[Any]]:
        """Rows whose columns equal `where`, ordered by column `order`."""
        statement = select(table).filter_by(**where)
        if order:
            statement = statement.order_by(table.c[order])
        with self._connection() as connection:
            return list(connection.execute(statement))

    def row(self, table: Table, /, **where: Any) -> Row[Any] | None:
        """The one row, or None."""
        found = self.rows(table, **where)
        return found[0] if found else None

    def change(self, table: Table, where: Mapping[str, Any], /, **values: Any) -> int:
        """Update rows; how many there were."""
        with self._connection() as connection:
            result = connection.execute(update(table).filter_by(**where).values(**values))
            return int(result.rowcount)

    def put(self, table: Table, where: Mapping[str, Any], /, **values: Any) -> None:
        """Update the row, insert it when it is not there."""
        if not self.change(table, where, **values):
            self.add(table, **where, **values)

    def remove(self, table: Table, /, **where: Any) -> None:
        """Delete rows."""
        with self._connection() as connection:
            connection.execute(delete(table).filter_by(**where))


# Kinds that are listed with what they belong to.
_SHOWN_BY = {
    "node": "cluster",
    **dict.fromkeys(("task", "operation", "verification"), "migration"),
}


def found(row: Row[Any] | None, kind: str, name: str) -> Row[Any]:
    """The row, or Refused when there is none."""
    if row is None:
        raise Refused(
            f"There is no {kind} {name}.",
            code="NotFound",
            remedy=f"See which there are: sterna {_SHOWN_BY.get(kind, kind)} list.",
        )
    return row


class Inventory:
    """Instances, clusters with their nodes, endpoints, and the passwords that open them."""

    def __init__(self, database: Database, secrets_: Secrets) -> None:
        self._database = database
        self._secrets = secrets_

    def at_once(self) -> AbstractContextManager[None]:
        """What this thread keeps within, of whatever kind, is kept together or not at all."""
        return self._database.at_once()

    def add_instance(self, instance: Instance, password: str) -> None:
        """Keep a new instance."""
        self._database.add(
            tables.instances,
            **dataclasses.asdict(instance),
            password_encrypted=self._secrets.encrypt(password),
        )

    def instances(self) -> list[Instance]:
        """All instances, oldest first."""
        rows = self._database.rows(tables.instances, order="created_at")
        return [to_record(Instance, row) for row in rows]

    def instance(self, instance_id: str) -> Instance:
        """One instance; Refused NotFound."""
        row = self._database.row(tables.instances, id=instance_id)
        return to_record(Instance, found(row, "instance", instance_id))

    def instance_password(self, instance_id: str) -> str:
        """The password Sterna opens the instance with."""
        row = found(self._database.row(tables.instances, id=instance_id), "instance", instance_id)
        return self._secrets.decrypt(row.password_encrypted)

    def set_instance_password(self, instance_id: str, password: str) -> None:
        """Keep another password Sterna opens the instance with."""
        encrypted = self._secrets.encrypt(password)
        where = {"id": instance_id}
        self._database.change(tables.instances, where, password_encrypted=encrypted)

    def remove_instance(self, instance_id: str) -> None:
        """Forget an instance, its endpoints, decisions and evaluations."""
        self._database.remove(tables.endpoints, owner_id=instance_id)
        self._database.remove(tables.account_decisions, instance_id=instance_id)
        self._database.remove(tables.evaluations, instance_id=instance_id)
        self._database.remove(tables.instances, id=instance_id)

    def add_cluster(self, cluster: Cluster, *, admin_user: str, admin_password: str) -> None:
        """Keep a new cluster, without its nodes."""
        values = dataclasses.asdict(cluster)
        del values["nodes"], values["binary_log"]
        self._database.add(
            tables.clusters,
            **values,
            admin_user=admin_user,
            admin_password_encrypted=self._secrets.encrypt(admin_password),
        )

    def clusters(self) -> list[Cluster]:
        """All clusters with their nodes, oldest first."""
        rows = self._database.rows(tables.clusters, order="created_at")
        return [self._cluster(row) for row in rows]

    def cluster(self, cluster_id: str) -> Cluster:
        """One cluster with its nodes; Refused NotFound."""
        row = found(self._database.row(tables.clusters, id=cluster_id), "cluster", cluster_id)
        return self._cluster(row)

    def _cluster(self, row: Row[Any]) -> Cluster:
        limits = Serverless(**row.serverless) if row.serverless else None
        logs = not NO_BINLOG.keys() & row.parameters.keys()
        nodes = self.nodes(row.id)
        return to_record(Cluster, row, nodes=nodes, serverless=limits, binary_log=logs)

    def cluster_admin(self, cluster_id: str) -> tuple[str, str]:
        """User and password of Sterna's own account on the cluster."""
        row = found(self._database.row(tables.clusters, id=cluster_id), "cluster", cluster_id)
        return row.admin_user, self._secrets.decrypt(row.admin_password_encrypted)

    def cluster_parameters(self, cluster_id: str) -> dict[str, str]:
        """Server parameters the primary is started with, beside those of its class."""
        row = found(self._database.row(tables.clusters, id=cluster_id), "cluster", cluster_id)
        return dict(row.parameters)

    def set_cluster_parameters(self, cluster_id: str, parameters: Mapping[str, str]) -> None:
        """Keep the parameters for the next start."""
        where = {"id": cluster_id}
        self._database.change(tables.clusters, where, parameters=dict(parameters))

    def set_cluster_status(self, cluster_id: str, status: str) -> None:
        """Creating, Running, …"""
        self._database.change(tables.clusters, {"id": cluster_id}, status=status)

    def turn_cluster(self, cluster_id: str, before: str, after: str) -> bool:
        """Change the status; False where it is no longer `before`."""
        where = {"id": cluster_id, "status": before}
        return bool(self._database.change(tables.clusters, where, status=after))

    def add_node(self, cluster_id: str, node: Node, *, server_id: int) -> None:
        """Keep a new node of a cluster."""
        values = dataclasses.asdict(node)
        self._database.add(tables.nodes, **values, cluster_id=cluster_id, server_id=server_id)

    def nodes(self, cluster_id: str) -> tuple[Node, ...]:
        """The nodes of a cluster, the writer first."""
        rows = self._database.rows(tables.nodes, cluster_id=cluster_id)
        return tuple(sorted((to_record(Node, r) for r in rows), key=lambda n: n.role != "Writer"))

    def node_server_id(self, node_id: str) -> int:
        """The server_id a node was given."""
        return int(found(self._database.row(tables.nodes, id=node_id), "node", node_id).server_id)

    def node_authority(self, node_id: str) -> str:
        """The certificate a node's own is signed with, PEM; empty: none is known."""
        row = self._database.row(tables.nodes, id=node_id)
        return str(row.authority) if row else ""

    def node_storage(self, node_id: str) -> tuple[int, datetime | None]:
        """What a node's data took when they were measured last, in bytes, and when that was."""
        row = self._database.row(tables.nodes, id=node_id)
        return (row.storage_bytes, row.storage_measured_at) if row else (0, None)

    def set_node_status(self, node_id: str, status: str) -> None:
        """Creating, Running, Stopped."""
        self._database.change(tables.nodes, {"id": node_id}, status=status)

    def turn_node(self, node_id: str, before: str, after: str) -> bool:
        """Change the status; False where it is no longer `before`."""
        where = {"id": node_id, "status": before}
        return bool(self._database.change(tables.nodes, where, status=after))

    def change_cluster(self, cluster_id: str, **values: Any) -> None:
        """Update fields of a cluster."""
        self._database.change(tables.clusters, {"id": cluster_id}, **values)

    def change_node(self, node_id: str, **values: Any) -> None:
        """Update fields of a node."""
        self._database.change(tables.nodes, {"id": node_id}, **values)

    def remove_node(self, node_id: str) -> None:
        """Forget a node."""
        self._database.remove(tables.nodes, id=node_id)

    def remove_cluster(self, cluster_id: str) -> None:
        """Forget a cluster, its nodes and its endpoints; what it has used is kept."""
        self._database.remove(tables.endpoints, owner_id=cluster_id)
        self._database.remove(tables.nodes, cluster_id=cluster_id)
        self._database.remove(tables.clusters, id=cluster_id)

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Keep a new endpoint."""
        values = dataclasses.asdict(endpoint)
        self._database.add(tables.endpoints, **{**values, "routes_to": list(endpoint.routes_to)})

    def endpoints(self, owner_id: str | None = None) -> list[Endpoint]:
        """Endpoints of one owner, or all, in the order of their ports."""
        where = {} if owner_id is None else {"owner_id": owner_id}
        rows = self._database.rows(tables.endpoints, order="port", **where)
        return [to_record(Endpoint, row) for row in rows]

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """One endpoint; Refused NotFound."""
        row = self._database.row(tables.endpoints, id=endpoint_id)
        return to_record(Endpoint, found(row, "endpoint", endpoint_id))

    def change_endpoint(self, endpoint_id: str, **values: Any) -> None:
        """Update fields of an endpoint."""
        self._database.change(tables.endpoints, {"id": endpoint_id}, **values)

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Forget an endpoint and its read-only port."""
        self._database.remove(tables.endpoints, part_of=endpoint_id)
        self._database.remove(tables.endpoints, id=endpoint_id)

    def set_routes(self, routes: Mapping[str, tuple[str, ...]], **values: str) -> None:
        """Endpoint id → where it leads from now on; `values` are other fields to set."""
        for endpoint_id, routes_to in routes.items():
            where = {"id": endpoint_id}
            self._database.change(tables.endpoints, where, routes_to=list(routes_to), **values)

    def give_endpoint(self, endpoint_id: str, owner_id: str) -> None:
        """Make the endpoint a custom one of another owner; its address stays."""
        where = {"id": endpoint_id}
        self._database.change(tables.endpoints, where, owner_id=owner_id, type="Custom")

    def set_endpoint_state(self, endpoint_ids: tuple[str, ...], state: str) -> None:
        """Open or Held."""
        for endpoint_id in endpoint_ids:
            self._database.change(tables.endpoints, {"id": endpoint_id}, state=state)

    def decide_account(self, instance_id: str, account: str, password: str | None) -> None:
        """Remember a decision: a password to create the account with, or None to leave it out."""
        self._database.put(
            tables.account_decisions,
            {"instance_id": instance_id, "account": account},
            decision="leave out" if password is None else "password",
            password_encrypted="" if password is None else self._secrets.encrypt(password),
        )

    def account_decisions(self, instance_id: str) -> dict[str, str | None]:
        """Account → supplied password, or None where it is left out."""
        rows = self._database.rows(tables.account_decisions, instance_id=instance_id)
        return {
            row.account: self._secrets.decrypt(row.password_encrypted)
            if row.decision == "password"
            else None
            for row in rows
        }


def open_store(url: str, key_file: Path) -> tuple[Database, Inventory]:
    """The database at its newest revision, and the inventory in it."""
    database = Database(*open_database(url))
    return database, Inventory(database, Secrets(key_file))
