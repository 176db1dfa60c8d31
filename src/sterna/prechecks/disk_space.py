"""The cluster and the spool find room."""

from __future__ import annotations

from collections.abc import Iterator

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
        """One error, which may be ignored where most of the source is air."""
        needed = int(context.size_bytes * _FACTOR) + context.spool_bytes
        if context.free_bytes is not None and context.free_bytes < needed:
            yield self.error(
                "STERNA_HOME",
                message=f"Cluster and spool need about {needed / _GIB:.1f} GiB, and"
                f" {context.free_bytes / _GIB:.1f} GiB are free.",
                remedy="Free some room, or put STERNA_HOME on a larger disk.",
                ignorable=True,
            )
