"""The cluster and the spool find room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sterna.prechecks.base import Check, Context, Finding

_FACTOR = 1.3  # rebuilt tables, indexes while they are sorted, the cluster's own logs
_GIB = 1024**3


class DiskSpace(Check):
    """Finds a disk with less room than the source takes, and a third more."""

    name = "disk_space"
    title = "Disk space"
    category = "dependencies"
    why = "A disk that is full stops the copy, and the changes that wait in the spool."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error for each disk, which may be ignored where most of the source is air."""
        cluster = int(context.size_bytes * _FACTOR)
        if context.host_rooms:
            yield from self._look("STERNA_HOME", "The spool needs", context.spool_bytes, context)
        else:
            needed = cluster + context.spool_bytes
            yield from self._look("STERNA_HOME", "Cluster and spool need", needed, context)
        for name, free_bytes in context.host_rooms:
            room = replace(context, free_bytes=free_bytes)
            yield from self._look(name, f"A node on {name} needs", cluster, room)

    def _look(self, name: str, who: str, needed: int, context: Context) -> Iterator[Finding]:
        if context.free_bytes is not None and context.free_bytes < needed:
            yield self.error(
                name,
                message=f"{who} about {needed / _GIB:.1f} GiB, and"
                f" {context.free_bytes / _GIB:.1f} GiB are free.",
                remedy=f"Free some room, or put {name} on a larger disk.",
                ignorable=True,
            )
