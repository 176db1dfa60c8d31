"""The ports endpoints listen on: looked at before HAProxy takes them, one proxy at a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sterna.endpoints.proxy import Route
from sterna.errors import Refused

TURN_SECONDS = 5.0
POLL_SECONDS = 0.005
TURN = "\0sterna-ports"


@contextmanager
def taking_ports() -> Iterator[None]:
    """One proxy of this machine at a time, until it listens; after a while in any case, because
    anybody of this machine could keep the turn.

    Two HAProxies of one user may share a port and nobody would be told: each must see what the
    other has. The name of an abstract socket belongs to one process, and ends with it.
    """
    deadline = time.monotonic() + TURN_SECONDS
    with socket.socket(socket.AF_UNIX) as turn:
        while not _binds(turn) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        yield


def _binds(turn: socket.socket) -> bool:
    try:
        turn.bind(TURN)
    except OSError:
        return False
    return True


def refuse_taken(route: Route) -> None:
    """Refused (PortTaken) where somebody listens on the endpoint's address, or it is not ours."""
    family = socket.AF_INET6 if ":" in route.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((route.host, route.port))
            listener.listen()
        except OSError as error:
            raise Refused(
                f"The endpoint {route.name} cannot listen on {route.host}:{route.port}: {error}."
                " The proxy was left as it was.",
                code="PortTaken",
                remedy="Choose another address, or free this one.",
            ) from error
