"""Readers of binary logs that were seen, and where a person has moved them."""

from __future__ import annotations

from typing import Any

from sterna.store import tables
from sterna.store.reader_records import KnownReader
from sterna.store.repository import Database, to_record


class ReaderBook:
    """Reads and writes what is known of readers; it outlives their connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, cluster_id: str) -> list[KnownReader]:
        """Those of a migration, by name."""
        rows = self._database.rows(tables.log_readers, order="name", cluster_id=cluster_id)
        return [to_record(KnownReader, row) for row in rows]

    def note(self, cluster_id: str, name: str, **values: Any) -> None:
        """Keep what is new about a reader."""
        key = {"cluster_id": cluster_id, "name": name}
        self._database.put(tables.log_readers, key, **values)
