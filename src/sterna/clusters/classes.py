"""Node classes: what each grants a node, and the server parameters that follow from it.

Memory sizes the buffers (see `config.py`); connections and I/O are parameters of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sterna.clusters.provisioner import GIB


@dataclass(frozen=True)
class NodeClass:
    """A size of node.

    Attributes:
        connections_max: sessions at once; a source that allowed more keeps its own number.
        io_per_second: pages a second the server may write in the background.
    """

    name: str
    memory_bytes: int
    connections_max: int
    io_per_second: int

    def parameters(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What the class asks of the server, and what was inherited, which goes first."""
        own = {
            "max_connections": str(self.connections_max),
            "innodb_io_capacity": str(self.io_per_second),
            "innodb_io_capacity_max": str(2 * self.io_per_second),
        }
        before = int(inherited.get("max_connections", 0))
        if before > self.connections_max:
            return {**own, **inherited}
        return {**own, **inherited, "max_connections": str(self.connections_max)}


CLASSES: Mapping[str, NodeClass] = {
    each.name: each
    for each in (
        NodeClass("sterna.small", GIB, 500, 10_000),
        NodeClass("sterna.medium", 2 * GIB, 1_000, 10_000),
        NodeClass("sterna.large", 8 * GIB, 4_000, 20_000),
        NodeClass("sterna.xlarge", 32 * GIB, 10_000, 40_000),
    )
}
