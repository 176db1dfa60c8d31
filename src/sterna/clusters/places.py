"""Nodes are made where they are to be: a `Provisioner` that asks the one of each node's host."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from sterna.clusters.provisioner import Data, NodeSpec, Provisioner


@dataclass(frozen=True)
class Places:
    """The `Provisioner` of all hosts.

    Attributes:
        at: the provisioner of a host's id; of this machine for "".
    """

    at: Callable[[str], Provisioner]

    def create_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).create_node(spec)

    def send_data(self, spec: NodeSpec) -> AbstractContextManager[IO[bytes]]:
        """See `Provisioner`."""
        return self.at(spec.place).send_data(spec)

    def receive_data(self, spec: NodeSpec, data: Data) -> None:
        """See `Provisioner`."""
        self.at(spec.place).receive_data(spec, data)

    def authority_of(self, spec: NodeSpec) -> str:
        """See `Provisioner`."""
        return self.at(spec.place).authority_of(spec)

    def configure_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).configure_node(spec)

    def start_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).start_node(spec)

    def stop_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).stop_node(spec)

    def restart_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).restart_node(spec)

    def delete_node(self, spec: NodeSpec) -> None:
        """See `Provisioner`."""
        self.at(spec.place).delete_node(spec)

    def read_log(self, spec: NodeSpec, *, lines: int) -> str:
        """See `Provisioner`."""
        return self.at(spec.place).read_log(spec, lines=lines)

    def storage_bytes(self, spec: NodeSpec) -> int:
        """See `Provisioner`."""
        return self.at(spec.place).storage_bytes(spec)

    def is_running(self, spec: NodeSpec) -> bool:
        """See `Provisioner`."""
        return self.at(spec.place).is_running(spec)

    def port_is_free(self, spec: NodeSpec) -> bool:
        """See `Provisioner`."""
        return self.at(spec.place).port_is_free(spec)
