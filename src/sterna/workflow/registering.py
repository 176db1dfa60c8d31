"""The instances an operator registers, and those he lets go again."""

from __future__ import annotations

import threading

from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.mysql.connection import Server, open_session, query, server_version
from sterna.mysql.variables import read_variables
from sterna.store.database import now
from sterna.store.records import Instance, Plan
from sterna.store.repository import new_id
from sterna.store.view_records import ConnectionTest
from sterna.workflow import releasing
from sterna.workflow.resuming import let_in_again
from sterna.workflow.tools import Tools


class Instances:
    """Every method either answers with a record or raises Refused before anything was changed.

    `claiming` is held from looking whether an instance is free to keeping that it is not.
    """

    def __init__(self, tools: Tools, claiming: threading.Lock) -> None:
        self._tools = tools
        self._claiming = claiming

    def add(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        *,
        description: str = "",
        tls: str = "Preferred",
        endpoint_port: int | None = None,
    ) -> Instance:
        """Register a server after logging in to it, and give it its primary endpoint."""
        server = Server(host, port, user, password, tls)  # type: ignore[arg-type]
        for known in self.all():
            if (known.host, known.port) == (host, port):
                raise Refused(
                    f"{host}:{port} is registered already as {known.id}.",
                    code="InstanceExists",
                    remedy=f"Use that one: sterna instance show {known.id}.",
                )
        connection = open_session(server)
        version = str(server_version(connection))
        connection.close()
        self._tools.refuse_taken(endpoint_port)
        instance = Instance(
            id=new_id("rm"),
            description=description,
            host=host,
            port=port,
            user=user,
            version=version,
            tls=tls,
            status="Running",
            created_at=now(),
        )
        with self._tools.inventory.at_once():
            self._tools.inventory.add_instance(instance, password)
            endpoint = self._tools.add_endpoint(
                instance.id, "Primary", f"{host}:{port}", port=endpoint_port
            )
        try:
            self._tools.serve_new([] if endpoint_port else [endpoint])
        except Refused:
            # One endpoint that cannot be served would be in the way of every exchange of others.
            self._tools.inventory.remove_instance(instance.id)
            raise
        return instance

    def test(self, host: str, port: int, user: str, password: str, tls: str) -> ConnectionTest:
        """Log in to a server and look at it; nothing is kept. Refused as registering would be."""
        server = Server(host, port, user, password, tls)  # type: ignore[arg-type]
        with open_session(server) as connection:
            version = server_version(connection)
            found = read_variables(connection, "log_bin", "binlog_format")
            (row,) = query(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'") or [("", "")]
        warnings = []
        if found.get("log_bin") not in ("1", "ON"):
            warnings.append("The binary log is off; an upgrade needs it.")
        elif found.get("binlog_format") != "ROW":
            warnings.append("The binary log is not in the format ROW; an upgrade needs it.")
        if not row[1]:
            warnings.append("The connection is not encrypted.")
        return ConnectionTest(str(version), version.flavor, tuple(warnings))

    def all(self) -> list[Instance]:
        """All registered instances."""
        return self._tools.inventory.instances()

    def one(self, instance_id: str) -> Instance:
        """One instance."""
        return self._tools.inventory.instance(instance_id)

    def set_password(self, instance_id: str, password: str) -> Instance:
        """Keep the password Sterna's own account has now; also in the middle of an operation.

        A sync task that is under way goes on with it. Refused AccessDenied where it is not the
        password, and everything stays.
        """
        known = self.one(instance_id)
        server = Server(known.host, known.port, known.user, password, known.tls)  # type: ignore[arg-type]
        open_session(server).close()
        self._tools.inventory.set_instance_password(instance_id, password)
        for migration in self._tools.journal.migrations():
            if migration.instance_id == instance_id and migration.status != Status.CLOSED:
                let_in_again(self._tools, migration)
        return known

    def plan_release(self, instance_id: str) -> Plan:
        """The dry run of a release."""
        return releasing.plan_release(self._tools, instance_id)

    def release(self, instance_id: str) -> None:
        """Forget an instance; the server itself is not touched."""
        with self._claiming:
            releasing.release(self._tools, instance_id)
