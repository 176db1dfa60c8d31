"""Keeps the hosts, their secrets encrypted, and what was found on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sterna.errors import Refused
from sterna.store import tables
from sterna.store.database import Secrets
from sterna.store.host_records import Host
from sterna.store.repository import Database, to_record


class HostBook:
    """Reads and writes hosts."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    def add(self, host: Host, *, secret: str, host_key: str, engines: Sequence[Any]) -> None:
        """Keep a new host; `engines` as JSON can keep them."""
        values = dataclasses.asdict(host)
        encrypted = self._secrets.encrypt(secret)
        self._database.add(
            tables.hosts,
            **values,
            secret_encrypted=encrypted,
            host_key=host_key,
            engines=list(engines),
        )

    def hosts(self) -> list[Host]:
        """All hosts, oldest first."""
        rows = self._database.rows(tables.hosts, order="created_at")
        return [to_record(Host, row) for row in rows]

    def host(self, name: str) -> Host:
        """One host by its id or name; Refused NotFound."""
        for host in self.hosts():
            if name in (host.id, host.name):
                return host
        raise Refused(
            f"There is no host {name}.",
            code="NotFound",
            remedy="See which there are: sterna host list.",
        )

    def knows(self, host_id: str) -> bool:
        """Whether it has not been removed."""
        return self._database.row(tables.hosts, id=host_id) is not None

    def secret(self, host_id: str) -> str:
        """The private key or the password it is entered with."""
        (row,) = self._database.rows(tables.hosts, id=host_id)
        return self._secrets.decrypt(row.secret_encrypted)

    def host_key(self, host_id: str) -> str:
        """The machine's own key, as it was at the first login."""
        (row,) = self._database.rows(tables.hosts, id=host_id)
        return str(row.host_key)

    def engines(self, host_id: str) -> list[Any]:
        """What `add` or `found` was given; nothing for a host that was removed."""
        row = self._database.row(tables.hosts, id=host_id)
        return list(row.engines) if row is not None else []

    def found(self, host_id: str, engines: Sequence[Any], versions: Sequence[str]) -> None:
        """Keep what the host has now."""
        values = {"engines": list(engines), "versions": list(versions)}
        self._database.change(tables.hosts, {"id": host_id}, **values)

    def remove(self, host_id: str) -> None:
        """Forget a host."""
        self._database.remove(tables.hosts, id=host_id)
